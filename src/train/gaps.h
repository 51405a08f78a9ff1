// gaps.h - how far apart the two highest scores of each row are, compared with how much scores differ at all.
#ifndef MG_TRAIN_GAPS_H
#define MG_TRAIN_GAPS_H

#include "base/status.h"

#include <stdint.h>

// A row is close if its two highest scores differ by at most this share of the spread.
#define MG_GAPS_CLOSE 1e-3

typedef struct mg_gaps {
    float *gap;     // [count] best score minus the next
    double squares; // sum of (score - mean score of the row)^2 over the classes of these rows
    int64_t count;
} mg_gaps; // starts zeroed

// Makes room for `rows` rows. Errors: MG_MEMORY.
mg_status mg_gaps_create(mg_gaps *gaps, int64_t rows, mg_error *error);
void mg_gaps_clear(mg_gaps *gaps);

// The gap of one row of scores whose best class is `best`; *square becomes the row's share of `squares`.
float mg_gaps_of(int64_t classes, const float *scores, int64_t best, double *square);

static inline void mg_gaps_add(mg_gaps *gaps, float gap, double square) {
    gaps->gap[gaps->count++] = gap;
    gaps->squares += square;
}

// Close rows. The spread is the root mean square of what `squares` sums up. So neither a factor nor an offset
// common to all scores of a row changes the number.
int64_t mg_gaps_close(const mg_gaps *gaps, int64_t classes);

#endif
