// calibrate.c - the command calibrate: fits the probabilities of a model to labelled rows, and writes the
// model again.
#include "cli/flags.h"
#include "cli/progress.h"

#include <margin/calibrate.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { KEY_METHOD = 'm' };

static const char method_words[] = "temperature|sigmoid|adaptive";

static error_t parse_option(int key, char *value, struct argp_state *state) {
    mg_calibrate_request *request = state->input;
    if (key != KEY_METHOD) return ARGP_ERR_UNKNOWN;
    mg_cli_choice(state, "--method", value, method_words);
    request->method = value;
    return 0;
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
        {"method", KEY_METHOD, method_words, 0,
         "temperature (default): one factor for all scores, which keeps the order of the classes; sigmoid: a "
         "curve for each class, which needs more rows; adaptive: a factor for each row, which depends on how "
         "far its highest score is above the mean of its scores",
         0},
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
        "  margin predict runs/first/model.h5 test.h5 --probabilities -o labels.txt",
        NULL,
        NULL,
        NULL};
    mg_cli_flags flags = {0};
    mg_calibrate_request request = {.notices.message = mg_cli_notice};
    mg_calibration_report report;
    mg_error error = {0};
    if (mg_cli_parse_flags(&argp, MG_CLI_ROWS | MG_CLI_LABELS | MG_CLI_WEIGHTS, argc, argv, &request, &flags))
        return 2;
    request.model = flags.model;
    request.data = flags.data;
    request.threads = flags.threads;
    request.features = flags.features;
    request.names = flags.names;
    request.complete = flags.complete;
    request.labels = flags.labels;
    request.weights = flags.weights;
    request.skip_unknown = flags.skip_unknown;
    request.drop_unlabelled = flags.drop_unlabelled;
    mg_cli_results();
    request.stop = mg_cli_catch_stops();
    mg_cli_begin_progress();
    mg_status status = mg_calibrate(&request, &report, &error);
    mg_cli_end_progress();
    if (status == MG_STOPPED) mg_cli_die_of_stop(); // the model has not changed
    if (status) return mg_cli_fail("calibrate", &error);
    show(request.model, &report);
    return 0;
}
