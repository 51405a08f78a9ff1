// process.c - what the process does at its start and at its end.
#include "cli/process.h"

#include <margin/process.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { STACK_BYTES = 2 << 20 };

static volatile sig_atomic_t stop_signal;

// Opens the standard descriptors if they are closed. Otherwise a file that is opened later could get the
// number of one of them, and messages would be written into that file.
static void open_closed_descriptors(void) {
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) != fd) _exit(1);
}

// Runs at every exit, also at those inside argp (--help). If the command has failed, it has already printed
// that.
static void check_output(int status, void *unused) {
    (void)unused;
    errno = 0;
    bool lost = ferror(stdout) != 0;
    lost = fflush(stdout) != 0 || lost;
    if (!lost || status) return;
    fprintf(stderr, "margin: standard output cannot be written%s%s\n", errno ? ": " : "",
            errno ? strerror(errno) : "");
    _exit(1);
}

void mg_cli_begin(void) {
    open_closed_descriptors();
    mg_process_begin();
    signal(SIGXFSZ, SIG_IGN); // if a limit on file sizes is exceeded, write() then fails instead
    on_exit(check_output, NULL);
}

typedef struct call {
    int (*run)(int argc, char **argv);
    int argc, status;
    char **argv;
    sigset_t signals; // signals that were blocked when the process started
} call;

static void *run_call(void *context) {
    call *one = context;
    pthread_sigmask(SIG_SETMASK, &one->signals, NULL);
    one->status = one->run(one->argc, one->argv);
    return NULL;
}

int mg_cli_run(int (*run)(int argc, char **argv), int argc, char **argv) {
    call one = {.run = run, .argc = argc, .argv = argv};
    struct rlimit limit;
    pthread_attr_t attributes;
    pthread_t thread;
    bool small = !getrlimit(RLIMIT_STACK, &limit) && limit.rlim_cur < STACK_BYTES;
    if (!small || pthread_attr_init(&attributes)) return run(argc, argv);
    // Blocks all signals in the main thread, which only waits for the thread that runs the command: a signal
    // must interrupt the read in that thread.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &one.signals);
    bool started = !pthread_attr_setstacksize(&attributes, STACK_BYTES) &&
                   !pthread_create(&thread, &attributes, run_call, &one);
    pthread_attr_destroy(&attributes);
    if (!started) {
        pthread_sigmask(SIG_SETMASK, &one.signals, NULL);
        return run(argc, argv);
    }
    pthread_join(thread, NULL);
    return one.status;
}

void mg_cli_catch(int number, void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags}, before;
    sigemptyset(&action.sa_mask);
    if (!sigaction(number, NULL, &before) && before.sa_handler != SIG_IGN) sigaction(number, &action, NULL);
}

static void stop(int number) { stop_signal = number; }

const volatile sig_atomic_t *mg_cli_catch_stops(void) {
    mg_cli_catch(SIGINT, stop, 0); // no SA_RESTART, so that waiting for a line ends too
    mg_cli_catch(SIGTERM, stop, 0);
    mg_cli_catch(SIGHUP, stop, 0);
    return &stop_signal;
}

void mg_cli_die_of_stop(void) {
    if (!stop_signal) return;
    signal(stop_signal, SIG_DFL);
    raise(stop_signal);
}

void mg_cli_results(void) {
    signal(SIGPIPE, SIG_DFL); // the parent process may have set it to be ignored
}
