// h5.h - margin's interface to HDF5: checked reading of data files, and files that are built in memory. No
// other folder includes the library.
#ifndef MG_IO_H5_H
#define MG_IO_H5_H

#include "base/status.h"
#include "io/directory.h"
#include "io/map.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mg_h5 mg_h5;             // an open file
typedef struct mg_h5_array mg_h5_array; // an open data set, or one column of a table (compound data set)
typedef struct mg_h5_image mg_h5_image; // a file that is built in memory
typedef struct mg_h5_arrays mg_h5_arrays;

typedef enum mg_h5_type {
    MG_H5_I8,
    MG_H5_U8,
    MG_H5_I16,
    MG_H5_U16,
    MG_H5_I32,
    MG_H5_U32,
    MG_H5_I64,
    MG_H5_U64,
    MG_H5_F16,
    MG_H5_F32,
    MG_H5_F64,
    MG_H5_TEXT,
} mg_h5_type;

typedef enum mg_h5_kind { MG_H5_MISSING, MG_H5_ARRAY, MG_H5_GROUP, MG_H5_OTHER } mg_h5_kind;

size_t mg_h5_type_size(mg_h5_type type); // bytes in memory; 0 for text
const char *mg_h5_type_name(mg_h5_type type);

// Refuses a library that is not thread-safe, or that has another version than the one margin was built with.
// Errors: MG_FAILED.
mg_status mg_h5_check_library(mg_error *error);
// Call it before anything else: libhdf5 then does nothing when the process ends.
void mg_h5_leave_at_exit(void);

void mg_h5_version(char *out, size_t size);

// Opens the file read-only. Everything is read through this one descriptor, whatever the name refers to
// later. Errors: MG_IO (cannot be opened, not a regular file), MG_DATA (not HDF5, truncated).
mg_status mg_h5_open(const char *path, mg_h5 **out, mg_error *error);

// The same for a file that mg_file_open has opened. Takes ownership of `fd`, even if it fails.
mg_status mg_h5_open_descriptor(int fd, const char *path, mg_h5 **out, mg_error *error);

// Returns true if the open file begins as an HDF5 file does.
bool mg_h5_has_signature(int fd);

// Opens the content of a file that is in memory and whose seal has been checked. The bytes are not copied:
// they must stay in place until the file is closed. `path` is used in messages.
mg_status mg_h5_open_image(const char *path, const void *bytes, size_t size, mg_h5 **out, mg_error *error);

// An array in memory that is read by its name, like a data set of a file.
typedef struct mg_h5_given {
    const char *name; // "X", "X/indptr"
    mg_h5_type type;
    int rank; // 1 or 2
    int64_t rows, columns;
    const void *cells; // [rows][columns]; MG_H5_TEXT: [rows] zero-terminated texts, NULL counts as empty
    int64_t row_bytes; // bytes from one row to the next
} mg_h5_given;

// Opens arrays in memory as if they were a file; messages call it `path`. `sparse`: the name of the CSR group
// among them, which has `shape`; NULL: there is none. Texts and cells must stay in place until the file is
// closed. Errors: MG_MEMORY.
mg_status mg_h5_open_arrays(const char *path, const mg_h5_given *arrays, int count, const char *sparse,
                            const int64_t shape[2], mg_h5 **out, mg_error *error);

// True for arrays in memory.
bool mg_h5_is_arrays(const mg_h5 *file);

// Returns the cells of an array in memory, and the number of bytes from one row to the next; NULL for an
// array of a file.
const void *mg_h5_array_cells(const mg_h5_array *array, int64_t *row_bytes);

// Joins open files, whose rows follow one another, to one that is called `name` in messages. It has no
// objects of its own: they are read from its parts. Takes over the files, even if it fails. Errors: MG_DATA
// if two of them are the same file; MG_MEMORY.
mg_status mg_h5_join(const char *name, mg_h5 *const *files, int count, mg_h5 **out, mg_error *error);

