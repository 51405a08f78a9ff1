// columns.c - reads and writes the data sets `names` and `used_features` and the attributes `recipe`,
// `names_from` and `features_count` of model.h5.
#include "model/columns.h"

#include "base/bound.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "rows/rows.h"

#include <float.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define LEAST_FACTOR 0.99e-37
#define MOST_FACTOR 1.01e37

void mg_model_columns_put(const mg_columns *columns, mg_h5_image *image) {
    if (columns->names.count)
        mg_h5_image_texts(image, "names", columns->names.count, (const char *const *)columns->names.text);
    if (columns->idf.value)
        mg_h5_image_array(image, "idf", MG_H5_F32, 1, &columns->idf.count, columns->idf.value);
    if (columns->fill.value)
        mg_h5_image_array(image, "fill", MG_H5_F32, 1, &columns->fill.count, columns->fill.value);
    if (columns->scale.value)
        mg_h5_image_array(image, "scale", MG_H5_F32, 1, &columns->scale.count, columns->scale.value);
    if (columns->low.value) {
        mg_h5_image_array(image, "clip_low", MG_H5_F32, 1, &columns->low.count, columns->low.value);
        mg_h5_image_array(image, "clip_high", MG_H5_F32, 1, &columns->high.count, columns->high.value);
    }
    if (columns->recipe) mg_h5_image_attribute_text(image, "/", "recipe", columns->recipe);
    if (columns->names_from) mg_h5_image_attribute_text(image, "/", "names_from", columns->names_from);
}

static mg_status take_names(mg_h5 *file, int64_t features, mg_names *names, mg_error *error) {
    mg_h5_array *array;
    char **text = NULL, where[PATH_MAX + 32];
    if (mg_h5_find(file, "names") == MG_H5_MISSING) return MG_OK;
    mg_status status = mg_h5_array_open(file, "names", &array, error);
    if (status) return status;
    if (mg_h5_array_type(array) != MG_H5_TEXT || mg_h5_array_rank(array) != 1 ||
        mg_h5_array_rows(array) != features)
        status = mg_fail(error, MG_DATA,
                         "%s: data set names must be a vector of %lld strings, one for each feature",
                         mg_h5_path(file), (long long)features);
    if (!status) status = mg_h5_array_read_texts(array, &text, error);
    snprintf(where, sizeof where, "%s: names", mg_h5_path(file));
    const mg_names all = {features, text};
    bool found = false;
    int64_t first, second;
    if (!status) status = mg_names_repeat(&all, &found, &first, &second, error);
    if (!status && found)
        status = mg_fail(error, MG_DATA, "%s[%lld] and [%lld] are the same name", where, (long long)first,
                         (long long)second);
    if (!status) status = mg_names_take(names, text, features, where, error);
    if (status) mg_h5_free_texts(text, features);
    mg_h5_array_close(array);
    return status;
}

static mg_status take_text(mg_h5 *file, const char *name, char **out, mg_error *error) {
    if (!mg_h5_has_attribute(file, "/", name)) return MG_OK;
    mg_status status = mg_h5_attribute_text(file, "/", name, out, error);
    if (!status && (strlen(*out) > MG_RECIPE_LONGEST || !mg_utf8_valid(*out)))
        status = mg_fail(error, MG_DATA, "%s: attribute %s is not a UTF-8 string of at most %d bytes",
                         mg_h5_path(file), name, MG_RECIPE_LONGEST);
    return status;
}

// Reads numbers, none below `least`, one for each of `count` columns. They are optional.
static mg_status take_values(mg_h5 *file, const char *name, double least, int64_t count,
                             mg_column_values *out, mg_error *error) {
    const mg_bound bound = {NULL, least, FLT_MAX, false};
    mg_h5_array *array;
    if (mg_h5_find(file, name) == MG_H5_MISSING) return MG_OK;
    mg_status status = mg_h5_array_open(file, name, &array, error);
    if (status) return status;
    if (mg_h5_array_type(array) != MG_H5_F32 || mg_h5_array_rank(array) != 1 ||
        mg_h5_array_rows(array) != count)
        status = mg_fail(error, MG_DATA, "%s: data set %s must be a vector of %lld values of float32",
                         mg_h5_path(file), name, (long long)count);
    if (!status) status = mg_memory_get(&out->value, (size_t)count, sizeof *out->value, error);
    if (!status) status = mg_h5_array_read(array, 0, count, out->value, error);
    if (!status) out->count = count;
    for (int64_t i = 0; !status && i < count; i++)
        status = mg_bound_check(&bound, name, i, (double)out->value[i], error);
    mg_h5_array_close(array);
    return status;
}

mg_status mg_model_limits_check(const mg_columns *columns, mg_error *error) {
    const mg_column_values *low = &columns->low, *high = &columns->high;
    for (int64_t d = 0; d < low->count; d++)
        if (!(low->value[d] >= -FLT_MAX && low->value[d] <= high->value[d] && high->value[d] <= FLT_MAX))
            return mg_fail(error, MG_DATA,
                           "clip_low[%lld] is %g and clip_high %g, but both must be finite, and clip_low not "
                           "above clip_high",
                           (long long)d, (double)low->value[d], (double)high->value[d]);
    return MG_OK;
}

