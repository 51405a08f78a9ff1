// cosine.c - half a cosine from eta to 0 over the run (M18), Loshchilov and Hutter 2017 without restarts.
#include "rate/rate.h"

#include <math.h>

static double factor(int64_t step, int64_t total, double lambda, double eta) {
    (void)lambda, (void)eta;
    return 0.5 * (1 + cos(M_PI * (double)step / (double)total)); // (M18)
}

const mg_rate mg_rate_cosine = {
    .name = "cosine", .help = "eta (1 + cos(pi step / steps)) / 2", .factor = factor};
