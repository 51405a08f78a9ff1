// team.h - the compute threads, and how work is handed out to them.
#ifndef MG_PARALLEL_TEAM_H
#define MG_PARALLEL_TEAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MG_TEAM_FEW = 32 }; // items of a job that threads prefer to take again the next time

// With a barrier after every loop (OpenMP's) it ends when every thread of the team has come to its barrier,
// those without work too: with another program on the machine a step of 80 microseconds then waits
// milliseconds for a thread that was not even needed (measured: 20 to 40 times slower beside two busy
// processes). Here the caller waits only for items somebody has begun.
typedef struct mg_team {
    int threads;
    // below: of mg_team_run
    _Atomic uint64_t
        next; // generation of the job << 32 | next item, or with few items a bit for each that is taken
    _Atomic int64_t count; // items of the job
    _Atomic uint32_t done; // items finished
    _Atomic uintptr_t run, context;
    _Atomic uint32_t bell; // what idle threads sleep on
    _Atomic int sleepers;
    _Atomic int waiting; // the caller sleeps on `done`
    _Atomic int active;  // threads are there
    _Atomic int started; // threads of the last run, the caller included
} mg_team;               // starts zeroed

// Finds out how many of `threads` can really be started, with `beside` others (those that read ahead and
// write checkpoints) at the same time; team->threads is set to what is left for the team, at least 1. false:
// fewer than wanted, and why in `warning`.
bool mg_team_open(mg_team *team, int threads, int beside, char *warning, size_t size);

// Calls body(context) with the team's threads standing by for mg_team_for; returns when it does. Threads that
// cannot be started are left out: the team's others do their work.
void mg_team_run(mg_team *team, void (*body)(void *context), void *context);

// The same, or a plain call of body when the team's threads stand by already.
void mg_team_join(mg_team *team, void (*body)(void *context), void *context);

// Calls run(context, item) for items 0..count-1, spread over the team's threads; returns when all are done.
// Items must not depend on each other: which thread takes which, and when, is not fixed; up to MG_TEAM_FEW
// items a thread begins with its own share of them, always the same. Outside mg_team_run the caller does them
// all.
void mg_team_for(mg_team *team, int64_t count, void (*run)(void *context, int64_t item), void *context);

#endif
