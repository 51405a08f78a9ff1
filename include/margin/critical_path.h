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

/* The estimate for one team size. */
typedef struct mg_critical_path_team {
    int threads;
    double seconds;  /* estimated duration of all training steps, from the schedule of the measured items */
    double measured; /* duration of all steps in a real run with so many threads; NaN if there was none */
    double serial;   /* fraction of the threads' time without a job, because one thread works alone */
    double idle;     /* fraction of the threads' time that they spend waiting within jobs */
} mg_critical_path_team;

typedef struct mg_critical_path {
    const char *kernel;         /* name of the SIMD kernel, a static string */
    int64_t steps, jobs, items; /* numbers in the run; a job is work divided into items for the threads */
    double serial_seconds;      /* duration of the work outside of jobs */
    double item_seconds;        /* duration of all items on one thread */
    double claim_seconds;       /* duration of claiming one item, measured with two threads */
    double start_seconds;       /* from the publication of a job until another thread claims an item */
    int count;
    mg_critical_path_team teams[MG_CRITICAL_PATH_TEAMS]; /* [count], by ascending number of threads */
} mg_critical_path;

/*
 * Trains on one thread and measures the processor time of every item of work, then computes how long teams
 * of the sizes in `threads` would take for these items. `threads` is a list like "1,2,8,32": at most
 * MG_CRITICAL_PATH_TEAMS ascending numbers from 1 to MG_CRITICAL_PATH_MOST_THREADS. For comparison, trains
 * again with each team size for which this process may use enough cores. Ignores train.threads and writes no
 * file; the rows must fit in memory. Errors: MG_USAGE if `threads` is not such a list, and those of mg_train.
 */
mg_status mg_critical_path_measure(const mg_config *config, const char *threads, mg_critical_path *path,
                                   mg_error *error);

/* Writes the report as one JSON object on one line. Errors: MG_IO, MG_MEMORY. */
mg_status mg_critical_path_print_json(const mg_critical_path *path, FILE *file, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
