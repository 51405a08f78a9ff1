// gradcheck.c - the command gradcheck: prints errors of gradients, as a table or as JSON.
#include "cli/flags.h"

#include <margin/gradcheck.h>

#include <inttypes.h>
#include <stdio.h>

enum { KEY_ROWS = 256, KEY_SHOW };

typedef struct arguments {
    int64_t rows;
    bool show;
} arguments;

static void show(const mg_gradcheck_report *report) {
    printf("%" PRId64 " rows of %" PRId64 " features, %" PRId64 " classes, %s, kernel %s\n", report->rows,
           report->features, report->classes, report->layout, report->kernel);
    printf("scores of the kernel: worst error %.1e of the terms they add up (%.0e is allowed)\n\n",
           report->forward_error, MG_GRADCHECK_FORWARD_ALLOWED);
    printf("%-24s  rows  skipped  by score  by weight  allowed\n", "loss");
    for (int i = 0; i < report->count; i++) {
        const mg_gradcheck_result *one = &report->results[i];
        printf("%-24s %5" PRId64 "  %7" PRId64 "   %.1e    %.1e  %.1e%s\n", one->loss, one->rows,
               one->skipped, one->score_error, one->weight_error, one->weight_allowed,
               one->passed ? ""
               : one->rows ? "  WRONG"
                           : "  nothing to check: more --rows");
    }
}

static error_t parse_option(int key, char *value, struct argp_state *state) {
    arguments *all = state->input;
    switch (key) {
    case KEY_ROWS: all->rows = mg_cli_int(state, "--rows", value, 1, MG_GRADCHECK_MOST_ROWS); return 0;
    case KEY_SHOW: all->show = true; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

int mg_command_gradcheck(int argc, char **argv) {
    static const struct argp_option options[] = {
        {"rows", KEY_ROWS, "N", 0,
         "Number of rows to check, chosen from the training rows by train.seed (default 32)", 0},
        {"show", KEY_SHOW, NULL, 0,
         "Print the calculation for a few rows instead: scores, margins, indicators, coefficients, gradient",
         0},
        {0},
    };
    static const struct argp argp = {
        options,
        parse_option,
        "[CONFIG]",
        "Compares gradients with central differences in double precision, on training rows at random "
        "weights. For each loss it checks the derivative with respect to every score, and a step of the "
        "solver with respect to the weights of the model (including scaling, constant feature and "
        "regulariser)."
        "\vExample:\n"
        "  margin gradcheck configs/fashion_mnist.yaml --set data.scale=standard\n"
        "  margin gradcheck configs/fashion_mnist.yaml --show\n\n"
        "Errors are relative to the norm of the gradient. Rows that are too close to a kink of a loss, "
        "where it has no derivative, are skipped. The exit status is 1 when a gradient is wrong.",
        NULL,
        NULL,
        NULL};
    mg_cli_flags flags = {0};
    arguments all = {.rows = 32};
    static mg_gradcheck_report report;
    mg_config *config;
    mg_error error = {0};
    if (mg_cli_parse_flags(&argp, MG_CLI_CONFIG | MG_CLI_SET | MG_CLI_JSON, argc, argv, &all, &flags))
        return 2;
    mg_cli_results();
    mg_status status = mg_config_load(flags.config, flags.sets.text, flags.sets.count, &config, &error);
    if (status) return mg_cli_fail("gradcheck", &error);
    if (all.show) {
        status = mg_gradcheck_show(config, stdout, &error);
        mg_config_destroy(config);
        return status ? mg_cli_fail("gradcheck", &error) : 0;
    }
    status = mg_gradcheck(config, all.rows, &report, &error);
    mg_config_destroy(config);
    if (!status && flags.json) status = mg_gradcheck_print_json(&report, stdout, &error);
    else if (!status) show(&report);
    if (status) return mg_cli_fail("gradcheck", &error);
    if (report.passed) return 0;
    fprintf(
        stderr,
        "margin gradcheck: a gradient differs from its finite difference by more than the allowed error\n");
    return 1;
}
