// model.c - reads and writes model.h5. docs/formats.md describes its layout; a change of its meaning changes
// format_version.
#include "model/model.h"

#include "base/activity.h"
#include "base/bound.h"
#include "base/memory.h"
#include "io/file.h"
#include "model/calibration.h"
#include "model/columns.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include <margin/version.h>

#define FORMAT "margin model"
// VERSION_USED: only the used features have weights. VERSION_CALIBRATED: the model has a calibration. Any
// other model keeps the version that all releases can read.
enum { VERSION_ALL = 1, VERSION_USED = 2, VERSION_CALIBRATED = 3, VERSION_CLIPPED = 4 };
static const size_t most_bytes = (size_t)1 << 40;

mg_status mg_model_new(int64_t classes, int64_t features, mg_model **out, mg_error *error) {
    static const mg_used all = {0};
    return mg_model_new_used(classes, features, &all, out, error);
}

mg_status mg_model_new_used(int64_t classes, int64_t features, const mg_used *used, mg_model **out,
                            mg_error *error) {
    *out = NULL;
    mg_model *model;
    mg_status status = mg_memory_zeroed(&model, 1, sizeof *model, error);
    if (status) return status;
    model->classes_count = classes;
    model->features = features;
    model->per_class = used->width ? used->count : features;
    size_t line;
    status = mg_used_copy(used, &model->used, error);
    if (!status && __builtin_mul_overflow((size_t)model->per_class, sizeof(float), &line))
        status = mg_fail(error, MG_MEMORY, "out of memory: %lld features cannot be addressed",
                         (long long)features);
    if (!status) status = mg_memory_zeroed(&model->weights, (size_t)classes, line, error);
    if (!status) status = mg_memory_zeroed(&model->bias, (size_t)classes, sizeof(float), error);
    if (status) mg_model_free(model);
    else *out = model;
    return status;
}

void mg_model_free(mg_model *model) {
    if (!model) return;
    mg_classes_clear(&model->classes);
    mg_columns_clear(&model->columns);
    mg_used_clear(&model->used);
    mg_calibration_clear(&model->calibration);
    for (int i = 0; i < 2; i++)
        if (model->derived[i]) model->derived[i]->destroy(model->derived[i]);
    void *const blocks[] = {model->path,          model->weights,     model->bias,
                            model->loss,          model->rows,        model->transform,
                            model->features_name, model->labels_name, model};
    for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++) mg_memory_free(blocks[b]);
}

// Copies `rows` rows of numbers of the used features to rows of numbers of all features.
static void expand(const mg_model *model, const float *from, int64_t rows, float *to) {
    for (int64_t i = 0; i < model->per_class; i++) {
        int64_t d = mg_used_column(&model->used, i);
        for (int64_t k = 0; k < rows; k++) to[k * model->features + d] = from[k * model->per_class + i];
    }
}

mg_status mg_model_expand(mg_model *model, mg_error *error) {
    float *weights, *scale = NULL;
    mg_column_values *scales = &model->columns.scale;
    size_t features = (size_t)model->features;
    if (!model->used.width) return MG_OK;
    mg_status status =
        mg_memory_zeroed(&weights, (size_t)model->classes_count, features * sizeof *weights, error);
    if (!status && scales->value) status = mg_memory_zeroed(&scale, features, sizeof *scale, error);
    if (status) {
        mg_memory_free(weights);
        return status;
    }
    expand(model, model->weights, model->classes_count, weights);
    if (scale) {
        expand(model, scales->value, 1, scale);
        mg_memory_free(scales->value);
        *scales = (mg_column_values){model->features, scale};
    }
    mg_memory_free(model->weights);
    mg_used_clear(&model->used);
    model->weights = weights;
    model->per_class = model->features;
    return MG_OK;
}

void mg_model_calibrate(mg_model *model, const mg_calibration *calibration) {
    mg_calibration_clear(&model->calibration);
    model->calibration = *calibration;
}

