// plain.c - gradient descent with one rate (M15).
#include "optim/descend.h"

static double eta(double mean_square_norm) {
    // (M22) 1/L, where L = 2 ||x||^2 is the curvature of the squared hinge of one class, with the mean of
    // ||x||^2.
    return mean_square_norm > 0 ? 0.5 / mean_square_norm : 1;
}

static void apply(const mg_optim_step *step, const mg_optim_line *line) {
    (void)step;
    mg_optim_descend(line); // (M15) w -= eta g
}

const mg_optim mg_optim_plain = {
    .name = "plain",
    .help = "w -= eta g",
    .eta = eta,
    .apply = apply,
};
