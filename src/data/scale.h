// scale.h - column scaling x' = scale * (x - center), computed from the moments of the training rows (M19).
// The rows are not changed; the weights absorb the scaling.
#ifndef MG_DATA_SCALE_H
#define MG_DATA_SCALE_H

#include "data/moments.h"

#include <stdbool.h>

#define MG_SCALE_MOST 1e37 // largest |x| of a column that can be scaled

typedef struct mg_scale {
    float *scale;  // [D], NULL: all 1; 0 for columns that cannot be scaled: constant ones (standard), all
                   // zeros (max-abs)
    float *center; // [D], NULL: all 0
} mg_scale;

// Computes the scaling. `how`: none, standard, max-abs or a number, which the option's check has accepted.
// Errors: MG_MEMORY; MG_DATA with a column that float32 cannot scale.
mg_status mg_scale_create(const char *how, const mg_moments *moments, mg_scale *scale, mg_error *error);
void mg_scale_destroy(mg_scale *scale);

// Mean of ||x'||^2 over the rows, without the constant feature.
double mg_scale_mean_square_norm(const mg_scale *scale, const mg_moments *moments);

// True if means are so many deviations away from 0 that float32 loses too much precision after centring.
// *ratio becomes the largest |mean| / deviation, *column its column.
bool mg_scale_far(const mg_scale *scale, const mg_moments *moments, double *ratio, int64_t *column);

// The sizes of columns, where the size is the largest magnitude after scaling. Columns of zeros do not count.
typedef struct mg_spread {
    double largest, median;
    double smallest; // without the smallest 1/50 of the columns, because a few rare features do no harm
    int64_t column;  // the column of the largest size
} mg_spread;

// Returns false if there is nothing to compare (a single column, or centred columns) or if memory runs out.
bool mg_scale_spread(const mg_scale *scale, const mg_moments *moments, mg_spread *out);

// True if the largest size exceeds the median so much that training will suffer.
bool mg_spread_uneven(const mg_spread *spread);

#endif
