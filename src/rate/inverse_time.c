// inverse_time.c - the rate for strongly convex problems (M17): 1/(lambda t), in Bottou's form that starts at
// eta.
#include "rate/rate.h"

static double factor(int64_t step, int64_t total, double lambda, double eta) {
    (void)total;
    return 1 / (1 + lambda * eta * (double)step); // (M17)
}

const mg_rate mg_rate_inverse_time = {
    .name = "inverse-time", .help = "eta / (1 + lambda eta step)", .factor = factor};
