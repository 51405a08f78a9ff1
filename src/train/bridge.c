// bridge.c - copies weights from one layout to the other.
#include "train/bridge.h"

mg_status mg_bridge_weights(const mg_model *model, mg_layout layout, mg_weights *weights, mg_error *error) {
    mg_status status = mg_weights_create(weights, layout, model->classes_count, model->features, error);
    for (int64_t k = 0; !status && k < model->classes_count; k++) {
        for (int64_t d = 0; d < model->features; d++)
            *mg_weights_at(weights, k, d) = model->weights[k * model->features + d];
        weights->offset[k] = model->bias[k];
    }
    return status;
}

mg_status mg_bridge_start(const mg_model *model, const mg_problem *problem, mg_weights *weights,
                          mg_error *error) {
    if (model->classes_count != problem->classes || model->features != problem->features)
        return mg_fail(error, MG_DATA,
                       "%s: has %lld classes of %lld features but the data have %lld of %lld: give --init a "
                       "model of these data, or leave --init out",
                       model->path, (long long)model->classes_count, (long long)model->features,
                       (long long)problem->classes, (long long)problem->features);
    mg_status status = mg_bridge_weights(model, problem->layout, weights, error);
    for (int64_t k = 0; !status && k < weights->classes; k++) {
        double dot = 0;
        for (int64_t d = 0; problem->center && d < weights->features; d++)
            dot += (double)*mg_weights_at(weights, k, d) * (double)problem->center[d];
        if (problem->bias > 0) weights->bias[k] = (float)(((double)weights->offset[k] + dot) / problem->bias);
    }
    if (!status) mg_weights_fold_offset(weights, problem->bias, problem->center);
    return status;
}

void mg_bridge_model(const mg_weights *weights, mg_model *model) {
    for (int64_t k = 0; k < weights->classes; k++) {
        for (int64_t d = 0; d < weights->features; d++)
            model->weights[k * weights->features + d] = *mg_weights_at(weights, k, d);
        model->bias[k] = weights->offset[k];
    }
}
