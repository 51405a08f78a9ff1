// path.c - the command path: prints a table of the points, and the best one.
#include "cli/cli.h"
#include "cli/display.h"
#include "cli/flags.h"
#include "cli/progress.h"

#include <margin/path.h>

#include <math.h>
#include <stdio.h>

enum { KEY_C = 'C', KEY_LAMBDA = 256 };

typedef struct arguments {
    mg_path_request request;
} arguments;

static void show_point(void *context, int number, const mg_path_point *point) {
    (void)context;
    mg_cli_clear_progress();
    char accuracy[16] = "-", gap[16] = "-";
    if (number == 0)
        printf("%-10s  %-10s  %-10s  %-7s  %10s  %7s  %6s\n", "C", "lambda", "objective", "gap", "validation",
               "seconds", "passes");
    if (!isnan(point->accuracy)) snprintf(accuracy, sizeof accuracy, "%.2f%%", 100 * point->accuracy);
    if (!isnan(point->gap)) snprintf(gap, sizeof gap, "%.1e", point->gap);
    printf("%-10.4g  %-10.4g  %-10.6f  %-7s  %10s  %7.2f  %6.1f%s\n", point->C, point->lambda,
           point->objective, gap, accuracy, point->seconds, point->passes,
           point->converged > 0 ? "" : "  not certified");
    fflush(stdout);
}

static void show_result(const mg_path_result *result) {
    mg_cli_put_line(stdout, "points          ", result->points_path);
    if (result->best < 0) return;
    const mg_path_point *best = &result->point[result->best];
    printf("best            C %.4g, lambda %.4g: validation %.2f%%%s\n", best->C, best->lambda,
           100 * best->accuracy, best->converged > 0 ? "" : ", not certified");
    if (!isnan(result->test_accuracy)) printf("test accuracy   %.2f%%\n", 100 * result->test_accuracy);
    mg_cli_put_line(stdout, "model           ", result->model_path);
}

static error_t parse_option(int key, char *value, struct argp_state *state) {
    arguments *all = state->input;
    mg_path_request *request = &all->request;
    switch (key) {
    case KEY_C: request->C = value; return 0;
    case KEY_LAMBDA: request->lambda = value; return 0;
    case ARGP_KEY_END:
        if (!request->C == !request->lambda)
            argp_error(state, "one of --C and --lambda is required, not both");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

int mg_command_path(int argc, char **argv) {
    static const struct argp_option options[] = {
        {"C", KEY_C, "FROM:TO:FACTOR", 0, "Train for each of these values of C, or of a list such as 0.1,1,5",
         0},
        {"lambda", KEY_LAMBDA, "FROM:TO:FACTOR", 0, "Train for each of these values of lambda", 0},
        {0},
    };
    static const struct argp argp = {
        options,
        parse_option,
        "[CONFIG]",
        "Trains for each value of C, starting from the model of the value before, and writes path.jsonl. "
        "With data.validation it also writes the most accurate model to model.h5; of equally accurate ones, "
        "the one with the smallest C.\vExample:\n"
        "  margin path configs/fashion_mnist.yaml --C 1e-3:1:10 -s data.validation=0.1\n\n"
        "Each value is trained to the gap train.tolerance (1e-3 when that is 0), or for train.epochs. "
        "Signals and --resume work as in margin train.",
        NULL,
        NULL,
        NULL};
    mg_cli_flags flags = {0};
    arguments all = {0};
    if (mg_cli_parse_flags(&argp, MG_CLI_RUN, argc, argv, &all, &flags)) return 2;
    all.request.resume = flags.resume;
    all.request.overwrite = flags.overwrite;
    mg_cli_display screen;
    const mg_observer observer = mg_cli_observer(&screen, flags.quiet, true);
    all.request.observer = &observer;
    all.request.point = flags.json ? NULL : show_point;
    mg_config *config;
    static mg_path_result result;
    mg_error error = {0};
    int wrong = mg_cli_begin_run("path", "-path", &flags, &config);
    if (wrong) return wrong;
    mg_status status = mg_path(config, &all.request, &result, &error);
    wrong = mg_cli_end_run("path", config, status, &error);
    if (wrong) return wrong;
    if (flags.json) status = mg_path_result_print_json(&result, stdout, &error);
    else show_result(&result);
    return mg_cli_conclude("path", &screen, &flags, status, &error);
}
