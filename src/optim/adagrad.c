// adagrad.c - one accumulator for each feature (M13): rates adapt to each feature's gradients, so no rate
// need be chosen. Duchi, Hazan and Singer 2011, with the classes of a feature sharing their accumulator.
#include "optim/descend.h"

#include <math.h>

static double eta(double mean_square_norm) {
    return mean_square_norm > 0 ? 1 / sqrt(mean_square_norm) : 1; // (M22)
}

// (M13) a_f += ||g_f||^2, rate_f = eta / sqrt(a_f); a feature that never had a gradient does not move
static void rates(const mg_optim_step *step, int64_t n, const float *square, mg_optim_memory memory,
                  float *rate) {
    float *sum = memory.array[0] + memory.at;
    for (int64_t f = 0; f < n; f++) {
        sum[f] += square[f];
        rate[f] = sum[f] > 0 ? step->eta / sqrtf(sum[f]) : 0;
    }
}

static void apply(const mg_optim_step *step, const mg_optim_line *line) {
    (void)step;
    mg_optim_descend(line);
}

// A sum of squares may overflow; then the weights of its feature no longer change.
static const mg_optim_array arrays[] = {MG_OPTIM_EACH_FEATURE("memory", &mg_bound_grown)};

const mg_optim mg_optim_adagrad = {
    .name = "adagrad",
    .help = "rate of a feature = eta / sqrt(sum of its squared gradient norms)",
    .feature_arrays = arrays,
    .feature_count = 1,
    .eta = eta,
    .rates = rates,
    .apply = apply,
};
