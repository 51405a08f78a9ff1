// calibrate.c - the command calibrate: fits the probabilities of a model to labelled rows, and writes the
// model again.
#include "cli/flags.h"

#include <margin/calibrate.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { KEY_METHOD = 'm', KEY_LABELS = 256, KEY_WEIGHTS, KEY_UNKNOWN };

typedef struct arguments {
    mg_calibrate_request request;
} arguments;

static error_t parse_option(int key, char *value, struct argp_state *state) {
    arguments *all = state->input;
    mg_calibrate_request *request = &all->request;
    switch (key) {
    case KEY_METHOD:
        if (strcmp(value, "temperature") && strcmp(value, "sigmoid"))
            mg_cli_wrong(state, "--method: %s is not allowed; use temperature or sigmoid", value);
        request->method = value;
        return 0;
    case KEY_LABELS: request->labels = value; return 0;
    case KEY_WEIGHTS: request->weights = value; return 0;
    case KEY_UNKNOWN:
        if (strcmp(value, "skip") && strcmp(value, "error"))
            mg_cli_wrong(state, "--unknown: %s is not allowed; use error or skip", value);
        request->skip_unknown = !strcmp(value, "skip");
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num == 0) request->model = value;
        else if (state->arg_num == 1) request->data = value;
        else mg_cli_wrong(state, "only MODEL and DATA are allowed; this one is too many: %s", value);
        return 0;
    case ARGP_KEY_END:
        if (!request->data) argp_error(state, "MODEL and DATA are required");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static void show(const char *model, const mg_calibration_report *report) {
    char text[32];
    mg_cli_put_line(stdout, "model        ", model);
    printf("calibration  %s", report->method);
    if (!isnan(report->temperature)) printf(" %.6g", report->temperature);
    printf(", fitted on %s rows\n", mg_cli_count((double)report->rows, text));
    printf("log-loss     %.6f, before %.6f\n", report->log_loss, report->log_loss_before);
    printf("calibration error  %.4f, before %.4f\n", report->ece, report->ece_before);
}

int mg_command_calibrate(int argc, char **argv) {
    static const struct argp_option options[] = {
        {"method", KEY_METHOD, "NAME", 0,
         "temperature (default): one factor for all scores, which keeps the order of the classes; sigmoid: a "
         "curve "
         "for each class, which needs more rows",
         0},
        {"labels", KEY_LABELS, "NAME", 0,
         "Data set of the labels in DATA (default: the name used in training)", 0},
        {"weights", KEY_WEIGHTS, "NAME", 0, "Data set of the weights of the rows in DATA (default: all 1)",
         0},
        {"unknown", KEY_UNKNOWN, "WHAT", 0,
         "What to do with rows whose label is not a class of the model: error (default) or skip", 0},
        {0},
    };
    static const struct argp argp = {
        options,
        parse_option,
        "MODEL DATA",
        "Fits probabilities to the scores of a model, and stores them in it: margin predict --probabilities "
        "prints "
        "them then, whatever the loss. Weights and labels stay the same."
        "\vDATA are labelled rows that the model was not trained on, at least 10 of every class. The figures "
        "printed are those of these rows: their log-loss, and the expected calibration error, that is how "
        "far the "
        "probability of the answer is from the share of right answers (in 15 bins). `before` is without this "
        "calibration: the softmax of the scores, or the calibration that is replaced.\n\n"
        "Example:\n"
        "  margin calibrate runs/first/model.h5 validation.h5\n"
        "  margin predict runs/first/model.h5 test.h5 --probabilities -o probabilities.txt",
        NULL,
        NULL,
        NULL};
    mg_cli_flags flags = {0};
    arguments all = {.request.notices.message = mg_cli_notice};
    mg_calibration_report report;
    mg_error error = {0};
    if (mg_cli_parse_flags(&argp, MG_CLI_THREADS | MG_CLI_FEATURES | MG_CLI_NAMES, argc, argv, &all, &flags))
        return 2;
    all.request.threads = flags.threads;
    all.request.features = flags.features;
    all.request.names = flags.names;
    mg_cli_results();
    all.request.stop = mg_cli_catch_stops();
    mg_status status = mg_calibrate(&all.request, &report, &error);
    if (status == MG_STOPPED) mg_cli_die_of_stop(); // the model has not changed
    if (status) return mg_cli_fail("calibrate", &error);
    show(all.request.model, &report);
    return 0;
}
