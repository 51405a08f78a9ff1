// model.c - mg_model_*: creates models from arrays, reads and writes their files, and computes scores.
#include "model/model.h"
#include "api/arrays.h"
#include "api/words.h"
#include "base/float_mode.h"
#include "base/memory.h"
#include "io/output.h"
#include "loss/loss.h"
#include "model/calibration.h"
#include "model/columns.h"
#include "rows/rows.h"
#include "train/run_calibrate.h"
#include "train/score.h"

#include <margin/model.h>

#include <math.h>
#include <string.h>
#include <unistd.h>

static mg_status copy_texts(const char *const *texts, int64_t count, char ***out, mg_error *error) {
    mg_status status = mg_memory_zeroed(out, (size_t)count, sizeof **out, error);
    for (int64_t i = 0; !status && i < count; i++)
        status = mg_memory_text(&(*out)[i], texts[i] ? texts[i] : "", error);
    return status;
}

static mg_status take_labels(const mg_model_parts *parts, mg_classes *classes, mg_error *error) {
    *classes = (mg_classes){.count = parts->classes, .texts = parts->text_labels != NULL};
    if (classes->texts) return copy_texts(parts->text_labels, parts->classes, &classes->text, error);
    size_t count = (size_t)parts->classes;
    mg_status status = mg_memory_get(&classes->number, count, sizeof *classes->number, error);
    if (!status) memcpy(classes->number, parts->labels, count * sizeof *classes->number);
    return status;
}

static mg_status take_names(const mg_model_parts *parts, mg_names *names, mg_error *error) {
    char **texts = NULL;
    if (!parts->feature_names) return MG_OK;
    mg_status status = copy_texts(parts->feature_names, parts->features, &texts, error);
    const mg_names all = {parts->features, texts};
    bool found = false;
    int64_t first, second;
    if (!status) status = mg_names_repeat(&all, &found, &first, &second, error);
    if (!status && found)
        status = mg_fail(error, MG_DATA,
                         "feature_names[%lld] and [%lld] are the same name: give every feature a name of its "
                         "own, or give no names",
                         (long long)first, (long long)second);
    if (!status) status = mg_names_take(names, texts, parts->features, "feature_names", error);
    if (status) mg_h5_free_texts(texts, parts->features);
    return status;
}

static mg_status take_values(const mg_model_parts *parts, mg_model *model, mg_error *error) {
    size_t classes = (size_t)parts->classes, values = classes * (size_t)parts->features;
    memcpy(model->weights, parts->weights, values * sizeof *model->weights);
    memcpy(model->bias, parts->bias, classes * sizeof *model->bias);
    model->delta = parts->delta == 0 ? 1 : parts->delta;
    model->lambda = parts->lambda == 0 ? 1 : parts->lambda;
    model->objective = parts->objective;
    model->dual = parts->dual;
    model->bias_value = parts->bias_value;
    model->step = parts->step;
    model->epoch = parts->epoch;
    model->training_rows = parts->training_rows == 0 ? 1 : parts->training_rows;
    for (size_t i = 0; i < values; i++)
        model->square_norm += (double)model->weights[i] * (double)model->weights[i];
    mg_status status = take_labels(parts, &model->classes, error);
    if (!status) status = take_names(parts, &model->columns.names, error);
    if (!status) status = mg_memory_text(&model->path, MG_MODEL_IN_MEMORY, error);
    if (!status) status = mg_memory_text(&model->loss, parts->loss, error);
    if (!status) status = mg_memory_text(&model->rows, parts->rows ? parts->rows : "none", error);
    if (!status)
        status = mg_memory_text(&model->transform, parts->transform ? parts->transform : "none", error);
    if (!status) status = mg_memory_text(&model->features_name, "X", error);
    return status ? status : mg_memory_text(&model->labels_name, "y", error);
}

static mg_status take_calibration(const mg_model_parts *parts, mg_model *model, mg_error *error) {
    const mg_calibration_report *given = &parts->calibration;
    bool ended = memchr(given->method, 0, sizeof given->method) != NULL;
    int method = ended && given->method[0] ? mg_calibration_find(given->method) : MG_CALIBRATION_NONE;
    bool sigmoid = method == MG_CALIBRATION_SIGMOID;
    if (method < 0 || !ended)
        return mg_fail(
            error, MG_DATA,
            "calibration.method: '%.15s' is not allowed (temperature, sigmoid, adaptive, or empty)",
            given->method);
    if (sigmoid && (!parts->slope || !parts->intercept))
        return mg_fail(error, MG_DATA,
                       "slope, intercept: the calibration sigmoid needs both, but one is NULL");
    const mg_calibration from = {
        .method = (mg_calibration_method)method,
        .temperature = given->temperature,
        .exponent = method == MG_CALIBRATION_ADAPTIVE ? given->exponent : 0,
        .slope = sigmoid ? (double *)(uintptr_t)parts->slope : NULL, // read only
        .intercept = sigmoid ? (double *)(uintptr_t)parts->intercept : NULL,
        .rows = given->rows,
        .before = {given->log_loss_before, given->ece_before},
        .after = {given->log_loss, given->ece},
    };
    mg_calibration copy;
    mg_status status = mg_model_calibration_check(&from, parts->classes, error);
    if (!status) status = mg_calibration_copy(&from, parts->classes, &copy, error);
    if (!status) mg_model_calibrate(model, &copy);
    return status;
}

