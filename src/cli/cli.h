// cli.h - the commands of the program, and functions that they share.
#ifndef MG_CLI_CLI_H
#define MG_CLI_CLI_H

#include "cli/process.h"

#include <margin/status.h>

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct mg_command {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv); // exit status
} mg_command;

// The whole program; returns its exit status. ranks: processes of the job, 1 without MPI.
int mg_cli_main(int argc, char **argv, int ranks);

int mg_command_train(int argc, char **argv);
int mg_command_path(int argc, char **argv);
int mg_command_cv(int argc, char **argv);
int mg_command_eval(int argc, char **argv);
int mg_command_predict(int argc, char **argv);
int mg_command_calibrate(int argc, char **argv);
int mg_command_convert(int argc, char **argv);
int mg_command_export(int argc, char **argv);
int mg_command_weights(int argc, char **argv);
int mg_command_report(int argc, char **argv);
int mg_command_runs(int argc, char **argv);
int mg_command_info(int argc, char **argv);
int mg_command_gradcheck(int argc, char **argv);
int mg_command_config(int argc, char **argv);
int mg_command_list(int argc, char **argv);
int mg_command_bench(int argc, char **argv);
int mg_command_example(int argc, char **argv);
int mg_command_completion(int argc, char **argv);

// Prints "margin COMMAND: text" to stderr, and returns the exit status for this error.
int mg_cli_fail(const char *command, const mg_error *error);

// Like argp_parse, but with exit status 2 for wrong use, and with the name of the command in messages. Adds
// -h,
// --help and --usage, and says which option a misspelt one is near to.
int mg_cli_parse(const struct argp *argp, int argc, char **argv, void *input);

// Writes a number with separators: 12345678 as "12,345,678". Returns `out`.
const char *mg_cli_count(double number, char out[32]);

// Writes a size in decimal units, such as "1.5 GB". Returns `out`.
const char *mg_cli_bytes(double bytes, char out[32]);

// Parses the value of an option, a whole number from low to high. If it is anything else, ends the program
// with a message and exit status 2.
int64_t mg_cli_int(struct argp_state *state, const char *option, const char *value, int64_t low,
                   int64_t high);

// Finds `value` among words that are separated by '|', such as "error|skip", and returns its number from 0.
// If it is none of them, ends the program with a message that names the nearest one, and exit status 2.
enum { MG_CLI_MOST_WORDS = 16 };
int mg_cli_choice(struct argp_state *state, const char *option, const char *value, const char *words);

// Writes a text that may come from a file (a label, a name, a path) in printable form, so that it is harmless
// on a terminal.
void mg_cli_put(FILE *file, const char *text);
void mg_cli_put_line(FILE *file, const char *head, const char *text);

// True if the stream is a terminal that can erase a line.
bool mg_cli_is_terminal(FILE *file);

// Begin coloured text, or end it (plain). "" unless the stream is a terminal and NO_COLOR is not set.
const char *mg_cli_good(FILE *file);
const char *mg_cli_doubtful(FILE *file);
const char *mg_cli_bad(FILE *file);
const char *mg_cli_plain(FILE *file);

// Prints a warning or note of the library to stderr; the function of an mg_notices, whose context is not
// used.
void mg_cli_notice(void *context, const char *line);

// Like argp_error, for messages that quote an argument: makes the line printable.
void mg_cli_wrong(struct argp_state *state, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
