// main.c - the program margin-mpi: the commands of margin on the ranks of an MPI job.
#include "cli/cli.h"
#include "mpi/mpi_transport.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <unistd.h>

enum { HELD = 1 << 16 };
enum { START = 300 }; // seconds in which all ranks must have started

// Rank 0 speaks for all. Another rank has no standard output, and holds back what it writes to stderr until
// it is known whether rank 0 has failed in the same way.
static void hold_back(void) {
    static char held[HELD];
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0) {
        dup2(nowhere, STDOUT_FILENO);
        close(nowhere);
    }
    setvbuf(stderr, held, _IOFBF, sizeof held);
}

// Runs at every exit, also at those inside argp.
static void leave(int status, void *context) {
    const mg_transport *transport = context;
    bool alone, all = mg_mpi_end(status, &alone);
    if (transport->rank > 0 && !alone) __fpurge(stderr);
    fflush(stderr);
    mg_mpi_leave(all, status);
}

// MPI needs a moment to start. A signal to stop that comes before training catches it waits until then.
static void defer_stop(void) {
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
}

int main(int argc, char **argv) {
    static mg_transport own;
    defer_stop();
    const mg_transport *transport = mg_mpi_begin(&argc, &argv, START);
    if (!transport) return 1;
    own = *transport;
    if (own.rank > 0) hold_back();
    // mpirun gives rank 0 a terminal, even if its own output is a file.
    if (own.ranks > 1 || getenv("OMPI_COMM_WORLD_SIZE")) setenv("NO_COLOR", "1", 0);
    if (own.ranks > 1) mg_transport_use(&own);
    on_exit(leave, &own);
    return mg_cli_main(argc, argv, own.ranks);
}