// Attributes, in one table for reading and writing.
static const struct {
    const char *name;
    size_t offset;
} texts[] = {
    {"loss", offsetof(mg_model, loss)},           {"rows", offsetof(mg_model, rows)},
    {"transform", offsetof(mg_model, transform)}, {"features", offsetof(mg_model, features_name)},
    {"labels", offsetof(mg_model, labels_name)},
};
typedef struct number_field {
    const char *name;
    size_t offset;
    mg_bound bound;
} number_field;
// From model.lambda, or from model.C and the sum of the weights of at most 1e15 rows, in float32.
#define LEAST_LAMBDA 1e-84
#define MOST_LAMBDA 1e75
static const number_field reals[] = {
    {"delta", offsetof(mg_model, delta), {NULL, 1e-30, 1e30, false}}, // the range of option model.delta
    {"lambda", offsetof(mg_model, lambda), {NULL, LEAST_LAMBDA, MOST_LAMBDA, false}},
    {"objective", offsetof(mg_model, objective), {NULL, -DBL_MAX, DBL_MAX, false}},
    {"square_norm", offsetof(mg_model, square_norm), {NULL, 0, DBL_MAX, false}},
    {"bias_value", offsetof(mg_model, bias_value), {NULL, 0, 1e30, false}}, // the range of option model.bias
    {"dual", offsetof(mg_model, dual), {NULL, -INFINITY, DBL_MAX, true}},
};
static const number_field integers[] = {
    {"step", offsetof(mg_model, step), {NULL, 0, 1e15, false}},
    {"epoch", offsetof(mg_model, epoch), {NULL, 0, 1e15, false}},
    {"training_rows", offsetof(mg_model, training_rows), {NULL, 1, 1e15, false}},
};
#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static int64_t version_of(const mg_model *model) {
    if (model->columns.low.value) return VERSION_CLIPPED;
    if (model->calibration.method != MG_CALIBRATION_NONE) return VERSION_CALIBRATED;
    return model->used.width ? VERSION_USED : VERSION_ALL;
}

static void put_attributes(const mg_model *model, mg_h5_image *image) {
    const char *base = (const char *)model;
    mg_h5_image_attribute_text(image, "/", "format", FORMAT);
    mg_h5_image_attribute_int64(image, "/", "format_version", version_of(model));
    mg_h5_image_attribute_text(image, "/", "margin_version", MG_VERSION);
    for (size_t i = 0; i < COUNT(texts); i++) {
        char *value;
        memcpy(&value, base + texts[i].offset, sizeof value);
        mg_h5_image_attribute_text(image, "/", texts[i].name, value);
    }
    for (size_t i = 0; i < COUNT(reals); i++) {
        double value;
        memcpy(&value, base + reals[i].offset, sizeof value);
        mg_h5_image_attribute_real(image, "/", reals[i].name, value);
    }
    for (size_t i = 0; i < COUNT(integers); i++) {
        int64_t value;
        memcpy(&value, base + integers[i].offset, sizeof value);
        mg_h5_image_attribute_int64(image, "/", integers[i].name, value);
    }
}

mg_status mg_model_write(const mg_model *model, const mg_directory *directory, const char *name,
                         const mg_named *was, mg_error *error) {
    MG_ACTIVITY("writing the model", 0);
    mg_h5_image *image;
    mg_status status = mg_h5_image_create(&image, error);
    if (status) return status;
    int64_t shape[2] = {model->classes_count, model->per_class};
    put_attributes(model, image);
    mg_h5_image_array(image, "weights", MG_H5_F32, 2, shape, model->weights);
    mg_h5_image_array(image, "bias", MG_H5_F32, 1, shape, model->bias);
    if (model->classes.texts)
        mg_h5_image_texts(image, "classes", shape[0], (const char *const *)model->classes.text);
    else mg_h5_image_array(image, "classes", MG_H5_I64, 1, shape, model->classes.number);
    mg_model_columns_put(&model->columns, image);
    mg_model_calibration_put(&model->calibration, model->classes_count, image);
    if (model->classes.shares) mg_h5_image_array(image, "shares", MG_H5_F64, 1, shape, model->classes.shares);
    status = mg_model_used_put(&model->used, image, error);
    if (!status) return mg_h5_image_write(image, directory, name, was, error);
    mg_h5_image_destroy(image);
    return status;
}

