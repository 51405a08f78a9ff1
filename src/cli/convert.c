// convert.c - the command convert: shows progress, and prints a summary of one line.
#include "cli/cli.h"
#include "cli/progress.h"

#include <margin/convert.h>

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    FORMAT = 'f',
    QUIET = 'q',
    LIKE = 256,
    LABELS,
    NAMES,
    OVERWRITE,
    SPLIT,
    SPLIT_OUTPUT,
    SEED,
    FIRST_SETTING,
    MOST_SETTINGS = 64
};

static const double tick = 0.2; // seconds between two updates of the progress line

typedef struct arguments {
    mg_convert_options options;
    mg_convert_setting settings[MOST_SETTINGS];
    bool quiet, has_seed;
    char test[PATH_MAX]; // default of --split-output
    double began, shown; // seconds
    double bytes;        // total size of the inputs
} arguments;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void show_progress(void *context, int64_t rows, double fraction) {
    arguments *all = context;
    double time = now();
    if (time - all->shown < tick) return;
    all->shown = time;
    char text[32];
    mg_cli_line line = {0};
    double spent = time - all->began;
    mg_cli_add_part(&line, 0, "%3.0f%%", fraction * 100);
    if (fraction > 0) mg_cli_add_part(&line, 1, "left %s", mg_cli_time(spent / fraction - spent, text));
    mg_cli_add_part(&line, 2, "%s rows", mg_cli_count((double)rows, text));
    mg_cli_add_part(&line, 3, "%.1f MB/s", 1e-6 * fraction * all->bytes / spent);
    mg_cli_draw_progress(&line, false);
}

// Prints a message. Warnings are printed even with --quiet.
static void show_message(void *context, const char *line) {
    const arguments *all = context;
    if (!all->quiet || !strncmp(line, "warning", 7)) mg_cli_notice(NULL, line);
}

static double fraction(struct argp_state *state, const char *value) {
    char *end;
    double number = strtod(value, &end);
    if (end == value || *end || !(number > 0 && number < 1))
        mg_cli_wrong(state, "--split: %s is not allowed (a fraction above 0 and below 1, such as 0.1)",
                     value);
    return number;
}

// Sets the file of the test rows, unless it was given: OUT_test.h5 beside OUT.h5.
static void check_split(arguments *all, struct argp_state *state) {
    mg_convert_options *o = &all->options;
    if (!(o->split > 0) && (o->split_output || all->has_seed))
        argp_error(state, "%s needs --split", o->split_output ? "--split-output" : "--seed");
    if (!(o->split > 0) || o->split_output || !o->output) return;
    const char *slash = strrchr(o->output, '/'), *dot = strrchr(o->output, '.');
    if (!dot || (slash && dot < slash)) dot = o->output + strlen(o->output);
    int bytes = snprintf(all->test, sizeof all->test, "%.*s_test%s", (int)(dot - o->output), o->output, dot);
    if (bytes >= (int)sizeof all->test) argp_error(state, "the name of the output is too long");
    o->split_output = all->test;
}

static error_t parse_option(int key, char *value, struct argp_state *state) {
    arguments *all = state->input;
    mg_convert_option option;
    switch (key) {
    case FORMAT: all->options.format = value; return 0;
    case QUIET: all->quiet = true; return 0;
    case LIKE: all->options.like = value; return 0;
    case LABELS: all->options.labels = value; return 0;
    case NAMES: all->options.names = value; return 0;
    case OVERWRITE: all->options.overwrite = true; return 0;
    case SPLIT: all->options.split = fraction(state, value); return 0;
    case SPLIT_OUTPUT: all->options.split_output = value; return 0;
    case SEED:
        all->options.seed = (uint64_t)mg_cli_int(state, "--seed", value, 0, INT64_MAX);
        all->has_seed = true;
        return 0;
    case ARGP_KEY_END: check_split(all, state); return 0;
    case ARGP_KEY_ARGS:
        all->options.inputs = (const char *const *)(state->argv + state->next);
        all->options.input_count = state->argc - state->next - 1;
        all->options.output = state->argv[state->argc - 1];
        if (all->options.input_count < 1)
            argp_error(state, "at least one INPUT and the OUTPUT.h5 are required");
        return 0;
    case ARGP_KEY_NO_ARGS: argp_error(state, "at least one INPUT and the OUTPUT.h5 are required"); return 0;
    default: break;
    }
    if (key < FIRST_SETTING || !mg_convert_option_at(key - FIRST_SETTING, &option)) return ARGP_ERR_UNKNOWN;
    if (all->options.setting_count == MOST_SETTINGS) argp_error(state, "too many options");
    all->settings[all->options.setting_count++] = (mg_convert_setting){option.name, value};
    return 0;
}

