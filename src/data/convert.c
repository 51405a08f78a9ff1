// convert.c - owns the course of a conversion: guesses the format, lets it read its inputs twice, and writes
// rows and labels.
#include "data/convert.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/stop.h"
#include "data/convert_h5.h"
#include "data/convert_inputs.h"
#include "io/file.h"
#include "io/output.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static mg_status beat(void *context, double fraction, mg_error *error) {
    mg_conversion *c = context;
    double done = (c->course.pass + fraction) / 2;
    if (mg_stop_flagged(c->options->stop))
        return mg_fail(error, MG_STOPPED, "%s: stopped by a signal, nothing was written", c->options->output);
    // The reported progress must not decrease when a small input follows a larger one.
    if (done > c->course.fraction) c->course.fraction = done;
    if (c->options->progress)
        c->options->progress(c->options->context, c->course.pass ? c->course.rows : c->labels.count,
                             c->course.fraction);
    return MG_OK;
}

static bool same_file(const char *a, const char *b) {
    struct stat first, second;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

// --overwrite is meant for older results of convert. If the output was forgotten, the last name is that of an
// input, which must not be lost.
static mg_status check_replaced(const char *path, mg_error *error) {
    static const char signature[8] = "\x89HDF\r\n\x1a\n";
    struct stat about;
    char head[sizeof signature];
    int fd;
    bool sealed = false;
    if (stat(path, &about) || !S_ISREG(about.st_mode) || about.st_size == 0) return MG_OK;
    mg_status status = mg_file_open(path, MG_FILE_REGULAR, &fd, error);
    if (status) return status;
    bool is_h5 = pread(fd, head, sizeof head, 0) == sizeof head && !memcmp(head, signature, sizeof head);
    if (is_h5) status = mg_file_has_seal(fd, path, &sealed, error);
    close(fd);
    if (status || (is_h5 && !sealed)) return status;
    return mg_fail(error, MG_USAGE,
                   "%s: exists and is %s, which --overwrite does not replace: the last name is the output: "
                   "give another one, or move the file away",
                   path, sealed ? "a model or checkpoint" : "not an HDF5 file");
}

// Checks everything about an output that is a reason to refuse before an input is read.
static mg_status check_output(const mg_convert_options *o, const char *output, mg_error *error) {
    struct stat info;
    for (int i = 0; i < o->input_count; i++)
        if (same_file(o->inputs[i], output))
            return mg_fail(error, MG_USAGE,
                           "%s: is both an input and the output; the last name is the output", output);
    const char *const paths[] = {o->like, o->labels, o->names}, *const flags[] = {"like", "labels", "names"};
    for (int i = 0; i < 3; i++)
        if (paths[i] && same_file(paths[i], output))
            return mg_fail(error, MG_USAGE, "%s: is both the output and the file of --%s", output, flags[i]);
    if (!o->overwrite && lstat(output, &info) == 0)
        return mg_fail(error, MG_IO, "%s: already exists: give another name, or replace it with --overwrite",
                       output);
    return check_replaced(output, error);
}

static mg_status check_files(const mg_convert_options *o, mg_error *error) {
    mg_status status = check_output(o, o->output, error);
    if (status || o->split == 0) return status;
    if (!(o->split > 0 && o->split < 1))
        return mg_fail(error, MG_USAGE, "split: %g is not allowed (a fraction above 0 and below 1)",
                       o->split);
    if (!o->split_output) return mg_fail(error, MG_USAGE, "split: the path of the test rows is missing");
    if (same_file(o->output, o->split_output) || mg_place_same(o->output, o->split_output))
        return mg_fail(error, MG_USAGE, "%s: is the output of both the training and the test rows",
                       o->output);
    return check_output(o, o->split_output, error);
}

// True if the first input is an HDF5 file that no other format reads, and there is something to do with it:
// training reads such a file without conversion.
static mg_status is_h5(const mg_conversion *c, bool *is, mg_error *error) {
    const mg_convert_options *o = c->options;
    mg_h5 *file = NULL;
    bool claimed = false, wanted = c->holdout.on || o->input_count > 1 || o->labels ||
                                   (c->known && mg_recipe_is(c->known->recipe, "format", mg_convert_h5.name));
    *is = false;
    if (c->like.raw || !wanted) return MG_OK;
    mg_status status = mg_format_claimed(o->inputs[0], &claimed, error);
    if (!status && !claimed) status = mg_raw_open_unless(o->inputs[0], NULL, &file, error);
    *is = file != NULL;
    mg_h5_close(file);
    return status;
}

// Guesses the format. If no guess is certain, a format is used for which an option is given: a table of texts
// looks like any other table.
static mg_status guess_format(mg_conversion *c, mg_error *error) {
    const mg_convert_options *o = c->options;
    const mg_format *only = NULL;
    bool sure = false, h5;
    mg_status status = is_h5(c, &h5, error);
    if (status) return status;
    if (h5) {
        c->format = &mg_convert_h5;
        return c->known ? mg_convert_follow_like(c, true, error) : MG_OK;
    }
    status = mg_format_guess(o->inputs[0], &c->format, &sure, error);
    for (int i = 0; !status && i < o->setting_count && !only; i++)
        only = mg_format_with_option(o->settings[i].name);
    bool table = c->format && !mg_convert_tells_itself(c->format);
    if (only && (!sure || (table && !mg_convert_tells_itself(only)))) c->format = only;
    if (!status && c->known) status = mg_convert_follow_like(c, sure, error);
    if (!status && (!only || !c->format))
        status = mg_format_doubt(o->inputs[0], c->format, c->known != NULL, error);
    return status;
}

// The formats of inputs: those of the registry, then HDF5.
const mg_format *mg_convert_reads(int i) {
    const mg_format *format = mg_format_at(i);
    return format || i < 1 || !mg_format_at(i - 1) ? format : &mg_convert_h5;
}

static const char *format_name(int i, const void *context) {
    (void)context;
    return mg_convert_reads(i) ? mg_convert_reads(i)->name : NULL;
}

mg_status mg_convert_choose_format(mg_conversion *c, mg_error *error) {
    char hint[MG_NEAREST_TEXT];
    const mg_convert_options *o = c->options;
    mg_status status = MG_OK;
    if (o->format) {
        c->format = strcmp(o->format, mg_convert_h5.name) ? mg_format_find(o->format) : &mg_convert_h5;
        if (!c->format)
            return mg_fail(error, MG_USAGE, "unknown format '%s' (margin convert --help lists the formats)%s",
                           o->format, mg_nearest_hint(o->format, format_name, NULL, hint));
        if (c->known) status = mg_convert_follow_like(c, true, error);
    } else {
        status = guess_format(c, error);
    }
    if (status) return status;
    for (int i = o->format ? 0 : 1; !status && c->format != &mg_convert_h5 && i < o->input_count; i++)
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

// Reports how whole numbers are read that are not written as numbers are printed.
static void tell_form(const mg_conversion *c) {
    const mg_tell tell = {c->options->message, c->options->context};
    const char *path = c->own.labels ? c->options->labels : c->options->inputs[0], *odd = c->labels.odd;
    if (!*odd || c->like.raw) return;
    if (c->labels.padded)
        mg_tell_line(&tell, "note: %s: label '%s' has leading zeros: labels are texts, each as it is written",
                     path, odd);
    else
        mg_tell_line(&tell, "note: %s: labels are whole numbers, also '%s': 7.0 and 7 are the same class",
                     path, odd);
}

// Reports what was done to values.
static void tell_facts(const mg_conversion *c) {
    char text[MG_FACTS_TEXT];
    const mg_tell tell = {c->options->message, c->options->context};
    if (*mg_facts_text(&c->facts, text))
        mg_tell_line(&tell, "%s: %s: %s", c->facts.unseen ? "warning" : "note", c->options->inputs[0], text);
}

// Passes warnings on, unless they were given before.
static void hear(void *context, const char *line) {
    const mg_conversion *c = context;
    if (!c->parts.mute && c->options->message) c->options->message(c->options->context, line);
}

mg_status mg_convert_open_reader(mg_conversion *c, int part, mg_error *error) {
    const mg_convert_part *own = &c->parts.list[part];
    bool many = c->format->most_inputs == MG_FORMAT_MOST_INPUTS;
    if (c->reader) c->format->close(c->reader);
    c->reader = NULL;
    const mg_format_request request = {.inputs = many ? c->options->inputs : own->inputs,
                                       .input_count = many             ? c->options->input_count
                                                      : own->inputs[1] ? 2
                                                                       : 1,
                                       .options = c->values,
                                       .like = c->known ? &c->like : NULL,
                                       .watch = &c->watch,
                                       .facts = &c->facts,
                                       .held = c->holdout.held,
                                       .tell = {c->options->message ? hear : NULL, c}};
    return c->format->open(&c->reader, &request, error);
}

// Compares the names of the features with those of --like, if both have names.
static mg_status check_known_names(const mg_conversion *c, mg_error *error) {
    char whose[MG_PATH_TEXT + 32];
    const mg_names *known = c->known && !c->like.raw ? &c->known->names : NULL;
    if (!known || !known->count || !c->shape.names || !c->shape.names->count) return MG_OK;
    snprintf(whose, sizeof whose, "in --like %s", c->like.path);
    const mg_names_parties parties = {c->options->names ? c->options->names : c->options->inputs[0], whose,
                                      "give the same features in the same order, or leave --like out"};
    return mg_names_compare(known, c->shape.names, &parties, error);
}

mg_status mg_convert_first_pass(mg_conversion *c, mg_error *error) {
    mg_status status = mg_convert_open_labels(c, error);
    if (!status) status = mg_convert_survey(c, &c->sinks[MG_SINK_COUNT], error);
    if (!status) status = mg_convert_survey_labels(c, error);
    if (status) return status;
    tell_guesses(c);
    mg_census_settle(&c->labels);
    tell_form(c);
    c->targets[0].rows = c->shape.rows;
    c->targets[0].stored = c->shape.stored;
    if (c->holdout.on) status = mg_convert_split(c, error);
    if (status) return status;
    if (c->known && !c->like.raw && c->shape.features != c->like.features)
        return mg_fail(error, MG_DATA, "%s: has %lld features, but %s has %lld", c->options->inputs[0],
                       (long long)c->shape.features, c->like.path, (long long)c->like.features);
    status = mg_convert_read_names(c, error);
    return status ? status : check_known_names(c, error);
}

mg_status mg_convert_second_pass(mg_conversion *c, mg_error *error) {
    c->course.pass = 1;
    c->course.labels_unused = c->course.unlabelled && c->shape.labelled;
    if (c->course.unlabelled) c->shape.labelled = false;
    mg_status status = mg_convert_plan(c, &c->targets[0], error);
    if (!status && c->holdout.held) status = mg_convert_plan(c, &c->targets[1], error);
    // The writers remember which files are at the outputs now and replace no other ones.
    if (!status && !c->like.raw && c->options->overwrite) status = check_files(c->options, error);
    c->own.count = 0;
    if (!status) status = mg_convert_read(c, &c->sinks[MG_SINK_WRITE], error);
    if (!status) status = mg_convert_write_labels(c, error);
    if (!status) doubt_classes(c);
    if (!status) tell_facts(c);
    return status ? status : beat(c, 1, error); // the last moment at which the caller can stop the conversion
}

void mg_convert_begin(mg_conversion *c, const mg_convert_options *options) {
    *c = (mg_conversion){
        .options = options,
        .own.width = 1,
        .watch = {beat, c},
        .holdout.on = options->split > 0,
        .targets = {{.path = options->output}, {.path = options->split_output}},
    };
    mg_convert_sinks(c);
}

void mg_convert_end(mg_conversion *c) {
    mg_h5_writer_destroy(c->targets[0].writer);
    mg_h5_writer_destroy(c->targets[1].writer);
    if (c->reader) c->format->close(c->reader);
    if (c->values) mg_section_clear(c->format->section, c->values);
    mg_memory_free(c->values);
    mg_convert_close_like(c);
    mg_census_clear(&c->labels);
    mg_names_clear(&c->names);
    mg_names_clear(&c->parts.names);
    mg_memory_free(c->parts.ids);
    mg_memory_free(c->parts.list);
    mg_label_file_close(c->own.labels);
    mg_strata_clear(&c->holdout.strata);
    mg_memory_free(c->holdout.held);
}

static void fill_report(const mg_conversion *c, double seconds, mg_convert_report *report) {
    struct stat info;
    *report = (mg_convert_report){
        .format = c->format->name,
        .rows = c->shape.rows,
        .test_rows = c->targets[1].rows,
        .features = c->shape.features,
        .classes = c->labels.classes,
        .stored = c->shape.layout == MG_CSR ? c->shape.stored : c->shape.rows * c->shape.features,
        .sparse = c->shape.layout == MG_CSR,
        .labelled = c->shape.labelled,
        .text_labels = c->labels.kind == MG_LABEL_TEXT,
        .unlabelled = c->own.labels ? c->shape.rows - c->own.found : 0,
        .seconds = seconds,
    };
    for (int i = 0; i < c->options->input_count; i++)
        if (stat(c->options->inputs[i], &info) == 0) report->bytes += info.st_size;
}

static mg_status convert_files(const mg_convert_options *options, const mg_raw_model *like,
                               mg_convert_report *report, mg_error *error) {
    double begin = mg_clock_seconds();
    mg_conversion c;
    mg_convert_begin(&c, options);
    mg_status status = mg_h5_check_library(error);
    if (!status) status = check_files(options, error);
    if (!status) status = like ? mg_convert_like_model(&c, like, error) : mg_convert_open_like(&c, error);
    if (!status) status = mg_convert_choose_format(&c, error);
    if (!status) status = mg_convert_divide(&c, error);
    if (!status) status = mg_convert_read_options(&c, error);
    if (!status) status = mg_convert_first_pass(&c, error);
    if (!status) status = mg_convert_second_pass(&c, error);
    mg_h5_writer *const writers[] = {c.targets[0].writer, c.targets[1].writer};
    if (!status) status = mg_h5_writer_commit(writers, c.holdout.held ? 2 : 1, error);
    if (!status && report) fill_report(&c, mg_clock_seconds() - begin, report);
    mg_convert_end(&c);
    return status;
}

mg_status mg_convert_run(const mg_convert_options *options, const mg_raw_model *like,
                         mg_convert_report *report, mg_error *error) {
    mg_convert_options whole = *options;
    mg_input_list files = {0};
    if (options->input_count < 1 || !options->output)
        return mg_fail(error, MG_USAGE, "at least one input and the output are needed");
    mg_status status = mg_input_list_make(options->inputs, options->input_count, &files, error);
    whole.inputs = (const char *const *)files.path;
    whole.input_count = files.count;
    if (!status) status = convert_files(&whole, like, report, error);
    mg_input_list_clear(&files);
    return status;
}
