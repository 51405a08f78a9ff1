// h5_write.h - an HDF5 data file of any size, written as a stream: the library builds the small part in
// memory, the data goes to the disk by checked writes, and the file takes its name only when it is complete
// and synced.
#ifndef MG_IO_H5_WRITE_H
#define MG_IO_H5_WRITE_H

#include "io/h5.h"

typedef struct mg_h5_writer mg_h5_writer;

enum { MG_H5_WRITER_ARRAYS = 8 }; // arrays one file may have

// Declares the arrays: between create and start. Groups are declared before what is in them; names have
// slashes. `bytes` of data to come: a limit on file sizes must be known before the library meets it. Errors:
// MG_IO, also when `path` exists and `overwrite` is false.
mg_status mg_h5_writer_create(mg_h5_writer **out, const char *path, bool overwrite, int64_t bytes,
                              mg_error *error);
mg_status mg_h5_writer_group(mg_h5_writer *writer, const char *name, mg_error *error);

// The shape of an array. It is stored contiguously.
typedef struct mg_h5_new_array {
    mg_h5_type type;
    size_t width;    // bytes of a cell of MG_H5_TEXT, zero-padded UTF-8; other types ignore it
    int rank;        // 1 or 2
    int64_t dims[2]; // [rank]
} mg_h5_new_array;

// *array is the number of the array for mg_h5_writer_append.
mg_status mg_h5_writer_array(mg_h5_writer *writer, const char *name, const mg_h5_new_array *shape, int *array,
                             mg_error *error);

// Attributes of a group or an array; "/" is the root.
mg_status mg_h5_writer_text(mg_h5_writer *writer, const char *object, const char *name, const char *value,
                            mg_error *error);
mg_status mg_h5_writer_int64(mg_h5_writer *writer, const char *object, const char *name,
                             const int64_t *values, int count, mg_error *error);

// Creates the temporary file beside `path` with its full size reserved. Nothing can be declared any more.
mg_status mg_h5_writer_start(mg_h5_writer *writer, mg_error *error);

// The next bytes of an array, in order. More than were declared is MG_DATA.
mg_status mg_h5_writer_append(mg_h5_writer *writer, int array, const void *bytes, size_t size,
                              mg_error *error);

// Checks that every array is full, syncs, gives the file its name and syncs the directory.
mg_status mg_h5_writer_commit(mg_h5_writer *writer, mg_error *error);

// Without a commit nothing remains. NULL is fine.
void mg_h5_writer_destroy(mg_h5_writer *writer);

#endif
