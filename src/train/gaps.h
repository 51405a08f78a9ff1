// gaps.h - the gaps between the two highest scores of rows, compared with the spread of all scores.
#ifndef MG_TRAIN_GAPS_H
#define MG_TRAIN_GAPS_H

#include "base/status.h"

#include <stdint.h>

// A row is close if the gap of its two highest scores is at most this fraction of the spread.
#define MG_GAPS_CLOSE 1e-3

typedef struct mg_gaps {
    float *gap;     // [count] highest score minus the second highest
    double squares; // sum over these rows and all classes of (score - mean score of the row)^2
    int64_t count;
} mg_gaps; // must be zero before mg_gaps_create

// Allocates memory for `rows` rows. Errors: MG_MEMORY.
mg_status mg_gaps_create(mg_gaps *gaps, int64_t rows, mg_error *error);
void mg_gaps_clear(mg_gaps *gaps);

// Returns the gap of one row of scores, whose highest score is that of class `best`. *square becomes the
// row's contribution to `squares`.
float mg_gaps_of(int64_t classes, const float *scores, int64_t best, double *square);

static inline void mg_gaps_add(mg_gaps *gaps, float gap, double square) {
    gaps->gap[gaps->count++] = gap;
    gaps->squares += square;
}

// Returns the number of close rows. The spread is the root of the mean of what `squares` sums. So the number
// does not change if all scores are multiplied by a factor, or if a row's scores are shifted.
int64_t mg_gaps_close(const mg_gaps *gaps, int64_t classes);

#endif
