// cells.h - stored cells of every type as float32 or indices.
#ifndef MG_DATA_CELLS_H
#define MG_DATA_CELLS_H

#include "io/h5.h"

#include <stdbool.h>
#include <stdint.h>

// n cells of `type` to float32; float64 beyond its range becomes infinite, which mg_cells_finite finds.
void mg_cells_to_float(mg_h5_type type, int64_t n, const void *cells, float *to);

// Are all finite? Otherwise *bad is the first that is not.
bool mg_cells_finite(int64_t n, const float *values, int64_t *bad);
bool mg_cells_halves_finite(int64_t n, const uint16_t *halves, int64_t *bad);

// n integers to strictly ascending indices below `features`; returns -1, or the position of the first that is
// not.
int64_t mg_cells_to_indices(mg_h5_type type, int64_t n, const void *cells, int64_t features, uint32_t *to);

// Sorts a row by index, its values along; pairs: [n] of room. Returns -1, or the place of an index that is
// there twice.
int64_t mg_cells_sort(int64_t n, uint64_t *pairs, uint32_t *index, float *value);

// One cell of any type but text, exactly where a double can hold it.
double mg_cells_real(mg_h5_type type, const void *cells, int64_t i);

// One integer cell.
int64_t mg_cells_integer(mg_h5_type type, const void *cells, int64_t i);

#endif
