// team.h - the compute threads and how they claim the items of a job.
#ifndef MG_PARALLEL_TEAM_H
#define MG_PARALLEL_TEAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MG_TEAM_FEW = 32 }; // most items of a job for which each thread takes the same items every time

// OpenMP ends a loop when every thread of the team has reached a barrier, even threads without work. When
// another program uses the machine, a step of 80 microseconds then waits milliseconds for a thread that it
// does not need (measured: 20 to 40 times slower beside two busy processes). Here the caller waits only for
// items that a thread has claimed.
typedef struct mg_team {
    int threads;
    // The state of mg_team_run:
    _Atomic uint64_t next; // generation of the job << 32 | next item; up to MG_TEAM_FEW items: one bit for
                           // each claimed item
    _Atomic int64_t count; // items of the job
    _Atomic uint32_t done; // items that are complete
    _Atomic uintptr_t run, context;
    _Atomic uint32_t bell; // idle threads sleep on it
    _Atomic int sleepers;
    _Atomic int waiting; // the caller sleeps on `done`
    _Atomic int active;  // the threads are running
    _Atomic int started; // threads of the last run, with the caller
} mg_team;               // starts zeroed

// Tests how many of `threads` can start while `beside` other threads run (those that read ahead and write
// checkpoints). Sets team->threads to what is left for the team, at least 1. False: fewer than wanted;
// `warning` says why.
bool mg_team_open(mg_team *team, int threads, int beside, char *warning, size_t size);

// Calls body(context) while the team's threads wait for mg_team_for. If some threads cannot start, the others
// do their work.
void mg_team_run(mg_team *team, void (*body)(void *context), void *context);

// The same; if the team's threads already run, it only calls body.
void mg_team_join(mg_team *team, void (*body)(void *context), void *context);

// Calls run(context, item) for items 0 to count - 1 on the team's threads, and returns when all are complete.
// Items must not depend on each other: it is not fixed which thread takes an item, or when. Up to MG_TEAM_FEW
// items, each thread begins with the same items every time. Outside mg_team_run the caller does all of them.
void mg_team_for(mg_team *team, int64_t count, void (*run)(void *context, int64_t item), void *context);

#endif
