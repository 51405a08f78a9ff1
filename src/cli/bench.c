// bench.c - the command: this machine and the margin routine on it, as a table or as JSON.
#include "cli/cli.h"

#include <margin/bench.h>

#include <stdio.h>

int mg_command_bench(int argc, char **argv) {
    (void)argc, (void)argv;
    fprintf(stderr, "margin bench: under way\n");
    return 1;
}
