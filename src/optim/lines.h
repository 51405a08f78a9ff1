// lines.h - the one plain line update the rules share.
#ifndef MG_OPTIM_LINES_H
#define MG_OPTIM_LINES_H

#include <stdbool.h>
#include <stdint.h>

// w -= rate * g, one rate a weight or one for all.
static inline void mg_line_descend(int64_t n, const float *rate, bool shared, const float *g, float *w) {
    if (shared)
        for (int64_t j = 0; j < n; j++) w[j] -= rate[0] * g[j];
    else
        for (int64_t j = 0; j < n; j++) w[j] -= rate[j] * g[j];
}

#endif
