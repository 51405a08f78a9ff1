// cells.h - converts stored cells of any numeric type to float32 or to indices.
#ifndef MG_DATA_CELLS_H
#define MG_DATA_CELLS_H

#include "io/h5.h"

#include <stdbool.h>
#include <stdint.h>

// Converts n cells of `type` to float32. A float64 beyond the range of float32 becomes infinite, which
// mg_cells_finite detects.
void mg_cells_to_float(mg_h5_type type, int64_t n, const void *cells, float *to);

// Returns true if all values are finite; otherwise *bad is the first that is not.
bool mg_cells_finite(int64_t n, const float *values, int64_t *bad);
bool mg_cells_halves_finite(int64_t n, const uint16_t *halves, int64_t *bad);

// Converts n integers to indices, which must be strictly ascending and below `features`. Returns -1, or the
// position of the first that is not.
int64_t mg_cells_to_indices(mg_h5_type type, int64_t n, const void *cells, int64_t features, uint32_t *to);

// Sorts the n stored values of a row by index; `pairs` is scratch space for n elements. Returns -1, or the
// position of a repeated index.
int64_t mg_cells_sort(int64_t n, uint64_t *pairs, uint32_t *index, float *value);

// Cell i of any type but text as a double; exact if a double can hold it.
double mg_cells_real(mg_h5_type type, const void *cells, int64_t i);

// Cell i of an integer type.
int64_t mg_cells_integer(mg_h5_type type, const void *cells, int64_t i);

#endif
