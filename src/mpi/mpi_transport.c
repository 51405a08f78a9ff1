// mpi_transport.c - owns the messages between ranks. They are nonblocking messages from one rank to another,
// sent in pieces, because MPI counts in int. margin does not wait inside MPI: that would keep a core busy
// that the compute threads need, and would never end if a rank hangs.
#include "mpi/mpi_transport.h"

#include "base/arithmetic.h"
#include "base/clock.h"
#include "base/memory.h"
#include "mpi/endings.h"

#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 8 << 20 };                 // bytes of a message
enum { LAST_SECONDS = 10 };               // limit for MPI_Abort
enum { MOST_DELAY = 6, LONG_DELAY = 12 }; // seconds
enum { TAG = 1 };
#define SHORTEST_SLEEP 1e-5 // seconds
#define LONGEST_SLEEP 2e-4
#define SPIN 2e-5 // seconds without sleep: most messages of a few bytes have arrived by then
#define GRACE 1.0 // seconds in which the data of a rank that has ended must have arrived
#define LOOK 0.05 // seconds between two looks whether a rank has ended

// What is still to be sent to a rank, or received from it.
typedef struct lane {
    char *at;
    size_t left, posted; // bytes; posted: of the present message
    MPI_Request request;
} lane;

static struct {
    MPI_Comm comm;
    lane *lanes;          // [2][ranks] sends, then receives
    mg_transport_end end; // of the last transfer
    double timeout;       // of the last transfer
    bool lower_reports;   // a lower rank has found out too that the job is at its end
    pid_t launcher;
    mg_transport transport;
} job;

// ---- waiting ------------------------------------------------------------------------------------

// Sleeps for a fraction of the time that has been waited so far: so waiting takes little longer than needed.
static void rest(double waited) {
    if (waited < SPIN) return;
    double sleep = mg_clamp_real(waited / 16, SHORTEST_SLEEP, LONGEST_SLEEP);
    nanosleep(&(struct timespec){.tv_nsec = (long)(sleep * 1e9)}, NULL);
}

// If the launcher dies, nobody else would end this process.
static bool launcher_is_gone(void) { return getppid() != job.launcher; }

// Posts the next message of a lane, or looks at the present one. Returns false if MPI fails, or if the
// message has another length than expected, because the ranks are not in step. *moved: a message is complete.
static bool advance(lane *one, int rank, bool sends, bool *moved) {
    if (!one->left) return true;
    if (one->posted) {
        int done, bytes;
        MPI_Status about;
        if (MPI_Test(&one->request, &done, &about)) return false;
        if (!done) return true;
        if (!sends && (MPI_Get_count(&about, MPI_BYTE, &bytes) || (size_t)bytes != one->posted)) return false;
        *moved = true;
        one->at += one->posted;
        one->left -= one->posted;
        one->posted = 0;
        if (!one->left) return true;
    }
    one->posted = one->left < PIECE ? one->left : PIECE;
    int count = (int)one->posted;
    return !(sends ? MPI_Isend(one->at, count, MPI_BYTE, rank, TAG, job.comm, &one->request)
                   : MPI_Irecv(one->at, count, MPI_BYTE, rank, TAG, job.comm, &one->request));
}

static const lane *receives(void) { return job.lanes + job.transport.ranks; }

// The lowest rank that this one waits for; -1 if there is none.
static int awaited(void) {
    for (int i = 0; i < 2 * job.transport.ranks; i++) {
        int both = (i + job.transport.ranks) % (2 * job.transport.ranks); // receives first
        if (job.lanes[both].left) return both % job.transport.ranks;
    }
    return -1;
}

// Waits until the time `until`, in seconds of mg_clock_seconds.
static void wait_until(double until) {
    while (mg_clock_seconds() < until) {
        mg_endings_look(); // MPI sends only while it is called
        rest(1);
    }
}

// Finds a rank that has ended although this one waits for its data. They may be on their way: a rank ends
// when its messages have left.
static int missing(double now) {
    mg_endings_look();
    for (int r = 0; r < job.transport.ranks; r++) {
        mg_ending ending = mg_endings_of(r);
        if (receives()[r].left && ending.status >= 0 && now - ending.noticed > GRACE) return r;
    }
    return -1;
}

