// train.c - the command train: trains one model, and prints its result.
#include "cli/cli.h"
#include "cli/display.h"
#include "cli/flags.h"

#include <margin/config.h>
#include <margin/trainer.h>

#include <math.h>
#include <stdio.h>

enum { KEY_INIT = 256 };

typedef struct arguments {
    mg_train_request request;
} arguments;

static void show_calibration(const mg_calibration_report *report) {
    char text[32];
    if (!report->method[0]) return;
    printf("calibration     %s", report->method);
    if (!isnan(report->temperature)) printf(" %.6g", report->temperature);
    printf(", fitted on %s rows: log-loss %.6f, before %.6f; calibration error %.4f, before %.4f\n",
           mg_cli_count((double)report->rows, text), report->log_loss, report->log_loss_before, report->ece,
           report->ece_before);
}

static void show_result(const mg_train_result *result) {
    printf("ended by        %s, after %lld steps, %.2f s of training\n", result->reason,
           (long long)result->step, result->seconds);
    printf("objective       %.6f\n", result->objective);
    if (!isnan(result->gap))
        printf("%s%s%s within %.2g of the optimum (at least %.6f)\n",
               result->converged ? mg_cli_good(stdout) : mg_cli_doubtful(stdout),
               result->converged ? "certified      " : "not certified  ", mg_cli_plain(stdout), result->gap,
               result->dual);
    else if (result->tolerance > 0) printf("not certified   the distance to the optimum is not known\n");
    printf("train accuracy  %.2f%%\n", 100 * result->train_accuracy);
    if (!isnan(result->accuracy) && result->tolerance > 0)
        printf("validation      %.2f%%\n", 100 * result->accuracy);
    else if (!isnan(result->accuracy))
        printf("validation      %.2f%% (best, epoch %lld)\n", 100 * result->accuracy,
               (long long)result->best_epoch);
    if (!isnan(result->test_accuracy)) printf("test accuracy   %.2f%%\n", 100 * result->test_accuracy);
    show_calibration(&result->calibration);
    mg_cli_put_line(stdout, "model           ", result->model_path);
}

static error_t parse_option(int key, char *value, struct argp_state *state) {
    arguments *all = state->input;
    switch (key) {
    case KEY_INIT: all->request.init_model = value; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

int mg_command_train(int argc, char **argv) {
    static const struct argp_option options[] = {
        {"init", KEY_INIT, "MODEL", 0,
         "Start from the weights of a model.h5. Needed again to resume a run that has no checkpoint yet", 0},
        {0},
    };
    static const struct argp argp = {
        options,
        parse_option,
        "[CONFIG]",
        "Trains a classifier and writes model.h5, metrics.jsonl and checkpoints into the run's directory."
        "\vExample:\n"
        "  margin train configs/fashion_mnist.yaml --set train.epochs=5\n\n"
        "Ctrl-C, SIGTERM, SIGHUP and SIGUSR1 stop the run: it finishes the minibatch, writes a checkpoint "
        "and exits with status 75. The same command with --resume continues to the same bits. "
        "docs/options.md lists every option.",
        NULL,
        NULL,
        NULL};
    mg_cli_flags flags = {0};
    arguments all = {0};
    if (mg_cli_parse_flags(&argp, MG_CLI_RUN, argc, argv, &all, &flags)) return 2;
    all.request.resume = flags.resume;
    all.request.overwrite = flags.overwrite;
    mg_cli_display screen;
    const mg_observer observer = mg_cli_observer(&screen, flags.quiet, false);
    all.request.observer = &observer;
    mg_config *config;
    mg_train_result result;
    mg_error error = {0};
    int wrong = mg_cli_begin_run("train", &flags, &config);
    if (wrong) return wrong;
    mg_status status = mg_train(config, &all.request, &result, &error);
    wrong = mg_cli_end_run("train", config, status, &error);
    if (wrong) return wrong;
    show_result(&result);
    return 0;
}
