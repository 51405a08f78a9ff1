// calibration.c - reads and writes the attributes and data sets `calibration...` of model.h5.
#include "model/calibration.h"

#include "base/bound.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

// Bounds that no fit exceeds, however large or small the scores are. Scores are 32-bit floats, from 1e-45 to
// 3e38. A fitted temperature is at most a thousand times larger or smaller than their spread. A fitted
// sigmoid is at most log(rows + 2) where most rows are, so its slope is at most a multiple of 1 / spread, and
// its intercept a multiple of score / spread.
static const mg_bound temperatures = {NULL, 1e-60, 1e50, false};
static const mg_bound slopes = {NULL, -1e70, 1e70, false};
static const mg_bound intercepts = {NULL, -1e40, 1e40, false};
static const mg_bound fraction = {NULL, 0, 1, false};
static const mg_bound share = {NULL, 0, 1.000001, false}; // above 1, because sums are rounded
#define LEAST_SHARE 1e-250                                // of a class that has a weight
#define SHARES_OFF 1e-6                                   // how far their sum may be from 1, by rounding
static const mg_bound some_rows = {NULL, 1, 1e15, false};

typedef struct real_field {
    const char *name;
    size_t offset;
    mg_bound bound;
} real_field;
#define AT(field) offsetof(mg_calibration, field)
static const real_field reals[] = {
    {"calibration_log_loss_before", AT(before.log_loss), {NULL, 0, DBL_MAX, false}},
    // above 1, because sums are rounded
    {"calibration_ece_before", AT(before.ece), {NULL, 0, 1.000001, false}},
    {"calibration_log_loss", AT(after.log_loss), {NULL, 0, DBL_MAX, false}},
    {"calibration_ece", AT(after.ece), {NULL, 0, 1.000001, false}},
};
enum { REALS = sizeof reals / sizeof *reals };
static const char method_name[] = "calibration", temperature_name[] = "calibration_temperature",
                  exponent_name[] = "calibration_exponent", rows_name[] = "calibration_rows",
                  slope_name[] = "calibration/slope", intercept_name[] = "calibration/intercept",
                  shares_name[] = "calibration/shares";

void mg_model_calibration_put(const mg_calibration *c, int64_t classes, mg_h5_image *image) {
    if (c->method == MG_CALIBRATION_NONE) return;
    mg_h5_image_attribute_text(image, "/", method_name, mg_calibration_name((int)c->method));
    mg_h5_image_attribute_int64(image, "/", rows_name, c->rows);
    for (int i = 0; i < REALS; i++) {
        double value;
        memcpy(&value, (const char *)c + reals[i].offset, sizeof value);
        mg_h5_image_attribute_real(image, "/", reals[i].name, value);
    }
    if (c->method == MG_CALIBRATION_ADAPTIVE)
        mg_h5_image_attribute_real(image, "/", exponent_name, c->exponent);
    if (c->method != MG_CALIBRATION_SIGMOID) {
        mg_h5_image_attribute_real(image, "/", temperature_name, c->temperature);
        return;
    }
    mg_h5_image_group(image, "calibration");
    mg_h5_image_array(image, slope_name, MG_H5_F64, 1, &classes, c->slope);
    mg_h5_image_array(image, intercept_name, MG_H5_F64, 1, &classes, c->intercept);
    if (c->shares) mg_h5_image_array(image, shares_name, MG_H5_F64, 1, &classes, c->shares);
}

static mg_status take_values(mg_h5 *file, const char *name, int64_t classes, double **out, mg_error *error) {
    mg_h5_array *array;
    mg_status status = mg_h5_array_open(file, name, &array, error);
    if (status) return status;
    if (mg_h5_array_type(array) != MG_H5_F64 || mg_h5_array_rank(array) != 1 ||
        mg_h5_array_rows(array) != classes)
        status =
            mg_fail(error, MG_DATA,
                    "data set %s has rank %d, type %s and %lld values, but must have rank 1, type %s and "
                    "%lld values, one for each class",
                    name, mg_h5_array_rank(array), mg_h5_type_name(mg_h5_array_type(array)),
                    (long long)mg_h5_array_rows(array), mg_h5_type_name(MG_H5_F64), (long long)classes);
    if (!status) status = mg_memory_get(out, (size_t)classes, sizeof **out, error);
    if (!status) status = mg_h5_array_read(array, 0, classes, *out, error);
    mg_h5_array_close(array);
    return status;
}