// The files that a file consists of: itself, or those that were joined.
int mg_h5_parts(const mg_h5 *file);
mg_h5 *mg_h5_part(mg_h5 *file, int i);

// The path of the part that has this row; *row becomes its number there. first: [parts + 1] the first row of
// each part; NULL for a file that is not joined.
const char *mg_h5_path_of_row(const mg_h5 *file, const int64_t *first, int64_t *row);

// Adds an owner to the open file. Every owner must call mg_h5_close. Not thread-safe.
mg_h5 *mg_h5_share(mg_h5 *file);
void mg_h5_close(mg_h5 *file);
const char *mg_h5_path(const mg_h5 *file);

// Fails if a read by the library has failed. Optional data sets may then have been taken for missing, so this
// must be called before a description or a result of the file is used. Errors: MG_IO, MG_MEMORY.
mg_status mg_h5_check_read(const mg_h5 *file, mg_error *error);

// The same. Also fails if somebody has written to the file since it was opened, which its size or the time of
// the last write shows. Any thread may call it. Errors: MG_DATA, MG_IO.
mg_status mg_h5_check_unchanged(const mg_h5 *file, mg_error *error);

// Returns true if the path with which it was opened still refers to it.
bool mg_h5_has_its_path(const mg_h5 *file);

// The kind of the object `name` (a path with slashes). Soft and external links count as MG_H5_OTHER, because
// they may refer to another file.
mg_h5_kind mg_h5_find(const mg_h5 *file, const char *name);

// Copies the name of the i-th member of a group to `out`. Returns false after the last member.
bool mg_h5_member(const mg_h5 *file, const char *group, int64_t i, char *out, size_t size);

enum { MG_H5_NAME = 1024, MG_H5_SHAPE = 256 };

// Opens a data set; for column C of table T, the name is T/C. Checks rank (at least 1), type, layout,
// filters, and that all bytes are in the file. Errors: MG_DATA with file and data set.
mg_status mg_h5_array_open(mg_h5 *file, const char *name, mg_h5_array **out, mg_error *error);
void mg_h5_array_close(mg_h5_array *array);
int mg_h5_array_rank(const mg_h5_array *array);
int64_t mg_h5_array_rows(const mg_h5_array *array);
int64_t mg_h5_array_columns(const mg_h5_array *array); // product of all dimensions but the first
const char *mg_h5_array_shape(const mg_h5_array *array, char out[MG_H5_SHAPE]); // "[60000, 28, 28]"
bool mg_h5_array_boolean(const mg_h5_array *array); // an enumeration of FALSE = 0 and TRUE = 1
bool mg_h5_array_named(const mg_h5_array *array);   // any other enumeration: each value has a name
mg_h5_type mg_h5_array_type(const mg_h5_array *array);
int64_t mg_h5_array_chunk_rows(const mg_h5_array *array); // rows of a chunk; 0 if the data set is contiguous
double mg_h5_array_chunk_bytes(const mg_h5_array *array); // bytes of the chunks that one row needs
// How the data set is stored: "contiguous", or "chunks of 512 x 784, deflate, shuffle".
void mg_h5_array_storage(const mg_h5_array *array, char *out, size_t size);

// Reads rows [first, first + count) into `to` ([count][columns] of the array's type, native byte order). Any
// thread may call it.
mg_status mg_h5_array_read(mg_h5_array *array, int64_t first, int64_t count, void *to, mg_error *error);

// Maps the rows into memory; the array must stay open. *out becomes NULL if the stored bytes cannot be used
// in place, because they are compressed, in another byte order, or not aligned.
mg_status mg_h5_array_map(const mg_h5_array *array, mg_map **out, mg_error *error);

// Returns cell i of an integer type. A uint64 above the range of int64 becomes negative.
int64_t mg_h5_integer(mg_h5_type type, const void *cells, int64_t i);

