// mpi_transport.h - the transport of margin-mpi, and how a rank joins and leaves its job.
#ifndef MG_MPI_MPI_TRANSPORT_H
#define MG_MPI_MPI_TRANSPORT_H

#include "comm/transport.h"

#include <stdbool.h>

// Joins the job. Returns NULL, with a line on stderr, if MPI refuses. Ends the process with a line on stderr
// if not all ranks have started within so many seconds.
const mg_transport *mg_mpi_begin(int *argc, char ***argv, int seconds);

// Call it when the command has ended with `status`. Waits until it has ended on all ranks, because the
// launcher kills the others as soon as one process exits with a failure. Returns false if a rank cannot be
// reached any more. *alone: the status is not known to be that of rank 0, so nobody else reports this
// failure.
bool mg_mpi_end(int status, bool *alone);

// Leaves the job. If not all ranks have ended, ends the whole job with `status`, or 1 if that is 0.
void mg_mpi_leave(bool all, int status);

#endif
