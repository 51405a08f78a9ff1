// bridge.c - converts weights between the layouts for dense and for CSR rows, and between sets of used
// features.
#include "train/bridge.h"

#include "parallel/cut.h"

enum { BLOCK = 64 }; // features of one block

mg_status mg_bridge_weights(const mg_model *model, mg_layout layout, const mg_used *used, mg_weights *weights,
                            mg_error *error) {
    int64_t features = used->width ? used->count : model->features;
    mg_status status = mg_weights_create(weights, layout, model->classes_count, features, error);
    for (int64_t i = 0; !status && i < model->per_class; i++) {
        int64_t d = mg_used_place(used, mg_used_column(&model->used, i));
        for (int64_t k = 0; d >= 0 && k < model->classes_count; k++)
            *mg_weights_at(weights, k, d) = model->weights[k * model->per_class + i];
    }
    for (int64_t k = 0; !status && k < model->classes_count; k++) weights->offset[k] = model->bias[k];
    return status;
}

mg_status mg_bridge_start(const mg_model *model, const mg_problem *problem, mg_weights *weights,
                          mg_error *error) {
    static const mg_used all = {0};
    if (model->classes_count != problem->classes || model->features != problem->features)
        return mg_fail(error, MG_DATA,
                       "%s: has %lld classes of %lld features but the data have %lld of %lld: give --init a "
                       "model of these data, or leave --init out",
                       model->path, (long long)model->classes_count, (long long)model->features,
                       (long long)problem->classes, (long long)problem->features);
    mg_status status = mg_bridge_weights(model, problem->layout, &all, weights, error);
    for (int64_t k = 0; !status && k < weights->classes; k++) {
        double dot = 0;
        for (int64_t d = 0; problem->center && d < weights->features; d++)
            dot += (double)*mg_weights_at(weights, k, d) * (double)problem->center[d];
        if (problem->bias > 0) weights->bias[k] = (float)(((double)weights->offset[k] + dot) / problem->bias);
    }
    if (!status) mg_weights_fold_offset(weights, problem->bias, problem->center);
    return status;
}

// Goes in blocks of features. Weights for CSR rows are stored feature by feature, so the cache lines of a
// block are read once and serve all classes.
void mg_bridge_model(const mg_weights *weights, mg_model *model) {
    MG_EACH_BLOCK (first, count, 0, weights->features, BLOCK)
        for (int64_t k = 0; k < weights->classes; k++)
            for (int64_t d = first; d < first + count; d++)
                model->weights[k * model->per_class + d] = *mg_weights_at(weights, k, d);
    for (int64_t k = 0; k < weights->classes; k++) model->bias[k] = weights->offset[k];
}