// Read all elements of an array [N] or [N, 1]: as integers (from any integer type; booleans are 0 and 1), or
// as texts (values of an enumeration become their names). The caller frees *out with mg_memory_free, and
// texts with mg_h5_free_texts.
mg_status mg_h5_array_read_int64(mg_h5_array *array, int64_t **out, mg_error *error);
mg_status mg_h5_array_read_some_int64(mg_h5_array *array, int64_t first, int64_t count, int64_t **out,
                                      mg_error *error); // elements first .. first + count
mg_status mg_h5_array_read_texts(mg_h5_array *array, char ***out, mg_error *error);
mg_status mg_h5_array_read_some_texts(mg_h5_array *array, int64_t first, int64_t count, char ***out,
                                      mg_error *error);
// Reads a text field of a table with `count` rows. *out becomes NULL if `table` is no table or has no text
// field of this name.
mg_status mg_h5_field_texts(mg_h5 *file, const char *table, const char *field, int64_t count, char ***out,
                            mg_error *error);
void mg_h5_free_texts(char **texts, int64_t count);

// Returns true if `name` is a column of a table. Copies the name of the table to `table`; *column becomes a
// pointer to the name of the column within `name`.
bool mg_h5_split_column(const mg_h5 *file, const char *name, char table[MG_H5_NAME], const char **column);

// Copies the name of the i-th column of a table to `out`. Returns false after the last column, and if `table`
// is no table.
bool mg_h5_column(const mg_h5 *file, const char *table, int64_t i, char *out, size_t size);

// Lists the names in a group, or the columns of a table, as many as fit. Returns false if there are none.
bool mg_h5_list(const mg_h5 *file, const char *parent, char *out, size_t size);

// Returns the error (MG_DATA) that `name` does not exist; the message lists the names that exist.
mg_status mg_h5_refuse_missing(const mg_h5 *file, const char *name, mg_error *error);

// Attributes of an object ("/" is the root). Numbers: at most `limit` values; *count becomes their number.
// Text: the caller frees *out.
bool mg_h5_has_attribute(const mg_h5 *file, const char *object, const char *name);
mg_status mg_h5_attribute_int64(mg_h5 *file, const char *object, const char *name, int64_t *out, int limit,
                                int *count, mg_error *error);
mg_status mg_h5_attribute_real(mg_h5 *file, const char *object, const char *name, double *out,
                               mg_error *error);
// Reads an attribute that is an object reference; `out` becomes the name of the object.
mg_status mg_h5_attribute_object(mg_h5 *file, const char *object, const char *name, char out[MG_H5_NAME],
                                 mg_error *error);
mg_status mg_h5_attribute_text(mg_h5 *file, const char *object, const char *name, char **out,
                               mg_error *error);

// Build a file in memory. After a failure the following calls do nothing, and mg_h5_image_write returns the
// failure.
mg_status mg_h5_image_create(mg_h5_image **out, mg_error *error);
void mg_h5_image_group(mg_h5_image *image, const char *name);
void mg_h5_image_array(mg_h5_image *image, const char *name, mg_h5_type type, int rank, const int64_t *dims,
                       const void *data);
void mg_h5_image_texts(mg_h5_image *image, const char *name, int64_t count, const char *const *texts);
void mg_h5_image_attribute_int64(mg_h5_image *image, const char *object, const char *name, int64_t value);
void mg_h5_image_attribute_real(mg_h5_image *image, const char *object, const char *name, double value);
void mg_h5_image_attribute_text(mg_h5_image *image, const char *object, const char *name, const char *value);

// Writes the image with a seal, as mg_directory_write_sealed does. It is not copied, because a checkpoint may
// be as large as the free memory. Destroys the image, even if writing fails.
mg_status mg_h5_image_write(mg_h5_image *image, const mg_directory *directory, const char *name,
                            const mg_named *was, mg_error *error);
void mg_h5_image_destroy(mg_h5_image *image);

#endif
