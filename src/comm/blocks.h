// blocks.h - transfers in which every rank sends a block of its own length.
#ifndef MG_COMM_BLOCKS_H
#define MG_COMM_BLOCKS_H

#include "comm/comm.h"

// Every rank sends a block to all others: block r, of rank r, has bytes[r] bytes and follows block r - 1 in
// `all`. The own block is there already.
mg_status mg_comm_blocks(mg_comm *comm, const size_t *bytes, void *all, mg_error *error);

// The same, but only to rank `to`.
mg_status mg_comm_blocks_to(mg_comm *comm, int to, const size_t *bytes, void *all, mg_error *error);

// Collects own[bytes] of all ranks in *all, [ranks][bytes], which the caller frees. Errors: MG_MEMORY, on
// which the ranks agree.
mg_status mg_comm_copies(mg_comm *comm, const void *own, size_t bytes, void **all, mg_error *error);

// Collects own[bytes[rank]] of every rank on rank 0, one block after the other in `all` (NULL elsewhere).
mg_status mg_comm_to_root(mg_comm *comm, const void *own, const size_t *bytes, void *all, mg_error *error);

// Rank after rank changes state[size], which all ranks have in the end: for what must go through all rows in
// order, because floating-point sums depend on it. All ranks bring the same state.
typedef void mg_comm_step(void *context, void *state);
mg_status mg_comm_in_turn(mg_comm *comm, void *state, size_t size, mg_comm_step *step, void *context,
                          mg_error *error);

#endif
