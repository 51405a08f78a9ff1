// moments.h - column statistics that are collected while rows are read: means, sums of squared deviations,
// largest magnitudes.
//
// All sums are double. Dense rows are summed in blocks of a fixed number of rows, as differences from the
// block's first row, and blocks are merged by Chan's formula. So cancellation is bounded by the block, a
// constant column has deviations of exactly 0, and squares of the largest and smallest floats stay in range.
// CSR values are added by Welford's recurrence; the zeros that are not stored are merged at the end. The
// order of sums depends only on the order of the rows, not on how many rows are added at a time.
#ifndef MG_DATA_MOMENTS_H
#define MG_DATA_MOMENTS_H

#include "data/used.h"
#include "rows/store.h"

#include <stdbool.h>

typedef struct mg_moments {
    int64_t features;
    const mg_used *used; // the columns of the file that these are; NULL: all, as when its width is 0
    double weight;       // of all rows
    double *mean;        // [D] weighted; of CSR rows, before _finish: mean of the stored values
    double *squares;     // [D] weighted sum of (x - mean)^2; before _finish as above
    float *most;         // [D] largest |x|
    // Relative rounding error that a preparation left in the values; 0 if the values are unchanged.
    double noise;
    // The current block of dense rows.
    int pending; // rows in the block
    bool bytes;  // uint8 without weights: summed as integers
    double block_weight, first_weight;
    double *first, *sum, *square; // [D] its first row, and weighted sums of differences from it
    uint16_t *integer_sum;        // [D] the sums of bytes without weights, not of differences
    uint32_t *integer_square;
    uint8_t *integer_most;
    double *stored; // [D] CSR: weight of the rows that store the column; NULL for dense rows
} mg_moments;

mg_status mg_moments_create(mg_moments *moments, mg_layout layout, int64_t features, mg_error *error);
void mg_moments_destroy(mg_moments *moments);

// Adds the store's rows [first, first + count); weight[0] is the weight of the first of them, NULL: all weigh
// 1. A row of weight 2 counts twice, a row of weight 0 not at all.
void mg_moments_add(mg_moments *moments, const mg_store *store, int64_t first, int64_t count,
                    const float *weight);

// Call this once, after the last row and before means and squares are read.
void mg_moments_finish(mg_moments *moments);

// Drops the moments of unused columns, after _finish. CSR only.
void mg_moments_keep(mg_moments *moments, const mg_used *used);

// The number of column d in the file.
static inline long long mg_moments_column(const mg_moments *moments, int64_t d) {
    return (long long)(moments->used ? mg_used_column(moments->used, d) : d);
}

#endif