static mg_status take_attributes(mg_model *model, mg_h5 *file, mg_error *error) {
    char *base = (char *)model;
    mg_status status = MG_OK;
    for (size_t i = 0; !status && i < COUNT(texts); i++) {
        char *value = NULL;
        status = mg_h5_attribute_text(file, "/", texts[i].name, &value, error);
        memcpy(base + texts[i].offset, &value, sizeof value);
    }
    for (size_t i = 0; !status && i < COUNT(reals); i++) {
        double value = 0;
        status = mg_h5_attribute_real(file, "/", reals[i].name, &value, error);
        memcpy(base + reals[i].offset, &value, sizeof value);
    }
    for (size_t i = 0; !status && i < COUNT(integers); i++) {
        int64_t value = 0;
        status = mg_h5_attribute_int64(file, "/", integers[i].name, &value, 1, NULL, error);
        memcpy(base + integers[i].offset, &value, sizeof value);
    }
    return status ? status : mg_model_check_numbers(model, error);
}

mg_status mg_model_check_numbers(const mg_model *model, mg_error *error) {
    const char *base = (const char *)model;
    mg_status status = MG_OK;
    for (size_t i = 0; !status && i < COUNT(reals); i++) {
        double value;
        memcpy(&value, base + reals[i].offset, sizeof value);
        status = mg_bound_check(&reals[i].bound, reals[i].name, -1, value, error);
    }
    for (size_t i = 0; !status && i < COUNT(integers); i++) {
        int64_t value;
        memcpy(&value, base + integers[i].offset, sizeof value);
        status = mg_bound_check(&integers[i].bound, integers[i].name, -1, (double)value, error);
    }
    return status;
}

static mg_status check_format(const char *path, mg_h5 *file, int64_t *version, mg_error *error) {
    char *format = NULL;
    mg_status status = mg_h5_attribute_text(file, "/", "format", &format, error);
    if (!status && strcmp(format, FORMAT))
        status = mg_fail(error, MG_DATA, "%s: is a %s, not a model: give the run's model.h5", path, format);
    if (!status) status = mg_h5_attribute_int64(file, "/", "format_version", version, 1, NULL, error);
    if (!status && (*version < VERSION_ALL || *version > VERSION_CLIPPED))
        status = mg_fail(error, MG_DATA,
                         "%s: format_version is %lld, this margin (%s) reads %d to %d: use a newer margin",
                         path, (long long)*version, MG_VERSION, VERSION_ALL, VERSION_CLIPPED);
    mg_memory_free(format);
    return status;
}

static bool has_calibration(mg_h5 *file, int64_t version) {
    return version == VERSION_CALIBRATED ||
           (version == VERSION_CLIPPED && mg_h5_has_attribute(file, "/", "calibration"));
}

// Limits need a version of their own, because a margin that does not know them would give wrong answers.
static mg_status check_limits(const mg_model *model, int64_t version, mg_error *error) {
    if ((version == VERSION_CLIPPED) == (model->columns.low.value != NULL)) return MG_OK;
    return mg_fail(error, MG_DATA, "format_version is %lld, but the data sets clip_low and clip_high are %s",
                   (long long)version, version == VERSION_CLIPPED ? "missing" : "there");
}

static mg_status check_array(const mg_h5_array *array, const char *name, mg_h5_type type, int rank,
                             int64_t rows, mg_error *error) {
    if (mg_h5_array_type(array) == type && mg_h5_array_rank(array) == rank && mg_h5_array_rows(array) == rows)
        return MG_OK;
    return mg_fail(
        error, MG_DATA,
        "data set %s has %lld rows, type %s and rank %d, but must have %lld rows, type %s and rank %d", name,
        (long long)mg_h5_array_rows(array), mg_h5_type_name(mg_h5_array_type(array)), mg_h5_array_rank(array),
        (long long)rows, mg_h5_type_name(type), rank);
}

