// moments.h - column statistics, gathered while rows are read: sums, squares, largest magnitudes, in a fixed order.
#ifndef MG_DATA_MOMENTS_H
#define MG_DATA_MOMENTS_H

#include "rows/store.h"

typedef struct mg_moments {
    int64_t features;
    double weight;  // of all rows
    double *sum;    // [D] weighted
    double *square; // [D] weighted
    float *most;    // [D] largest |x|
    int pending;    // rows in the narrow sums below
    float *narrow_sum, *narrow_square;       // [stride] of up to a few rows, then added to the wide ones
    uint16_t *integer_sum;                   // the same for cells without a sign
    uint32_t *integer_square;
    uint8_t *integer_most;
} mg_moments;

mg_status mg_moments_create(mg_moments *moments, int64_t features, mg_error *error);
void mg_moments_destroy(mg_moments *moments);

// Adds stored rows [first, first + count), the first of which weighs weight[0]; NULL: each weighs 1. A row of weight 2 counts
// as the row twice.
void mg_moments_add(mg_moments *moments, const mg_store *store, int64_t first, int64_t count, const float *weight);
void mg_moments_flush(mg_moments *moments);

#endif
