// predict.c - the command predict: predicts the classes of rows of a file, or of lines of standard input. An
// output file appears under its name only when it is complete.
#include "cli/flags.h"
#include "cli/output.h"
#include "cli/progress.h"

#include <margin/predict.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum {
    KEY_OUTPUT = 'o',
    KEY_SCORES = 256,
    KEY_PROBABILITIES,
    KEY_TOP,
    KEY_BASE,
    KEY_LABELS,
    KEY_FORMAT,
    KEY_ID,
    KEY_HEADER,
    KEY_PRIOR,
    KEY_REJECT,
    KEY_REJECT_LABEL
};

typedef struct arguments {
    mg_predict_options options;
    const char *output;
    bool has_base;
    mg_cli_flags flags;
} arguments;

static bool asked_to_stop(const arguments *all) { return all->options.stop && *all->options.stop; }

// Answers each line of standard input at once, because the sender may wait for the answer.
static mg_status answer_lines(mg_predictor *predictor, const arguments *all, mg_cli_output *out,
                              mg_error *error) {
    char *line = NULL;
    size_t capacity = 0, bytes, answered = 0;
    ssize_t length;
    const char *answer;
    mg_status status = MG_OK;
    while (!status && !asked_to_stop(all) && (errno = 0, length = getline(&line, &capacity, stdin)) >= 0) {
        if (ferror(stdin)) break; // the line is incomplete
        status = mg_predictor_line(predictor, "standard input", line, (size_t)length, &answer, &bytes, error);
        if (!status) status = mg_cli_output_write(out, answer, bytes, error);
        answered += !status && bytes;
        if (!status && bytes && out->at_once && fflush(out->file))
            status = mg_cli_complain(error, out->path, "cannot be written");
    }
    if (!status && asked_to_stop(all)) {
        error->status = status = MG_STOPPED;
        snprintf(error->text, sizeof error->text, "stopped");
    } else if (!status && !feof(stdin)) {
        status = mg_cli_complain(error, "standard input", "cannot be read");
    }
    free(line);
    if (!status) status = mg_predictor_end(predictor, &answer, &bytes, error);
    if (!status) status = mg_cli_output_write(out, answer, bytes, error);
    const char *guess = mg_predictor_guess(predictor);
    if (!status && answered && guess) // only after success, because a failure must be a single line
        fprintf(stderr, "margin predict: note: %s\n", guess);
    return status;
}

static const char *const formats[] = {"text", "csv", "tsv", "h5"};
enum { FORMATS = sizeof formats / sizeof *formats };

// The format that the name of the output suggests; NULL: none.
static const char *format_of(const char *path) {
    const char *dot = path ? strrchr(path, '.') : NULL;
    for (int i = 1; dot && i < FORMATS; i++)
        if (!strcasecmp(dot + 1, formats[i])) return formats[i];
    return dot && !strcasecmp(dot, ".hdf5") ? "h5" : NULL;
}

static void take_format(arguments *all, const char *value, struct argp_state *state) {
    for (int i = 0; i < FORMATS; i++)
        if (!strcmp(value, formats[i])) all->options.format = formats[i];
    if (!all->options.format)
        mg_cli_wrong(state, "--format: %s is not allowed; use text, csv, tsv or h5", value);
}

// Checks what the options need of each other.
static void check(arguments *all, struct argp_state *state) {
    mg_predict_options *o = &all->options;
    bool lines = !strcmp(all->flags.data, "-");
    if (!o->format) o->format = format_of(all->output);
    bool text = !o->format || !strcmp(o->format, "text"), h5 = o->format && !strcmp(o->format, "h5");
    if (o->scores && o->top) argp_error(state, "--scores and --top cannot be combined");
    if (all->has_base && !lines) argp_error(state, "--base is only for lines of standard input (DATA is -)");
    if (all->flags.features && lines)
        argp_error(state, "--features is only for files: lines of standard input have no data sets");
    if (o->reject_label && !(o->reject > 0)) argp_error(state, "--reject-label needs --reject P");
    if (o->reject > 0 && o->top) argp_error(state, "--reject and --top cannot be combined");
    if (o->prior && !o->probabilities && (o->scores || o->top))
        argp_error(state, "--prior changes probabilities, not scores: add --probabilities");
    if (text && (o->id || o->header))
        argp_error(state, "%s is only for tables: add --format csv, tsv or h5", o->id ? "--id" : "--header");
    if (h5 && o->header) argp_error(state, "--header is only for csv and tsv");
    if (h5 && lines) argp_error(state, "--format h5 is only for files: lines are answered one by one");
    if (h5 && !all->output) argp_error(state, "--format h5 needs -o FILE");
    if (lines && o->id && strspn(o->id, "-0123456789") != strlen(o->id))
        argp_error(state, "--id NAME is only for files; --id 1 counts the lines from 1");
}