static mg_status take_limits(mg_h5 *file, int64_t features, mg_columns *out, mg_error *error) {
    mg_status status = take_values(file, "clip_low", -FLT_MAX, features, &out->low, error);
    if (!status) status = take_values(file, "clip_high", -FLT_MAX, features, &out->high, error);
    if (!status && !out->low.value != !out->high.value)
        status = mg_fail(error, MG_DATA, "only one of the data sets clip_low and clip_high is there");
    return status ? status : mg_model_limits_check(out, error);
}

// (N1) A run has no other factors: of a size of 1e-37 to 1e37, rounded.
static mg_status check_scale(const mg_column_values *scale, mg_error *error) {
    for (int64_t i = 0; i < scale->count; i++) {
        double value = (double)scale->value[i];
        if (value != 0 && !(value >= LEAST_FACTOR && value <= MOST_FACTOR))
            return mg_fail(error, MG_DATA, "scale[%lld] is %g (0, or %g to %g are allowed)", (long long)i,
                           value, LEAST_FACTOR, MOST_FACTOR);
    }
    return MG_OK;
}

// Rows of a raw file cannot be made without the tables that the recipe names.
static mg_status check_tables(const mg_columns *columns, mg_error *error) {
    size_t bytes;
    if (mg_recipe_is(columns->recipe, "weighting", "tf-idf") && !columns->idf.value)
        return mg_fail(error, MG_DATA, "idf is missing, but the recipe has weighting: tf-idf");
    if (mg_recipe_find(columns->recipe, "missing", &bytes) && !columns->fill.value)
        return mg_fail(error, MG_DATA, "fill is missing, but the recipe has a value for missing cells");
    return MG_OK;
}

mg_status mg_model_columns_take(mg_h5 *file, int64_t features, int64_t used, mg_columns *out,
                                mg_error *error) {
    *out = (mg_columns){0};
    mg_status status = take_names(file, features, &out->names, error);
    if (!status) status = take_values(file, "idf", 0, features, &out->idf, error);
    if (!status) status = take_values(file, "fill", -FLT_MAX, features, &out->fill, error);
    if (!status) status = take_values(file, "scale", 0, used, &out->scale, error);
    if (!status) status = check_scale(&out->scale, error);
    if (!status) status = take_limits(file, features, out, error);
    if (!status) status = take_text(file, "recipe", &out->recipe, error);
    if (!status) status = take_text(file, "names_from", &out->names_from, error);
    if (!status) status = mg_columns_check(out, error);
    if (!status) status = check_tables(out, error);
    if (status) mg_columns_clear(out);
    return status;
}

mg_status mg_model_used_put(const mg_used *used, mg_h5_image *image, mg_error *error) {
    uint32_t *list;
    if (!used->width) return MG_OK;
    mg_status status = mg_memory_get(&list, (size_t)used->count, sizeof *list, error);
    if (status) return status;
    mg_used_list(used, list);
    mg_h5_image_attribute_int64(image, "/", "features_count", used->width);
    mg_h5_image_array(image, "used_features", MG_H5_U32, 1, &used->count, list);
    mg_memory_free(list);
    return MG_OK;
}

static mg_status take_list(const int64_t *list, int64_t count, int64_t width, mg_used *out, mg_error *error) {
    mg_status status = MG_OK;
    for (int64_t i = 0; !status && i < count; i++)
        if (list[i] < 0 || list[i] >= width || (i > 0 && list[i] <= list[i - 1]))
            status = mg_fail(error, MG_DATA,
                             "used_features[%lld] is %lld (0 to %lld are allowed, in ascending order)",
                             (long long)i, (long long)list[i], (long long)width - 1);
    if (!status) status = mg_used_create(out, width, error);
    for (int64_t i = 0; !status && i < count; i++) {
        uint32_t feature = (uint32_t)list[i];
        mg_used_mark(out, 1, &feature);
    }
    if (!status) mg_used_finish(out);
    return status;
}

mg_status mg_model_used_take(mg_h5 *file, int64_t count, mg_used *out, mg_error *error) {
    mg_h5_array *array = NULL;
    int64_t *list = NULL, width = 0;
    *out = (mg_used){0};
    mg_status status = mg_h5_attribute_int64(file, "/", "features_count", &width, 1, NULL, error);
    if (!status && (width < count || width > MG_MOST_INDEX))
        status = mg_fail(error, MG_DATA, "features_count is %lld (%lld to %u are allowed)", (long long)width,
                         (long long)count, MG_MOST_INDEX);
    if (!status) status = mg_h5_array_open(file, "used_features", &array, error);
    if (!status && (mg_h5_array_rank(array) != 1 || mg_h5_array_rows(array) != count))
        status = mg_fail(error, MG_DATA,
                         "data set used_features has rank %d and %lld values, but must have rank 1 and %lld, "
                         "one for each column of weights",
                         mg_h5_array_rank(array), (long long)mg_h5_array_rows(array), (long long)count);
    if (!status) status = mg_h5_array_read_int64(array, &list, error);
    if (!status) status = take_list(list, count, width, out, error);
    mg_memory_free(list);
    mg_h5_array_close(array);
    return status;
}
