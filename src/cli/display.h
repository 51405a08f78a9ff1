// display.h - what the commands that train show on stderr.
#ifndef MG_CLI_DISPLAY_H
#define MG_CLI_DISPLAY_H

#include "cli/flags.h"

#include <margin/trainer.h>

#include <stdbool.h>

typedef struct mg_cli_display {
    FILE *plan; // where the plan is shown
    bool quiet;
    bool brief;     // several trainings in one command: shows only one plan, and keeps no line of an epoch
    bool planned;   // the plan has been shown
    int warnings;   // number of warnings that were printed
    bool certifies; // there is a tolerance, so the number of epochs is not known
} mg_cli_display;

// An observer that shows a run on stderr, its plan on screen->plan (stderr). quiet: only warnings.
mg_observer mg_cli_observer(mg_cli_display *screen, bool quiet, bool brief);

// Prints the result of a training.
void mg_cli_show_trained(const mg_train_result *result);

// Call it before a training: loads the configuration. suffix: added to the default directory; "": none.
// From then on, Ctrl-C, SIGTERM, SIGHUP and SIGUSR1 ask for a checkpoint and stop the run; a second Ctrl-C
// ends the process at once. Returns 0 or, after a failure, which it has printed, the exit status.
int mg_cli_begin_run(const char *command, const char *suffix, const mg_cli_flags *flags, mg_config **config);

// Call it after a training: frees the configuration and ends the progress line. Returns 0 or, if
// `status` is a failure, prints it and returns the exit status.
int mg_cli_end_run(const char *command, mg_config *config, mg_status status, const mg_error *error);

// A command that trains calls this last. status: the result of printing. Returns the exit status of the
// command: 1 after a warning with --strict, otherwise that of `status`.
int mg_cli_conclude(const char *command, const mg_cli_display *screen, const mg_cli_flags *flags,
                    mg_status status, const mg_error *error);

#endif