static double probability(struct argp_state *state, const char *option, const char *value) {
    char *end;
    double number = strtod(value, &end);
    if (end == value || *end || !(number > 0 && number <= 1))
        mg_cli_wrong(state, "%s: %s is not allowed (a probability above 0, at most 1)", option, value);
    return number;
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
    case KEY_LABELS: all->options.labels = value; return 0;
    case KEY_FORMAT: take_format(all, value, state); return 0;
    case KEY_ID: all->options.id = value; return 0;
    case KEY_HEADER: all->options.header = value; return 0;
    case KEY_PRIOR: all->options.prior = value; return 0;
    case KEY_REJECT: all->options.reject = probability(state, "--reject", value); return 0;
    case KEY_REJECT_LABEL: all->options.reject_label = value; return 0;
    case ARGP_KEY_END: check(all, state); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

// Refuses an output that would replace an input.
static mg_status check_output(const arguments *all, mg_error *error) {
    const char *prior = all->options.prior, *by = "the answers";
    mg_status status = mg_cli_keep(all->output, all->options.model, "the model", by, error);
    if (!status) status = mg_cli_keep(all->output, all->flags.data, "the data", by, error);
    if (!status && prior) status = mg_cli_keep(all->output, prior, "the file of --prior", by, error);
    return status || !all->output ? status : mg_predict_check_output(all->output, error);
}

static mg_status run(arguments *all, mg_error *error) {
    mg_predictor *predictor;
    mg_cli_output out;
    mg_status status = check_output(all, error);
    if (!status) status = mg_predictor_open(&all->options, &predictor, error);
    if (status) return status;
    if (all->options.format && !strcmp(all->options.format, "h5")) {
        status = mg_predictor_hdf5(predictor, all->flags.data, all->output, error);
        mg_predictor_close(predictor);
        return status;
    }
    status = mg_cli_output_open(&out, all->output, error);
    // The output remembers which file is there now, and replaces no other one. So this file is checked once
    // more.
    if (!status && out.named) status = check_output(all, error);
    const mg_predict_sink sink = {mg_cli_output_write, &out};
    if (!status)
        status = strcmp(all->flags.data, "-") ? mg_predictor_file(predictor, all->flags.data, &sink, error)
                                              : answer_lines(predictor, all, &out, error);
    status = mg_cli_output_close(&out, status, error);
    mg_predictor_close(predictor);
    return status;
}

static const struct argp_option all_options[] = {
    {"output", KEY_OUTPUT, "FILE", 0,
     "Write the answers to FILE instead of standard output; FILE appears only when it is complete", 0},
    {"scores", KEY_SCORES, NULL, 0,
     "Print the label, a TAB, and the scores of all classes in the order of the classes", 0},
    {"probabilities", KEY_PROBABILITIES, NULL, 0,
     "Print probabilities instead of scores (only models of loss softmax, and calibrated ones: margin "
     "calibrate); may be combined with --top",
     0},
    {"top", KEY_TOP, "K", 0, "Print the K best classes as label:score, best first, separated by TABs", 0},
    {"format", KEY_FORMAT, "NAME", 0,
     "Format of the answers: text (default), csv or tsv (a table with a header), h5; "
     "without it, FILE.csv, .tsv and .h5 choose the format",
     0},
    {"id", KEY_ID, "NAME|N", 0,
     "First column of a table: the data set NAME of DATA, such as obs/_index or id (margin "
     "convert --id), or the numbers of the rows, counted from N",
     0},
    {"header", KEY_HEADER, "NAMES", 0,
     "Names of the first columns of a table, separated by commas, such as Id,Label", 0},
    {"prior", KEY_PRIOR, "FILE|LIST", 0,
     "How frequent each class is in DATA, if not as in training; the probabilities take it into account: 'A: "
     "0.9, B: 0.1', or a file with a line 'A: 0.9' for each class",
     0},
    {"reject", KEY_REJECT, "P", 0,
     "Answer 'unknown' if the probability of the label is below P, such as 0.5 (needs probabilities)", 0},
    {"reject-label", KEY_REJECT_LABEL, "LABEL", 0, "Answer LABEL to rejected rows instead of 'unknown'", 0},
    {"base", KEY_BASE, "0|1", 0,
     "Index of the first feature in lines (default: that of the training file; 1 if it is not known)", 0},
    {"labels", KEY_LABELS, "NAME|none", 0,
     "Column of the labels in a table or text, which predict skips: first, last, its name or its number; "
     "none: DATA has no labels (default: as in training)",
     0},
    {0},
};

int mg_command_predict(int argc, char **argv) {
    static const struct argp argp = {
        all_options,
        parse_option,
        "MODEL DATA\nMODEL -",
        "Prints one line for each row: the label of the class with the highest score."
        "\vDATA needs no labels. It is an HDF5 file, or a file of any format that margin convert reads "
        "(plain or "
        "gzip), which is then read by the recipe of the model: texts with its n-grams, tables by the names "
        "of their columns.\n\n"
        "When DATA is -, each line of standard input is a row of the kind that the model was trained on: a "
        "text; a record of the table, after a header or in the order of the training file; otherwise a line "
        "of "
        "svmlight, "
        "\"index:value index:value # comment\", where an empty line is a row of zeros. Labels in lines are "
        "ignored. Each line is answered at once; a line that is no such row is an error.\n\n"
        "Example:\n"
        "  margin predict runs/first/model.h5 test.h5 -o labels.txt\n"
        "  margin predict runs/first/model.h5 test.h5 --scores --id 0 -o answers.csv\n"
        "  margin predict runs/iris/model.h5 flowers.csv\n"
        "  echo 'where is my card' | margin predict runs/texts/model.h5 - --top 3",
        NULL,
        NULL,
        NULL};
    arguments all = {.options = {.base = -1, .notices.message = mg_cli_notice}};
    mg_error error = {0};
    if (mg_cli_parse_flags(&argp, MG_CLI_ROWS, argc, argv, &all, &all.flags)) return 2;
    all.options.model = all.flags.model;
    all.options.threads = all.flags.threads;
    all.options.features = all.flags.features;
    all.options.names = all.flags.names;
    all.options.complete = all.flags.complete;
    mg_cli_results();
    // With --output, signals stop the work in an orderly way, so that no partial file remains. Without it
    // they kill the process.
    if (all.output) all.options.stop = mg_cli_catch_stops();
    if (all.output) mg_cli_begin_progress(); // otherwise the answers may be shown on the terminal
    mg_status status = run(&all, &error);
    mg_cli_end_progress();
    if (!status) return 0;
    if (status == MG_STOPPED) mg_cli_die_of_stop(); // no file was written
    return mg_cli_fail("predict", &error);
}
