// blocks.c - owns transfers in which every rank sends a block of its own length to all others.
#include "comm/blocks.h"

#include "base/memory.h"
#include "comm/transfer.h"

#include <string.h>

static char *own_block(const mg_comm *comm, const size_t *bytes, void *all) {
    size_t before = 0;
    for (int r = 0; r < comm->rank; r++) before += bytes[r];
    return (char *)all + before;
}

mg_status mg_comm_blocks(mg_comm *comm, const size_t *bytes, void *all, mg_error *error) {
    for (int r = 0; r < comm->ranks; r++) comm->from[r] = bytes[r];
    return mg_comm_gather(comm, own_block(comm, bytes, all), bytes[comm->rank], all, error);
}

mg_status mg_comm_blocks_to(mg_comm *comm, int to, const size_t *bytes, void *all, mg_error *error) {
    bool mine = comm->rank == to;
    for (int r = 0; r < comm->ranks; r++) {
        comm->from[r] = mine ? bytes[r] : 0;
        comm->to[r] = !mine && r == to ? bytes[comm->rank] : 0;
    }
    return mg_comm_exchange(comm, own_block(comm, bytes, all), all, error);
}

mg_status mg_comm_copies(mg_comm *comm, const void *own, size_t bytes, void **all, mg_error *error) {
    char *copies = NULL;
    *all = NULL;
    mg_status status = mg_memory_get(&copies, (size_t)comm->ranks, bytes, error);
    status = mg_comm_agree(comm, status, NULL, error);
    if (!status) {
        for (int r = 0; r < comm->ranks; r++) comm->from[r] = bytes;
        memcpy(copies + (size_t)comm->rank * bytes, own, bytes);
        status = mg_comm_gather(comm, own, bytes, copies, error);
    }
    if (status) mg_memory_free(copies);
    else *all = copies;
    return status;
}

mg_status mg_comm_to_root(mg_comm *comm, const void *own, const size_t *bytes, void *all, mg_error *error) {
    bool root = mg_comm_is_root(comm);
    for (int r = 0; r < comm->ranks; r++) {
        comm->from[r] = root ? bytes[r] : 0;
        comm->to[r] = !root && r == 0 ? bytes[comm->rank] : 0;
    }
    if (root) memcpy(all, own, bytes[0]);
    return mg_comm_exchange(comm, own, all, error);
}

mg_status mg_comm_in_turn(mg_comm *comm, void *state, size_t size, mg_comm_step *step, void *context,
                          mg_error *error) {
    mg_status status = MG_OK;
    for (int turn = 0; !status && turn < comm->ranks; turn++) {
        bool mine = turn == comm->rank;
        if (mine) step(context, state);
        for (int r = 0; r < comm->ranks; r++) comm->from[r] = r == turn ? size : 0;
        status = mg_comm_gather(comm, state, mine ? size : 0, state, error);
    }
    return status;
}
