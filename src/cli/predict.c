// predict.c - the command predict: answers rows of a file or lines of standard input. An output file appears
// only when it is complete.
#include "cli/flags.h"

#include <margin/predict.h>
#include <margin/output.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_OUTPUT = 'o', KEY_SCORES = 256, KEY_PROBABILITIES, KEY_TOP, KEY_BASE };

typedef struct arguments {
    mg_predict_options options;
    const char *data, *output;
    bool has_base;
    mg_cli_flags flags;
} arguments;

// Where the answers are written.
typedef struct output {
    FILE *file;
    const char *path; // as given; NULL: standard output
    mg_output *named; // the file of that path
    bool at_once;     // a reader may wait for every line
} output;

static mg_status complain(mg_error *error, const char *path, const char *what) {
    error->status = path ? MG_IO : MG_FAILED;
    const char *name = path ? path : "standard output";
    snprintf(error->text, sizeof error->text, "%.700s%s: %s: %s", name, strlen(name) > 700 ? "..." : "", what,
             strerror(errno));
    return error->status;
}

static mg_status open_output(output *out, const char *path, mg_error *error) {
    *out = (output){.file = stdout, .path = path, .at_once = true};
    if (!path) return MG_OK;
    mg_status status = mg_output_open(path, &out->named, &out->file, error);
    out->at_once = !status && mg_output_is_direct(out->named);
    return status;
}

static mg_status close_output(output *out, mg_status status, mg_error *error) {
    if (out->named) return mg_output_close(out->named, status, error);
    if (!status && !out->path && fflush(out->file)) status = complain(error, NULL, "cannot be written");
    return status;
}

static mg_status write_answers(void *context, const char *text, size_t bytes, mg_error *error) {
    output *out = context;
    if (fwrite(text, 1, bytes, out->file) == bytes) return MG_OK;
    return complain(error, out->path, "cannot be written");
}

static bool asked_to_stop(const arguments *all) { return all->options.stop && *all->options.stop; }

// Answers each line at once, because the sender may wait for it.
static mg_status answer_lines(mg_predictor *predictor, const arguments *all, output *out, mg_error *error) {
    char *line = NULL;
    size_t capacity = 0, bytes, answered = 0;
    ssize_t length;
    const char *answer;
    mg_status status = MG_OK;
    while (!status && !asked_to_stop(all) && (errno = 0, length = getline(&line, &capacity, stdin)) >= 0) {
        if (ferror(stdin)) break; // it is a part of a line
        status = mg_predictor_line(predictor, "standard input", line, (size_t)length, &answer, &bytes, error);
        if (!status) status = write_answers(out, answer, bytes, error);
        answered += !status && bytes;
        if (!status && bytes && out->at_once && fflush(out->file))
            status = complain(error, out->path, "cannot be written");
    }
    if (!status && asked_to_stop(all)) {
        error->status = status = MG_STOPPED;
        snprintf(error->text, sizeof error->text, "stopped");
    } else if (!status && !feof(stdin)) {
        status = complain(error, "standard input", "cannot be read");
    }
    free(line);
    const char *guess = mg_predictor_guess(predictor);
    if (!status && answered && guess) // only on success, because a failure is one line
        fprintf(stderr, "margin predict: note: %s\n", guess);
    return status;
}

