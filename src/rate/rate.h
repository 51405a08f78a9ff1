// rate.h - the registry of learning-rate schedules. A schedule is a pure function of the step, so checkpoints
// need no state of it.
#ifndef MG_RATE_RATE_H
#define MG_RATE_RATE_H

#include <stdint.h>

typedef struct mg_rate {
    const char *name;
    const char *help;
    // The factor by which eta is multiplied at `step` (from 0) of `total` steps. It never rises with the
    // step. lambda and eta are those of the configuration.
    double (*factor)(int64_t step, int64_t total, double lambda, double eta);
} mg_rate;

const mg_rate *mg_rate_at(int i);
const mg_rate *mg_rate_find(const char *name);
const char *mg_rate_name(int i);

#endif
