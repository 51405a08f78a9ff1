// descend.h - the gradient step that several rules share.
#ifndef MG_OPTIM_DESCEND_H
#define MG_OPTIM_DESCEND_H

#include "optim/optim.h"

// w -= rate * g
static inline void mg_optim_descend(const mg_optim_line *line) {
    const float *rate = line->rate, *g = line->g;
    float *w = line->w;
    if (line->shared)
        for (int64_t j = 0, n = line->n; j < n; j++) w[j] -= rate[0] * g[j];
    else
        for (int64_t j = 0, n = line->n; j < n; j++) w[j] -= rate[j] * g[j];
}

#endif
