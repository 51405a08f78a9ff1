// json.c - the fields of the JSON object that describes a model or a checkpoint.
#include "inspect/inspect.h"

#include "base/json.h"

#include <math.h>

static void put_classes(const mg_model *model, mg_writer *json) {
    char buffer[MG_LABEL_BUFFER];
    mg_json_put_text(json, "label_type", model->classes.texts ? "text" : "integer");
    mg_json_key(json, "classes");
    mg_writer_add(json, "[");
    for (int64_t k = 0; k < model->classes_count; k++) {
        mg_writer_add(json, k ? ", " : "");
        mg_json_text(json, mg_classes_label(&model->classes, k, buffer));
    }
    mg_writer_add(json, "]");
}

static void put_calibration(const mg_calibration *c, mg_writer *json) {
    mg_json_key(json, "calibration");
    if (c->method == MG_CALIBRATION_NONE) {
        mg_writer_add(json, "null");
        return;
    }
    mg_writer_add(json, "{");
    mg_json_put_text(json, "method", mg_calibration_name((int)c->method));
    mg_json_put_real(json, "temperature", c->method == MG_CALIBRATION_TEMPERATURE ? c->temperature : NAN);
    mg_json_put_int(json, "rows", c->rows);
    mg_json_put_real(json, "log_loss_before", c->before.log_loss);
    mg_json_put_real(json, "log_loss", c->after.log_loss);
    mg_json_put_real(json, "ece_before", c->before.ece);
    mg_json_put_real(json, "ece", c->after.ece);
    mg_writer_add(json, "}");
}

void mg_inspect_model_json(const mg_model *model, mg_writer *json) {
    bool bounded = !mg_inspect_has_no_bound(model);
    double gap = fmax(0, (model->objective - model->dual) / model->objective);
    mg_json_put_text(json, "kind", "model");
    mg_json_put_text(json, "loss", model->loss);
    mg_json_put_real(json, "delta", model->delta);
    put_classes(model, json);
    mg_json_put_int(json, "features", model->features);
    mg_json_put_int(json, "used_features", model->per_class);
    mg_json_put_int(json, "names", model->columns.names.count);
    mg_json_put_text(json, "rows", model->rows);
    mg_json_put_text(json, "transform", model->transform);
    mg_json_put_bool(json, "clipped", model->columns.low.value);
    mg_json_put_real(json, "bias_value", model->bias_value);
    mg_json_put_real(json, "lambda", model->lambda);
    mg_json_put_real(json, "square_norm", model->square_norm);
    mg_json_put_real(json, "objective", model->objective);
    mg_json_put_real(json, "dual", bounded ? model->dual : NAN);
    mg_json_put_real(json, "gap", bounded ? gap : NAN);
    put_calibration(&model->calibration, json);
    mg_json_put_int(json, "training_rows", model->training_rows);
    mg_json_put_text(json, "features_name", model->features_name);
    mg_json_put_text(json, "labels_name", model->labels_name);
    mg_json_put_int(json, "step", model->step);
    mg_json_put_int(json, "epoch", model->epoch);
}

void mg_inspect_checkpoint_json(const char *version, const mg_position *at, const char *config,
                                mg_writer *json) {
    mg_json_put_text(json, "kind", "checkpoint");
    mg_json_put_text(json, "version", version);
    mg_json_put_int(json, "step", at->step);
    mg_json_put_int(json, "epoch", at->epoch);
    mg_json_put_int(json, "best_step", at->best_step);
    mg_json_put_int(json, "best_epoch", at->best_epoch);
    mg_json_put_real(json, "best_accuracy", at->best_accuracy >= 0 ? at->best_accuracy : NAN);
    mg_json_put_text(json, "config", config);
}
