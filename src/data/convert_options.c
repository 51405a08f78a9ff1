// convert_options.c - sets the options of a conversion: presets, then the user's settings, then the recipe of
// the file of --like.
#include "data/convert.h"

#include "base/memory.h"
#include "data/convert_h5.h"

#include <string.h>

static const char *format_option_name(int i, const void *context) {
    const mg_section *section = context;
    return i < section->count ? section->options[i].name : NULL;
}

// Refuses a setting that is no option of this format: it belongs to another format, or is misspelt.
static mg_status refuse_setting(const mg_conversion *c, const char *name, mg_error *error) {
    const mg_format *other;
    for (int i = 0; (other = mg_format_at(i)); i++)
        if (mg_section_find(other->section, name))
            return mg_fail(
                error, MG_USAGE,
                "--%s is an option of format %s, but %s is read as %s: set another format with --format",
                name, other->name, c->options->inputs[0], c->format->name);
    const char *nearest = mg_nearest_name(name, format_option_name, c->format->section);
    return mg_fail(error, MG_USAGE, "--%s is not an option of format %s%s%s", name, c->format->name,
                   nearest ? "; did you mean --" : "", nearest ? nearest : "");
}

static mg_status read_settings(mg_conversion *c, mg_error *error) {
    mg_status status = MG_OK;
    for (int i = 0; i < c->options->setting_count && !status; i++) {
        const mg_convert_setting *setting = &c->options->settings[i];
        const mg_option *option = mg_section_find(c->format->section, setting->name);
        if (!option) return refuse_setting(c, setting->name, error);
        status = mg_option_parse(c->format->section, option, c->values, setting->value, error);
    }
    return status;
}

static const mg_convert_setting *setting_called(const mg_conversion *c, const char *name) {
    for (int i = 0; i < c->options->setting_count; i++)
        if (!strcmp(c->options->settings[i].name, name)) return &c->options->settings[i];
    return NULL;
}

// True if a setting may differ from the recipe, because the features stay the same: labels or header are left
// out; or the labels are in another column, and the names of columns are compared.
static bool may_differ(const mg_conversion *c, const mg_convert_setting *given) {
    if (!strcmp(given->value, "none") || !strcmp(given->name, "header")) return true;
    const mg_convert_setting *header = setting_called(c, "header");
    bool named = c->known->names.count > 0 && (!header || !strcmp(header->value, "yes"));
    return named && !strcmp(given->name, "label");
}

// Sets one option to its value in the recipe. If the user also gave it, and the features would have another
// meaning with another value, the two values must agree.
static mg_status read_kept(mg_conversion *c, const mg_option *option, bool binding, mg_error *error) {
    size_t bytes;
    char *value;
    const mg_convert_setting *given = setting_called(c, option->name);
    const char *found = mg_recipe_find(c->known->recipe, option->name, &bytes);
    if (!found || (given && !binding)) return MG_OK;
    if (c->options->labels && !given && !strcmp(option->name, "label")) return MG_OK; // no column of labels
    mg_status status = mg_memory_zeroed(&value, bytes + 1, 1, error);
    if (status) return status;
    memcpy(value, found, bytes);
    if (given && !mg_recipe_same(option->name, given->value, strlen(given->value), value, bytes) &&
        !may_differ(c, given))
        status = mg_fail(error, MG_USAGE,
                         "--%s %s does not agree with --like %s, which has %s: leave one of them out",
                         option->name, given->value, c->like.path, value);
    else if (!given) status = mg_option_parse(c->format->section, option, c->values, value, error);
    mg_memory_free(value);
    return status;
}

static mg_status read_label_kind(mg_conversion *c, mg_h5 *file, mg_error *error) {
    mg_h5_array *array;
    if (mg_h5_find(file, "y") != MG_H5_ARRAY) return MG_OK;
    mg_status status = mg_h5_array_open(file, "y", &array, error);
    if (status) return status;
    mg_census_require(&c->labels, mg_h5_array_type(array) == MG_H5_TEXT ? MG_LABEL_TEXT : MG_LABEL_INTEGER,
                      c->like.path);
    mg_h5_array_close(array);
    return MG_OK;
}

