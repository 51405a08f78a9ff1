// safetensors.c - the tensors coef and intercept; classes and preparation are metadata.
#include "export/export.h"

#include "base/json.h"
#include "base/memory.h"

static const size_t most_header = 100000000; // largest header that readers accept

static mg_status put_list(const char *name, char *const *texts, int64_t count, mg_writer *header,
                          mg_error *error) {
    char *list = NULL;
    mg_status status = mg_export_list(texts, count, &list, error);
    // values of metadata must be texts, so this is a JSON list as text
    if (!status) mg_json_put_text(header, name, list);
    mg_memory_free(list);
    return status;
}

static mg_status put_numbers(const mg_classes *classes, mg_writer *header, mg_error *error) {
    mg_writer list = {0};
    char *text = NULL;
    for (int64_t k = 0; k < classes->count; k++)
        mg_writer_format(&list, k ? ",%lld" : "[%lld", (long long)classes->number[k]);
    mg_writer_add(&list, "]");
    mg_status status = mg_writer_take(&list, &text, error);
    if (!status) mg_json_put_text(header, "classes", text);
    mg_memory_free(text);
    return status;
}

static mg_status put_metadata(const mg_model *model, mg_writer *header, mg_error *error) {
    const mg_classes *classes = &model->classes;
    const mg_names *names = &model->columns.names;
    mg_writer_add(header, "{\"__metadata__\":{");
    mg_export_describe(model, mg_json_put_text, header);
    mg_status status = classes->texts ? put_list("classes", classes->text, classes->count, header, error)
                                      : put_numbers(classes, header, error);
    if (!status && names->count) status = put_list("feature_names", names->text, names->count, header, error);
    return status;
}

static mg_status write(const mg_model *model, mg_writer *out, mg_error *error) {
    mg_writer header = {0};
    size_t classes = (size_t)model->classes_count, coef = classes * (size_t)model->features * sizeof(float);
    size_t bias = classes * sizeof(float);
    mg_status status = put_metadata(model, &header, error);
    mg_writer_format(&header,
                     "},\"coef\":{\"dtype\":\"F32\",\"shape\":[%zu,%lld],\"data_offsets\":[0,%zu]},"
                     "\"intercept\":{\"dtype\":\"F32\",\"shape\":[%zu],\"data_offsets\":[%zu,%zu]}}",
                     classes, (long long)model->features, coef, classes, coef, coef + bias);
    while (!header.status && header.length % 8) mg_writer_add(&header, " ");
    if (!status && header.status) status = mg_fail(error, header.status, "%s", header.error.text);
    if (!status && header.length > most_header)
        status = mg_fail(error, MG_CONFIG,
                         "%s: needs a header of %zu bytes, but safetensors allows %zu: use the format npz",
                         model->path, header.length, most_header);
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
