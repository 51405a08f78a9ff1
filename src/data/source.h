// source.h - the features of one file: rows of any stored type become rows as the kernels read them, checked
// and prepared.
#ifndef MG_DATA_SOURCE_H
#define MG_DATA_SOURCE_H

#include "data/preparation.h"
#include "data/vanished.h"
#include "io/h5.h"
#include "rows/store.h"

#include <stdbool.h>

typedef struct mg_source mg_source;

// Opens `name` of the file: a [N,D] data set or a CSR group. Errors: MG_DATA.
mg_status mg_source_open(mg_h5 *file, const char *name, mg_preparation preparation, mg_source **out,
                         mg_error *error);
void mg_source_close(mg_source *source);

int64_t mg_source_rows(const mg_source *source);
int64_t mg_source_features(const mg_source *source);
mg_layout mg_source_layout(const mg_source *source);
mg_cell mg_source_cell(const mg_source *source);          // in memory
const char *mg_source_type_name(const mg_source *source); // in the file
const char *mg_source_name(const mg_source *source);      // of the data set
int64_t mg_source_chunk_rows(const mg_source *source);

// Values read so far that float32 does not hold; a row that was read twice counts twice.
const mg_vanished *mg_source_vanished(const mg_source *source);

// Relative rounding that scaling rows to a length leaves in a column that would be constant; 0 without.
double mg_source_noise(const mg_source *source);

// Stored values of rows select[first .. first+count) (of the file's rows when select is NULL); CSR only.
int64_t mg_source_entries(const mg_source *source, const int64_t *select, int64_t first, int64_t count);

// Most stored values of one row; the number of features when dense.
int64_t mg_source_most_entries(const mg_source *source);

// Appends rows select[first .. first+count) (ascending row numbers; NULL: first..first+count) to the store,
// which must have the room. One thread at a time. Errors: MG_DATA naming data set and index of the value;
// MG_IO.
mg_status mg_source_read(mg_source *source, const int64_t *select, int64_t first, int64_t count,
                         mg_store *store, mg_error *error);

// Rows in place: *out is NULL unless they lie in the file byte for byte as the kernels read them. It ends
// before the source does.
mg_status mg_source_map(const mg_source *source, mg_map **out, mg_error *error);

// Looks at dense rows first..first+count, which begin at `rows`, as mg_source_read does. Errors: MG_DATA
// naming the value.
mg_status mg_source_check(const mg_source *source, int64_t first, int64_t count, const void *rows,
                          mg_error *error);

#endif
