// options.c - the options of section model.
#include "model/options.h"

#include "calibration/calibration.h"
#include "loss/loss.h"

#include <math.h>

#define DEFAULT_LAMBDA 1e-4

static const char *weight_word(int i) {
    static const char *const names[] = {"none", "balanced"};
    return i < 2 ? names[i] : NULL;
}

static const char *regularisation_word(int i) { return i == 0 ? "auto" : NULL; }

static mg_status check(const void *values, const char *const *origins, mg_error *error) {
    const mg_model_options *options = values;
    if (!options->penalize_bias && options->bias == 0) {
        const char *at = mg_section_origin(&mg_model_section, origins, "penalize_bias");
        return mg_fail(
            error, MG_CONFIG,
            "%s: model.penalize_bias is false, but model.bias is 0, so there is no bias: remove one",
            at ? at : "model");
    }
    if (isnan(options->lambda) || isnan(options->C)) return MG_OK;
    const char *at = mg_section_origin(&mg_model_section, origins, "C");
    return mg_fail(error, MG_CONFIG, "%s: model.C and model.lambda both set the regularisation: remove one",
                   at ? at : "model");
}

double mg_model_lambda(const mg_model_options *options, double total_weight) {
    if (!isnan(options->C)) return 1 / (options->C * total_weight);
    return isnan(options->lambda) ? DEFAULT_LAMBDA : options->lambda;
}

#define AT(field) offsetof(mg_model_options, field)
static const mg_option rows[] = {
    {"loss", MG_OPTION_CHOICE, AT(loss), "crammer-singer", 0, 0, mg_loss_name, NULL, true,
     "Loss to minimise; `margin list losses` describes each."},
    {"delta", MG_OPTION_REAL, AT(delta), "1", 1e-30, 1e30, NULL, NULL, true,
     "Margin parameter: the score of the true class must exceed all others by this much."},
    {"lambda", MG_OPTION_REAL, AT(lambda), "", 1e-30, 1e30, NULL, NULL, true,
     "Regularisation: lambda/2 ||W||^2 is added to the mean loss. Default, if C is not set either: 1e-4."},
    {"C", MG_OPTION_REAL, AT(C), "", 1e-30, 1e30, regularisation_word, NULL, true,
     "Regularisation, instead of lambda: lambda = 1/(C * total weight of the rows). auto: the value with the "
     "best accuracy on held-out rows (docs/solvers.md); it then trains on all rows."},
    {"bias", MG_OPTION_REAL, AT(bias), "1", 0, 1e30, NULL, NULL, true,
     "Value of the constant feature in every row; its weights are the bias. 0 = no bias."},
    {"penalize_bias", MG_OPTION_BOOL, AT(penalize_bias), "true", 0, 0, NULL, NULL, true,
     "Whether the bias is regularised like the weights. false, as in scikit-learn's LogisticRegression, "
     "needs train.solver newton (with train.tolerance) or sgd."},
    {"class_weight", MG_OPTION_WEIGHTS, AT(class_weight), "none", 0, 1e30, weight_word, NULL, true,
     "none, balanced (each row has weight rows / (classes * rows of its class), with rows counted by "
     "weight), or a mapping of labels to weights; other labels have weight 1."},
    {"calibration", MG_OPTION_CHOICE, AT(calibration), "none", 0, 0, mg_calibration_name, NULL, true,
     "Method that turns scores into probabilities (docs/probabilities.md). It is fitted at the end of the "
     "run: on the validation rows or, without data.validation, on rows that five further trainings hold "
     "out."},
};

const mg_section mg_model_section = {
    .name = "model",
    .help = "what is minimised: lambda/2 ||W||^2 + weighted mean loss",
    .options = rows,
    .count = sizeof rows / sizeof *rows,
    .check = check,
};