// Texts for the help. argp keeps pointers to them.
typedef struct help_text {
    char option[MOST_SETTINGS][400], words[MOST_SETTINGS][80], format[16][160], formats[80];
} help_text;

static void join(const char *separator, const char *name, char out[80]) {
    size_t used = strlen(out);
    snprintf(out + used, 80 - used, "%s%s", separator, name);
}

// The name of an option's argument in the help: its words, such as auto|yes|no, or VALUE.
static const char *argument_of(const mg_convert_option *option, char out[80]) {
    char copy[sizeof option->allowed], *rest = copy, *word;
    if (strcmp(option->kind, "name")) return "VALUE";
    snprintf(copy, sizeof copy, "%s", option->allowed);
    for (*out = 0; (word = strsep(&rest, ", "));)
        if (*word) join(*out ? "|" : "", word, out);
    return out;
}

// Fills the table of options: first the general ones, then, for each format, a heading and its options.
static void build_options(struct argp_option *rows, help_text *help) {
    static const struct argp_option general[] = {
        {"format", FORMAT, NULL, 0, "Format of the inputs; default: guessed from their first bytes", 1},
        {"like", LIKE, "TRAIN.h5", 0,
         "Use the format and its options, the number of features and the kind of labels of an earlier "
         "output, or "
         "of a model (for test files)",
         1},
        {"labels", LABELS, "FILE", 0,
         "File of the labels: one a line, in the order of the rows; or the id of a row and its label in each "
         "line, "
         "with a tab or comma between them. npz, safetensors: also the name of an array",
         1},
        {"names", NAMES, "FILE", 0,
         "Names of the features, one on each line of a text; stored instead of those of a header", 1},
        {"split", SPLIT, "FRACTION", 0,
         "Write this fraction of the rows of every class, such as 0.1, to a second file, for a test", 1},
        {"split-output", SPLIT_OUTPUT, "FILE", 0, "File of the test rows; default: OUTPUT_test.h5", 1},
        {"seed", SEED, "NUMBER", 0, "With --split: seed of the random choice of the test rows; default: 1",
         1},
        {"overwrite", OVERWRITE, NULL, 0, "Replace OUTPUT.h5 if it exists", 1},
        {"quiet", QUIET, NULL, 0, "Print only warnings and errors: no progress, no guesses, no summary", 1},
    };
    memcpy(rows, general, sizeof general);
    rows->arg = help->formats;
    rows += sizeof general / sizeof *general;
    mg_convert_format format;
    mg_convert_option option;
    for (int f = 0; f < 16 && mg_convert_format_at(f, &format); f++) {
        snprintf(help->format[f], sizeof help->format[f], "%s: %s (%s)", format.name, format.help,
                 format.arguments);
        *rows++ = (struct argp_option){.doc = help->format[f], .group = f + 2};
        join(f ? "|" : "", format.name, help->formats);
        for (int i = 0; i < MOST_SETTINGS && mg_convert_option_at(i, &option); i++) {
            if (strcmp(option.format, format.name) != 0) continue;
            snprintf(help->option[i], sizeof help->option[i], "%s%s%s%s%s%s%s", option.help,
                     strcmp(option.kind, "text") ? " Allowed: " : "",
                     strcmp(option.kind, "text") ? option.allowed : "",
                     strcmp(option.kind, "text") ? "." : "", *option.preset ? " Default: " : "",
                     option.preset, *option.preset ? "." : "");
            *rows++ =
                (struct argp_option){option.name, FIRST_SETTING + i, argument_of(&option, help->words[i]),
                                     0,           help->option[i],   f + 2};
        }
    }
    *rows = (struct argp_option){0};
}

