// scale.h - column scaling x' = scale * (x - center) from the moments of the training rows (M19). The data
// are not changed; the scaling is folded into the weights.
#ifndef MG_DATA_SCALE_H
#define MG_DATA_SCALE_H

#include "data/moments.h"

#include <stdbool.h>

#define MG_SCALE_MOST 1e37 // largest |x| of a column that can be scaled

typedef struct mg_scale {
    float *scale;  // [D], NULL: all 1; 0 for a constant column (standard) or one of zeros (max-abs)
    float *center; // [D], NULL: all 0
} mg_scale;

// `how`: none, standard, max-abs or a number, already checked. Errors: MG_MEMORY; MG_DATA with a column that
// float32 cannot scale.
mg_status mg_scale_create(const char *how, const mg_moments *moments, mg_scale *scale, mg_error *error);
void mg_scale_destroy(mg_scale *scale);

// Mean of ||x'||^2 over the rows, without the constant feature.
double mg_scale_mean_square_norm(const mg_scale *scale, const mg_moments *moments);

// Returns true if means are so large, in deviations, that float32 loses too much precision after centring.
// *ratio and *column are the largest |mean| / deviation and its column.
bool mg_scale_far(const mg_scale *scale, const mg_moments *moments, double *ratio, int64_t *column);

// Sizes (largest magnitudes after scaling) of the columns that are not all zero.
typedef struct mg_spread {
    double largest, median;
    double smallest; // a fiftieth of the columns may be smaller, because a few rare features do no harm
    int64_t column;  // the column of the largest size
} mg_spread;

// False if there is nothing to compare (one column, centred columns) or not enough memory.
bool mg_scale_spread(const mg_scale *scale, const mg_moments *moments, mg_spread *out);

// Returns true if the largest size exceeds the median so much that training will suffer.
bool mg_spread_uneven(const mg_spread *spread);

#endif
