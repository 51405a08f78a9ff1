// convert_own_labels.c - labels that come from a file of their own.
#include "data/convert.h"

#include "format/labelled_line.h"
#include "io/text.h"

#include <string.h>
#include <unistd.h>

enum { FEW_ROWS = 10 }; // with fewer rows, a label that occurs once is no surprise

bool mg_convert_labels_are_array(const mg_conversion *c) {
    return c->options->labels && mg_section_find(c->format->section, "labels") &&
           access(c->options->labels, F_OK) != 0;
}

// Takes a label from the file of labels; a word for a missing label means that the row has none.
static mg_status take_label(void *context, const char *label, size_t bytes, mg_error *error) {
    mg_conversion *c = context;
    mg_sink *sink = &c->sinks[c->course.pass];
    bool none = mg_text_missing(label, bytes);
    if (!c->course.pass) c->own.found += !none;
    if (!none) return sink->label(sink, label, bytes, error);
    if (c->course.pass) return mg_convert_no_label(c, error);
    mg_status status = mg_census_survey_missing(&c->labels, error);
    return status || !c->holdout.on ? status : mg_strata_add(&c->holdout.strata, "", 0, error);
}

mg_status mg_convert_open_labels(mg_conversion *c, mg_error *error) {
    mg_error why = {0};
    if (!c->options->labels || mg_convert_labels_are_array(c)) return MG_OK;
    mg_status status = mg_label_file_open(c->options->labels, &c->own.labels, &why);
    if (!status) return MG_OK;
    bool column = status == MG_IO && mg_section_find(c->format->section, "label");
    return mg_fail(error, status, "%s%s", why.text, column ? "; --label selects a column of the table" : "");
}

mg_status mg_convert_take_id(mg_conversion *c, const char *id, size_t bytes, mg_error *error) {
    if (!c->own.count++ && !c->course.pass) memcpy(c->own.first, id, bytes < 60 ? bytes : 60);
    if (!c->own.labels || !mg_label_file_has_names(c->own.labels)) return MG_OK;
    int64_t line;
    mg_error why = {0};
    const char *label = mg_label_file_find(c->own.labels, id, bytes, &line);
    mg_status status = take_label(c, label ? label : "", label ? strlen(label) : 0, &why);
    if (!status) return MG_OK;
    if (!label || status != MG_DATA) return mg_fail(error, status, "%s", why.text);
    return mg_fail(error, status, "%s:%lld: %s", c->options->labels, (long long)line, why.text);
}

static bool is_number(const char *text) {
    double value;
    const char *end = text + strlen(text), *after = mg_text_number(text, end, &value);
    return after && after == end;
}

// Labels without names, in the order of the rows. A line too many is a header only if it is unlike a label.
static mg_status survey_lines(mg_conversion *c, mg_error *error) {
    const char *path = c->options->labels;
    const mg_tell tell = {c->options->message, c->options->context};
    int64_t lines = mg_label_file_lines(c->own.labels, false), rows = c->shape.rows;
    bool repeats, filled = mg_label_file_lines(c->own.labels, true) == rows; // the last rows have no label
    const char *first = mg_label_file_first(c->own.labels, &repeats);
    bool label = repeats || is_number(first) || mg_text_missing(first, strlen(first));
    bool named = !label && first[1] && mg_line_names_label(first, strlen(first));
    c->own.header = lines == rows + 1 && !label;
    if (lines == rows + 1 && label)
        return mg_fail(
            error, MG_DATA,
            "%s: has %lld labels, but there are %lld rows, and its first line '%.60s' is a label, not "
            "a header: give one line for each row",
            path, (long long)lines, (long long)rows, first);
    if (lines <= rows && named)
        return mg_fail(
            error, MG_DATA,
            "%s: line 1, '%.60s', is a header, so that %lld labels are left, but there are %lld rows: "
            "give one line for each row",
            path, first, (long long)lines - 1, (long long)rows);
    if (lines != rows && !c->own.header && !filled)
        return mg_fail(error, MG_DATA, "%s: has %lld labels, but there are %lld rows: give one line for each",
                       path, (long long)lines, (long long)rows);
    if (c->own.header) mg_guess(&c->shape.guesses, NULL, "labels with a header ('%.60s')", first);
    else if (!label && rows >= FEW_ROWS)
        mg_tell_line(
            &tell,
            "warning: %s: line 1, '%.60s', is read as the label of the first row, but no other row has "
            "it: if it is a header, a label is missing",
            path, first);
    return mg_label_file_each(c->own.labels, c->own.header, rows, take_label, c, error);
}

static mg_status check_found(const mg_conversion *c, mg_error *error) {
    const mg_tell tell = {c->options->message, c->options->context};
    const char *path = c->options->labels;
    bool named = mg_label_file_has_names(c->own.labels);
    int64_t unused = mg_label_file_unused(c->own.labels), missing = c->shape.rows - c->own.found;
    if (named && !c->own.count)
        return mg_fail(error, MG_DATA,
                       "%s: has ids of rows, but the rows of %s have no ids%s: give one label for each row, "
                       "in their order",
                       path, c->options->inputs[0],
                       mg_section_find(c->format->section, "id") ? " (--id names their column)" : "");
    if (named && !c->own.found)
        return mg_fail(error, MG_DATA,
                       "%s: none of its ids is the id of one of the %lld rows; the first row has the id "
                       "'%s': give the ids of the rows",
                       path, (long long)c->own.count, c->own.first);
    if (missing)
        mg_tell_line(&tell,
                     "warning: %s: %lld of %lld rows have no label: leave them out with margin train --set "
                     "data.unlabelled=drop",
                     path, (long long)missing, (long long)c->shape.rows);
    if (unused)
        mg_tell_line(&tell, "warning: %s: %lld lines have an id that no row has, and are not used", path,
                     (long long)unused);
    return MG_OK;
}

mg_status mg_convert_survey_labels(mg_conversion *c, mg_error *error) {
    if (!c->own.labels) return MG_OK;
    if (c->shape.labelled)
        return mg_fail(error, MG_USAGE,
                       "--labels: the rows of %s have labels of their own: leave --labels out",
                       c->options->inputs[0]);
    mg_status status = mg_label_file_has_names(c->own.labels) ? MG_OK : survey_lines(c, error);
    c->shape.labelled = true;
    return status ? status : check_found(c, error);
}

mg_status mg_convert_write_labels(mg_conversion *c, mg_error *error) {
    if (!c->own.labels || mg_label_file_has_names(c->own.labels)) return MG_OK;
    return mg_label_file_each(c->own.labels, c->own.header, c->shape.rows, take_label, c, error);
}
