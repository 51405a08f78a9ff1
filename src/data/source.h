// source.h - the features of one file: reads rows of any stored type, checks and prepares them, and stores
// them as kernels read them.
#ifndef MG_DATA_SOURCE_H
#define MG_DATA_SOURCE_H

#include "data/preparation.h"
#include "data/used.h"
#include "data/vanished.h"
#include "io/h5.h"
#include "rows/store.h"

#include <stdbool.h>

typedef struct mg_source mg_source;

// Opens the features `name`: a [N,D] data set or a CSR group. Errors: MG_DATA.
mg_status mg_source_open(mg_h5 *file, const char *name, mg_preparation preparation, mg_source **out,
                         mg_error *error);
void mg_source_close(mg_source *source);

int64_t mg_source_rows(const mg_source *source);
int64_t mg_source_features(const mg_source *source);
mg_layout mg_source_layout(const mg_source *source);
mg_cell mg_source_cell(const mg_source *source);          // type in memory
const char *mg_source_type_name(const mg_source *source); // type in the file
const char *mg_source_name(const mg_source *source);      // name of the data set or group
int64_t mg_source_chunk_rows(const mg_source *source);

// Values read so far that are too small for float32; a row that is read twice is counted twice.
const mg_vanished *mg_source_vanished(const mg_source *source);

// Relative rounding error that scaling rows to a length leaves in a constant column; 0 if rows are not
// scaled.
double mg_source_noise(const mg_source *source);

// Bytes of the copy of indptr; 0: the rows are dense, or the array of a program is used.
int64_t mg_source_indptr_bytes(const mg_source *source);

// Number of stored values in rows select[first .. first+count) (NULL: rows first .. first+count); CSR only.
int64_t mg_source_stored(const mg_source *source, const int64_t *select, int64_t first, int64_t count);

// The most stored values of any row; dense: the number of features.
int64_t mg_source_most_entries(const mg_source *source);

// Appends rows select[first .. first+count) (ascending row numbers; NULL: rows first .. first+count) to the
// store, which must have room. Not thread-safe. Errors: MG_DATA with the data set and the index of the value;
// MG_IO.
mg_status mg_source_read(mg_source *source, const int64_t *select, int64_t first, int64_t count,
                         mg_store *store, mg_error *error);

// Makes *store a view of all rows where the program has them. False: they must be copied, and *store stays.
// The view needs the source. The values are not checked yet.
bool mg_source_lend(mg_source *source, mg_store *store);

// Why the rows of a program could not be lent, as the end of a sentence; NULL: they were.
const char *mg_source_unlent(const mg_source *source);

// Checks the values of such rows, as mg_source_read does. Errors: MG_DATA with the value.
mg_status mg_source_check_lent(const mg_source *source, const mg_store *store, int64_t first, int64_t count,
                               mg_error *error);

// CSR: rows that are read from now on hold the used columns only, renumbered; every value of the file is
// still checked, and rows are prepared before. `used` must live as long as the source.
void mg_source_use(mg_source *source, const mg_used *used);

// Maps the rows in the file; *out is NULL unless they are stored exactly as kernels read them. Destroy the
// map before closing the source.
mg_status mg_source_map(const mg_source *source, mg_map **out, mg_error *error);

// Checks the values of dense rows first..first+count, which start at `rows`, as mg_source_read does. Errors:
// MG_DATA with the value.
mg_status mg_source_check(const mg_source *source, int64_t first, int64_t count, const void *rows,
                          mg_error *error);

#endif
