// completion.h - the tables of the commands and their options, for scripts that complete a command line.
#ifndef MG_CLI_COMPLETION_H
#define MG_CLI_COMPLETION_H

#include "cli/cli.h"

// The i-th command, from 0; NULL after the last.
const mg_command *mg_cli_command(int i);

// From now on, mg_cli_parse passes the options of the command to `see`, and parses nothing. NULL: it parses
// again.
void mg_cli_describe(void (*see)(const struct argp *argp));

// The i-th option of a command, from 0, and then of the help; NULL after the last.
const struct argp_option *mg_cli_option(const struct argp *argp, int i);

#endif
