// endings.c - owns the messages about the end of each rank. Every rank waits for them from the beginning.
#include "mpi/endings.h"

#include "base/clock.h"
#include "base/memory.h"

#include <mpi.h>

typedef struct mg_news {
    MPI_Request send, receive;
    mg_ending ending;
    int received; // as MPI_Irecv writes it
} mg_news;

static struct {
    MPI_Comm comm;
    mg_news *of; // [ranks]
    int rank, ranks;
    int told; // what this rank has told
} all;

bool mg_endings_begin(int rank, int ranks) {
    all.rank = rank;
    all.ranks = ranks;
    all.told = MG_ENDING_NONE;
    if (mg_memory_zeroed(&all.of, (size_t)ranks, sizeof *all.of, NULL)) return false;
    bool good =
        !MPI_Comm_dup(MPI_COMM_WORLD, &all.comm) && !MPI_Comm_set_errhandler(all.comm, MPI_ERRORS_RETURN);
    for (int r = 0; r < ranks; r++) {
        mg_news *news = &all.of[r];
        news->send = news->receive = MPI_REQUEST_NULL;
        news->ending.status = MG_ENDING_NONE;
        if (good && r != rank) good = !MPI_Irecv(&news->received, 1, MPI_INT, r, 0, all.comm, &news->receive);
    }
    return good;
}

void mg_endings_tell(int status) {
    if (all.told != MG_ENDING_NONE) return;
    all.told = status;
    all.of[all.rank].ending = (mg_ending){status, mg_clock_seconds()};
    for (int r = 0; r < all.ranks; r++)
        if (r != all.rank) MPI_Isend(&all.told, 1, MPI_INT, r, 0, all.comm, &all.of[r].send);
}

void mg_endings_look(void) {
    for (int r = 0; r < all.ranks; r++) {
        mg_news *news = &all.of[r];
        int done;
        MPI_Test(&news->send, &done, MPI_STATUS_IGNORE);
        if (r == all.rank || news->ending.status != MG_ENDING_NONE) continue;
        if (!MPI_Test(&news->receive, &done, MPI_STATUS_IGNORE) && done)
            news->ending = (mg_ending){news->received, mg_clock_seconds()};
    }
}

mg_ending mg_endings_of(int rank) { return all.of[rank].ending; }

bool mg_endings_are_known(bool *broken) {
    bool known = true;
    *broken = false;
    for (int r = 0; r < all.ranks; r++) {
        int status = all.of[r].ending.status;
        known = known && status != MG_ENDING_NONE && all.of[r].send == MPI_REQUEST_NULL;
        *broken = *broken || status == MG_ENDING_BROKEN;
    }
    return known;
}
