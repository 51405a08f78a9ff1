/* critical_path.h - how long training would take on more threads than this machine has. */
#ifndef MARGIN_CRITICAL_PATH_H
#define MARGIN_CRITICAL_PATH_H

#include <margin/config.h>
#include <margin/status.h>

#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { MG_CRITICAL_PATH_TEAMS = 8, MG_CRITICAL_PATH_MOST_THREADS = 1024 };

/* One number of threads. */
typedef struct mg_critical_path_team {
    int threads;
    double seconds;  /* of the steps, as the schedule of the measured items says */
    double measured; /* of the steps, in a real run with so many threads; NaN: there was none */
    double serial;   /* fraction of the threads' time in which one thread works and the others have no job */
    double idle;     /* fraction of the threads' time that they wait within jobs */
} mg_critical_path_team;

typedef struct mg_critical_path {
    const char *kernel;
    int64_t steps, jobs, items; /* jobs: pieces of work that are divided into items for the threads */
    double serial_seconds;      /* of work that is not divided */
    double item_seconds;        /* of all items, on one thread */
    double claim_seconds;       /* what a thread pays to claim an item; measured on two threads */
    double start_seconds;       /* until another thread begins with a job */
    int count;
    mg_critical_path_team teams[MG_CRITICAL_PATH_TEAMS]; /* [count], from few threads to many */
} mg_critical_path;

/*
 * Trains on one thread and measures every item of work in processor time, then schedules the items on teams
 * of the sizes in `threads`
 * ("1,2,8,32": ascending, up to MG_CRITICAL_PATH_TEAMS numbers from 1 to MG_CRITICAL_PATH_MOST_THREADS) as
 * the real team would. Trains again with 1, 2, ... threads of those teams as long as this process may use so
 * many cores, to compare. Nothing is written. train.threads is not used, and rows must fit in memory. Errors:
 * MG_USAGE for another text, and those of mg_train.
 */
mg_status mg_critical_path_measure(const mg_config *config, const char *threads, mg_critical_path *path,
                                   mg_error *error);

/* Writes the report as one JSON object on one line. Errors: MG_IO, MG_MEMORY. */
mg_status mg_critical_path_print_json(const mg_critical_path *path, FILE *file, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
