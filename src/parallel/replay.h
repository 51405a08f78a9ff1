// replay.h - computes the critical path of a program for more threads than the machine has. One thread of the
// team runs all items and measures them. For every job, it is then computed how mg_team_for would distribute
// them on imagined teams.
#ifndef MG_PARALLEL_REPLAY_H
#define MG_PARALLEL_REPLAY_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MG_REPLAY_TEAMS = 8, MG_REPLAY_MOST_THREADS = 1024 };

// Costs of a team of several threads, in seconds.
typedef struct mg_replay_costs {
    double claim; // claiming one item; only one thread at a time can claim
    double start; // from the publication of a job until another thread claims its first item
    double wake;  // the same if that thread sleeps
    double spin;  // after serial work of this length, the other threads are asleep
} mg_replay_costs;

// An imagined team, and the time that it would need.
typedef struct mg_replay_team {
    int threads;
    double seconds; // time that it would need, serial work included
    double idle;    // sum over its threads of their waiting time within jobs: for the start, for claims, for
                    // the last item
} mg_replay_team;

typedef struct mg_replay {
    mg_replay_costs costs;
    mg_replay_team team[MG_REPLAY_TEAMS]; // [count]
    int count;
    double serial, work; // seconds outside of jobs; seconds of all items
    int64_t jobs, items;
    bool within;   // mg_team_run is active, so the items of jobs would be distributed
    bool open;     // time is being counted
    double before; // processor time at the end of the previous job
    double clock;  // seconds that reading the processor time takes
    double *duration;
    size_t room;
    mg_status status; // MG_MEMORY: there was no memory for the durations of a job, so no result is valid
} mg_replay;

// Measures the costs of a team on this machine. threads: [count] sizes of the imagined teams, from 1 to
// MG_REPLAY_MOST_THREADS.
void mg_replay_init(mg_replay *replay, const int *threads, int count);
void mg_replay_clear(mg_replay *replay);

// Time is counted only between these two calls. replay NULL: they do nothing.
void mg_replay_begin(mg_replay *replay);
void mg_replay_end(mg_replay *replay);

// Runs a job, as mg_team_for does, and measures its items. Only mg_team_for calls it.
void mg_replay_job(mg_replay *replay, int64_t count, void (*run)(void *context, int64_t item), void *context);

// The seconds until all of `count` items with these durations are complete. asleep: the other threads sleep
// when the job begins.
double mg_replay_makespan(const double *duration, int64_t count, int threads, const mg_replay_costs *costs,
                          bool asleep);

#endif
