// adagrad.c - one accumulator a feature (M13): rates adapt to each feature's gradients, so no rate need be
// chosen. Duchi, Hazan and Singer 2011, with the classes of a feature sharing their accumulator.
#include "optim/lines.h"
#include "optim/optim.h"

#include <math.h>

static double eta(double mean_square_norm) {
    return mean_square_norm > 0 ? 1 / sqrt(mean_square_norm) : 1; // (M22)
}

// (M13) a_f += ||g_f||^2, rate_f = eta / sqrt(a_f); a feature that never had a gradient does not move
static void rates(const mg_optim_step *step, int64_t n, const float *square, float *memory, float *rate) {
    for (int64_t f = 0; f < n; f++) {
        memory[f] += square[f];
        rate[f] = memory[f] > 0 ? step->eta / sqrtf(memory[f]) : 0;
    }
}

static void apply(const mg_optim_step *step, int64_t n, const float *rate, bool shared, const float *g,
                  float *velocity, float *w) {
    (void)step, (void)velocity;
    mg_line_descend(n, rate, shared, g, w);
}

const mg_optim mg_optim_adagrad = {
    .name = "adagrad",
    .help = "rate of a feature = eta / sqrt(sum of its squared gradient norms)",
    .accumulates = true,
    .eta = eta,
    .rates = rates,
    .apply = apply,
};
