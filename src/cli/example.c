// example.c - the command example: prints the worked example of docs/math.md.
#include "cli/cli.h"

#include <margin/gradcheck.h>

#include <stdio.h>

int mg_command_example(int argc, char **argv) {
    static const struct argp argp = {
        NULL,
        NULL,
        NULL,
        "Prints the worked example of docs/math.md for every loss: rows, weights, scores, "
        "margins, indicators, losses, coefficients and gradient. margin gradcheck --show "
        "prints the same for your rows."
        "\vExample:\n"
        "  margin example | less",
        NULL,
        NULL,
        NULL};
    mg_error error = {0};
    if (mg_cli_parse(&argp, argc, argv, NULL)) return 2;
    mg_cli_results();
    return mg_gradcheck_example(stdout, &error) ? mg_cli_fail("example", &error) : 0;
}
