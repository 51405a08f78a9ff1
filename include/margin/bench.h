/* bench.h - this machine measured, and the margin routine as a fraction of what it allows. */
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

/* One kernel on one shape of data. */
typedef struct mg_bench_result {
    const char *shape, *what;
    const char *dtype; /* of a stored value: "uint8", "float16", "float32" */
    bool sparse;
    int64_t rows, features, classes;
    double entries; /* stored values of all rows */
    int threads;
    int repetitions;
    double seconds;   /* median of the repetitions */
    double speedup;   /* over one thread doing the same; 1 when there is but one */
    double spread;    /* (slowest - fastest) / median */
    double gflops;    /* multiplications and additions that had to be done, a second */
    double gbps;      /* bytes that had to come from memory, a second */
    double violating; /* part of the rows with a loss, whose gradient is not zero */
    double fraction_of_roof;
    bool memory_bound; /* the roof is the memory's, not the arithmetic's */
} mg_bench_result;

typedef struct mg_bench_report {
    char processor[128];
    const char *kernel;
    int threads;
    double peak_gflops; /* float32 fused multiply-adds in registers, all threads; one counts as two */
    double read_gbps;   /* from memory, all threads, 10^9 bytes */
    int count;
    mg_bench_result results[MG_BENCH_MOST];
} mg_bench_report;

typedef struct mg_bench_request {
    bool quick;        /* fewer rows and repetitions: seconds instead of a minute */
    int threads;       /* 0: as many as may be used */
    const char *shape; /* a name of mg_bench_shape_at; NULL: all */
    int64_t rows;      /* instead of the shapes' own numbers; 0: those */
    /* Told when the machine has been measured (result NULL) and after every result; may be NULL. */
    void (*progress)(void *context, const mg_bench_report *report, const mg_bench_result *result);
    void *context;
} mg_bench_request;

/* Name of the i-th shape, NULL past the last. */
const char *mg_bench_shape_at(int i);

/* Errors: MG_USAGE (an unknown shape, MARGIN_KERNEL), MG_MEMORY. */
mg_status mg_bench(const mg_bench_request *request, mg_bench_report *report, mg_error *error);

/* One JSON object on one line. Errors: MG_IO, MG_MEMORY. */
mg_status mg_bench_print_json(const mg_bench_report *report, FILE *file, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
