// adagrad.c - AdaGrad with one accumulator for each feature, which all classes share (M13). Rates adapt to
// the gradients of each feature, so users need not choose a rate. Duchi, Hazan and Singer 2011.
#include "optim/descend.h"

#include <math.h>

static double eta(double mean_square_norm) {
    return mean_square_norm > 0 ? 1 / sqrt(mean_square_norm) : 1; // (M22)
}

// (M13) a_f += ||g_f||^2, rate_f = eta / sqrt(a_f). A feature whose gradients were all 0 does not move.
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

// The sum of squares may overflow to infinity. Then the rate is 0 and the feature's weights no longer change.
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
