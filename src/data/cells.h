// cells.h - converts stored cells of any numeric type to float32 or to indices.
#ifndef MG_DATA_CELLS_H
#define MG_DATA_CELLS_H

#include "io/h5.h"

#include <stdbool.h>
#include <stdint.h>

// Converts n cells of `type` to float32. A float64 beyond the range of float32 becomes infinite;
// mg_cells_finite finds it afterwards.
void mg_cells_to_float(mg_h5_type type, int64_t n, const void *cells, float *to);

// Returns true if all values are finite. Otherwise *bad becomes the position of the first one that is not.
bool mg_cells_finite(int64_t n, const float *values, int64_t *bad);
bool mg_cells_halves_finite(int64_t n, const uint16_t *halves, int64_t *bad);

// Converts n integers to indices, which must be strictly ascending and below `features`. Returns -1 or, if
// there is a wrong index, the position of the first one.
int64_t mg_cells_to_indices(mg_h5_type type, int64_t n, const void *cells, int64_t features, uint32_t *to);

// Sorts the n stored values of a row by index. `pairs`: scratch memory for n elements. Returns -1 or, if an
// index occurs twice, its position after sorting.
int64_t mg_cells_sort(int64_t n, uint64_t *pairs, uint32_t *index, float *value);

// Returns cell i, of any type but text, as a double. It is exact if a double can hold the value.
double mg_cells_real(mg_h5_type type, const void *cells, int64_t i);

#endif
