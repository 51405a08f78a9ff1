// replay.h - the critical path of a program on more threads than the machine has. The team does all items on
// one thread and measures them; each job is then scheduled on imagined teams as mg_team_for would do it.
#ifndef MG_PARALLEL_REPLAY_H
#define MG_PARALLEL_REPLAY_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MG_REPLAY_TEAMS = 8, MG_REPLAY_MOST_THREADS = 1024 };

// What a team of several threads pays, in seconds.
typedef struct mg_replay_costs {
    double claim; // of one item; threads claim one after the other
    double start; // from the publication of a job until another thread claims its first item
    double wake;  // the same if that thread sleeps
    double spin;  // serial work of this length lets the other threads fall asleep
} mg_replay_costs;

// An imagined team, and how long it would need.
typedef struct mg_replay_team {
    int threads;
    double seconds; // serial work included
    double idle;    // of all its threads, within jobs: waiting for the last item, for claims, for the start
} mg_replay_team;

typedef struct mg_replay {
    mg_replay_costs costs;
    mg_replay_team team[MG_REPLAY_TEAMS]; // [count]
    int count;
    double serial, work; // seconds outside jobs, and of all items
    int64_t jobs, items;
    bool within;   // mg_team_run is running, so that the items of jobs would be divided
    bool open;     // time counts
    double before; // processor time at the end of the job before
    double clock;  // seconds that reading the processor time takes
    double *duration;
    size_t room;
    mg_status status; // MG_MEMORY: the durations of a job had no room, so nothing here is valid
} mg_replay;

// Measures the costs of a team on this machine. threads: [count] sizes of the imagined teams, from 1 to
// MG_REPLAY_MOST_THREADS.
void mg_replay_init(mg_replay *replay, const int *threads, int count);
void mg_replay_clear(mg_replay *replay);

// Time counts only between these two. replay NULL: nothing happens.
void mg_replay_begin(mg_replay *replay);
void mg_replay_end(mg_replay *replay);

// For mg_team_for.
void mg_replay_job(mg_replay *replay, int64_t count, void (*run)(void *context, int64_t item), void *context);

// Seconds until the last of `count` items of these durations is complete. asleep: the other threads sleep
// when the job begins.
double mg_replay_makespan(const double *duration, int64_t count, int threads, const mg_replay_costs *costs,
                          bool asleep);

#endif
