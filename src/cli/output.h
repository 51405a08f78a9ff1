// output.h - the output of a command: a file of the user, or standard output.
#ifndef MG_CLI_OUTPUT_H
#define MG_CLI_OUTPUT_H

#include <margin/output.h>

#include <stdbool.h>
#include <stdio.h>

typedef struct mg_cli_output {
    FILE *file;
    const char *path; // path as given; NULL: standard output
    mg_output *named; // the file of that path
    bool at_once;     // flush every line, because a reader may wait for it
} mg_cli_output;

// Opens the output; path NULL: standard output. A file appears under its name only when it is complete.
// Errors: MG_IO, MG_MEMORY.
mg_status mg_cli_output_open(mg_cli_output *out, const char *path, mg_error *error);

// Writes to the output; context: the mg_cli_output. Errors: MG_IO; MG_FAILED for standard output.
mg_status mg_cli_output_write(void *context, const char *text, size_t bytes, mg_error *error);

// Closes the output. `status`: the result of the work that wrote to it (mg_output_close).
mg_status mg_cli_output_close(mg_cli_output *out, mg_status status, mg_error *error);

// Sets the error "PATH: why"; the middle of a very long path is left out. Returns `status`.
mg_status mg_cli_refuse(mg_error *error, mg_status status, const char *path, const char *why);

// Sets the error "PATH: what: reason", with the reason from errno. path NULL: standard output.
mg_status mg_cli_complain(mg_error *error, const char *path, const char *what);

// Refuses an output that would replace the file `other` ("-" means standard input). For the message: `what`
// is that file, `by` what would be written. Errors: MG_USAGE.
mg_status mg_cli_keep(const char *output, const char *other, const char *what, const char *by,
                      mg_error *error);

#endif
