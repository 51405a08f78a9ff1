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

// What the header says about a tensor, and its values.
typedef struct tensor {
    const char *name, *type;
    int64_t shape[2]; // the second number is 0 for a vector
    const void *data;
    size_t bytes;
} tensor;

enum { MOST_TENSORS = 6 };

// Fills the tensors, those of float64 first, which keeps all of them aligned. Returns how many there are.
static int list_tensors(const mg_model *model, tensor to[MOST_TENSORS]) {
    mg_export_parameter parameters[2];
    int count = mg_export_calibration(model, parameters);
    size_t classes = (size_t)model->classes_count;
    for (int i = 0; i < count; i++) {
        int64_t values = parameters[i].count ? parameters[i].count : 1;
        to[i] = (tensor){parameters[i].name, "F64", {values}, parameters[i].values, 8 * (size_t)values};
    }
    to[count++] = (tensor){"coef",
                           "F32",
                           {model->classes_count, model->features},
                           model->weights,
                           4 * classes * (size_t)model->features};
    to[count++] = (tensor){"intercept", "F32", {model->classes_count}, model->bias, 4 * classes};
    mg_export_limits limits[2];
    int more = mg_export_limits_of(model, limits);
    for (int i = 0; i < more; i++)
        to[count++] =
            (tensor){limits[i].name, "F32", {model->features}, limits[i].values, 4 * (size_t)model->features};
    return count;
}

static mg_status put_header(const mg_model *model, const tensor *tensors, int count, mg_writer *header,
                            mg_error *error) {
    mg_status status = put_metadata(model, header, error);
    size_t at = 0;
    mg_writer_add(header, "}");
    for (int i = 0; i < count; at += tensors[i++].bytes) {
        const tensor *t = &tensors[i];
        mg_writer_format(header, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%lld", t->name, t->type,
                         (long long)t->shape[0]);
        if (t->shape[1]) mg_writer_format(header, ",%lld", (long long)t->shape[1]);
        mg_writer_format(header, "],\"data_offsets\":[%zu,%zu]}", at, at + t->bytes);
    }
    mg_writer_add(header, "}");
    while (!header->status && header->length % 8) mg_writer_add(header, " ");
    if (!status && header->status) status = mg_fail(error, header->status, "%s", header->error.text);
    if (!status && header->length > most_header)
        status = mg_fail(error, MG_CONFIG,
                         "%s: needs a header of %zu bytes, but safetensors allows %zu: use the format npz",
                         model->path, header->length, most_header);
    return status;
}

static mg_status write(const mg_model *model, mg_writer *out, mg_error *error) {
    tensor tensors[MOST_TENSORS];
    mg_writer header = {0};
    int count = list_tensors(model, tensors);
    mg_status status = put_header(model, tensors, count, &header, error);
    if (!status) {
        mg_export_number(out, header.length, 8);
        mg_writer_add_bytes(out, header.text, header.length);
        for (int i = 0; i < count; i++) mg_writer_add_bytes(out, tensors[i].data, tensors[i].bytes);
    }
    mg_writer_clear(&header);
    return status;
}

const mg_export_format mg_export_safetensors = {.name = "safetensors",
                                                .help = "tensors coef and intercept; classes in the metadata",
                                                .keeps_preparation = true,
                                                .mark = "{\"__metadata__\":{",
                                                .mark_at = 8,
                                                .write = write};
