// convert_like.c - reads the file that --like names: its format, the names of its columns, and its label
// column.
#include "data/convert.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

// Copies an option of the recipe; *out is NULL if there is none.
static mg_status take_option(const char *recipe, const char *option, char **out, mg_error *error) {
    size_t bytes;
    const char *found = mg_recipe_find(recipe, option, &bytes);
    mg_status status = found ? mg_memory_zeroed(out, bytes + 1, 1, error) : MG_OK;
    if (found && !status) memcpy(*out, found, bytes);
    return status;
}

static mg_status follow_recipe(mg_conversion *c, mg_error *error) {
    const mg_columns *known = c->known;
    mg_followed *f = &c->followed;
    mg_status status = take_option(known->recipe, MG_COLUMNS_LABEL_NAME, &f->label_name, error);
    if (!status) status = take_option(known->recipe, "delimiter", &f->delimiter, error);
    if (!status) status = take_option(known->recipe, "label", &f->label, error);
    if (!status) status = take_option(known->recipe, "header", &f->header, error);
    if (!status) status = take_option(known->recipe, "labels", &f->labels, error);
    c->like.names = &known->names;
    c->like.scale = known->idf.value;
    c->like.fill = known->fill.value;
    c->like.label_name = f->label_name;
    c->like.delimiter = f->delimiter;
    c->like.label = f->label;
    c->like.header = f->header;
    c->like.labels = f->labels;
    return status;
}

// True for a text that is the label of a class, or stands for a missing label.
static bool is_label(const void *context, const char *text, size_t bytes) {
    const mg_classes *classes = context;
    char number[MG_LABEL_BUFFER];
    int64_t whole;
    if (mg_text_missing(text, bytes) || mg_classes_find(classes, text) >= 0) return true;
    if (classes->texts || !mg_text_whole(text, text + bytes, &whole)) return false;
    snprintf(number, sizeof number, "%lld", (long long)whole);
    return mg_classes_find(classes, number) >= 0;
}

mg_status mg_convert_follow_model(mg_conversion *c, const mg_raw_model *model, mg_error *error) {
    char *format = NULL;
    c->known = model->columns;
    c->like = (mg_format_like){
        .path = model->path,
        .features = model->features,
        .raw = true,
        .is_label = model->skip_labels ? is_label : NULL,
        .context = model->classes,
        .settle_header = model->of_run ? "convert it with margin convert --like and the training file, and "
                                         "--header yes or --header no"
                                       : "say --names header or --names none",
        .settle_label = model->of_run ? "convert it with margin convert --like and the training file, and "
                                        "--label"
                                      : "say with --labels which column they are (none, first, last, its "
                                        "name or its number)",
        .settle_name =
            model->of_run ? "convert it with margin convert --like and the training file, and" : NULL,
    };
    mg_status status = take_option(c->known->recipe, "format", &format, error);
    if (!status && format) c->format = mg_format_find(format);
    mg_memory_free(format);
    return status ? status : follow_recipe(c, error);
}

static mg_status read_features(mg_conversion *c, mg_error *error) {
    mg_h5_array *array;
    int64_t shape[2];
    int count;
    if (mg_h5_find(c->followed.file, "X") == MG_H5_GROUP) {
        mg_status status = mg_h5_attribute_int64(c->followed.file, "X", "shape", shape, 2, &count, error);
        if (status) return status;
        if (count != 2 || shape[1] < 1 || shape[1] > MG_MOST_INDEX)
            return mg_fail(error, MG_DATA, "%s: attribute shape of X is not rows and columns", c->like.path);
        c->like.features = shape[1];
        return MG_OK;
    }
    mg_status status = mg_h5_array_open(c->followed.file, "X", &array, error);
    if (status) return status;
    c->like.features = mg_h5_array_columns(array);
    mg_h5_array_close(array);
    return MG_OK;
}

mg_status mg_convert_open_like(mg_conversion *c, mg_error *error) {
    const mg_columns_place place = {.features = "X", .table = true};
    c->like.path = c->options->like;
    if (!c->like.path) return MG_OK;
    mg_status status = mg_h5_open(c->like.path, &c->followed.file, error);
    if (!status) status = read_features(c, error);
    if (!status)
        status = mg_columns_read(c->followed.file, &place, c->like.features, &c->followed.columns, error);
    c->known = &c->followed.columns;
    if (!status) status = follow_recipe(c, error);
    return status ? status : mg_h5_check_unchanged(c->followed.file, error);
}

mg_status mg_convert_like_model(mg_conversion *c, const mg_raw_model *model, mg_error *error) {
    c->known = model->columns;
    c->like.path = model->path;
    c->like.features = model->features;
    mg_census_require(&c->labels, model->classes->texts ? MG_LABEL_TEXT : MG_LABEL_INTEGER, model->path);
    return follow_recipe(c, error);
}

void mg_convert_close_like(mg_conversion *c) {
    mg_h5_close(c->followed.file);
    mg_columns_clear(&c->followed.columns);
    char *const texts[] = {c->followed.label_name, c->followed.delimiter, c->followed.label,
                           c->followed.header, c->followed.labels};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) mg_memory_free(texts[i]);
}

bool mg_convert_tells_itself(const mg_format *format) {
    return format && strcmp(format->name, "csv") != 0 && strcmp(format->name, "text") != 0;
}

mg_status mg_convert_follow_like(mg_conversion *c, bool sure, mg_error *error) {
    size_t bytes;
    char name[32] = "";
    const char *found = mg_recipe_find(c->known->recipe, "format", &bytes);
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
    if (sure && mg_convert_tells_itself(c->format) && texts)
        return mg_fail(
            error, MG_DATA,
            "%s: is a file of format %s, but %s was made with format %s: give a file of that format",
            c->options->inputs[0], c->format->name, c->like.path, format->name);
    if (!(sure && mg_convert_tells_itself(c->format)) && !mg_convert_tells_itself(format)) c->format = format;
    return MG_OK;
}
