// source.h - the features of a file, or of several joined files. Reads rows of any stored type, checks and
// prepares them, and stores them in the form that kernels read.
#ifndef MG_DATA_SOURCE_H
#define MG_DATA_SOURCE_H

#include "data/align.h"
#include "data/preparation.h"
#include "data/used.h"
#include "data/vanished.h"
#include "rows/rounding.h"
#include "io/h5.h"
#include "rows/store.h"

#include <stdbool.h>

typedef struct mg_source mg_source;

// Opens the features `name`: a data set [N,D], or a CSR or CSC group. CSC (a matrix stored by columns) is
// transposed when the first row is read. Errors: MG_DATA.
mg_status mg_source_open(mg_h5 *file, const char *name, mg_preparation preparation, mg_source **out,
                         mg_error *error);
void mg_source_close(mg_source *source);

// The same, but does not read where the stored values of CSR rows end. Rows can be read, and their stored
// values counted, when mg_source_read_ends has read this for rows first .. end; it does nothing for other
// layouts. Errors: as mg_source_open.
mg_status mg_source_open_without_ends(mg_h5 *file, const char *name, mg_preparation preparation,
                                      mg_source **out, mg_error *error);
mg_status mg_source_read_ends(mg_source *source, int64_t first, int64_t end, mg_error *error);

int64_t mg_source_rows(const mg_source *source);
// [parts + 1] the number of the first row of each file, and of all rows; NULL for a single file.
const int64_t *mg_source_part_rows(const mg_source *source);
int64_t mg_source_features(const mg_source *source); // columns of rows in memory
mg_layout mg_source_layout(const mg_source *source);
mg_cell mg_source_cell(const mg_source *source);          // type in memory
const char *mg_source_type_name(const mg_source *source); // type in the file
const char *mg_source_name(const mg_source *source);      // name of the data set or group
int64_t mg_source_chunk_rows(const mg_source *source);

// Bytes of the chunks that must be unpacked to read one row; 0 if the rows are not stored in chunks.
double mg_source_chunk_bytes(const mg_source *source);

// Bytes of the temporary file that the rows of a CSC group need; 0 for all other rows.
int64_t mg_source_transposed_bytes(const mg_source *source);

// The values read so far that are too small for float32. A row that is read twice counts twice.
const mg_vanished *mg_source_vanished(const mg_source *source);

// Writes one line about the dense columns whose differences are lost in float32; "" if there are none among
// the rows that were read.
enum { MG_SOURCE_ROUNDING = MG_PATH_TEXT + MG_H5_NAME + MG_ROUNDING_TEXT + 32 };
void mg_source_rounding_text(const mg_source *source, char out[MG_SOURCE_ROUNDING]);

// Relative rounding error that the preparation of rows leaves in a constant column; 0 if rows are not
// scaled.
double mg_source_noise(const mg_source *source);

// Bytes of the copy of indptr; 0 if rows are dense, or if the array of a program is used without a copy.
int64_t mg_source_indptr_bytes(const mg_source *source);

// Number of stored values in rows select[first .. first+count); if select is NULL, in rows first ..
// first+count. Only for CSR rows.
int64_t mg_source_stored(const mg_source *source, const int64_t *select, int64_t first, int64_t count);

// The largest number of stored values of a row, of the rows whose ends were read; for dense rows, the number
// of features.
int64_t mg_source_most_entries(const mg_source *source);

// Appends rows select[first .. first+count), which must ascend, to the store; if select is NULL, rows first
// .. first+count. The store must have enough memory. Not thread-safe. Errors: MG_DATA with the data set and
// the index of the value; MG_IO.
mg_status mg_source_read(mg_source *source, const int64_t *select, int64_t first, int64_t count,
                         mg_store *store, mg_error *error);

// If the rows are arrays of a program that kernels can read, makes *store a view of them, without checking
// the values. Returns false otherwise: then the rows must be copied, and *store does not change. The view
// must not be used after the source is closed.
bool mg_source_lend(mg_source *source, mg_store *store);

// Why the rows of a program had to be copied, as the end of a sentence; NULL if they were lent.
const char *mg_source_unlent(const mg_source *source);

// Checks the values of rows that were lent, as mg_source_read does when it copies. Errors: MG_DATA with the
// value.
mg_status mg_source_check_lent(const mg_source *source, const mg_store *store, int64_t first, int64_t count,
                               mg_error *error);

// Only for CSR rows: rows that are read from now on contain only the used columns, renumbered. All values of
// the file are still checked, and rows are prepared before columns are left out. `used` must outlive the
// source.
void mg_source_use(mg_source *source, const mg_used *used);

// Rows that are read from now on have the columns of `align`, whose memory the source takes over; all values
// of the file are still checked, and rows are prepared after their columns are aligned. Call it before
// rows are lent or mapped. Errors: MG_MEMORY; `align` then still belongs to the caller.
mg_status mg_source_align(mg_source *source, const mg_align *align, mg_error *error);
const mg_align *mg_source_alignment(const mg_source *source);

// Maps the rows in the file. *out becomes NULL if they are not stored exactly as kernels read them. The map
// must be destroyed before the source is closed.
mg_status mg_source_map(const mg_source *source, mg_map **out, mg_error *error);

// Checks the values of dense rows first .. first+count, whose cells begin at `rows`, as mg_source_read does
// when it copies. Errors: MG_DATA with the value.
mg_status mg_source_check(const mg_source *source, int64_t first, int64_t count, const void *rows,
                          mg_error *error);

#endif
