// process.h - what the process does at its start and at its end: descriptors, signals, standard output.
#ifndef MG_CLI_PROCESS_H
#define MG_CLI_PROCESS_H

#include <signal.h>

// Call it first. Opens descriptors 0 to 2 if they are closed, and has standard output checked at exit:
// if it could not be written, the process prints one line and ends with status 1.
void mg_cli_begin(void);

// Runs a command and returns its exit status. If the stack of the main thread is too small, runs it in a
// thread with a larger stack.
int mg_cli_run(int (*run)(int argc, char **argv), int argc, char **argv);

// Installs `handler`, unless the signal was ignored when the process started (as under nohup). flags: those
// of sigaction.
void mg_cli_catch(int number, void (*handler)(int), int flags);

// For commands that write a file. From then on, INT, TERM and HUP set the flag that is returned, and writes
// beyond a limit on file sizes fail.
const volatile sig_atomic_t *mg_cli_catch_stops(void);

// Ends the process with the signal that stopped it, as the sender of the signal expects. Returns if no signal
// did.
void mg_cli_die_of_stop(void);

// For commands whose result is standard output: the process ends quietly when its reader goes away, as head
// does.
void mg_cli_results(void);

#endif
