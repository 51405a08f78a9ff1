// h5_file.h - the structs, with the library's handles, that the files src/io/h5*.c share. No other file
// includes it.
#ifndef MG_IO_H5_FILE_H
#define MG_IO_H5_FILE_H

#include "io/h5.h"

#include <hdf5.h>
#include <sys/types.h>
#include <time.h>

struct mg_h5 {
    hid_t file;
    char *path;
    int users;               // number of owners; see mg_h5_share
    int fd;                  // a descriptor of the same file, for reading without the library; -1 if the file
                             // is in memory
    struct timespec written; // time of the last write to the file, read when it was opened
    int64_t size;            // size of the file in bytes, read when it was opened
    _Atomic int failed;      // errno of the last read of the library that failed; 0: none
    dev_t device;            // with `inode`, what identifies the file
    ino_t inode;
    int parts; // number of files that were joined (h5_joined.c), in `part`; 0: none
    mg_h5 **part;
    mg_h5_arrays *arrays; // arrays in memory that stand for a file (h5_memory.c); otherwise NULL
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
    size_t chunk_bytes;                // size of a chunk when it is unpacked; 0 if contiguous
    int fd;                            // descriptor for direct reads; -1 if they are not possible
    int64_t offset;                    // position of the first byte in the file
    const mg_h5_given *given;          // for an array in memory, which has no handles; otherwise NULL
};

// The functions of h5.h for arrays in memory. The only attributes are `shape` and `encoding-type` of the CSR
// group.
mg_h5_kind mg_h5_memory_find(const mg_h5 *file, const char *name);
const int64_t *mg_h5_memory_shape(const mg_h5 *file); // rows and features of the CSR group
bool mg_h5_memory_has_attribute(const mg_h5 *file, const char *object, const char *name);
mg_status mg_h5_memory_open(mg_h5 *file, const char *name, mg_h5_array **out, mg_error *error);
void mg_h5_memory_read(const mg_h5_array *array, int64_t first, int64_t count, void *to);
mg_status mg_h5_memory_texts(const mg_h5_array *array, int64_t first, int64_t count, char **texts,
                             mg_error *error);

// The functions of h5.h for files that were joined.
void mg_h5_joined_close(mg_h5 *file);
mg_status mg_h5_joined_check(const mg_h5 *file, mg_status (*check)(const mg_h5 *, mg_error *),
                             mg_error *error);
bool mg_h5_joined_has_paths(const mg_h5 *file);

// Copies the most specific message of this thread's HDF5 error stack, without newlines, to out[size], and
// clears the stack. Returns `out`.
const char *mg_h5_reason(char *out, size_t size);

// Creates the type of little-endian IEEE half precision, for which the library has no name. The caller closes
// it.
hid_t mg_h5_half_type(void);

// Creates a unique name for a file in memory. The library's driver looks for a file of this name on disk,
// although it uses none; no such file can exist, because /dev/null is not a directory. If two names were
// equal, the library would consider the two images to be one file.
enum { MG_H5_MEMORY_NAME = 48 };
void mg_h5_memory_name(char out[MG_H5_MEMORY_NAME]);

// Creates a property list with which the library opens these bytes as a file, without copying them. The
// caller closes the list, and must keep the bytes in place while the file is open.
hid_t mg_h5_lend(const void *bytes, size_t size);

// A list of properties with which the library opens a file, whatever its name, by reading through this open
// descriptor. *failed receives errno when a read fails. The caller closes the list, and keeps both as long as
// the file is open.
hid_t mg_h5_read_through(int fd, _Atomic int *failed);

// Corrects the status of an object that the library could not find or read. If the reason is that a read of
// the file failed, MG_DATA becomes MG_IO (or MG_MEMORY), and *error has the new message. Returns the status.
mg_status mg_h5_blame(const mg_h5 *file, mg_status status, mg_error *error);

// Fails if the library could not allocate `bytes` bytes and what it needs besides. Call it before calls
// that allocate, because the library does not handle all failures of allocation: it crashes. Errors:
// MG_MEMORY.
mg_status mg_h5_make_room(size_t bytes, mg_error *error);

// Stops the library from printing errors in the calling thread (the setting is per thread).
void mg_h5_quiet(void);

// Registers the lzf filter with the library, once per process.
void mg_h5_register_filters(void);

// Refuses filters that margin cannot read, and chunks that are too large.
mg_status mg_h5_check_filters(const mg_h5_array *array, hid_t plist, mg_error *error);

// Sets the unpacked size of a chunk in bytes (0: not chunked), before this thread reads through the library.
void mg_h5_expect_chunks(size_t bytes);

// Writes the names of the members of a compound type, as many as fit.
const char *mg_h5_columns(hid_t table, char *out, size_t size);

#endif
