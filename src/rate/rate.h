// rate.h - the registry of learning-rate schedules. They are pure functions of the step, so a resumed run
// needs no state for them.
#ifndef MG_RATE_RATE_H
#define MG_RATE_RATE_H

#include <stdint.h>

typedef struct mg_rate {
    const char *name;
    const char *help;
    // Factor on the rate at `step` (from 0) of `total`, which never rises; lambda and eta as configured.
    double (*factor)(int64_t step, int64_t total, double lambda, double eta);
} mg_rate;

const mg_rate *mg_rate_at(int i);
const mg_rate *mg_rate_find(const char *name);
const char *mg_rate_name(int i);

#endif
