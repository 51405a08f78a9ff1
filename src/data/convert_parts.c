// convert_parts.c - several files of a format whose readers read one file each: their rows become one data
// set, in the order of the files.
#include "data/convert.h"

#include "base/memory.h"
#include "base/printable.h"

#include <stdio.h>
#include <string.h>

// Pairs files of rows with files of labels, both in their order. The first file has rows.
static mg_status pair_labels(mg_conversion *c, mg_error *error) {
    int labels = 0;
    const char *last = NULL;
    mg_status status = MG_OK;
    for (int i = 0; i < c->options->input_count; i++) {
        bool is = i > 0 && c->like.raw;
        const char *path = c->options->inputs[i];
        if (i > 0 && !is) status = c->format->holds_labels(path, &is, error);
        if (status) return status;
        if (is) last = path;
        c->parts.list[is ? labels++ : c->parts.count++].inputs[is] = path;
    }
    if (!labels || labels == c->parts.count) return MG_OK;
    return mg_fail(
        error, MG_USAGE,
        "%s: has labels; files with labels: %d, files with rows: %d: give a file of labels for each file of "
        "rows, or none and all labels in one text: --labels FILE",
        last, labels, c->parts.count);
}

mg_status mg_convert_divide(mg_conversion *c, mg_error *error) {
    const mg_convert_options *o = c->options;
    mg_status status = mg_memory_zeroed(&c->parts.list, (size_t)o->input_count, sizeof *c->parts.list, error);
    if (status) return status;
    if (c->format->most_inputs == 2) return pair_labels(c, error);
    c->parts.count = c->format->most_inputs == 1 ? o->input_count : 1;
    for (int i = 0; i < c->parts.count; i++) c->parts.list[i].inputs[0] = o->inputs[i];
    return MG_OK;
}

static const char *type_of(const mg_format_shape *shape) {
    return shape->layout == MG_DENSE ? mg_h5_type_name(shape->cell) : "sparse";
}

// Refuses a part whose columns differ from those of the first.
static mg_status compare(const mg_conversion *c, const char *path, const mg_format_shape *now,
                         mg_error *error) {
    const mg_format_shape *first = &c->shape;
    const char *like = c->parts.list[0].inputs[0];
    char whose[MG_PATH_TEXT];
    snprintf(whose, sizeof whose, "in %s", like);
    const mg_names_parties parties = {path, whose, "all files need the same features in the same order"};
    if (now->features != first->features)
        return mg_fail(
            error, MG_DATA, "%s: has %lld features, but %s has %lld: all files need the same features%s",
            path, (long long)now->features, like, (long long)first->features,
            c->format->holds_labels ? " (labels need one dimension: save y.ravel() or y.argmax(1))" : "");
    if (now->layout != first->layout || (now->layout == MG_DENSE && now->cell != first->cell))
        return mg_fail(error, MG_DATA,
                       "%s: its values are %s, but those of %s are %s: all files need the same type", path,
                       type_of(now), like, type_of(first));
    if (now->labelled != first->labelled)
        return mg_fail(error, MG_DATA, "%s: %s labels, but %s %s: give labels for all files or for none",
                       path, now->labelled ? "has" : "has no", like,
                       first->labelled ? "has some" : "has none");
    if (now->ids != first->ids || !now->names != !first->names)
        return mg_fail(error, MG_DATA,
                       "%s: %s names of features or rows, but %s %s: give names for all files or for none",
                       path, now->ids || now->names ? "has" : "has no", like,
                       first->ids || first->names ? "has some" : "has none");
    return now->names ? mg_names_compare(first->names, now->names, &parties, error) : MG_OK;
}

// The shape of the first part becomes that of the result. What its reader owns is copied.
static mg_status take_first(mg_conversion *c, const mg_format_shape *now, mg_error *error) {
    mg_format_shape *shape = &c->shape;
    *shape = *now;
    shape->scale = shape->fill = NULL; // no such format has them
    mg_status status = now->names ? mg_names_copy(now->names, &c->parts.names, error) : MG_OK;
    if (!status && now->id_name) status = mg_memory_text(&c->parts.ids, now->id_name, error);
    c->shape.names = now->names ? &c->parts.names : NULL;
    c->shape.id_name = c->parts.ids;
    return status;
}

static mg_status survey_part(mg_conversion *c, int part, mg_sink *sink, mg_error *error) {
    mg_format_shape now = {0};
    const char *path = c->parts.list[part].inputs[0];
    mg_status status = mg_convert_open_reader(c, part, error);
    if (!status) status = c->format->survey(c->reader, sink, &now, error);
    if (status) return status;
    c->parts.list[part].rows = now.rows;
    if (part == 0) return take_first(c, &now, error);
    status = compare(c, path, &now, error);
    bool over = __builtin_add_overflow(c->shape.rows, now.rows, &c->shape.rows) ||
                __builtin_add_overflow(c->shape.stored, now.stored, &c->shape.stored);
    if (!status && over) status = mg_fail(error, MG_DATA, "%s: there are more than 2^63 rows", path);
    return status;
}

mg_status mg_convert_survey(mg_conversion *c, mg_sink *sink, mg_error *error) {
    mg_status status = MG_OK;
    for (int i = 0; c->parts.count > 1 && !status && i < c->parts.count; i++)
        status = survey_part(c, i, sink, error);
    if (c->parts.count > 1) return status;
    status = mg_convert_open_reader(c, 0, error);
    return status ? status : c->format->survey(c->reader, sink, &c->shape, error);
}

mg_status mg_convert_read(mg_conversion *c, mg_sink *sink, mg_error *error) {
    if (c->parts.count == 1) return c->format->read(c->reader, sink, error);
    mg_status status = MG_OK;
    for (int i = 0; !status && i < c->parts.count; i++) {
        mg_format_shape now = {0};
        bool mute = c->parts.mute;
        c->parts.mute = true; // the first pass gave the warnings of the survey
        status = mg_convert_open_reader(c, i, error);
        if (!status) status = c->format->survey(c->reader, &c->sinks[MG_SINK_SILENT], &now, error);
        c->parts.mute = mute;
        if (!status && (now.rows != c->parts.list[i].rows || now.features != c->shape.features))
            status = mg_fail(error, MG_DATA, "%s: changed while it was read; convert it again",
                             c->parts.list[i].inputs[0]);
        if (!status) status = c->format->read(c->reader, sink, error);
    }
    return status;
}
