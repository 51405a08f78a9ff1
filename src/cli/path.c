// path.c - the command: a table of points and the best of them.
#include "cli/cli.h"
#include "cli/display.h"

#include <margin/path.h>

#include <math.h>
#include <stdio.h>

enum { KEY_SET = 's', KEY_QUIET = 'q', KEY_C = 'C', KEY_LAMBDA = 256, KEY_RESUME, KEY_OVERWRITE };

typedef struct arguments {
    const char *config;
    mg_cli_sets sets;
    mg_path_request request;
    bool quiet;
} arguments;

static void show_point(void *context, int number, const mg_path_point *point) {
    mg_cli_clear_line(context);
    char accuracy[16] = "-", gap[16] = "-";
    if (number == 0) printf("%-10s  %-10s  %-10s  %-7s  %10s  %7s  %6s\n", "C", "lambda", "objective", "gap", "validation", "seconds", "passes");
    if (!isnan(point->accuracy)) snprintf(accuracy, sizeof accuracy, "%.2f%%", 100 * point->accuracy);
    if (!isnan(point->gap)) snprintf(gap, sizeof gap, "%.1e", point->gap);
    printf("%-10.4g  %-10.4g  %-10.6f  %-7s  %10s  %7.2f  %6.1f\n", point->C, point->lambda, point->objective, gap, accuracy,
           point->seconds, point->passes);
    fflush(stdout);
}

static void show_result(const mg_path_result *result) {
    mg_cli_put_line(stdout, "points          ", result->points_path);
    if (result->best < 0) return;
    const mg_path_point *best = &result->point[result->best];
    printf("best            C %.4g, lambda %.4g: validation %.2f%%\n", best->C, best->lambda, 100 * best->accuracy);
    if (!isnan(result->test_accuracy)) printf("test accuracy   %.2f%%\n", 100 * result->test_accuracy);
    mg_cli_put_line(stdout, "model           ", result->model_path);
}

static error_t parse_option(int key, char *value, struct argp_state *state) {
    arguments *all = state->input;
    mg_path_request *request = &all->request;
    switch (key) {
    case KEY_SET: mg_cli_add_set(state, &all->sets, value); return 0;
    case KEY_QUIET: all->quiet = true; return 0;
    case KEY_C: request->C = value; return 0;
    case KEY_LAMBDA: request->lambda = value; return 0;
    case KEY_RESUME: request->resume = true; return 0;
    case KEY_OVERWRITE: request->overwrite = true; return 0;
    case ARGP_KEY_ARG:
        if (all->config) mg_cli_wrong(state, "only one CONFIG is allowed; this is a second one: %s", value);
        all->config = value;
        return 0;
    case ARGP_KEY_END:
        if (!request->C == !request->lambda) argp_error(state, "one of --C and --lambda is required, not both");
        if (request->resume && request->overwrite) argp_error(state, "--resume and --overwrite cannot be combined");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

int mg_command_path(int argc, char **argv) {
    static const struct argp_option options[] = {
        {"C", KEY_C, "FROM:TO:FACTOR", 0, "Train for each of these values of C", 0},
        {"lambda", KEY_LAMBDA, "FROM:TO:FACTOR", 0, "Train for each of these values of lambda", 0},
        {"set", KEY_SET, "SECTION.KEY=VALUE", 0, "Set an option; overrides the file; may be repeated", 0},
        {"resume", KEY_RESUME, NULL, 0, "Continue from the newest complete checkpoint of the path", 0},
        {"overwrite", KEY_OVERWRITE, NULL, 0,
         "Start a new run in a directory that holds one; the old result is kept in previous/ until the "
         "new one is complete", 0},
        {"quiet", KEY_QUIET, NULL, 0, "Print only warnings and results: no plan, no progress", 0},
        {0},
    };
    static const struct argp argp = {
        options, parse_option, "[CONFIG]",
        "Trains for each value of C, starting from the model of the value before, and writes "
        "path.jsonl. With data.validation it "
        "also writes the most accurate model to model.h5; of equal ones, that with the smallest C."
        "\vExample:\n  margin path configs/fashion_mnist.yaml --set data.validation=0.1 --C 1e-3:1:10\n\n"
        "Each value is trained to the gap train.tolerance (1e-3 when that is 0), or for train.epochs. "
        "Signals and --resume work as "
        "in margin train.",
        NULL, NULL, NULL};
    arguments all = {0};
    if (mg_cli_parse(&argp, argc, argv, &all)) return 2;
    mg_cli_display screen;
    const mg_observer observer = mg_cli_observer(&screen, all.quiet, true);
    all.request.observer = &observer;
    all.request.context = &screen;
    all.request.point = show_point;
    static mg_path_result result;
    mg_config *config;
    mg_error error = {0};
    mg_status status = mg_config_load(all.config, all.sets.text, all.sets.count, &config, &error);
    if (status) return mg_cli_fail("path", &error);
    mg_cli_catch_signals();
    status = mg_path(config, &all.request, &result, &error);
    mg_config_destroy(config);
    mg_cli_clear_line(&screen);
    if (status) return mg_cli_fail("path", &error);
    show_result(&result);
    return 0;
}
