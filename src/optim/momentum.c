// momentum.c - Nesterov's momentum in the form that needs one gradient a step (M14). On CSR rows the velocity
// of a feature moves only in the steps that touch it, as lazy updates must.
#include "optim/optim.h"

static double eta(double mean_square_norm) {
    return mean_square_norm > 0 ? 0.05 / mean_square_norm
                                : 0.1; // a tenth of the plain rate: velocity 0.9 multiplies it by ten
}

// (M14) v = mu v + g; w -= eta (g + mu v)
static void apply(const mg_optim_step *step, int64_t n, const float *rate, bool shared, const float *g,
                  float *velocity, float *w) {
    float mu = step->momentum;
    for (int64_t j = 0; j < n; j++) {
        float v = mu * velocity[j] + g[j];
        velocity[j] = v;
        w[j] -= (shared ? rate[0] : rate[j]) * (g[j] + mu * v);
    }
}

const mg_optim mg_optim_momentum = {
    .name = "momentum",
    .help = "Nesterov: v = mu v + g, w -= eta (g + mu v)",
    .velocity = true,
    .eta = eta,
    .apply = apply,
};
