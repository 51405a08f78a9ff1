// process.h - the start and the end of the process: descriptors, signals, standard output.
#ifndef MG_CLI_PROCESS_H
#define MG_CLI_PROCESS_H

#include <signal.h>

// Call this first. Opens descriptors 0 to 2 if they are closed, and checks standard output at exit: if it
// could not be written, the process prints one line and ends with status 1.
void mg_cli_begin(void);

// Runs a command and returns its exit status. If the limit on the stack of the main thread is too small, the
// command runs in a thread with a larger stack.
int mg_cli_run(int (*run)(int argc, char **argv), int argc, char **argv);

// Installs `handler`, unless the signal was ignored when the process started, as under nohup. flags: of
// sigaction.
void mg_cli_catch(int number, void (*handler)(int), int flags);

// For commands that write a file: INT, TERM and HUP set the flag that is returned, and exceeding a limit on
// file sizes is a failed write.
const volatile sig_atomic_t *mg_cli_catch_stops(void);

// Ends the process by the signal that stopped it, as its sender expects. Returns if there was none.
void mg_cli_die_of_stop(void);

// For commands whose result is standard output: the process ends quietly when the reader goes away, as head
// does.
void mg_cli_results(void);

#endif