mg_status mg_model_shares_take(mg_h5 *file, const char *name, int64_t classes, double **out,
                               mg_error *error) {
    *out = NULL;
    if (mg_h5_find(file, name) == MG_H5_MISSING) return MG_OK;
    mg_status status = take_values(file, name, classes, out, error);
    double sum = 0;
    for (int64_t k = 0; !status && k < classes; k++) {
        double value = (*out)[k];
        status = mg_bound_check(&share, name, k, value, error);
        if (!status && value > 0 && value < LEAST_SHARE)
            status = mg_fail(error, MG_DATA, "%s[%lld] is %g (0, or %g to 1 is allowed)", name, (long long)k,
                             value, LEAST_SHARE);
        sum += value;
    }
    if (!status && fabs(sum - 1) > SHARES_OFF)
        status = mg_fail(error, MG_DATA, "%s: the sum is %.9g, but shares of all classes have the sum 1",
                         name, sum);
    return status;
}

static mg_status take_method(mg_h5 *file, mg_calibration *out, mg_error *error) {
    char *name = NULL;
    mg_status status = mg_h5_attribute_text(file, "/", method_name, &name, error);
    int method = status ? -1 : mg_calibration_find(name);
    if (!status && method <= MG_CALIBRATION_NONE)
        status = mg_fail(error, MG_DATA, "%s is '%.40s' (temperature, sigmoid and adaptive are allowed)",
                         method_name, name);
    else if (!status) out->method = (mg_calibration_method)method;
    mg_memory_free(name);
    return status;
}

static mg_status take(mg_h5 *file, int64_t classes, mg_calibration *out, mg_error *error) {
    mg_status status = take_method(file, out, error);
    if (!status) status = mg_h5_attribute_int64(file, "/", rows_name, &out->rows, 1, NULL, error);
    for (int i = 0; !status && i < REALS; i++) {
        double value = 0;
        status = mg_h5_attribute_real(file, "/", reals[i].name, &value, error);
        memcpy((char *)out + reals[i].offset, &value, sizeof value);
    }
    if (!status && out->method == MG_CALIBRATION_ADAPTIVE)
        status = mg_h5_attribute_real(file, "/", exponent_name, &out->exponent, error);
    if (!status && out->method != MG_CALIBRATION_SIGMOID)
        return mg_h5_attribute_real(file, "/", temperature_name, &out->temperature, error);
    if (!status) status = take_values(file, slope_name, classes, &out->slope, error);
    if (!status) status = take_values(file, intercept_name, classes, &out->intercept, error);
    if (!status) status = mg_model_shares_take(file, shares_name, classes, &out->shares, error);
    return status;
}

mg_status mg_model_calibration_check(const mg_calibration *c, int64_t classes, mg_error *error) {
    if (c->method == MG_CALIBRATION_NONE) return MG_OK;
    mg_status status = mg_bound_check(&some_rows, rows_name, -1, (double)c->rows, error);
    for (int i = 0; !status && i < REALS; i++) {
        double value;
        memcpy(&value, (const char *)c + reals[i].offset, sizeof value);
        status = mg_bound_check(&reals[i].bound, reals[i].name, -1, value, error);
    }
    if (!status && c->method == MG_CALIBRATION_ADAPTIVE)
        status = mg_bound_check(&fraction, exponent_name, -1, c->exponent, error);
    if (!status && c->method != MG_CALIBRATION_SIGMOID)
        return mg_bound_check(&temperatures, temperature_name, -1, c->temperature, error);
    for (int64_t k = 0; !status && k < classes; k++) {
        status = mg_bound_check(&slopes, slope_name, k, c->slope[k], error);
        if (!status) status = mg_bound_check(&intercepts, intercept_name, k, c->intercept[k], error);
    }
    return status;
}

mg_status mg_model_calibration_take(mg_h5 *file, bool wanted, int64_t classes, mg_calibration *out,
                                    mg_error *error) {
    bool there = mg_h5_has_attribute(file, "/", method_name);
    *out = (mg_calibration){0};
    if (there && !wanted)
        return mg_fail(error, MG_DATA, "%s: an attribute of this name needs another format_version",
                       method_name);
    if (!wanted) return MG_OK;
    mg_status status = take(file, classes, out, error);
    if (!status) status = mg_model_calibration_check(out, classes, error);
    if (status) mg_calibration_clear(out);
    return status;
}
