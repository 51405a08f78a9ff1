// plain.c - gradient descent with one rate (M15).
#include "optim/lines.h"
#include "optim/optim.h"

static double eta(double mean_square_norm) {
    return mean_square_norm > 0 ? 0.5 / mean_square_norm
                                : 1; // below 1/L of a squared-hinge row, whatever its length
}

static void apply(const mg_optim_step *step, int64_t n, const float *rate, bool shared, const float *g,
                  float *velocity, float *w) {
    (void)step, (void)velocity;
    mg_line_descend(n, rate, shared, g, w); // (M15) w -= eta g
}

const mg_optim mg_optim_plain = {
    .name = "plain",
    .help = "w -= eta g",
    .eta = eta,
    .apply = apply,
};