// True if the model was trained on texts in a column of a table, but the input here is lines of text.
static bool are_lines(const mg_conversion *c) {
    size_t bytes;
    const mg_convert_setting *header = setting_called(c, "header");
    return c->like.raw && !strcmp(c->format->name, "text") && header && !strcmp(header->value, "no") &&
           mg_recipe_find(c->known->recipe, "text", &bytes);
}

// True for an option whose value is not taken from the recipe. The delimiter is only tried first, as
// like.delimiter; an array of labels may be missing: like.labels. In rows for a model, header and labels may
// be missing: like.header and like.label.
static bool may_change(const mg_conversion *c, const char *option) {
    if (!strcmp(option, "delimiter") || !strcmp(option, "labels")) return true;
    return c->like.raw && (!strcmp(option, "header") || !strcmp(option, "label") ||
                           (!strcmp(option, "text") && are_lines(c)));
}

// True if the file of the recipe had named arrays, and the inputs have too, whatever their format.
static bool names_array(const mg_conversion *c, const mg_option *option) {
    char name[32] = "";
    size_t bytes;
    const char *found = mg_recipe_find(c->known->recipe, "format", &bytes);
    if (!found || bytes >= sizeof name || !mg_format_find(c->format->name) ||
        strcmp(option->name, "features") || option->type != MG_OPTION_TEXT)
        return false;
    memcpy(name, found, bytes);
    const mg_format *format = mg_format_find(name);
    const mg_option *other = format ? mg_section_find(format->section, option->name) : NULL;
    return other && other->type == MG_OPTION_TEXT;
}

static mg_status read_recipe(mg_conversion *c, mg_error *error) {
    const mg_section *section = c->format->section;
    bool kept = mg_recipe_is(c->known->recipe, "format", c->format->name), binding;
    bool h5 = mg_recipe_is(c->known->recipe, "format", mg_convert_h5.name);
    if (h5 != (c->format == &mg_convert_h5)) c->like.labels = NULL; // it is no name in such a file
    mg_status status = MG_OK;
    if (!kept && !strcmp(c->format->name, "text"))
        status = mg_fail(error, MG_DATA,
                         "%s: was not made from texts, but --like of texts needs a file that was: give the "
                         "file that was made from the training texts",
                         c->like.path);
    if (are_lines(c)) c->like.label = NULL; // it is the name of a column
    for (int i = 0; !status && i < section->count; i++) {
        const mg_option *option = &section->options[i];
        if (!kept && !names_array(c, option)) continue;
        if (mg_format_stores(c->format, option, &binding) && !may_change(c, option->name))
            status = read_kept(c, option, binding, error);
    }
    return status;
}

mg_status mg_convert_read_options(mg_conversion *c, mg_error *error) {
    mg_status status = mg_memory_zeroed(&c->values, 1, c->format->options_size, error);
    if (!status) status = mg_section_preset(c->format->section, c->values, error);
    // With a file of labels, every column is a feature unless --label names one.
    const mg_option *label = c->options->labels ? mg_section_find(c->format->section, "label") : NULL;
    if (!status && label) status = mg_option_parse(c->format->section, label, c->values, "none", error);
    const mg_option *labels =
        mg_convert_labels_are_array(c) ? mg_section_find(c->format->section, "labels") : NULL;
    if (!status && labels)
        status = mg_option_parse(c->format->section, labels, c->values, c->options->labels, error);
    if (!status) status = read_settings(c, error);
    if (!status && c->followed.file) status = read_label_kind(c, c->followed.file, error);
    if (!status && c->known) status = read_recipe(c, error);
    return status;
}
