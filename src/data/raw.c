// raw.c - a conversion to a file without a name, which follows the recipe of a model.
#include "data/raw.h"

#include "base/memory.h"
#include "base/number.h"
#include "data/convert.h"
#include "data/files.h"
#include "io/file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

mg_status mg_raw_open_unless(const char *path, const char *features, mg_h5 **file, mg_error *error) {
    int fd;
    struct stat about;
    bool claimed = false;
    *file = NULL;
    if (mg_files_several(path)) return mg_files_open(path, file, error);
    if (!stat(path, &about) && S_ISDIR(about.st_mode)) return MG_OK; // a folder of Cell Ranger
    mg_status status = mg_file_open(path, MG_FILE_REGULAR, &fd, error);
    if (status) return status;
    if (!mg_h5_has_signature(fd)) {
        close(fd);
        return MG_OK;
    }
    status = mg_h5_open_descriptor(fd, path, file, error);
    if (!status && features && mg_h5_find(*file, features) == MG_H5_MISSING)
        status = mg_format_claimed(path, &claimed, error);
    if (!status && !claimed) return MG_OK;
    mg_h5_close(*file);
    *file = NULL;
    return status;
}

// True for an option that gives the columns or the labels their meaning. Features of a table were found by
// their names, if it has a header; so their numbers say nothing.
static bool is_shown(const mg_conversion *c, const mg_option *option) {
    if (!strcmp(option->name, "labels")) return c->shape.labelled && !c->own.labels;
    if (!strcmp(option->name, "features") || !strcmp(option->name, "group")) return true;
    return option->changes_result && strcmp(option->name, "drop") != 0 &&
           strcmp(option->name, "one-hot") != 0;
}

// Describes what was done: the format with the options that give columns their meaning, and the rows.
static void describe(const mg_conversion *c, mg_raw *out) {
    char value[32], rows[MG_COUNT_TEXT], facts[MG_FACTS_TEXT];
    const mg_section *section = c->format->section;
    const size_t size = sizeof out->text;
    const char *begin = " (", *end = "";
    enum { MOST_SHOWN = 200 };
    const char *path = c->options->inputs[0];
    size_t bytes = strlen(path), left = bytes > MOST_SHOWN ? bytes - MOST_SHOWN : 0;
    size_t used = (size_t)snprintf(out->text, size, "%s%s: read as %s", left ? "..." : "", path + left,
                                   c->format->name);
    for (int i = 0; i < section->count && used + 120 < size; i++) {
        const mg_option *option = &section->options[i];
        const char *text = mg_convert_value_text(option, c->values, value, sizeof value);
        if (!text || !*text || !is_shown(c, option)) continue;
        used += (size_t)snprintf(out->text + used, size - used, "%s%s %.40s%s", begin, option->name, text,
                                 strlen(text) > 40 ? "..." : "");
        begin = ", ";
        end = ")";
    }
    mg_facts_text(&c->facts, facts);
    const char *labels = c->course.labels_unused ? ", labels not used"
                         : c->shape.labelled     ? ""
                                                 : " without labels";
    snprintf(out->text + used, size - used, "%s, %s rows%s%s%s", end, mg_print_count(c->shape.rows, rows),
             labels, *facts ? "; " : "", facts);
}

static mg_status need_labels(const mg_raw_request *request, const mg_conversion *c, mg_error *error) {
    if (c->shape.labelled || request->model.skip_labels) return MG_OK;
    bool column = mg_section_find(c->format->section, "label") != NULL;
    if (request->model.of_run)
        return mg_fail(error, MG_DATA, "%s: has no labels: %s%s", request->path, c->like.settle_label,
                       column ? "" : "s FILE");
    return mg_fail(error, MG_DATA, "%s: has no labels: %s with --labels; margin predict needs none",
                   request->path, column ? "name their column" : "give the file of the labels");
}

// Formats without a column for ids may have ids all the same, under a name of their own.
static mg_status need_ids(const mg_raw_request *request, const mg_conversion *c, mg_error *error) {
    const char *name = c->shape.ids ? c->shape.id_name : NULL;
    if (!request->id || mg_section_find(c->format->section, "id")) return MG_OK;
    if (name && !strcmp(request->id, name)) return MG_OK;
    return mg_fail(error, MG_USAGE,
                   "--id %s: %s is read as %s, %s%s: give %s0 or 1 for the numbers of the rows", request->id,
                   request->path, c->format->name,
                   name ? "whose ids are called " : "which has no columns for ids", name ? name : "",
                   name ? "that name, or " : "");
}

