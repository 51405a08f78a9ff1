// list.c - the command list: prints the names that options take.
#include "cli/cli.h"

#include <margin/list.h>

#include <stdio.h>

static error_t parse_option(int key, char *value, struct argp_state *state) {
    const char **kind = state->input;
    if (key != ARGP_KEY_ARG) return ARGP_ERR_UNKNOWN;
    if (*kind) mg_cli_wrong(state, "only one kind is allowed; remove the second one: %s", value);
    *kind = value;
    return 0;
}

int mg_command_list(int argc, char **argv) {
    static const struct argp argp = {NULL,
                                     parse_option,
                                     "[KIND]",
                                     "Lists the available losses, solvers, updates, rates, formats, exports "
                                     "or kernels, and the option that "
                                     "selects each. Without an argument it lists all of them."
                                     "\vExample:\n"
                                     "  margin list losses",
                                     NULL,
                                     NULL,
                                     NULL};
    const char *kind = NULL;
    mg_error error = {0};
    if (mg_cli_parse(&argp, argc, argv, &kind)) return 2;
    mg_cli_results();
    return mg_list_print(kind, stdout, &error) ? mg_cli_fail("list", &error) : 0;
}
