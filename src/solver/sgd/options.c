// options.c - the table of the options of section sgd.
#include "solver/sgd/options.h"

#include "rate/rate.h"

#include <string.h>

// Checks that beta2 > beta1^2 (or beta1 = 0). Otherwise the mean of the gradients could be any multiple of
// the root of their mean square, and steps would have no limit (M32).
static mg_status check(const void *values, const char *const *origins, mg_error *error) {
    const mg_sgd_options *options = values;
    double beta1 = options->rule.beta1, beta2 = options->rule.beta2;
    if (strcmp(options->update, "adam") || beta1 == 0 || beta2 > beta1 * beta1) return MG_OK;
    const char *at = mg_section_origin(&mg_sgd_section, origins, "beta2");
    if (!at) at = mg_section_origin(&mg_sgd_section, origins, "beta1");
    return mg_fail(error, MG_CONFIG,
                   "%s: sgd.beta2: %g is not allowed with sgd.beta1 %g (beta2 must be above the square of "
                   "beta1, %g): the steps of adam would have no limit: raise sgd.beta2 or lower sgd.beta1",
                   at ? at : "sgd", beta2, beta1, beta1 * beta1);
}

#define AT(field) offsetof(mg_sgd_options, field)
static const mg_option sgd_rows[] = {
    {"update", MG_OPTION_CHOICE, AT(update), "adagrad", 0, 0, mg_optim_name, NULL, true,
     "Update rule; `margin list updates` describes each."},
    {"rate", MG_OPTION_CHOICE, AT(rate), "cosine", 0, 0, mg_rate_name, NULL, true,
     "Schedule of the learning rate; `margin list rates` describes each."},
    {"eta", MG_OPTION_REAL, AT(eta), "", 1e-30, 1e30, NULL, NULL, true,
     "Learning rate. Unset = found on a sample of the training rows, and recorded in the run."},
    {"momentum", MG_OPTION_REAL, AT(rule.momentum), "0.9", 0, 0.999999, NULL, NULL, true,
     "Momentum of the update rule momentum (Nesterov)."},
    {"beta1", MG_OPTION_REAL, AT(rule.beta1), "0.9", 0, 0.999999, NULL, NULL, true,
     "Decay factor of the running mean of gradients, for the update rule adam."},
    {"beta2", MG_OPTION_REAL, AT(rule.beta2), "0.999", 0, 0.999999, NULL, NULL, true,
     "Decay factor of the running mean of squared gradients, for the update rule adam. Must be more than the "
     "square of beta1, unless that is 0."},
    {"epsilon", MG_OPTION_REAL, AT(rule.epsilon), "1e-8", 1e-30, 1, NULL, NULL, true,
     "Added to the root of the mean squared gradient before it divides the step, for the update rule adam."},
    {"average", MG_OPTION_BOOL, AT(average), "true", 0, 0, NULL, NULL, true,
     "Whether the result is the average of snapshots of the weights instead of the last weights."},
};
#undef AT

const mg_section mg_sgd_section = {
    .name = "sgd",
    .help = "stochastic gradient descent",
    .options = sgd_rows,
    .count = sizeof sgd_rows / sizeof *sgd_rows,
    .check = check,
};
