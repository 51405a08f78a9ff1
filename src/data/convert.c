// convert.c - owns the course of a conversion: guesses the format, lets it read its inputs twice, and writes
// rows and labels.
#include "data/convert.h"

#include "base/clock.h"
#include "base/float_mode.h"
#include "base/memory.h"
#include "base/stop.h"
#include "data/convert_inputs.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

static mg_status beat(void *context, double fraction, mg_error *error) {
    mg_conversion *c = context;
    double done = (c->pass + fraction) / 2;
    if (mg_stop_flagged(c->options->stop))
        return mg_fail(error, MG_STOPPED, "%s: stopped by a signal, nothing was written", c->options->output);
    // The reported progress must not decrease when a small input follows a larger one.
    if (done > c->fraction) c->fraction = done;
    if (c->options->progress)
        c->options->progress(c->options->context, c->pass ? c->rows : c->labels.count, c->fraction);
    return MG_OK;
}

static mg_conversion *conversion_of(mg_sink *sink, int pass) {
    return (mg_conversion *)(void *)((char *)sink - offsetof(mg_conversion, sinks) -
                                     (size_t)pass * sizeof *sink);
}

static mg_status count_cells(mg_sink *sink, const void *cells, size_t bytes, mg_error *error) {
    (void)sink, (void)cells, (void)bytes, (void)error;
    return MG_OK;
}

static mg_status count_row(mg_sink *sink, const uint32_t *indices, const float *values, int64_t count,
                           mg_error *error) {
    (void)sink, (void)indices, (void)values, (void)count, (void)error;
    return MG_OK;
}

static mg_status count_label(mg_sink *sink, const char *text, size_t bytes, mg_error *error) {
    return mg_census_survey(&conversion_of(sink, 0)->labels, text, bytes, error);
}

static mg_status count_code(mg_sink *sink, int64_t label, mg_error *error) {
    (void)error;
    mg_census_survey_code(&conversion_of(sink, 0)->labels, label);
    return MG_OK;
}

enum { LONGEST_ID = 1000 };

static mg_status count_id(mg_sink *sink, const char *text, size_t bytes, mg_error *error) {
    mg_conversion *c = conversion_of(sink, 0);
    if (bytes > LONGEST_ID)
        return mg_fail(error, MG_DATA, "the id has %zu bytes; at most %d are allowed: shorten it", bytes,
                       LONGEST_ID);
    if (memchr(text, 0, bytes)) return mg_fail(error, MG_DATA, "the id contains a zero byte: remove it");
    if (bytes > c->own.width) c->own.width = bytes;
    return mg_convert_take_id(c, text, bytes, error);
}

static mg_status write_id(mg_sink *sink, const char *text, size_t bytes, mg_error *error) {
    mg_conversion *c = conversion_of(sink, 1);
    char cell[LONGEST_ID + 1] = {0};
    if (bytes > c->own.width)
        return mg_fail(error, MG_DATA,
                       "the id is longer than in the first reading: the input changed meanwhile; "
                       "convert it again");
    memcpy(cell, text, bytes);
    mg_status status = mg_h5_writer_append(c->writer, c->own.array, cell, c->own.width, error);
    return status ? status : mg_convert_take_id(c, text, bytes, error);
}

static mg_status write_cells(mg_sink *sink, const void *cells, size_t bytes, mg_error *error) {
    mg_conversion *c = conversion_of(sink, 1);
    c->cells += (int64_t)bytes;
    c->rows = c->cells / (c->shape.features * (int64_t)mg_h5_type_size(c->shape.cell));
    return mg_h5_writer_append(c->writer, c->x, cells, bytes, error);
}

static mg_status write_row(mg_sink *sink, const uint32_t *indices, const float *values, int64_t count,
                           mg_error *error) {
    mg_conversion *c = conversion_of(sink, 1);
    c->rows++;
    c->stored += count;
    mg_status status =
        mg_h5_writer_append(c->writer, c->indices, indices, (size_t)count * sizeof *indices, error);
    if (!status) status = mg_h5_writer_append(c->writer, c->x, values, (size_t)count * sizeof *values, error);
    return status ? status : mg_h5_writer_append(c->writer, c->indptr, &c->stored, sizeof c->stored, error);
}

