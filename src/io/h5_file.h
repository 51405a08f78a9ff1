// h5_file.h - what the files src/io/h5*.c share of the library's handles. No other file includes it.
#ifndef MG_IO_H5_FILE_H
#define MG_IO_H5_FILE_H

#include "io/h5.h"

#include <hdf5.h>

struct mg_h5 {
    hid_t file;
    char *path;
    int users; // mg_h5_share
    int fd;    // of the same file, for reads without the library; -1: it lies in memory
};

struct mg_h5_array {
    mg_h5 *file;
    char *name;
    hid_t set;
    hid_t value;  // type of one value in memory
    hid_t memory; // type that rows are read as: the value's, or a compound of the one column
    mg_h5_type type;
    int rank;
    hsize_t dims[H5S_MAX_RANK];
    int64_t rows, columns, chunk_rows; // columns: of all dimensions after the first
    size_t chunk_bytes;                // in the file, unpacked; 0 when contiguous
    int fd;                            // for direct reads, else -1
    int64_t offset;                    // of the first byte in the file
};

// The deepest message of this thread's HDF5 error stack, without newlines; the stack is cleared. `out` holds
// `size` bytes.
const char *mg_h5_reason(char *out, size_t size);

// IEEE half, little-endian; the library has no name for it. The caller closes it.
hid_t mg_h5_half_type(void);

// Text for a file that the library holds in memory. No such file can exist, as /dev/null is no directory: the
// driver looks for the name on disk although nothing is read or stored there. No two are the same, or the
// library would take two images for one file.
enum { MG_H5_MEMORY_NAME = 48 };
void mg_h5_memory_name(char out[MG_H5_MEMORY_NAME]);

// Silences the library's own printing in the calling thread (the setting is per thread).
void mg_h5_quiet(void);

// Makes lzf known to the library, once in a process.
void mg_h5_register_filters(void);

// Refuses filters that are not read and chunks that are too large.
mg_status mg_h5_check_filters(const mg_h5_array *array, hid_t plist, mg_error *error);

// To be called before this thread reads from the library: bytes of a chunk in the file, 0 when there are
// none.
void mg_h5_expect_chunks(size_t bytes);

// The names of a compound type's members, as many as fit.
const char *mg_h5_columns(hid_t table, char *out, size_t size);

#endif