static mg_status take_limits(const mg_model_parts *parts, mg_columns *columns, mg_error *error) {
    if (!parts->clip_low != !parts->clip_high)
        return mg_fail(error, MG_DATA, "clip_low, clip_high: only one of them is given: give both or none");
    if (!parts->clip_low) return MG_OK;
    mg_status status = mg_column_values_copy(parts->clip_low, parts->features, &columns->low, error);
    if (!status) status = mg_column_values_copy(parts->clip_high, parts->features, &columns->high, error);
    return status ? status : mg_model_limits_check(columns, error);
}

static mg_status check_parts(const mg_model_parts *parts, mg_error *error) {
    if (parts->classes < 2 || parts->classes > INT32_MAX || parts->features < 1 ||
        parts->features > MG_MOST_INDEX)
        return mg_fail(error, MG_DATA,
                       "the model has %lld classes and %lld features (2 to %d classes and 1 to %u features "
                       "are allowed)",
                       (long long)parts->classes, (long long)parts->features, INT32_MAX, MG_MOST_INDEX);
    if (!parts->weights || !parts->bias || !parts->loss)
        return mg_fail(error, MG_DATA, "the model needs weights, bias and loss");
    if (!parts->labels == !parts->text_labels)
        return mg_fail(error, MG_DATA, "exactly one of labels and text_labels must be given");
    if (mg_loss_find(parts->loss)) return MG_OK;
    return mg_fail(error, MG_DATA, "loss: '%s' is not one of the losses (margin list losses)", parts->loss);
}

mg_status mg_model_create(const mg_model_parts *parts, mg_model **out, mg_error *error) {
    MG_FLOAT_SCOPE;
    mg_model *model = NULL;
    *out = NULL;
    mg_status status = check_parts(parts, error);
    if (!status) status = mg_model_new(parts->classes, parts->features, &model, error);
    if (!status) status = take_values(parts, model, error);
    if (!status) status = take_calibration(parts, model, error);
    if (!status) status = take_limits(parts, &model->columns, error);
    if (!status) status = mg_model_check(model, error);
    if (!status) status = mg_model_check_numbers(model, error);
    if (status) mg_model_free(model);
    else *out = model;
    return status;
}

void mg_model_get(const mg_model *model, mg_model_parts *out) {
    const mg_names *names = &model->columns.names;
    *out = (mg_model_parts){
        .classes = model->classes_count,
        .features = model->features,
        .weights = model->weights,
        .bias = model->bias,
        .labels = model->classes.texts ? NULL : model->classes.number,
        .text_labels = model->classes.texts ? (const char *const *)model->classes.text : NULL,
        .feature_names = names->count ? (const char *const *)names->text : NULL,
        .loss = model->loss,
        .rows = model->rows,
        .transform = model->transform,
        .delta = model->delta,
        .lambda = model->lambda,
        .objective = model->objective,
        .dual = model->dual,
        .bias_value = model->bias_value,
        .step = model->step,
        .epoch = model->epoch,
        .training_rows = model->training_rows,
        .slope = model->calibration.slope,
        .intercept = model->calibration.intercept,
        .clip_low = model->columns.low.value,
        .clip_high = model->columns.high.value,
    };
    mg_calibration_tell(&model->calibration, &out->calibration);
}

void mg_model_destroy(mg_model *model) { mg_model_free(model); }

mg_status mg_model_load(const char *path, mg_model **out, mg_error *error) {
    MG_FLOAT_SCOPE;
    *out = NULL;
    mg_status status = mg_words_need(path, "path", "the name of a file", error);
    if (!status) status = mg_h5_check_library(error);
    if (!status) status = mg_model_read(path, out, error);
    if (!status) status = mg_model_expand(*out, error);
    if (!status) return MG_OK;
    mg_model_free(*out);
    *out = NULL;
    return status;
}

// Refuses to replace anything but a model: a file with a seal, or an empty one.
static mg_status check_replaced(const mg_place *place, const char *path, mg_error *error) {
    int fd;
    bool sealed = false;
    if (place->descriptor >= 0 || (place->was.exists && !S_ISREG(place->was.about.st_mode)))
        return mg_fail(error, MG_IO, "%s: is not a regular file, so no model can be written there", path);
    if (!place->was.exists || place->was.about.st_size == 0) return MG_OK;
    mg_status status = mg_directory_open_file(place->directory, place->name, &fd, error);
    if (status) return status;
    status = mg_file_has_seal(fd, path, &sealed, error);
    close(fd);
    if (status || sealed) return status;
    return mg_fail(
        error, MG_USAGE,
        "%s: is a file that is not a model, and would be replaced: give another name, or delete it", path);
}

mg_status mg_model_save(const mg_model *model, const char *path, mg_error *error) {
    MG_FLOAT_SCOPE;
    mg_place place = {.descriptor = -1};
    mg_status status = mg_words_need(path, "path", "the name of a file", error);
    if (!status) status = mg_h5_check_library(error);
    if (!status) status = mg_place_find(path, &place, error);
    if (!status) status = check_replaced(&place, path, error);
    if (!status) status = mg_model_write(model, place.directory, place.name, &place.was, error);
    mg_place_clear(&place);
    return status;
}

mg_status mg_model_score(const mg_model *model, const mg_score_request *request, mg_error *error) {
    MG_FLOAT_SCOPE;
    mg_api_arrays arrays = {.features = model->features_name};
    mg_h5 *file;
    mg_status status = mg_words_need(request->data, "data", "a data set", error);
    if (!status) status = mg_api_arrays_open(request->data, &arrays, &file, error);
    if (status) return status;
    status = mg_score(model, file, arrays.features, request->data->feature_names ? arrays.names : NULL,
                      request, error);
    mg_h5_close(file);
    return status;
}
