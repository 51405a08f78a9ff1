// safetensors.c - tensors coef and intercept, with the classes and the preparation as metadata.
#include "export/export.h"

#include "base/json.h"
#include "base/memory.h"

static mg_status put_classes(const mg_model *model, mg_writer *header, mg_error *error) {
    mg_writer list = {0};
    char *text = NULL;
    mg_writer_add(&list, "[");
    for (int64_t k = 0; k < model->classes_count; k++) {
        if (k) mg_writer_add(&list, ",");
        if (model->classes.texts) mg_json_text(&list, model->classes.text[k]);
        else mg_writer_format(&list, "%lld", (long long)model->classes.number[k]);
    }
    mg_writer_add(&list, "]");
    mg_status status = mg_writer_take(&list, &text, error);
    if (!status)
        mg_json_put_text(header, "classes", text); // metadata are texts: here the text of a JSON list
    mg_memory_free(text);
    return status;
}

static mg_status write(const mg_model *model, mg_writer *out, mg_error *error) {
    mg_writer header = {0};
    size_t classes = (size_t)model->classes_count, coef = classes * (size_t)model->features * sizeof(float);
    size_t bias = classes * sizeof(float);
    mg_writer_add(&header, "{\"__metadata__\":{");
    mg_status status = put_classes(model, &header, error);
    mg_json_put_text(&header, "loss", model->loss);
    mg_json_put_text(&header, "rows", model->rows);
    mg_json_put_text(&header, "transform", model->transform);
    mg_writer_format(&header,
                     "},\"coef\":{\"dtype\":\"F32\",\"shape\":[%zu,%lld],\"data_offsets\":[0,%zu]},"
                     "\"intercept\":{\"dtype\":\"F32\",\"shape\":[%zu],\"data_offsets\":[%zu,%zu]}}",
                     classes, (long long)model->features, coef, classes, coef, coef + bias);
    while (!header.status && header.length % 8) mg_writer_add(&header, " ");
    if (!status && header.status) status = mg_fail(error, header.status, "%s", header.error.text);
    if (!status) {
        mg_export_number(out, header.length, 8);
        mg_writer_add_bytes(out, header.text, header.length);
        mg_writer_add_bytes(out, (const char *)model->weights, coef);
        mg_writer_add_bytes(out, (const char *)model->bias, bias);
    }
    mg_writer_clear(&header);
    return status;
}

const mg_export_format mg_export_safetensors = {.name = "safetensors",
                                                .help = "tensors coef and intercept; classes in the metadata",
                                                .keeps_preparation = true,
                                                .write = write};
