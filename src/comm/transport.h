// transport.h - moves bytes between the ranks of a job, and nothing else: no arithmetic, so that the library
// decides the order of every sum. src/mpi has the transport of margin-mpi; tests connect threads.
#ifndef MG_COMM_TRANSPORT_H
#define MG_COMM_TRANSPORT_H

#include <stddef.h>

enum { MG_TRANSPORT_HOST = 64 };

// What became of a transfer. After anything but MG_TRANSPORT_DONE the job cannot go on.
typedef enum mg_transport_end {
    MG_TRANSPORT_DONE,
    MG_TRANSPORT_LATE, // a rank has sent nothing for `timeout` seconds
    MG_TRANSPORT_LEFT, // a rank has ended
    MG_TRANSPORT_FAILED
} mg_transport_end;

// A call is collective: every rank makes the same calls in the same order. Only one thread calls at a time,
// but not always the same one. The lengths agree on both sides, so no lengths are sent.
typedef struct mg_transport {
    void *context;
    int rank, ranks;
    char host[MG_TRANSPORT_HOST]; // the machine of this rank, for messages

    // Both arrays consist of one block for each rank, in the order of the ranks. Sends block r of `send`, of
    // to[r] bytes, to every other rank r, and receives from[r] bytes of rank r into block r of `receive`. The
    // rank's own blocks are neither read nor written. timeout: in seconds, 0 for none. *culprit: the rank
    // that is late or has ended; -1 if unknown.
    mg_transport_end (*exchange)(void *context, const void *send, const size_t *to, void *receive,
                                 const size_t *from, double timeout, int *culprit);

    // Sends the same `bytes` bytes to every other rank. `receive` and from[] as above.
    mg_transport_end (*gather)(void *context, const void *send, size_t bytes, void *receive,
                               const size_t *from, double timeout, int *culprit);
} mg_transport;

// Sets the transport of this process; to be called before any run, and again with NULL before it is
// destroyed.
void mg_transport_use(const mg_transport *transport);

// The transport of this process; NULL if it is the only process of its job.
const mg_transport *mg_transport_current(void);

#endif