static mg_status append_label(mg_conversion *c, int64_t code, const char *text, mg_error *error) {
    if (c->labels.kind == MG_LABEL_TEXT)
        return mg_h5_writer_append(c->writer, c->y, text, c->labels.longest, error);
    return mg_h5_writer_append(c->writer, c->y, &code, sizeof code, error);
}

static mg_status write_label(mg_sink *sink, const char *text, size_t bytes, mg_error *error) {
    mg_conversion *c = conversion_of(sink, 1);
    int64_t code = 0;
    char stored[MG_LABEL_LONGEST];
    mg_status status = mg_census_encode(&c->labels, text, bytes, &code, stored, error);
    return status ? status : append_label(c, code, stored, error);
}

static mg_status write_code(mg_sink *sink, int64_t label, mg_error *error) {
    mg_conversion *c = conversion_of(sink, 1);
    char stored[MG_LABEL_LONGEST];
    mg_status status = mg_census_encode_code(&c->labels, label, stored, error);
    return status ? status : append_label(c, label, stored, error);
}

mg_status mg_convert_no_label(mg_conversion *c, mg_error *error) {
    static const char none[MG_LABEL_LONGEST];
    c->labels.count++;
    return append_label(c, 0, none, error);
}

static mg_status ignore_label(mg_sink *sink, const char *text, size_t bytes, mg_error *error) {
    (void)sink, (void)text, (void)bytes, (void)error;
    return MG_OK;
}

static mg_status ignore_code(mg_sink *sink, int64_t label, mg_error *error) {
    (void)sink, (void)label, (void)error;
    return MG_OK;
}

void mg_convert_skip_labels(mg_conversion *c) {
    for (int pass = 0; pass < 2; pass++) {
        c->sinks[pass].label = ignore_label;
        c->sinks[pass].code = ignore_code;
    }
}

