// liblinear.c - the text model of LIBLINEAR. The solver type is always MCSVM_CS, whatever the loss is: with
// it every class has its own weights, even if there are two classes, and the class with the highest score is
// predicted.
#include "export/export.h"

#include <limits.h>

static mg_status check_labels(const mg_model *model, mg_error *error) {
    if (model->classes.texts)
        return mg_fail(
            error, MG_CONFIG,
            "%s: its labels are texts, but LIBLINEAR knows whole numbers only: train with numbers as "
            "labels, or use the format onnx",
            model->path);
    for (int64_t k = 0; k < model->classes_count; k++)
        if (model->classes.number[k] < INT_MIN || model->classes.number[k] > INT_MAX)
            return mg_fail(error, MG_CONFIG,
                           "%s: classes[%lld] is %lld, but LIBLINEAR allows labels from %d to %d: use the "
                           "format onnx",
                           model->path, (long long)k, (long long)model->classes.number[k], INT_MIN, INT_MAX);
    return MG_OK;
}

static void put_real(mg_writer *out, float value) {
    mg_export_real(out, value);
    mg_writer_add(out, " ");
}

static mg_status write(const mg_model *model, mg_writer *out, mg_error *error) {
    mg_status status = check_labels(model, error);
    if (status) return status;
    mg_writer_format(out, "solver_type MCSVM_CS\nnr_class %lld\nlabel", (long long)model->classes_count);
    for (int64_t k = 0; k < model->classes_count; k++)
        mg_writer_format(out, " %lld", (long long)model->classes.number[k]);
    mg_writer_format(out, "\nnr_feature %lld\nbias 1\nw\n", (long long)model->features);
    for (int64_t d = 0; d <= model->features; d++) {
        for (int64_t k = 0; k < model->classes_count; k++)
            put_real(out, d < model->features ? model->weights[k * model->features + d] : model->bias[k]);
        mg_writer_add(out, "\n");
    }
    return MG_OK;
}

const mg_export_format mg_export_liblinear = {
    .name = "liblinear",
    .keeps_bytes = true, // it refuses every text
    .mark = "solver_type MCSVM_CS",
    .help = "text model that liblinear-predict reads; labels must be numbers",
    .write = write};
