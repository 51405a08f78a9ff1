// h5_write.h - writes an HDF5 data file of any size, piece by piece. The library builds only the metadata,
// which is small, in memory; the data is written with checked system calls. The file gets its final name when
// it is complete and synced.
#ifndef MG_IO_H5_WRITE_H
#define MG_IO_H5_WRITE_H

#include "io/h5.h"

typedef struct mg_h5_writer mg_h5_writer;

enum { MG_H5_WRITER_ARRAYS = 8 }; // most arrays in a file

// Creates a writer. Groups and arrays are declared between mg_h5_writer_create and mg_h5_writer_start, each
// group before its members; names contain slashes. `bytes`: total size of the arrays, which is compared with
// the limit on file sizes. Errors: MG_IO, also if `path` exists and `overwrite` is false.
mg_status mg_h5_writer_create(mg_h5_writer **out, const char *path, bool overwrite, int64_t bytes,
                              mg_error *error);

// The same for a file without a name (unnamed.h), which mg_h5_writer_open opens for reading; `path` is used
// in messages.
mg_status mg_h5_writer_create_unnamed(mg_h5_writer **out, const char *path, int64_t bytes, mg_error *error);
mg_status mg_h5_writer_group(mg_h5_writer *writer, const char *name, mg_error *error);

// The shape of an array. It is stored contiguously.
typedef struct mg_h5_new_array {
    mg_h5_type type;
    size_t width;    // bytes of a cell of MG_H5_TEXT, zero-padded UTF-8; other types ignore it
    int rank;        // 1 or 2
    int64_t dims[2]; // [rank]
} mg_h5_new_array;

// Declares an array. *array becomes its number for mg_h5_writer_append.
mg_status mg_h5_writer_array(mg_h5_writer *writer, const char *name, const mg_h5_new_array *shape, int *array,
                             mg_error *error);

// Attributes of a group or an array; "/" is the root.
mg_status mg_h5_writer_text(mg_h5_writer *writer, const char *object, const char *name, const char *value,
                            mg_error *error);
mg_status mg_h5_writer_int64(mg_h5_writer *writer, const char *object, const char *name,
                             const int64_t *values, int count, mg_error *error);

// Creates the temporary file next to `path`, and reserves its full size. Nothing can be declared afterwards.
mg_status mg_h5_writer_start(mg_h5_writer *writer, mg_error *error);

// Appends bytes to an array. Errors: MG_DATA if there are more than were declared.
mg_status mg_h5_writer_append(mg_h5_writer *writer, int array, const void *bytes, size_t size,
                              mg_error *error);

// Checks that all arrays of the files are complete, syncs the files, renames them to their final names, and
// syncs the directories. If a file cannot get its name, the files before it lose theirs again, and the files
// that they replaced are put back.
mg_status mg_h5_writer_commit(mg_h5_writer *const *writers, int count, mg_error *error);

// Opens the complete file of a writer without a name, instead of mg_h5_writer_commit. Errors: those of
// mg_h5_open.
mg_status mg_h5_writer_open(mg_h5_writer *writer, mg_h5 **out, mg_error *error);

// Deletes the temporary file unless it was committed. NULL is allowed.
void mg_h5_writer_destroy(mg_h5_writer *writer);

#endif
