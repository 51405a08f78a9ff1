// moments.h - column statistics, collected while rows are read: means, sums of squared deviations, largest
// magnitudes.
//
// All sums are double. Dense rows are summed in blocks of a fixed number of rows, as differences from the
// first row of the block; blocks are merged by Chan's formula. So cancellation is limited to a block, a
// constant column has deviations of exactly 0, and squares of the largest and smallest floats stay in range.
// CSR values are added by Welford's recurrence; the zeros that are not stored are merged at the end. The
// order of the sums depends only on the order of the rows, not on how many rows are added at a time.
#ifndef MG_DATA_MOMENTS_H
#define MG_DATA_MOMENTS_H

#include "data/used.h"
#include "rows/store.h"

#include <stdbool.h>

typedef struct mg_moments {
    int64_t features;
    const mg_used *used; // which columns of the file these are; NULL, or a width of 0: all
    double weight;       // total weight of the rows
    double *mean;        // [D] weighted; for CSR rows, before mg_moments_finish: mean of the stored values
                         // only
    double *squares;     // [D] weighted sum of (x - mean)^2; before mg_moments_finish as above
    float *most;         // [D] largest |x|
    // Relative rounding error that the preparation has left in the values; 0 if it does not change them.
    double noise;
    // Only for dense rows: the current block.
    int pending; // number of rows in the block
    bool bytes;  // the cells are uint8 and there are no weights: sums are integers
    double block_weight, first_weight;
    double *first, *sum, *square; // [D] the first row; weighted sums of differences from it and of their
                                  // squares
    uint16_t *integer_sum;        // [D] for bytes: sums of the cells themselves, without weights
    uint32_t *integer_square;
    uint8_t *integer_most;
    double *stored; // [D] CSR: total weight of the rows that store a value of the column; NULL for dense rows
} mg_moments;

mg_status mg_moments_create(mg_moments *moments, mg_layout layout, int64_t features, mg_error *error);
void mg_moments_destroy(mg_moments *moments);

// Adds rows [first, first + count) of the store. weight[0] is the weight of row `first`; NULL: all 1. A row
// of weight 2 counts twice, a row of weight 0 not at all.
void mg_moments_add(mg_moments *moments, const mg_store *store, int64_t first, int64_t count,
                    const float *weight);

// Call it once, after the last row and before means and squares are read.
void mg_moments_finish(mg_moments *moments);

// Removes the moments of unused columns. Call it after mg_moments_finish; only for CSR rows.
void mg_moments_keep(mg_moments *moments, const mg_used *used);

// The number of column d in the file, for messages.
static inline long long mg_moments_column(const mg_moments *moments, int64_t d) {
    return (long long)(moments->used ? mg_used_column(moments->used, d) : d);
}

#endif
