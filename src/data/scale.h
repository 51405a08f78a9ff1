// scale.h - column scaling x' = scale * (x - center), from the moments of the training rows (M19). It never
// touches the data.
#ifndef MG_DATA_SCALE_H
#define MG_DATA_SCALE_H

#include "data/moments.h"

#include <stdbool.h>

#define MG_SCALE_MOST 1e37 // the largest |x| of a column that can be scaled

typedef struct mg_scale {
    float *scale;  // [D], NULL: all 1; 0 for a column that never varies (standard) or is all zero (max-abs)
    float *center; // [D], NULL: all 0
} mg_scale;

// `how`: none, standard, max-abs or a number, checked by the option's row. Errors: MG_MEMORY; MG_DATA naming
// a column whose size float32 cannot scale.
mg_status mg_scale_create(const char *how, const mg_moments *moments, mg_scale *scale, mg_error *error);
void mg_scale_destroy(mg_scale *scale);

// Mean of ||x'||^2 over the rows, without the constant feature.
double mg_scale_mean_square_norm(const mg_scale *scale, const mg_moments *moments);

// Are means so far from zero, in deviations, that single precision loses what is left after centring? Then
// the largest such ratio, and its column.
bool mg_scale_far(const mg_scale *scale, const mg_moments *moments, double *ratio, int64_t *column);

// Largest magnitudes after scaling of the columns that are not all zero.
typedef struct mg_spread {
    double largest, median;
    double smallest; // a fiftieth of the columns may be smaller: a few rare ones do no harm
    int64_t column;  // the largest one
} mg_spread;

// False when there is nothing to compare: one column, centred ones, no memory.
bool mg_scale_spread(const mg_scale *scale, const mg_moments *moments, mg_spread *out);

// Is the largest column so far above the median one that training will suffer?
bool mg_spread_uneven(const mg_spread *spread);

#endif
