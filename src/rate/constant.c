// constant.c - a constant rate (M16).
#include "rate/rate.h"

static double factor(int64_t step, int64_t total, double lambda, double eta) {
    (void)step, (void)total, (void)lambda, (void)eta;
    return 1;
}

const mg_rate mg_rate_constant = {.name = "constant", .help = "eta", .factor = factor};