static mg_status convert(const mg_raw_request *request, mg_conversion *c, mg_raw *out, mg_error *error) {
    mg_status status = mg_convert_first_pass(c, error);
    if (!status) status = need_labels(request, c, error);
    if (!status) status = need_ids(request, c, error);
    if (status) return status;
    out->unknown = c->shape.unknown;
    status = mg_convert_second_pass(c, error);
    if (status) return status;
    describe(c, out);
    return status ? status : mg_h5_writer_open(c->targets[0].writer, &out->file, error);
}

static mg_status place_header(const mg_raw_request *request, const mg_conversion *c,
                              mg_convert_setting *settings, mg_convert_options *options, mg_error *error) {
    if (!request->names) return MG_OK;
    bool header = !strcmp(request->names, "header");
    if ((!header && strcmp(request->names, "none") != 0) || !mg_section_find(c->format->section, "header"))
        return mg_fail(error, MG_USAGE,
                       "--names %s: %s is not HDF5, so it has no data sets: leave --names out, or for a "
                       "table or texts give --names header or --names none",
                       request->names, request->path);
    settings[options->setting_count++] = (mg_convert_setting){"header", header ? "yes" : "no"};
    return MG_OK;
}

enum { SETTINGS = 4 };

static mg_status place_features(const mg_raw_request *request, const mg_conversion *c,
                                mg_convert_setting *settings, mg_convert_options *options, mg_error *error) {
    const mg_option *option = mg_section_find(c->format->section, "features");
    if (!request->features) return MG_OK;
    if (!option || option->type != MG_OPTION_TEXT)
        return mg_fail(error, MG_USAGE,
                       "%s: is read as %s, which has no named arrays for --features: leave --features out",
                       request->path, c->format->name);
    settings[options->setting_count++] = (mg_convert_setting){"features", request->features};
    return MG_OK;
}

// True for an existing file that is not the label column of the model. A name without a dot or a slash is
// that of a column.
static bool is_path(const mg_conversion *c, const char *labels) {
    struct stat info;
    const char *column = c->like.label_name;
    return strpbrk(labels, "./") && !(column && !strcmp(labels, column)) && stat(labels, &info) == 0 &&
           S_ISREG(info.st_mode);
}

// Finds out what --labels means for this format: the name of a column, or a second file. --id names a column.
static mg_status place_labels(const mg_raw_request *request, const mg_conversion *c,
                              mg_convert_setting settings[SETTINGS], mg_convert_options *options,
                              mg_error *error) {
    const mg_section *section = c->format->section;
    const mg_raw_model *model = &request->model;
    const mg_format *other = NULL;
    bool sure;
    if (request->id && mg_section_find(section, "id"))
        settings[options->setting_count++] = (mg_convert_setting){"id", request->id};
    if (!request->labels) return MG_OK;
    bool table = mg_section_find(section, "label") != NULL;
    if (table && !model->skip_labels && is_path(c, request->labels)) {
        options->labels = request->labels;
        return MG_OK;
    }
    if (table) {
        settings[options->setting_count++] = (mg_convert_setting){"label", request->labels};
        return MG_OK;
    }
    if (model->skip_labels)
        return mg_fail(
            error, MG_USAGE,
            "--labels %s: %s is read as %s, which has no column of labels to skip: leave --labels out",
            request->labels, request->path, c->format->name);
    if (c->format->most_inputs != 2) {
        options->labels = request->labels;
        return MG_OK;
    }
    mg_status status = mg_format_check(request->labels, error);
    if (!status) status = mg_format_guess(request->labels, &other, &sure, error);
    if (other == c->format) options->input_count = 2;
    else options->labels = request->labels;
    return status;
}

mg_status mg_raw_open(const mg_raw_request *request, mg_raw *out, mg_error *error) {
    const mg_raw_model *model = &request->model;
    const char *inputs[2] = {request->path, request->labels};
    mg_convert_setting settings[SETTINGS];
    mg_convert_options options = {.inputs = inputs,
                                  .input_count = 1,
                                  .output = request->path,
                                  .settings = settings,
                                  .stop = request->stop};
    mg_conversion c;
    *out = (mg_raw){0};
    mg_convert_begin(&c, &options);
    if (model->skip_labels) mg_convert_skip_labels(&c);
    mg_census_follow(&c.labels, model->classes->texts, request->drop_unlabelled, request->allow_unknown,
                     model->path);
    mg_status status = mg_convert_follow_model(&c, model, error);
    if (!status) status = mg_convert_choose_format(&c, error);
    if (!status) status = place_header(request, &c, settings, &options, error);
    if (!status) status = place_features(request, &c, settings, &options, error);
    if (!status) status = place_labels(request, &c, settings, &options, error);
    if (!status) status = mg_convert_divide(&c, error);
    if (!status) status = mg_convert_read_options(&c, error);
    if (!status) status = convert(request, &c, out, error);
    mg_convert_end(&c);
    return status;
}
