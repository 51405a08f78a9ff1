// train.c - the command train: trains one model, and prints its result.
#include "cli/cli.h"
#include "cli/display.h"
#include "cli/flags.h"
#include "cli/progress.h"
#include "cli/wrap.h"

#include <margin/config.h>
#include <margin/trainer.h>

#include <math.h>
#include <stdio.h>

enum { KEY_INIT = 256, KEY_PLAN };

typedef struct arguments {
    mg_train_request request;
    bool plan;
} arguments;

static void put_calibration(const mg_calibration_report *report, FILE *out) {
    char text[32];
    if (!report->method[0]) return;
    fprintf(out, "calibration     %s", report->method);
    if (!isnan(report->temperature)) fprintf(out, " %.6g", report->temperature);
    fprintf(out, ", fitted on %s rows: log-loss %.6f, before %.6f; calibration error %.4f, before %.4f\n",
            mg_cli_count((double)report->rows, text), report->log_loss, report->log_loss_before, report->ece,
            report->ece_before);
}

static void put_result(const mg_train_result *result, FILE *out) {
    fprintf(out, "ended by        %s, after %lld steps, %.2f s of training\n", result->reason,
            (long long)result->step, result->seconds);
    fprintf(out, "objective       %.6f\n", result->objective);
    if (!isnan(result->gap) && result->tolerance == 0)
        fprintf(out, "lower bound     %.6f: the objective is within %.2g of the optimum\n", result->dual,
                result->gap);
    else if (!isnan(result->gap))
        fprintf(out, "%s%s%s within %.2g of the optimum (at least %.6f)\n",
                result->converged ? mg_cli_good(stdout) : mg_cli_doubtful(stdout),
                result->converged ? "certified      " : "not certified  ", mg_cli_plain(stdout), result->gap,
                result->dual);
    else if (result->tolerance > 0)
        fprintf(out, "not certified   the distance to the optimum is not known\n");
    fprintf(out, "train accuracy  %.2f%%\n", 100 * result->train_accuracy);
    if (!isnan(result->accuracy) && result->tolerance > 0)
        fprintf(out, "validation      %.2f%%\n", 100 * result->accuracy);
    else if (!isnan(result->accuracy))
        fprintf(out, "validation      %.2f%% (best, epoch %lld)\n", 100 * result->accuracy,
                (long long)result->best_epoch);
    if (!isnan(result->test_accuracy)) fprintf(out, "test accuracy   %.2f%%\n", 100 * result->test_accuracy);
    put_calibration(&result->calibration, out);
}

void mg_cli_show_trained(const mg_train_result *result) {
    mg_cli_page page;
    mg_cli_page_open(&page, stdout);
    put_result(result, page.text);
    mg_cli_page_close(&page, 16);
    mg_cli_put_line(stdout, "model           ", result->model_path);
}

// ---- a dry run ----------------------------------------------------------------------------------

static const char *about(double seconds, char out[32]) {
    if (seconds < 10) snprintf(out, 32, "%.2g s", seconds);
    return seconds < 10 ? out : mg_cli_time(seconds, out);
}

static void put_time(const mg_train_estimate *estimate, FILE *out) {
    char text[32];
    fprintf(out, "measured   %s rows in %.2f s", mg_cli_count((double)estimate->measured_rows, text),
            estimate->measured_seconds);
    if (isnan(estimate->rows_per_second)) {
        fprintf(out, "; that is too little for an estimate\n");
        return;
    }
    fprintf(out, ": %s rows/s\n", mg_cli_count(estimate->rows_per_second, text));
    fprintf(out, "estimate   about %s an epoch, ", about(estimate->epoch_seconds, text));
    if (isnan(estimate->seconds))
        fprintf(out, "until the gap is %.2g; how many epochs that takes is not known\n",
                estimate->plan.tolerance);
    else fprintf(out, "about %s of training; evaluations come on top\n", about(estimate->seconds, text));
}

// Prints an estimate; the plan itself was printed when it was known.
static int show_plan(mg_config *config, const mg_train_request *request, const mg_cli_display *screen,
                     const mg_cli_flags *flags) {
    static mg_train_estimate estimate;
    char need[32], room[32];
    mg_cli_page page;
    mg_error error = {0};
    mg_status status = mg_train_plan(config, request, &estimate, &error);
    int wrong = mg_cli_end_run("train", config, status, &error);
    if (wrong) return wrong;
    if (flags->json) {
        status = mg_train_estimate_print_json(&estimate, stdout, &error);
        return mg_cli_conclude("train", screen, flags, status, &error);
    }
    mg_cli_page_open(&page, stdout);
    fprintf(page.text, "memory     about %s; %s are available\n", mg_cli_bytes(estimate.memory_bytes, need),
            mg_cli_bytes(estimate.available_bytes, room));
    put_time(&estimate, page.text);
    if (estimate.chooses_C)
        fprintf(page.text, "model.C    auto: the figures do not include the trainings that choose C first\n");
    if (request->resume)
        fprintf(page.text, "--resume   the figures are those of the whole run, not of the rest\n");
    mg_cli_page_close(&page, 11);
    printf("nothing was written: leave --plan out to train\n");
    return mg_cli_conclude("train", screen, flags, MG_OK, &error);
}

static error_t parse_option(int key, char *value, struct argp_state *state) {
    arguments *all = state->input;
    switch (key) {
    case KEY_INIT: all->request.init_model = value; return 0;
    case KEY_PLAN: all->plan = true; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

int mg_command_train(int argc, char **argv) {
    static const struct argp_option options[] = {
        {"init", KEY_INIT, "MODEL", 0,
         "Start from the weights of this model.h5. Give it again with --resume if the run has no checkpoint "
         "yet",
         0},
        {"plan", KEY_PLAN, NULL, 0,
         "A dry run: print what the run needs and about how long it takes; nothing is written", 0},
        {0},
    };
    static const struct argp argp = {
        options,
        parse_option,
        "[CONFIG]",
        "Trains a classifier and writes model.h5, metrics.jsonl and checkpoints into the run's directory."
        "\vExample:\n"
        "  margin train configs/fashion_mnist.yaml --set train.epochs=5\n"
        "  margin train configs/fashion_mnist.yaml --plan\n\n"
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
    int wrong = mg_cli_begin_run("train", "", &flags, &config);
    if (wrong) return wrong;
    if (all.plan) screen.plan = stdout;
    if (all.plan && flags.json) screen.quiet = true;
    if (all.plan) return show_plan(config, &all.request, &screen, &flags);
    mg_status status = mg_train(config, &all.request, &result, &error);
    wrong = mg_cli_end_run("train", config, status, &error);
    if (wrong) return wrong;
    if (flags.json) status = mg_train_result_print_json(&result, stdout, &error);
    else mg_cli_show_trained(&result);
    return mg_cli_conclude("train", &screen, &flags, status, &error);
}
