// check.c - checks whether the content of a model file can be that of a trained model.
#include "model/model.h"

#include "base/bound.h"
#include "data/options.h"
#include "loss/loss.h"

#include <margin/version.h>
#include <math.h>
#include <string.h>

#define ROUNDING 1e-5                         // relative difference of two sums of squares
#define OBJECTIVE_SLACK 1.001                 // the objective of a certificate is computed differently
enum { MOST_NAME = 1000, MOST_LABEL = 1000 }; // most bytes of the name of a data set, and of a label

static mg_status check_floats(const char *name, const float *values, int64_t count, mg_error *error) {
    mg_status status = MG_OK;
    for (int64_t i = 0; !status && i < count; i++)
        status = mg_bound_check(&mg_bound_finite, name, i, (double)values[i], error);
    return status;
}

// Checks that classes ascend strictly, because they are looked up by bisection.
static mg_status check_classes(const mg_classes *classes, mg_error *error) {
    char before[MG_LABEL_BUFFER], now[MG_LABEL_BUFFER];
    for (int64_t k = 0; k < classes->count; k++) {
        bool ascend = k == 0 || (classes->texts ? strcmp(classes->text[k - 1], classes->text[k]) < 0
                                                : classes->number[k - 1] < classes->number[k]);
        if (!ascend)
            return mg_fail(
                error, MG_DATA, "classes[%lld] is '%s' after '%s' (labels must be in ascending order)",
                (long long)k, mg_classes_label(classes, k, now), mg_classes_label(classes, k - 1, before));
        size_t length = classes->texts ? strlen(classes->text[k]) : 1;
        if (length < 1 || length > MOST_LABEL)
            return mg_fail(error, MG_DATA, "classes[%lld] is a label of %zu bytes (1 to %d are allowed)",
                           (long long)k, length, MOST_LABEL);
    }
    return MG_OK;
}

static mg_status check_choice(const char *name, const char *value, mg_error *error) {
    const mg_option *option = mg_section_find(&mg_data_section, name);
    const char *choice;
    for (int i = 0; (choice = option->choice(i)) != NULL; i++)
        if (!strcmp(choice, value)) return MG_OK;
    return mg_fail(error, MG_DATA, "%s is '%s', which data.%s does not allow", name, value, name);
}

static mg_status check_loss(const char *name, mg_error *error) {
    if (mg_loss_find(name)) return MG_OK;
    return mg_fail(error, MG_DATA, "loss is '%s', which this margin (%s) does not have: use a newer margin",
                   name, MG_VERSION);
}

// A lower bound cannot exceed the objective by more than rounding. The limit is generous, because scores that
// are very large round coarsely.
static mg_status check_dual(const mg_model *model, mg_error *error) {
    if (!(model->dual > 2 * fabs(model->objective) + 1)) return MG_OK;
    return mg_fail(error, MG_DATA, "dual is %g, far above the objective, which is %g", model->dual,
                   model->objective);
}

// The squares of the weights of features, as they were scaled in training, and of the biases.
typedef struct squares {
    double weights, bias;
} squares;

static squares find_squares(const mg_model *model) {
    const float *scale = model->columns.scale.value;
    squares sum = {0};
    for (int64_t k = 0; k < model->classes_count; k++) {
        const float *weights = model->weights + k * model->per_class;
        double bias = model->bias_value > 0 ? (double)model->bias[k] / model->bias_value : 0;
        for (int64_t i = 0; i < model->per_class; i++) {
            double s = scale ? (double)scale[i] : 1, w = s > 0 ? (double)weights[i] / s : 0;
            sum.weights += w * w;
        }
        sum.bias += bias * bias;
    }
    return sum;
}

static bool is_near(double value, double expected) { return fabs(value - expected) <= ROUNDING * expected; }

// square_norm follows from the weights. It has the biases too unless they are not regularised. If columns are
// scaled, the biases may be those of centred features, which are not known. A model that a program has put
// together has no scales, and the squares of its weights alone.
static mg_status check_norm(const mg_model *model, bool *regularised, mg_error *error) {
    squares sum = find_squares(model);
    double norm = model->square_norm, both = sum.weights + sum.bias;
    bool scaled = model->columns.scale.value != NULL;
    *regularised = scaled || (is_near(norm, both) && sum.bias > ROUNDING * sum.weights);
    if (scaled ? norm >= sum.weights * (1 - ROUNDING) : is_near(norm, sum.weights) || is_near(norm, both))
        return MG_OK;
    return mg_fail(error, MG_DATA,
                   "square_norm is %g, but the squares of the weights sum to %g, and with those "
                   "of the biases to %g",
                   norm, sum.weights, both);
}

// The objective of a trained model is its loss, which is not negative, and the regulariser.
static mg_status check_regulariser(const mg_model *model, mg_error *error) {
    double part = 0.5 * model->lambda * model->square_norm;
    if (part <= OBJECTIVE_SLACK * model->objective) return MG_OK;
    return mg_fail(error, MG_DATA,
                   "lambda is %g and square_norm %g, so that the objective is at least %g, but it "
                   "is %g",
                   model->lambda, model->square_norm, part, model->objective);
}

static mg_status check_agreement(const mg_model *model, mg_error *error) {
    bool regularised = false;
    mg_status status = check_dual(model, error);
    if (!status) status = check_norm(model, &regularised, error);
    return status || !regularised ? status : check_regulariser(model, error);
}

// The weight of a scaled column is finite, and that of a column that cannot be scaled is 0.
static mg_status check_scaled(const mg_model *model, mg_error *error) {
    const float *scale = model->columns.scale.value;
    int64_t values = scale ? model->classes_count * model->per_class : 0;
    for (int64_t i = 0; i < values; i++) {
        double weight = fabs((double)model->weights[i]), factor = (double)scale[i % model->per_class];
        if (weight > (double)FLT_MAX * 1.000001 * factor)
            return mg_fail(error, MG_DATA, "scale[%lld] is %g, too small for the weight %g of class %lld",
                           (long long)(i % model->per_class), factor, (double)model->weights[i],
                           (long long)(i / model->per_class));
    }
    return MG_OK;
}

static mg_status check_name(const char *name, const char *value, mg_error *error) {
    size_t length = strlen(value);
    if (length >= 1 && length <= MOST_NAME) return MG_OK;
    return mg_fail(error, MG_DATA, "%s is a name of %zu bytes (1 to %d are allowed)", name, length,
                   MOST_NAME);
}

mg_status mg_model_check(const mg_model *model, mg_error *error) {
    mg_status status =
        check_floats("weights", model->weights, model->classes_count * model->per_class, error);
    if (!status) status = check_floats("bias", model->bias, model->classes_count, error);
    if (!status) status = check_classes(&model->classes, error);
    if (!status) status = check_loss(model->loss, error);
    if (!status) status = check_choice("rows", model->rows, error);
    if (!status) status = check_choice("transform", model->transform, error);
    if (!status) status = check_name("features", model->features_name, error);
    if (!status) status = check_name("labels", model->labels_name, error);
    if (!status) status = check_scaled(model, error);
    return status ? status : check_agreement(model, error);
}
