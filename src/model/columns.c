// columns.c - reads and writes the data set `names` and the attributes `recipe` and `names_from` of model.h5.
#include "model/columns.h"

#include "base/memory.h"
#include "base/utf8.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

void mg_model_columns_put(const mg_columns *columns, mg_h5_image *image) {
    if (columns->names.count)
        mg_h5_image_texts(image, "names", columns->names.count, (const char *const *)columns->names.text);
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

mg_status mg_model_columns_take(mg_h5 *file, int64_t features, mg_columns *out, mg_error *error) {
    *out = (mg_columns){0};
    mg_status status = take_names(file, features, &out->names, error);
    if (!status) status = take_text(file, "recipe", &out->recipe, error);
    if (!status) status = take_text(file, "names_from", &out->names_from, error);
    if (status) mg_columns_clear(out);
    return status;
}