static mg_transport_end move_all(double timeout, int *culprit) {
    double begun = mg_clock_seconds(), looked = begun;
    *culprit = -1;
    while (true) {
        bool moved = false;
        for (int i = 0; i < 2 * job.transport.ranks; i++) {
            bool sends = i < job.transport.ranks;
            if (!advance(&job.lanes[i], i % job.transport.ranks, sends, &moved)) return MG_TRANSPORT_FAILED;
        }
        if (awaited() < 0) return MG_TRANSPORT_DONE;
        double now = mg_clock_seconds();
        if (moved) begun = now;
        if (now - looked > LOOK) {
            looked = now;
            *culprit = missing(now);
            if (*culprit >= 0) return MG_TRANSPORT_LEFT;
            if (launcher_is_gone()) return MG_TRANSPORT_FAILED;
        }
        if (timeout > 0 && now - begun > timeout) return MG_TRANSPORT_LATE;
        rest(now - begun);
    }
}

// ---- the transport ------------------------------------------------------------------------------

// Ranks cannot be reached any more: tells the others, and leaves time for the message to arrive. Transfers
// that have begun use memory that the caller frees after this, so MPI must not be called any more, except to
// abort.
static void stop_calling(int culprit) {
    // A rank that has failed alone knows the reason. It reports it and ends the job when it gets the message;
    // this rank has nothing to add.
    bool knows = job.end == MG_TRANSPORT_LEFT && mg_endings_of(culprit).status > 0;
    mg_endings_tell(MG_ENDING_BROKEN);
    wait_until(mg_clock_seconds() + (knows ? LONG_DELAY : GRACE));
    for (int r = 0; r < job.transport.rank; r++)
        if (mg_endings_of(r).status == MG_ENDING_BROKEN) job.lower_reports = true;
}

// This rank has waited too long for another rank. All ranks that wait for that rank notice this at about the
// same time and say so. The rank that says nothing is the one that hangs.
static int silent_rank(void) {
    for (int r = 0; r < job.transport.ranks; r++)
        if (r != job.transport.rank && mg_endings_of(r).status == MG_ENDING_NONE) return r;
    return awaited();
}

static mg_transport_end run_lanes(double timeout, int *culprit) {
    if (job.end != MG_TRANSPORT_DONE) return job.end;
    job.timeout = timeout;
    job.end = move_all(timeout, culprit);
    if (job.end != MG_TRANSPORT_DONE) stop_calling(*culprit);
    if (job.end == MG_TRANSPORT_LATE) *culprit = silent_rank();
    return job.end;
}

static lane lane_of(const void *at, size_t bytes) {
    // Messages that are sent are not written to.
    return (lane){.at = (char *)(uintptr_t)at, .left = bytes, .request = MPI_REQUEST_NULL};
}

static void receive_blocks(char *to, const size_t *from) {
    for (int r = 0; r < job.transport.ranks; r++) {
        job.lanes[job.transport.ranks + r] = lane_of(to, r == job.transport.rank ? 0 : from[r]);
        to += from[r];
    }
}

static mg_transport_end exchange(void *context, const void *send, const size_t *to, void *receive,
                                 const size_t *from, double timeout, int *culprit) {
    (void)context;
    const char *at = send;
    for (int r = 0; r < job.transport.ranks; r++) {
        job.lanes[r] = lane_of(at, r == job.transport.rank ? 0 : to[r]);
        at += to[r];
    }
    receive_blocks(receive, from);
    return run_lanes(timeout, culprit);
}

static mg_transport_end gather(void *context, const void *send, size_t bytes, void *receive,
                               const size_t *from, double timeout, int *culprit) {
    (void)context;
    for (int r = 0; r < job.transport.ranks; r++)
        job.lanes[r] = lane_of(send, r == job.transport.rank ? 0 : bytes);
    receive_blocks(receive, from);
    return run_lanes(timeout, culprit);
}

// ---- start and end ------------------------------------------------------------------------------

static char late[160]; // what is said if MPI does not start

static void on_alarm(int number) {
    (void)number;
    _exit(write(STDERR_FILENO, late, strlen(late)) < 0 ? 2 : 1);
}

