/* bench.h - measures this machine, and the margin routine as a fraction of what the machine allows. */
#ifndef MARGIN_BENCH_H
#define MARGIN_BENCH_H

#include <margin/status.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { MG_BENCH_MOST = 64 };

/* One routine on one shape of data. */
typedef struct mg_bench_result {
    const char *shape, *what;
    const char *dtype; /* of a stored value: "uint8", "float16", "float32" */
    bool sparse;
    int64_t rows, features, classes;
    double stored; /* stored values of all rows */
    int threads;
    int repetitions;
    double seconds;           /* median of the repetitions */
    double speedup;           /* over one thread; 1 if only one thread is used */
    double spread;            /* (slowest - fastest) / median */
    double gflops;            /* necessary multiplications and additions, in 10^9 a second */
    double gbps;              /* bytes that must come from memory, in 10^9 a second */
    double violating;         /* fraction of the rows that have a loss, and so a gradient */
    double fraction_of_limit; /* gflops relative to the limit of the machine */
    bool memory_bound;        /* that limit is set by the memory, not by the arithmetic */
} mg_bench_result;

typedef struct mg_bench_report {
    char processor[128];
    const char *kernel;
    int threads;
    double peak_gflops; /* all threads, float32 multiply-adds in registers; each counts as two operations */
    double read_gbps;   /* all threads, from memory, in 10^9 bytes a second */
    int count;
    mg_bench_result results[MG_BENCH_MOST]; /* [count] */
} mg_bench_report;

typedef struct mg_bench_request {
    bool quick;        /* fewer rows and repetitions: seconds instead of a minute */
    int threads;       /* 0: all that this process may use */
    const char *shape; /* a name from mg_bench_shape_at; NULL: all shapes */
    int64_t rows;      /* number of rows; 0: that of each shape */
    /* Called when the machine has been measured (result is NULL) and after each result. May be NULL. */
    void (*progress)(void *context, const mg_bench_report *report, const mg_bench_result *result);
    void *context;
} mg_bench_request;

/* Name of the i-th shape, from 0; NULL past the last. */
const char *mg_bench_shape_at(int i);

/* Measures and fills *report. Errors: MG_USAGE (unknown shape, bad MARGIN_KERNEL), MG_MEMORY. */
mg_status mg_bench(const mg_bench_request *request, mg_bench_report *report, mg_error *error);

/* Writes the report as one JSON object on one line. Errors: MG_IO, MG_MEMORY. */
mg_status mg_bench_print_json(const mg_bench_report *report, FILE *file, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
