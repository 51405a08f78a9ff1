/* bench.h - measures this machine, and the speed of the margin routine relative to the limit of the machine.
 */
#ifndef MARGIN_BENCH_H
#define MARGIN_BENCH_H

#include <margin/status.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { MG_BENCH_MOST = 96 };

/* The measurement of one routine on one shape of data. */
typedef struct mg_bench_result {
    const char *shape, *what;
    const char *dtype; /* type of a stored value: "uint8", "float16", "float32" */
    bool sparse;
    int64_t rows, features, classes;
    double stored; /* number of stored values of all rows */
    int threads;
    int repetitions;
    double seconds;           /* median of the repetitions */
    double speedup;           /* seconds with one thread / seconds; 1 if only one thread is used */
    double spread;            /* (slowest - fastest) / median */
    double gflops;            /* necessary multiplications and additions, 10^9 per second */
    double gbps;              /* bytes that must come from memory, 10^9 per second */
    double violating;         /* fraction of the rows that violate the margin, so that they have a gradient */
    double fraction_of_limit; /* gflops / the limit of the machine for this routine, in gflops */
    bool memory_bound;        /* memory sets that limit, not arithmetic */
} mg_bench_result;

typedef struct mg_bench_report {
    char processor[128];
    const char *kernel;
    int threads;
    double peak_gflops; /* float32 multiply-adds in registers, 2 operations each, with all threads */
    double read_gbps;   /* reading from memory with all threads, 10^9 bytes per second */
    int count;
    mg_bench_result results[MG_BENCH_MOST]; /* [count] */
} mg_bench_report;

typedef struct mg_bench_request {
    bool quick;        /* fewer rows and repetitions: seconds instead of a minute */
    int threads;       /* 0: all that this process may use */
    const char *shape; /* a name from mg_bench_shape_at; NULL: all shapes */
    int64_t rows;      /* number of rows; 0: as the shape says */
    /* Called after the machine was measured (then result is NULL), and after each result. May be NULL. */
    void (*progress)(void *context, const mg_bench_report *report, const mg_bench_result *result);
    void *context;
} mg_bench_request;

/* The name of the i-th shape, from 0; NULL after the last. */
const char *mg_bench_shape_at(int i);

/* Measures, and fills *report; its texts are constants. Errors: MG_USAGE (unknown shape, wrong
 * MARGIN_KERNEL), MG_MEMORY. */
mg_status mg_bench(const mg_bench_request *request, mg_bench_report *report, mg_error *error);

/* Writes the report as one JSON object on one line. Errors: MG_IO, MG_MEMORY. */
mg_status mg_bench_print_json(const mg_bench_report *report, FILE *file, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