static mg_status take_arrays(mg_h5 *file, int64_t version, mg_model **out, mg_error *error) {
    mg_h5_array *weights = NULL, *bias = NULL, *classes = NULL;
    mg_used used = {0};
    mg_status status = mg_h5_array_open(file, "weights", &weights, error);
    if (!status) status = mg_h5_array_open(file, "bias", &bias, error);
    if (!status) status = mg_h5_array_open(file, "classes", &classes, error);
    int64_t k = status ? 0 : mg_h5_array_rows(weights);
    if (!status) status = check_array(weights, "weights", MG_H5_F32, 2, k, error);
    if (!status) status = check_array(bias, "bias", MG_H5_F32, 1, k, error);
    if (!status)
        status = check_array(classes, "classes",
                             mg_h5_array_type(classes) == MG_H5_TEXT ? MG_H5_TEXT : MG_H5_I64, 1, k, error);
    if (!status && (k < 2 || k > INT32_MAX || mg_h5_array_columns(weights) < 1))
        status = mg_fail(error, MG_DATA,
                         "weights has %lld classes and %lld features (2 to %d classes and at least 1 "
                         "feature are allowed)",
                         (long long)k, (long long)mg_h5_array_columns(weights), INT32_MAX);
    int64_t features = status ? 0 : mg_h5_array_columns(weights);
    bool used_alone = version == VERSION_USED ||
                      (version >= VERSION_CALIBRATED && mg_h5_has_attribute(file, "/", "features_count"));
    if (!status && used_alone) status = mg_model_used_take(file, features, &used, error);
    if (!status && used.width) features = used.width;
    if (!status) status = mg_model_new_used(k, features, &used, out, error);
    if (!status) status = mg_h5_array_read(weights, 0, k, (*out)->weights, error);
    if (!status) status = mg_h5_array_read(bias, 0, k, (*out)->bias, error);
    if (!status) {
        mg_classes *to = &(*out)->classes;
        to->count = k;
        to->texts = mg_h5_array_type(classes) == MG_H5_TEXT;
        status = to->texts ? mg_h5_array_read_texts(classes, &to->text, error)
                           : mg_h5_array_read_int64(classes, &to->number, error);
    }
    mg_used_clear(&used);
    mg_h5_array_close(classes);
    mg_h5_array_close(bias);
    mg_h5_array_close(weights);
    return status;
}

mg_status mg_model_parse(const char *path, const unsigned char *content, size_t size, mg_model **out,
                         mg_error *error) {
    *out = NULL;
    mg_h5 *file = NULL;
    mg_model *model = NULL;
    int64_t version = 0;
    mg_status status = mg_h5_open_image(path, content, size, &file, error);
    if (!status) status = check_format(path, file, &version, error);
    bool right_format = !status; // otherwise the error has its own advice
    if (!status) status = take_arrays(file, version, &model, error);
    if (!status) status = take_attributes(model, file, error);
    if (!status)
        status = mg_model_columns_take(file, model->features, model->per_class, &model->columns, error);
    if (!status) status = check_limits(model, version, error);
    if (!status)
        status = mg_model_calibration_take(file, has_calibration(file, version), model->classes_count,
                                           &model->calibration, error);
    if (!status)
        status = mg_model_shares_take(file, "shares", model->classes_count, &model->classes.shares, error);
    if (!status) status = mg_model_check(model, error);
    if (right_format)
        status = mg_file_blame(path, "train the model again, or use another one", status, error);
    if (!status) status = mg_memory_text(&model->path, path, error);
    mg_h5_close(file);
    if (status) mg_model_free(model);
    else *out = model;
    return status;
}

mg_status mg_model_read_open(int fd, const char *path, mg_model **out, mg_error *error) {
    MG_ACTIVITY("reading the model", 0);
    *out = NULL;
    unsigned char *bytes = NULL;
    size_t size = 0, content = 0;
    mg_status status = mg_file_read_open(fd, path, most_bytes, &bytes, &size, error);
    if (!status) status = mg_file_check_seal(path, bytes, size, &content, error);
    if (!status) status = mg_model_parse(path, bytes, content, out, error);
    mg_memory_free(bytes);
    return status;
}

mg_status mg_model_read(const char *path, mg_model **out, mg_error *error) {
    int fd;
    *out = NULL;
    mg_status status = mg_file_open(path, MG_FILE_REGULAR, &fd, error);
    if (status) return status;
    status = mg_model_read_open(fd, path, out, error);
    close(fd);
    return status;
}
