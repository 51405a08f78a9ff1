// h5_file.h - the structs that src/io/h5*.c share, with the library's handles. No other file includes it.
#ifndef MG_IO_H5_FILE_H
#define MG_IO_H5_FILE_H

#include "io/h5.h"

#include <hdf5.h>
#include <time.h>

struct mg_h5 {
    hid_t file;
    char *path;
    int users;               // how many owners it has; see mg_h5_share
    int fd;                  // the same file, for reading without the library; -1: the file is in memory
    struct timespec written; // when the file was last written to before it was opened
    int64_t size;            // at that time, in bytes
    int failed;              // errno of the last read of the library that failed; 0: none
    mg_h5_arrays *arrays;    // arrays in memory instead of a file (h5_memory.c); otherwise NULL
};

struct mg_h5_array {
    mg_h5 *file;
    char *name;
    hid_t set;
    hid_t value;  // type of one value in memory
    hid_t memory; // type in which rows are read: that of the value, or a compound with only this column
    mg_h5_type type;
    int rank;
    hsize_t dims[H5S_MAX_RANK];
    int64_t rows, columns, chunk_rows; // columns: the product of all dimensions but the first
    size_t chunk_bytes;                // unpacked; 0 if contiguous
    int fd;                            // for direct reads, otherwise -1
    int64_t offset;                    // of the first byte in the file
    const mg_h5_given *given;          // the array in memory; then there are no handles; otherwise NULL
};

// What the functions of h5.h do if the file is arrays in memory. It has no attributes but `shape` and
// `encoding-type` of its CSR group.
mg_h5_kind mg_h5_memory_find(const mg_h5 *file, const char *name);
const int64_t *mg_h5_memory_shape(const mg_h5 *file); // of its CSR group: rows, features
bool mg_h5_memory_has_attribute(const mg_h5 *file, const char *object, const char *name);
mg_status mg_h5_memory_open(mg_h5 *file, const char *name, mg_h5_array **out, mg_error *error);
void mg_h5_memory_read(const mg_h5_array *array, int64_t first, int64_t count, void *to);
mg_status mg_h5_memory_texts(const mg_h5_array *array, char **texts, mg_error *error);

// The deepest message of this thread's HDF5 error stack, without newlines, in out[size]. Clears the stack.
const char *mg_h5_reason(char *out, size_t size);

// The type of IEEE half precision, little-endian, which the library has no name for. The caller closes it.
hid_t mg_h5_half_type(void);

// A unique name for a file in memory. The library's driver looks for the name on disk, although it reads and
// stores nothing there. No file of this name can exist, because /dev/null is not a directory. Equal names
// would make the library take two images for one file.
enum { MG_H5_MEMORY_NAME = 48 };
void mg_h5_memory_name(char out[MG_H5_MEMORY_NAME]);

// A list of properties with which the library opens these bytes as a file, without a copy. The caller closes
// the list, and keeps the bytes as long as the file is open.
hid_t mg_h5_lend(const void *bytes, size_t size);

// A list of properties with which the library opens a file, whatever its name, by reading through this open
// descriptor. *failed receives errno when a read fails. The caller closes the list, and keeps both as long as
// the file is open.
hid_t mg_h5_read_through(int fd, int *failed);

// Call it with the status of something that the library could not find or read: when a read failed, MG_DATA
// becomes MG_IO (or MG_MEMORY), and *error says so. Returns the status.
mg_status mg_h5_blame(const mg_h5 *file, mg_status status, mg_error *error);

// Stops the library from printing errors in the calling thread (the setting is per thread).
void mg_h5_quiet(void);

// Registers the lzf filter with the library, once per process.
void mg_h5_register_filters(void);

// Refuses filters that margin cannot read, and chunks that are too large.
mg_status mg_h5_check_filters(const mg_h5_array *array, hid_t plist, mg_error *error);

// Sets the unpacked bytes of a chunk (0: not chunked). Call it before this thread reads with the library.
void mg_h5_expect_chunks(size_t bytes);

// The names of a compound type's members, as many as fit.
const char *mg_h5_columns(hid_t table, char *out, size_t size);

#endif
