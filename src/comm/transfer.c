// transfer.c - owns the traffic counts of a comm, and the message when a rank cannot be reached any more.
#include "comm/transfer.h"

#include "base/clock.h"

#include <stdio.h>

static mg_status explain(mg_comm *comm, mg_transport_end end, int culprit) {
    mg_error *lost = &comm->lost;
    char other[2 * MG_TRANSPORT_HOST] = "another rank";
    // The machines are not known before the ranks have greeted each other.
    bool known = culprit >= 0 && comm->host[culprit][0];
    if (culprit >= 0) snprintf(other, sizeof other, "rank %d", culprit);
    if (known) snprintf(other, sizeof other, "rank %d (%s)", culprit, comm->host[culprit]);
    const char *mine = comm->host[comm->rank];
    if (end == MG_TRANSPORT_LEFT && !known)
        return mg_fail(lost, MG_FAILED,
                       "rank %d (%s): %s has ended before the run began: start all ranks with the same "
                       "command",
                       comm->rank, mine, other);
    if (end == MG_TRANSPORT_LATE)
        return mg_fail(lost, MG_FAILED,
                       "rank %d (%s): %s has sent nothing for %g s (train.rank_timeout): look at its machine "
                       "and its network, and continue with --resume",
                       comm->rank, mine, other, comm->timeout);
    if (end == MG_TRANSPORT_LEFT)
        return mg_fail(lost, MG_FAILED, "rank %d (%s): %s has ended: continue with --resume", comm->rank,
                       mine, other);
    return mg_fail(
        lost, MG_FAILED,
        "rank %d (%s): MPI could not transfer a message: look at the messages of MPI, and continue "
        "with --resume",
        comm->rank, mine);
}

static mg_status conclude(mg_comm *comm, mg_transport_end end, int culprit, double begun, mg_error *error) {
    comm->traffic.waited += mg_clock_seconds() - begun;
    if (end != MG_TRANSPORT_DONE) explain(comm, end, culprit);
    if (comm->lost.status && error) *error = comm->lost;
    return comm->lost.status;
}

static void count(mg_comm *comm, size_t bytes) {
    comm->traffic.messages += bytes > 0;
    comm->traffic.bytes += (int64_t)bytes;
}

mg_status mg_comm_exchange(mg_comm *comm, const void *send, void *receive, mg_error *error) {
    double begun = mg_clock_seconds();
    mg_transport_end end = MG_TRANSPORT_DONE;
    int culprit = -1;
    if (comm->ranks > 1 && !comm->lost.status) {
        end = comm->by->exchange(comm->by->context, send, comm->to, receive, comm->from, comm->timeout,
                                 &culprit);
        for (int r = 0; r < comm->ranks; r++)
            if (r != comm->rank) count(comm, comm->to[r]);
    }
    return conclude(comm, end, culprit, begun, error);
}

mg_status mg_comm_gather(mg_comm *comm, const void *send, size_t bytes, void *receive, mg_error *error) {
    double begun = mg_clock_seconds();
    mg_transport_end end = MG_TRANSPORT_DONE;
    int culprit = -1;
    if (comm->ranks > 1 && !comm->lost.status) {
        end = comm->by->gather(comm->by->context, send, bytes, receive, comm->from, comm->timeout, &culprit);
        for (int r = 0; r < comm->ranks; r++)
            if (r != comm->rank) count(comm, bytes);
    }
    return conclude(comm, end, culprit, begun, error);
}