static void tell_summary(const mg_convert_report *r, const char *output) {
    char rows[32], features[32], stored[32], classes[64] = "no labels";
    if (r->labelled)
        snprintf(classes, sizeof classes, "%s%" PRId64 " class%s of %s",
                 r->classes >= MG_CONVERT_MOST_CLASSES ? "at least " : "", r->classes,
                 r->classes == 1 ? "" : "es", r->text_labels ? "strings" : "integers");
    mg_cli_put(stderr, output);
    fprintf(stderr, ": %s, %s rows, %s features, %s, %s values %s, %.2f s, %.1f MB/s\n", r->format,
            mg_cli_count((double)r->rows, rows), mg_cli_count((double)r->features, features), classes,
            mg_cli_count((double)r->stored, stored), r->sparse ? "sparse" : "dense", r->seconds,
            r->seconds > 0 ? 1e-6 * (double)r->bytes / r->seconds : 0);
}

// Writes a path as a shell reads it.
static void put_quoted(const char *path) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-=:,@%";
    char quoted[4 * PATH_MAX + 3], *to = quoted;
    bool quote = path[strspn(path, plain)] && strlen(path) < PATH_MAX;
    if (quote) *to++ = '\'';
    for (const char *from = path; quote && *from; from++) {
        if (*from == '\'') to += sprintf(to, "'\\'");
        *to++ = *from;
    }
    if (quote) strcpy(to, "'");
    mg_cli_put(stderr, quote ? quoted : path);
}

// Says what was put where, and the command that uses both files.
static void tell_split(const mg_convert_report *r, const mg_convert_options *o) {
    char rows[32], test[32];
    mg_cli_put(stderr, o->output);
    fprintf(stderr, ": %s rows to train; ", mg_cli_count((double)(r->rows - r->test_rows), rows));
    mg_cli_put(stderr, o->split_output);
    fprintf(stderr, ": %s rows for the test", mg_cli_count((double)r->test_rows, test));
    if (r->labelled) {
        fprintf(stderr, ": margin train --set data.train=");
        put_quoted(o->output);
        fprintf(stderr, " --set data.test=");
        put_quoted(o->split_output);
        if (r->unlabelled) fprintf(stderr, " --set data.unlabelled=drop");
    }
    fputc('\n', stderr);
}

static void count_bytes(arguments *all) {
    struct stat info;
    for (int i = 0; i < all->options.input_count; i++)
        if (stat(all->options.inputs[i], &info) == 0) all->bytes += (double)info.st_size;
}

int mg_command_convert(int argc, char **argv) {
    static help_text help;
    static arguments all;
    struct argp_option rows[MOST_SETTINGS + 32];
    const struct argp argp = {
        .options = rows,
        .parser = parse_option,
        .args_doc = "INPUT... OUTPUT.h5",
        .doc = "Converts files of other formats, plain or gzip, to the HDF5 file that margin trains on.\v"
               "Example:\n"
               "  margin convert images-idx3-ubyte.gz labels-idx1-ubyte.gz train.h5\n"
               "  margin convert --format svmlight --like train.h5 news20.t.svm.gz test.h5\n\n"
               "The options of a format are allowed only with that format. docs/formats.md describes them."};
    build_options(rows, &help);
    all = (arguments){
        .options = {.settings = all.settings, .seed = 1, .message = show_message, .context = &all},
        .began = now()};
    int wrong = mg_cli_parse(&argp, argc, argv, &all);
    if (wrong) return wrong;
    count_bytes(&all);
    if (!all.quiet) mg_cli_begin_progress();
    if (mg_cli_shows_progress()) all.options.progress = show_progress;
    all.options.stop = mg_cli_catch_stops();
    mg_convert_report report;
    mg_error error = {.status = MG_OK};
    mg_status status = mg_convert(&all.options, &report, &error);
    mg_cli_end_progress();
    if (status) {
        int code = mg_cli_fail("convert", &error);
        if (status == MG_STOPPED) mg_cli_die_of_stop();
        return code;
    }
    if (!all.quiet) tell_summary(&report, all.options.output);
    if (!all.quiet && all.options.split > 0) tell_split(&report, &all.options);
    return 0;
}