static bool same_file(const char *a, const char *b) {
    struct stat first, second;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

// Checks everything that is a reason to refuse before an input is read.
static mg_status check_files(const mg_convert_options *o, mg_error *error) {
    struct stat info;
    for (int i = 0; i < o->input_count; i++)
        if (same_file(o->inputs[i], o->output))
            return mg_fail(error, MG_USAGE,
                           "%s: is both an input and the output; the last name is the output", o->output);
    const char *const paths[] = {o->like, o->labels, o->names}, *const flags[] = {"like", "labels", "names"};
    for (int i = 0; i < 3; i++)
        if (paths[i] && same_file(paths[i], o->output))
            return mg_fail(error, MG_USAGE, "%s: is both the output and the file of --%s", o->output,
                           flags[i]);
    if (!o->overwrite && lstat(o->output, &info) == 0)
        return mg_fail(error, MG_IO, "%s: already exists: give another name, or replace it with --overwrite",
                       o->output);
    return MG_OK;
}

// Refuses to replace a file that the reader finds itself, such as the names beside a matrix.
static mg_status check_found_files(const mg_conversion *c, mg_error *error) {
    const char *path;
    for (int i = 0; c->format->file_at && (path = c->format->file_at(c->reader, i)); i++)
        if (same_file(path, c->options->output))
            return mg_fail(error, MG_USAGE,
                           "%s: is the output, but also a part of the input %s: give another name",
                           c->options->output, c->options->inputs[0]);
    return MG_OK;
}

// Guesses the format. If no guess is certain, a format is used for which an option is given: a table of texts
// looks like any other table.
static mg_status guess_format(mg_conversion *c, mg_error *error) {
    const mg_convert_options *o = c->options;
    const mg_format *only = NULL;
    bool sure = false;
    mg_status status = mg_format_guess(o->inputs[0], &c->format, &sure, error);
    for (int i = 0; !status && i < o->setting_count && !only; i++)
        only = mg_format_with_option(o->settings[i].name);
    if (only && !sure) c->format = only;
    if (!status && c->known) status = mg_convert_follow_like(c, sure, error);
    if (!status && (!only || !c->format))
        status = mg_format_doubt(o->inputs[0], c->format, c->known != NULL, error);
    return status;
}

static const char *format_name(int i, const void *context) {
    (void)context;
    return mg_format_at(i) ? mg_format_at(i)->name : NULL;
}

mg_status mg_convert_choose_format(mg_conversion *c, mg_error *error) {
    char hint[MG_NEAREST_TEXT];
    const mg_convert_options *o = c->options;
    mg_status status = MG_OK;
    if (o->format) {
        c->format = mg_format_find(o->format);
        if (!c->format)
            return mg_fail(error, MG_USAGE, "unknown format '%s' (margin convert --help lists the formats)%s",
                           o->format, mg_nearest_hint(o->format, format_name, NULL, hint));
        if (c->known) status = mg_convert_follow_like(c, true, error);
    } else {
        status = guess_format(c, error);
    }
    if (status) return status;
    if (o->input_count < c->format->inputs_low || o->input_count > c->format->inputs_high)
        return mg_fail(error, MG_USAGE, "format %s takes %s OUTPUT.h5, but %d inputs were given",
                       c->format->name, c->format->arguments, o->input_count);
    for (int i = o->format ? 0 : 1; !status && i < o->input_count; i++)
        status = mg_format_check(o->inputs[i], error);
    return status;
}

// Reports, in one line, everything that was guessed, and the options that override the guesses.
static void tell_guesses(const mg_conversion *c) {
    const mg_guesses *found = &c->shape.guesses;
    const mg_tell tell = {c->options->message, c->options->context};
    const char *format = c->options->format || c->options->like ? "" : c->format->name,
               *flag = *format ? "--format" : "";
    if (!*format && !*found->text) return;
    mg_tell_line(&tell, "guessed: %s%s%s%s%s%s%s", format, *format && *found->text ? ", " : "", found->text,
                 *flag || *found->flags ? "; to change: " : "", flag, *flag && *found->flags ? ", " : "",
                 found->flags);
}

// Warns if most rows have a class of their own. Then the labels may be row numbers, ids, or targets of a
// regression.
static void doubt_classes(const mg_conversion *c) {
    const mg_tell tell = {c->options->message, c->options->context};
    int64_t classes = c->labels.classes, rows = c->shape.rows;
    bool own = rows >= 10 ? classes * 2 > rows : rows >= 5 && classes == rows;
    if (!c->shape.labelled || !own) return;
    mg_tell_line(&tell,
                 "warning: %s: %lld rows have %lld classes: most rows have a class of their own, which is "
                 "typical of ids and regression targets%s",
                 c->options->inputs[c->options->input_count - 1], (long long)rows, (long long)classes,
                 mg_section_find(c->format->section, "label") ? "; --label selects another column" : "");
}

mg_status mg_convert_first_pass(mg_conversion *c, mg_error *error) {
    const mg_format_request request = {.inputs = c->options->inputs,
                                       .input_count = c->options->input_count,
                                       .options = c->values,
                                       .like = c->known ? &c->like : NULL,
                                       .watch = &c->watch,
                                       .tell = {c->options->message, c->options->context}};
    mg_status status = c->format->open(&c->reader, &request, error);
    if (!status) status = check_found_files(c, error);
    if (!status) status = mg_convert_open_labels(c, error);
    if (!status) status = c->format->survey(c->reader, &c->sinks[0], &c->shape, error);
    if (!status) status = mg_convert_survey_labels(c, error);
    if (status) return status;
    tell_guesses(c);
    if (c->known && !c->like.raw && c->shape.features != c->like.features)
        return mg_fail(error, MG_DATA, "%s: has %lld features, but %s has %lld", c->options->inputs[0],
                       (long long)c->shape.features, c->like.path, (long long)c->like.features);
    mg_census_settle(&c->labels);
    return mg_convert_read_names(c, error);
}

mg_status mg_convert_second_pass(mg_conversion *c, mg_error *error) {
    c->pass = 1;
    if (c->sinks[1].label == ignore_label) c->shape.labelled = false;
    mg_status status = mg_convert_plan(c, error);
    c->own.count = 0;
    if (!status) status = c->format->read(c->reader, &c->sinks[1], error);
    if (!status) status = mg_convert_write_labels(c, error);
    if (!status) doubt_classes(c);
    return status ? status : beat(c, 1, error); // the last moment at which the caller can stop the conversion
}

void mg_convert_begin(mg_conversion *c, const mg_convert_options *options) {
    *c = (mg_conversion){
        .options = options,
        .own.width = 1,
        .watch = {beat, c},
        .sinks = {{count_cells, count_row, count_label, count_code, count_id},
                  {write_cells, write_row, write_label, write_code, write_id}},
    };
}

void mg_convert_end(mg_conversion *c) {
    mg_h5_writer_destroy(c->writer);
    if (c->reader) c->format->close(c->reader);
    if (c->values) mg_section_clear(c->format->section, c->values);
    mg_memory_free(c->values);
    mg_convert_close_like(c);
    mg_census_clear(&c->labels);
    mg_names_clear(&c->names);
    mg_label_file_close(c->own.labels);
}

static void fill_report(const mg_conversion *c, double seconds, mg_convert_report *report) {
    struct stat info;
    *report = (mg_convert_report){
        .format = c->format->name,
        .rows = c->shape.rows,
        .features = c->shape.features,
        .classes = c->labels.classes,
        .stored = c->shape.layout == MG_CSR ? c->shape.stored : c->shape.rows * c->shape.features,
        .sparse = c->shape.layout == MG_CSR,
        .labelled = c->shape.labelled,
        .text_labels = c->labels.kind == MG_LABEL_TEXT,
        .seconds = seconds,
    };
    for (int i = 0; i < c->options->input_count; i++)
        if (stat(c->options->inputs[i], &info) == 0) report->bytes += info.st_size;
}

static mg_status convert_files(const mg_convert_options *options, mg_convert_report *report,
                               mg_error *error) {
    double begin = mg_clock_seconds();
    mg_conversion c;
    mg_convert_begin(&c, options);
    mg_status status = mg_h5_check_library(error);
    if (!status) status = check_files(options, error);
    if (!status) status = mg_convert_open_like(&c, error);
    if (!status) status = mg_convert_choose_format(&c, error);
    if (!status) status = mg_convert_read_options(&c, error);
    if (!status) status = mg_convert_first_pass(&c, error);
    if (!status) status = mg_convert_second_pass(&c, error);
    if (!status) status = mg_h5_writer_commit(c.writer, error);
    if (!status && report) fill_report(&c, mg_clock_seconds() - begin, report);
    mg_convert_end(&c);
    return status;
}

mg_status mg_convert(const mg_convert_options *options, mg_convert_report *report, mg_error *error) {
    MG_FLOAT_SCOPE;
    mg_convert_options whole = *options;
    mg_input_list files = {0};
    if (options->input_count < 1 || !options->output)
        return mg_fail(error, MG_USAGE, "at least one input and the output are needed");
    mg_status status = mg_input_list_make(options->inputs, options->input_count, &files, error);
    whole.inputs = (const char *const *)files.path;
    whole.input_count = files.count;
    if (!status) status = convert_files(&whole, report, error);
    mg_input_list_clear(&files);
    return status;
}

bool mg_convert_format_at(int i, mg_convert_format *out) {
    const mg_format *format = mg_format_at(i);
    if (!format) return false;
    *out = (mg_convert_format){format->name, format->arguments, format->help};
    return true;
}

bool mg_convert_option_at(int i, mg_convert_option *out) {
    const mg_format *format;
    for (int f = 0; i >= 0 && (format = mg_format_at(f)); f++) {
        if (i < format->section->count) {
            const mg_option *option = &format->section->options[i];
            *out = (mg_convert_option){.format = format->name,
                                       .name = option->name,
                                       .kind = mg_option_type_name(option->type),
                                       .preset = option->preset,
                                       .help = option->help};
            mg_option_allowed(option, out->allowed, sizeof out->allowed);
            return true;
        }
        i -= format->section->count;
    }
    return false;
}
