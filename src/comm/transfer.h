// transfer.h - one transfer between the ranks of a comm: counts it, and explains why it failed.
#ifndef MG_COMM_TRANSFER_H
#define MG_COMM_TRANSFER_H

#include "comm/comm.h"

// The lengths are those in comm->to and comm->from; blocks as in mg_transport. Without other ranks nothing
// happens. Errors: MG_FAILED.
mg_status mg_comm_exchange(mg_comm *comm, const void *send, void *receive, mg_error *error);
mg_status mg_comm_gather(mg_comm *comm, const void *send, size_t bytes, void *receive, mg_error *error);

#endif
