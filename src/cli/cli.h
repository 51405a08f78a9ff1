// cli.h - the commands of the one binary, and the few lines they share.
#ifndef MG_CLI_CLI_H
#define MG_CLI_CLI_H

#include <margin/status.h>

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mg_command {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv); // exit status
} mg_command;

int mg_command_train(int argc, char **argv);
int mg_command_path(int argc, char **argv);
int mg_command_cv(int argc, char **argv);
int mg_command_eval(int argc, char **argv);
int mg_command_predict(int argc, char **argv);
int mg_command_convert(int argc, char **argv);
int mg_command_info(int argc, char **argv);
int mg_command_gradcheck(int argc, char **argv);
int mg_command_config(int argc, char **argv);
int mg_command_list(int argc, char **argv);
int mg_command_bench(int argc, char **argv);

// Prints "margin COMMAND: text" on stderr and returns the exit status of the error.
int mg_cli_fail(const char *command, const mg_error *error);

// argp_parse with margin's conventions: exit status 2 for wrong use, the command's name in front of messages.
int mg_cli_parse(const struct argp *argp, int argc, char **argv, void *input);

// 12345678 -> "12,345,678"; several calls in one expression are fine.
const char *mg_cli_count(double number, char out[32]);

// 1.5 GB, 47 MB; decimal units.
const char *mg_cli_bytes(double bytes, char out[32]);

// --set texts collected while parsing.
enum { MG_CLI_MOST_SETS = 256 };
typedef struct mg_cli_sets {
    const char *text[MG_CLI_MOST_SETS];
    int count;
} mg_cli_sets;
void mg_cli_add_set(struct argp_state *state, mg_cli_sets *sets, const char *text);

// The whole number `value` of `option`, from low to high; anything else ends as wrong use.
int64_t mg_cli_int(struct argp_state *state, const char *option, const char *value, int64_t low, int64_t high);

// The number of --threads.
int mg_cli_threads(struct argp_state *state, const char *value);

// For commands whose result is their standard output: a reader that goes away, such as head, ends them quietly.
void mg_cli_results(void);

#endif
