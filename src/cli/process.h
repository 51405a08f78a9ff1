// process.h - what a command finds when it starts and leaves when it ends: descriptors, signals, standard
// output.
#ifndef MG_CLI_PROCESS_H
#define MG_CLI_PROCESS_H

#include <signal.h>

// First of all: opens descriptors 0 to 2 that are closed, and watches standard output: when it cannot be
// written, the process ends with status 1 and one line, however the command ends.
void mg_cli_begin(void);

// Runs a command; in a thread with a stack of its own where the limit on the main thread's stack is too
// small. Returns its exit status.
int mg_cli_run(int (*run)(int argc, char **argv), int argc, char **argv);

// Installs `handler` unless the signal was ignored at the start, as nohup and some shells leave it. flags: of
// sigaction.
void mg_cli_catch(int number, void (*handler)(int), int flags);

// For commands that leave a file, whole or not at all: INT, TERM and HUP set the flag that is returned; a
// limit on file sizes is met as a failed write.
const volatile sig_atomic_t *mg_cli_catch_stops(void);

// Ends the process by the signal that stopped it, as whoever sent it expects; returns when none did.
void mg_cli_die_of_stop(void);

// For commands whose result is their standard output: a reader that goes away, such as head, ends them
// quietly.
void mg_cli_results(void);

#endif
