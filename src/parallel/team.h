// team.h - the compute threads and how they claim the items of a job.
#ifndef MG_PARALLEL_TEAM_H
#define MG_PARALLEL_TEAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MG_TEAM_FEW = 32 }; // up to this many items, every thread takes the same items in every job

// Why not OpenMP: a loop of OpenMP ends when every thread has reached a barrier, even a thread without work.
// When another program uses the machine, a step of 80 microseconds then waits milliseconds for a thread that
// it does not need (measured: 20 to 40 times slower beside two busy processes). Here the caller waits only
// for items that a thread has claimed.
typedef struct mg_team {
    int threads;
    // State of mg_team_run:
    _Atomic uint64_t next; // upper 32 bits: generation of the job. Lower 32 bits: the next item or, in jobs
                           // of up to MG_TEAM_FEW items, one bit for each claimed item
    _Atomic int64_t count; // number of items of the job
    _Atomic uint32_t done; // complete items
    _Atomic uintptr_t run, context;
    _Atomic uint32_t bell; // futex on which idle threads sleep
    _Atomic int sleepers;
    _Atomic int waiting;      // 1 while the caller sleeps on `done`
    _Atomic int active;       // 1 while mg_team_run runs
    _Atomic int started;      // threads of the last run, the caller included
    struct mg_replay *replay; // measures the items on one thread (replay.h); NULL: the threads do them
} mg_team;                    // must be zero before mg_team_open

// Tests how many threads can start: `threads` of the team, and `beside` others that read ahead and write
// checkpoints. Sets team->threads to the number that is left for the team, at least 1. Returns false, with a
// reason in `warning`, if that is fewer than wanted.
bool mg_team_open(mg_team *team, int threads, int beside, char *warning, size_t size);

// Whether the last mg_team_run had fewer than `threads` threads, the caller included; then `warning` says so.
// A short job asks this afterwards instead of calling mg_team_open, which starts all threads once more.
bool mg_team_is_short(const mg_team *team, int threads, char *warning, size_t size);

// From now on the calling thread runs all items, and `replay` measures them. NULL: does nothing.
void mg_team_record(mg_team *team, struct mg_replay *replay);

// Starts the threads of the team, calls body(context), in which mg_team_for uses them, and then ends them. If
// some threads cannot start, the others do their work.
void mg_team_run(mg_team *team, void (*body)(void *context), void *context);

// As mg_team_run; but if the team's threads already run, it only calls the body.
void mg_team_join(mg_team *team, void (*body)(void *context), void *context);

// Calls run(context, item) for the items 0 to count - 1 on the team's threads, and returns when all are
// complete. Items must not depend on each other: neither the thread nor the time of an item is fixed. In jobs
// of up to MG_TEAM_FEW items, each thread begins with the same items in every job. Outside of mg_team_run the
// caller runs all items.
void mg_team_for(mg_team *team, int64_t count, void (*run)(void *context, int64_t item), void *context);

// Which of the items in `left` (a bit for each) a thread claims next in a job of up to MG_TEAM_FEW items:
// first those that it claims every time, because their data are in its cache, then the last one that is left.
int64_t mg_team_pick(uint32_t left, int64_t count, int thread, int threads);

#endif