// Limits the time in which MPI starts; 0 removes the limit. If the launcher has told this rank its number,
// the limit of a higher rank is longer. So one rank ends first, and reports the failure.
static void limit_start(int seconds) {
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID"};
    const char *rank = NULL;
    for (size_t i = 0; !rank && i < sizeof names / sizeof *names; i++) rank = getenv(names[i]);
    int64_t delay = rank && seconds ? mg_clamp(2 * strtol(rank, NULL, 10), 0, MOST_DELAY) : 0;
    snprintf(
        late, sizeof late,
        "margin-mpi: MPI has not started all ranks within %d s: look at their machines, and start again\n",
        seconds);
    signal(SIGALRM, seconds ? on_alarm : SIG_DFL);
    alarm((unsigned)(seconds + delay));
}

const mg_transport *mg_mpi_begin(int *argc, char ***argv, int seconds) {
    limit_start(seconds);
    // One thread at a time calls, but the command may run in another thread than the main one.
    int provided, wrong = MPI_Init_thread(argc, argv, MPI_THREAD_SERIALIZED, &provided);
    mg_transport *own = &job.transport;
    if (!wrong && provided >= MPI_THREAD_SERIALIZED) {
        MPI_Comm_rank(MPI_COMM_WORLD, &own->rank);
        MPI_Comm_size(MPI_COMM_WORLD, &own->ranks);
        wrong = MPI_Comm_dup(MPI_COMM_WORLD, &job.comm) ||
                MPI_Comm_set_errhandler(job.comm, MPI_ERRORS_RETURN) ||
                mg_memory_zeroed(&job.lanes, 2 * (size_t)own->ranks, sizeof *job.lanes, NULL) ||
                !mg_endings_begin(own->rank, own->ranks);
    } else wrong = 1;
    limit_start(0);
    if (wrong) {
        fprintf(stderr, "margin-mpi: MPI could not be started\n");
        return NULL;
    }
    if (gethostname(own->host, sizeof own->host - 1)) strcpy(own->host, "unknown host");
    job.launcher = getppid();
    own->exchange = exchange;
    own->gather = gather;
    return own;
}

// Only rank 0 has files to write after the last transfer, however long that takes. When it has ended, the
// others have nothing to do that takes time.
static bool are_overdue(void) {
    mg_ending root = mg_endings_of(0);
    return job.timeout > 0 && root.status != MG_ENDING_NONE &&
           mg_clock_seconds() - root.noticed > job.timeout;
}

static void report_overdue(void) {
    int first = 1;
    while (first < job.transport.ranks - 1 && mg_endings_of(first).status != MG_ENDING_NONE) first++;
    fprintf(
        stderr,
        "margin-mpi: rank %d has not ended %g s after rank 0 (train.rank_timeout), whose files are complete: "
        "look at its machine\n",
        first, job.timeout);
}

// Waits until all ranks have ended. Returns false if that cannot happen any more.
static bool await_endings(void) {
    double begun = mg_clock_seconds();
    bool broken = false;
    while (!mg_endings_are_known(&broken) && !broken && !launcher_is_gone() && !are_overdue()) {
        rest(mg_clock_seconds() - begun);
        mg_endings_look();
    }
    return mg_endings_are_known(&broken) && !broken;
}

// Ranks cannot be reached any more. The lowest rank that is left reports it and ends the job; the launcher
// then ends the others, which would report the same. That takes about a second, and several on a busy
// machine. MPI is not called: see stop_calling.
static void let_others_report(void) {
    int64_t delay = job.lower_reports ? LONG_DELAY : mg_min(2 * job.transport.rank, MOST_DELAY);
    double until = mg_clock_seconds() + (double)delay;
    while (mg_clock_seconds() < until) rest(1); // not sleep: the launcher sends a signal first
}

bool mg_mpi_end(int status, bool *alone) {
    bool broken = job.end != MG_TRANSPORT_DONE;
    mg_endings_tell(broken ? MG_ENDING_BROKEN : status);
    bool all = !broken && await_endings();
    bool overdue = !all && !broken && are_overdue();
    if (broken || overdue) let_others_report();
    if (overdue && job.transport.rank == 0) report_overdue();
    *alone = !all || mg_endings_of(0).status != status;
    return all;
}

void mg_mpi_leave(bool all, int status) {
    if (all) {
        MPI_Finalize();
        return;
    }
    signal(SIGALRM, SIG_DFL);
    alarm(LAST_SECONDS); // MPI_Abort may wait for a launcher that cannot be reached
    MPI_Abort(MPI_COMM_WORLD, status ? status : 1);
}
