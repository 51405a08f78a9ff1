// threads_transport.h - ranks that are threads of one process. Their transport copies memory.
#ifndef MG_TESTS_THREADS_TRANSPORT_H
#define MG_TESTS_THREADS_TRANSPORT_H

#include "comm/comm.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { MOST_RANKS = 8 };

typedef struct hub {
    pthread_barrier_t barrier;
    const char *send[MOST_RANKS];
    const size_t *to[MOST_RANKS]; // NULL: gather
    size_t bytes[MOST_RANKS];
} hub;

typedef struct rank_thread {
    hub *hub;
    mg_transport transport;
    mg_comm *comm;
    void (*run)(struct rank_thread *);
    void *context;
    int64_t shards;
    int failures;
    mg_status status; // of mg_comm_create
    mg_error error;
} rank_thread;

// Asserts of cmocka end the thread of the test, which is not this one.
#define CHECK(condition) check(me, condition, #condition, __LINE__)

static void check(rank_thread *me, bool good, const char *what, int line) {
    if (good) return;
    if (!me->failures++) fprintf(stderr, "rank %d, line %d: %s\n", me->transport.rank, line, what);
}

static mg_transport_end copy_blocks(rank_thread *me, char *receive, const size_t *from) {
    hub *all = me->hub;
    int mine = me->transport.rank;
    pthread_barrier_wait(&all->barrier);
    for (int r = 0; r < me->transport.ranks; r++) {
        size_t before = 0, bytes = all->to[r] ? all->to[r][mine] : all->bytes[r];
        for (int q = 0; all->to[r] && q < mine; q++) before += all->to[r][q];
        if (r != mine) CHECK(bytes == from[r]);
        if (r != mine && bytes) memcpy(receive, all->send[r] + before, bytes);
        if (from[r]) receive += from[r]; // a null pointer is not moved, not even by 0
    }
    pthread_barrier_wait(&all->barrier);
    return MG_TRANSPORT_DONE;
}

static mg_transport_end exchange_threads(void *context, const void *send, const size_t *to, void *receive,
                                         const size_t *from, double timeout, int *culprit) {
    (void)timeout, (void)culprit;
    rank_thread *me = context;
    me->hub->send[me->transport.rank] = send;
    me->hub->to[me->transport.rank] = to;
    return copy_blocks(me, receive, from);
}

static mg_transport_end gather_threads(void *context, const void *send, size_t bytes, void *receive,
                                       const size_t *from, double timeout, int *culprit) {
    (void)timeout, (void)culprit;
    rank_thread *me = context;
    me->hub->send[me->transport.rank] = send;
    me->hub->to[me->transport.rank] = NULL;
    me->hub->bytes[me->transport.rank] = bytes;
    return copy_blocks(me, receive, from);
}

static void *run_rank(void *context) {
    rank_thread *me = context;
    bool alone = me->transport.ranks == 1;
    me->status = mg_comm_create(alone ? NULL : &me->transport, me->shards, 9, &me->comm, &me->error);
    if (me->status) return NULL;
    me->run(me);
    mg_comm_destroy(me->comm);
    return NULL;
}

// Runs `run` on so many ranks. Returns the number of failed checks; *first: the state of rank 0 at the end.
static int on_ranks(int ranks, int64_t shards, void (*run)(rank_thread *), void *context,
                    rank_thread *first) {
    hub all = {0};
    rank_thread threads[MOST_RANKS] = {0};
    pthread_t id[MOST_RANKS];
    int failures = 0;
    pthread_barrier_init(&all.barrier, NULL, (unsigned)ranks);
    for (int r = 0; r < ranks; r++) {
        threads[r] = (rank_thread){.hub = &all, .run = run, .context = context, .shards = shards};
        threads[r].transport = (mg_transport){.context = &threads[r],
                                              .rank = r,
                                              .ranks = ranks,
                                              .exchange = exchange_threads,
                                              .gather = gather_threads};
        snprintf(threads[r].transport.host, MG_TRANSPORT_HOST, "host%d", r);
        pthread_create(&id[r], NULL, run_rank, &threads[r]);
    }
    for (int r = 0; r < ranks; r++) {
        pthread_join(id[r], NULL);
        failures += threads[r].failures;
    }
    pthread_barrier_destroy(&all.barrier);
    if (first) *first = threads[0];
    return failures;
}

#endif
