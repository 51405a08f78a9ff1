// display.h - what the commands that train show while they do.
#ifndef MG_CLI_DISPLAY_H
#define MG_CLI_DISPLAY_H

#include <margin/trainer.h>

#include <stdbool.h>

typedef struct mg_cli_display {
    bool terminal, quiet;
    bool brief;     // several trainings under one command: one plan, and lines of epochs on a terminal only
    bool planned;   // the one plan was shown
    bool certifies; // epochs go on until a certificate is good enough
    bool drawn;     // an unfinished progress line stands on the terminal
} mg_cli_display;

// An observer that shows a run on standard error; quiet: warnings alone.
mg_observer mg_cli_observer(mg_cli_display *screen, bool quiet, bool brief);

// Takes the progress line off the terminal, before something else is written.
void mg_cli_clear_line(mg_cli_display *screen);

// Ctrl-C, SIGTERM, SIGHUP and SIGUSR1 ask for a checkpoint; a second Ctrl-C leaves at once.
void mg_cli_catch_signals(void);

#endif