static error_t parse_option(int key, char *value, struct argp_state *state) {
    arguments *all = state->input;
    switch (key) {
    case KEY_OUTPUT: all->output = value; return 0;
    case KEY_SCORES: all->options.scores = true; return 0;
    case KEY_PROBABILITIES: all->options.probabilities = true; return 0;
    case KEY_TOP: all->options.top = mg_cli_int(state, "--top", value, 1, INT_MAX); return 0;
    case KEY_BASE:
        all->options.base = (int)mg_cli_int(state, "--base", value, 0, 1);
        all->has_base = true;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num == 0) all->options.model = value;
        else if (state->arg_num == 1) all->data = value;
        else mg_cli_wrong(state, "only MODEL and DATA are allowed; this is one argument more: %s", value);
        return 0;
    case ARGP_KEY_END:
        if (!all->data) argp_error(state, "MODEL and DATA are required (DATA may be - for standard input)");
        if (all->options.scores && all->options.top)
            argp_error(state, "--scores and --top cannot be combined");
        if (all->has_base && strcmp(all->data, "-"))
            argp_error(state, "--base is only for lines of standard input (DATA is -)");
        if (all->flags.names && !strcmp(all->data, "-"))
            argp_error(state, "--names is only for files: lines of standard input have no names of features");
        if (all->flags.features && !strcmp(all->data, "-"))
            argp_error(state, "--features is only for files: lines of standard input have no data sets");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static bool is_file(const char *path, const struct stat *file) {
    struct stat about;
    bool found = strcmp(path, "-") ? !stat(path, &about) : !fstat(STDIN_FILENO, &about);
    return found && about.st_dev == file->st_dev && about.st_ino == file->st_ino;
}

// Refuses an output that would replace the model or the data.
static mg_status check_output(const arguments *all, mg_error *error) {
    struct stat about;
    if (!all->output || stat(all->output, &about) || !S_ISREG(about.st_mode)) return MG_OK;
    const char *what = is_file(all->options.model, &about) ? "the model" : NULL;
    if (is_file(all->data, &about)) what = "the data";
    if (!what) return MG_OK;
    error->status = MG_USAGE;
    snprintf(error->text, sizeof error->text,
             "%.700s: is %s, which the answers would replace: give -o another name", all->output, what);
    return MG_USAGE;
}

static mg_status run(arguments *all, mg_error *error) {
    mg_predictor *predictor;
    output out;
    mg_status status = check_output(all, error);
    if (!status) status = mg_predictor_open(&all->options, &predictor, error);
    if (status) return status;
    status = open_output(&out, all->output, error);
    const mg_predict_sink sink = {write_answers, &out};
    if (!status)
        status = strcmp(all->data, "-") ? mg_predictor_file(predictor, all->data, &sink, error)
                                        : answer_lines(predictor, all, &out, error);
    status = close_output(&out, status, error);
    mg_predictor_close(predictor);
    return status;
}

int mg_command_predict(int argc, char **argv) {
    static const struct argp_option options[] = {
        {"output", KEY_OUTPUT, "FILE", 0,
         "Write the answers to FILE instead of standard output; FILE appears only when it is complete", 0},
        {"scores", KEY_SCORES, NULL, 0,
         "Print the label, a TAB, and the scores of all classes in the order of the classes", 0},
        {"probabilities", KEY_PROBABILITIES, NULL, 0,
         "Print probabilities instead of scores (only models of loss softmax); may be combined with --top",
         0},
        {"top", KEY_TOP, "K", 0, "Print the K best classes as label:score, best first, separated by TABs", 0},
        {"base", KEY_BASE, "0|1", 0,
         "Index of the first feature in lines (default: that of the training file; 1 if it is not known)", 0},
        {0},
    };
    static const struct argp argp = {
        options,
        parse_option,
        "MODEL DATA\nMODEL -",
        "Prints one line for each row: the label of the class with the highest score."
        "\vDATA is an HDF5 file; it needs no labels. When DATA is -, rows are read from standard input as "
        "lines of svmlight, \"index:value index:value # comment\", with or without a label at the start. "
        "Each line is answered at once. An empty line is a row of zeros; a line that is only a comment gets "
        "no answer; any other line without pairs is an error.\n\n"
        "Example:\n"
        "  margin predict runs/first/model.h5 test.h5 -o labels.txt\n"
        "  echo '3:0.5 17:2' | margin predict runs/first/model.h5 - --top 3",
        NULL,
        NULL,
        NULL};
    arguments all = {.options = {.base = -1, .notices.message = mg_cli_notice}};
    mg_error error = {0};
    if (mg_cli_parse_flags(&argp, MG_CLI_THREADS | MG_CLI_FEATURES | MG_CLI_NAMES, argc, argv, &all,
                           &all.flags))
        return 2;
    all.options.threads = all.flags.threads;
    all.options.features = all.flags.features;
    all.options.names = all.flags.names;
    mg_cli_results();
    // With --output, signals stop the work, so that no partial file remains. Without it they kill the
    // process.
    if (all.output) all.options.stop = mg_cli_catch_stops();
    mg_status status = run(&all, &error);
    if (!status) return 0;
    if (status == MG_STOPPED) mg_cli_die_of_stop(); // no file was written
    return mg_cli_fail("predict", &error);
}
