// runs.c - the command runs: a line for each training, as a table, tab-separated or as JSON.
#include "cli/flags.h"
#include "cli/wrap.h"

#include <margin/runs.h>

enum { KEY_SORT = 256, KEY_TSV };

typedef struct arguments {
    mg_runs_request request;
    bool tsv;
} arguments;

static error_t parse_option(int key, char *value, struct argp_state *state) {
    arguments *all = state->input;
    switch (key) {
    case KEY_SORT: all->request.sort = value; return 0;
    case KEY_TSV: all->tsv = true; return 0;
    case ARGP_KEY_ARGS:
        all->request.directories = (const char *const *)(state->argv + state->next);
        all->request.count = state->argc - state->next;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "DIR is required: a directory of a training, or one that holds several");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

int mg_command_runs(int argc, char **argv) {
    static const struct argp_option options[] = {
        {"sort", KEY_SORT, "COLUMN", 0,
         "Sort by this column: accuracies with the highest first, everything else with the lowest first; "
         "-COLUMN "
         "reverses the order",
         0},
        {"tsv", KEY_TSV, NULL, 0, "Print tab-separated values, with all digits and accuracies from 0 to 1",
         0},
        {0},
    };
    static const struct argp argp = {options,
                                     parse_option,
                                     "DIR...",
                                     "Lists trainings with their results, one line each. DIR is the "
                                     "output.directory of margin train, path or cv, "
                                     "or a directory that holds several of these. The line of a path is that "
                                     "of its best point, the line of a "
                                     "cross-validation that of its best mean."
                                     "\vExample:\n"
                                     "  margin runs runs\n"
                                     "  margin runs runs/a runs/b --sort validation\n"
                                     "  margin runs runs --json | python3 -m json.tool\n\n"
                                     "Columns: run, kind, status, C, loss, solver, objective, gap, "
                                     "validation, test, seconds. A dash means that "
                                     "the value was not measured.",
                                     NULL,
                                     NULL,
                                     NULL};
    mg_cli_flags flags = {0};
    arguments all = {0};
    mg_error error = {0};
    if (mg_cli_parse_flags(&argp, MG_CLI_JSON, argc, argv, &all, &flags)) return 2;
    all.request.format = flags.json ? MG_RUNS_JSON : all.tsv ? MG_RUNS_TSV : MG_RUNS_TABLE;
    all.request.width = mg_cli_columns(stdout);
    mg_cli_results();
    mg_status status = mg_runs_print(&all.request, stdout, &error);
    return status ? mg_cli_fail("runs", &error) : 0;
}
