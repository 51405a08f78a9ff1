// transpose.h - the rows of a sparse matrix that a file stores by columns (CSC). The rows are in a temporary
// file, so memory is bounded: 12 bytes for each row, and at most 128 MiB for everything else.
#ifndef MG_DATA_TRANSPOSE_H
#define MG_DATA_TRANSPOSE_H

#include "data/vanished.h"

#include <stdint.h>

typedef struct mg_transpose mg_transpose;

typedef struct mg_transpose_columns {
    mg_h5 *file;
    const char *name;
    mg_h5_array *data, *indices; // values and row numbers, column by column
    int64_t rows, columns;
} mg_transpose_columns;

// Takes ownership of `column_ends` ([columns + 1], checked; mg_memory_free), even if it fails; the arrays of
// `from` must outlive *out. Counts the stored values of each row, for which it reads all row numbers:
// (*row_ends)[i] is the number of stored values before row i ([rows + 1], owned by the caller). Errors:
// MG_DATA with the place of a row number that is out of range.
mg_status mg_transpose_open(const mg_transpose_columns *from, int64_t *column_ends, int64_t **row_ends,
                            mg_transpose **out, mg_error *error);
void mg_transpose_close(mg_transpose *transpose); // NULL is allowed

// Bytes of the temporary file.
int64_t mg_transpose_bytes(const mg_transpose *transpose);

// Reads stored values first .. first+count, in the order of rows and, within a row, of columns. The first
// call transposes the matrix, and adds the values that are too small for float32 to `vanished`. Errors:
// MG_IO, MG_MEMORY; MG_DATA if the file changed.
mg_status mg_transpose_read(mg_transpose *transpose, mg_vanished *vanished, int64_t first, int64_t count,
                            uint32_t *column, float *value, mg_error *error);

#endif
