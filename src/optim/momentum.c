// momentum.c - Nesterov's momentum in the form that needs the gradient at one point only (M14). On CSR rows
// the velocity of a feature changes only in the steps that touch it.
#include "optim/optim.h"

#include <stddef.h>

static double eta(double mean_square_norm) {
    // (M22) A tenth of the plain rule's guess: with momentum 0.9, equal gradients add up to ten times a
    // single one.
    return mean_square_norm > 0 ? 0.05 / mean_square_norm : 0.1;
}

// (M14) v = mu v + g; w -= eta (g + mu v)
static void apply(const mg_optim_step *step, const mg_optim_line *line) {
    const float mu = (float)step->options->momentum, *g = line->g, *rate = line->rate;
    float *velocity = line->memory.array[0] + line->memory.at, *w = line->w;
    bool shared = line->shared;
    for (int64_t j = 0, n = line->n; j < n; j++) {
        float v = mu * velocity[j] + g[j];
        velocity[j] = v;
        w[j] -= (shared ? rate[0] : rate[j]) * (g[j] + mu * v);
    }
}

static const mg_optim_array arrays[] = {MG_OPTIM_EACH_WEIGHT("velocity", NULL)};

const mg_optim mg_optim_momentum = {
    .name = "momentum",
    .help = "Nesterov: v = mu v + g, w -= eta (g + mu v)",
    .weight_arrays = arrays,
    .weight_count = 1,
    .eta = eta,
    .apply = apply,
};
