// convert_like.c - reads the file that --like names: its format, the names of its columns, and its label
// column.
#include "data/convert.h"

#include "base/memory.h"

#include <string.h>

static mg_status read_label_name(mg_conversion *c, mg_error *error) {
    if (!mg_h5_has_attribute(c->like_file, "csv", MG_COLUMNS_LABEL_NAME)) return MG_OK;
    mg_status status =
        mg_h5_attribute_text(c->like_file, "csv", MG_COLUMNS_LABEL_NAME, &c->like_label, error);
    c->like.label_name = c->like_label;
    return status;
}

static mg_status read_features(mg_conversion *c, mg_error *error) {
    mg_h5_array *array;
    int64_t shape[2];
    int count;
    if (mg_h5_find(c->like_file, "X") == MG_H5_GROUP) {
        mg_status status = mg_h5_attribute_int64(c->like_file, "X", "shape", shape, 2, &count, error);
        if (status) return status;
        if (count != 2 || shape[1] < 1 || shape[1] > MG_MOST_INDEX)
            return mg_fail(error, MG_DATA, "%s: attribute shape of X is not rows and columns", c->like.path);
        c->like.features = shape[1];
        return MG_OK;
    }
    mg_status status = mg_h5_array_open(c->like_file, "X", &array, error);
    if (status) return status;
    c->like.features = mg_h5_array_columns(array);
    mg_h5_array_close(array);
    return MG_OK;
}

mg_status mg_convert_open_like(mg_conversion *c, mg_error *error) {
    const mg_columns_place place = {.features = "X"};
    c->like.path = c->options->like;
    if (!c->like.path) return MG_OK;
    mg_status status = mg_h5_open(c->like.path, &c->like_file, error);
    if (!status) status = read_features(c, error);
    if (!status) status = mg_columns_read(c->like_file, &place, c->like.features, &c->like_columns, error);
    if (!status) status = read_label_name(c, error);
    if (!status) status = mg_h5_check_unchanged(c->like_file, error);
    c->like.names = &c->like_columns.names;
    return status;
}

void mg_convert_close_like(mg_conversion *c) {
    mg_h5_close(c->like_file);
    mg_columns_clear(&c->like_columns);
    mg_memory_free(c->like_label);
    mg_memory_free(c->like_scale);
}

// True if an input of this format can be recognised with certainty, by a magic number or by index:value
// pairs. Tables cannot: for them, the format of the file of --like is used.
static bool tells_itself(const mg_format *format) {
    return format && strcmp(format->name, "csv") != 0 && strcmp(format->name, "text") != 0;
}

mg_status mg_convert_follow_like(mg_conversion *c, bool sure, mg_error *error) {
    size_t bytes;
    char name[32] = "";
    const char *found = mg_recipe_find(c->like_columns.recipe, "format", &bytes);
    if (found && bytes < sizeof name) memcpy(name, found, bytes);
    const mg_format *format = *name ? mg_format_find(name) : NULL;
    if (!format || format == c->format) return MG_OK;
    bool texts = !strcmp(format->name, "text") || (c->format && !strcmp(c->format->name, "text"));
    if (c->options->format && texts)
        return mg_fail(
            error, MG_USAGE,
            "--format %s does not agree with --like %s, which was made with format %s: leave --format out",
            c->format->name, c->like.path, format->name);
    if (c->options->format) return MG_OK; // numeric features mean the same in all formats
    if (sure && tells_itself(c->format) && texts)
        return mg_fail(
            error, MG_DATA,
            "%s: is a file of format %s, but %s was made with format %s: give a file of that format",
            c->options->inputs[0], c->format->name, c->like.path, format->name);
    if (!(sure && tells_itself(c->format)) && !tells_itself(format)) c->format = format;
    return MG_OK;
}
