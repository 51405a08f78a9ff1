// seeds.c - inputs that are not text. They are put together from parts, so that the repository needs no
// binary files.
#include "seeds.h"

#include "io/file.h"

#include <stdio.h>
#include <string.h>

#define BYTES(text) text, sizeof(text) - 1

// Fields of the header, and cells; the length of the header is inserted before them.
static const struct {
    const char *name, *header, *cells;
    size_t bytes;
} arrays[] = {
    {"floats", "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 1), }\n",
     BYTES("\0\0\x80\x3f\0\0\0\0\0\0\0\xc0")},
    {"halves", "{'descr': '<f2', 'fortran_order': False, 'shape': (2, 1, 2), }\n",
     BYTES("\0\x3c\0\0\0\x7c\1\0")},
    {"big_endian", "{'descr': '>i8', 'fortran_order': False, 'shape': (1, 1), }\n",
     BYTES("\0\0\0\0\0\0\0\1")},
    {"fortran", "{'descr': '<i4', 'fortran_order': True, 'shape': (1, 2), }\n", BYTES("\1\0\0\0\2\0\0\0")},
    {"labels", "{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }\n",
     BYTES("\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff")},
    {"texts", "{'descr': '<U2', 'fortran_order': False, 'shape': (3,), }\n",
     BYTES("a\0\0\0\xe9\0\0\0b\0\0\0\0\0\0\0\0\xf6\1\0c\0\0\0")},
    {"bytes", "{'descr': '|S3', 'fortran_order': False, 'shape': (3,), }\n",
     BYTES("ab\0c\xc3\xbc"
           "def")},
    {"surrogate", "{'descr': '<U1', 'fortran_order': False, 'shape': (3,), }\n",
     BYTES("a\0\0\0\0\xd8\0\0b\0\0\0")},
    {"huge", "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }\n", BYTES("\0")},
    {"many_dimensions",
     "{'descr': '|u1', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
     "1,1,1,1,1,1,1,1,1,1), }\n",
     BYTES("a")},
};

static const struct {
    const char *name, *bytes;
    size_t size;
} images[] = {
    {"bytes", BYTES("\0\0\x08\3\0\0\0\2\0\0\0\1\0\0\0\2abcd")},
    {"shorts", BYTES("\0\0\x0b\2\0\0\0\1\0\0\0\2\0\1\xff\xff")},
    {"doubles", BYTES("\0\0\x0e\2\0\0\0\1\0\0\0\1\x7f\xf0\0\0\0\0\0\0")},
    {"labels", BYTES("\0\0\x08\1\0\0\0\3\1\2\1")},
    {"wide_labels", BYTES("\0\0\x0c\1\0\0\0\3\0\0\0\1\xff\xff\xff\xff\0\0\0\1")},
    {"huge", BYTES("\0\0\x08\3\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")},
    {"no_rows", BYTES("\0\0\x08\2\0\0\0\0\0\0\0\2")},
    {"gzip", BYTES(
                 // ends within the stored block
                 "\x1f\x8b\x08\0\0\0\0\0\0\3\1\x0c\0\xf3\xff\0\0\x08\2\0\0\0\1\0\0\0\2")},
};

// Inputs of forge.c: which file to change, then some fields, each with its change. There is one seed for each
// file; fuzzing finds more.
enum { FORGED_FILES = 17 };
static const char forged[] = "\0\7\0\0\2\0\0"
                             "\11\1\0\1\37\0\0"
                             "\21\6\0\5\3\0\2\0\0\0";

// The size of a chunk, and its packed bytes.
static const struct {
    const char *name, *bytes;
    size_t size;
} chunks[] = {
    {"literals", BYTES("\5\0\x04hello")},
    {"copy", BYTES("\6\0\x02"
                   "abc\x20\x02")},
    {"long_overlapping_copy", BYTES("\x0f\0\0x\xe0\x05\0")},
    {"before_the_first", BYTES("\6\0\x02"
                               "abc\x20\x03")},
    {"no_distance", BYTES("\6\0\x02"
                          "abc\xe0\1")},
    {"nothing", BYTES("\0\0")},
};

typedef struct seed_sink {
    fuzz_seed_use use;
    void *context;
} seed_sink;

static void put_arrays(const seed_sink *sink) {
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        unsigned char file[400];
        size_t length = strlen(arrays[i].header);
        memcpy(file, "\x93NUMPY\1\0", 8);
        file[8] = (unsigned char)length, file[9] = 0;
        memcpy(file + 10, arrays[i].header, length);
        memcpy(file + 10 + length, arrays[i].cells, arrays[i].bytes);
        sink->use(sink->context, "npy", arrays[i].name, file, 10 + length + arrays[i].bytes);
    }
}

static void put_forged(const seed_sink *sink) {
    unsigned char bytes[sizeof forged];
    char name[20];
    memcpy(bytes + 1, forged, sizeof forged - 1);
    for (int file = 0; file < FORGED_FILES; file++) {
        bytes[0] = (unsigned char)file;
        snprintf(name, sizeof name, "file_%d", file);
        sink->use(sink->context, "forge", name, bytes, sizeof bytes);
    }
}

static void put_sealed(const seed_sink *sink) {
    for (size_t size = 1; size <= 4096; size *= 8) {
        unsigned char file[4096 + MG_SEAL_BYTES];
        char name[40];
        for (size_t i = 0; i < size; i++) file[i] = (unsigned char)(i * 7 + size);
        mg_file_seal(file, size, file + size);
        snprintf(name, sizeof name, "sealed_%zu", size);
        sink->use(sink->context, "seal", name, file, size + MG_SEAL_BYTES);
    }
}

void fuzz_seeds(fuzz_seed_use use, void *context) {
    const seed_sink sink = {use, context};
    put_arrays(&sink);
    put_sealed(&sink);
    put_forged(&sink);
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++)
        use(context, "lzf", chunks[i].name, (const unsigned char *)chunks[i].bytes, chunks[i].size);
    for (size_t i = 0; i < sizeof images / sizeof *images; i++)
        use(context, "idx", images[i].name, (const unsigned char *)images[i].bytes, images[i].size);
}
