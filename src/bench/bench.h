// bench.h - functions that the files of `margin bench` share: the shapes, their rows, and the limits of the
// machine.
#ifndef MG_BENCH_BENCH_H
#define MG_BENCH_BENCH_H

#include "kernel/kernel.h"
#include "rows/store.h"
#include "solver/weights.h"
#include "parallel/team.h"

#include <margin/bench.h>

// A row of the table of shapes.
typedef struct mg_bench_shape {
    const char *name;
    mg_layout layout;
    mg_cell cell;
    int64_t rows, quick_rows;
    int64_t features, classes;
    // CSR: the numbers of stored values of the rows have a lognormal distribution; `spread` is the deviation
    // of the logarithm
    double median_values, spread;
    bool scattered; // CSR: frequent features are at random positions, as after hashing; otherwise they come
                    // first
    int64_t batch;  // minibatch for measuring an epoch of sgd; 0: it is not measured
} mg_bench_shape;

const mg_bench_shape *mg_bench_shape_row(int i); // NULL past the last

// Random rows and labels. They are the same on every machine and for any number of threads.
typedef struct mg_bench_data {
    mg_store store;
    int32_t *label;
} mg_bench_data;

mg_status mg_bench_data_create(const mg_bench_shape *shape, int64_t rows, mg_team *team, mg_bench_data *data,
                               mg_error *error);
void mg_bench_data_destroy(mg_bench_data *data);

enum { MG_BENCH_RANGE = 1 << 12 }; // floats of a gradient that a thread adds up at a time

// A pass over CSR rows in plain loops, with one gradient for each thread; the pass of the solver is compared
// with it.
typedef struct mg_bench_naive {
    const mg_rows *rows;
    const int32_t *label;
    int64_t classes, features, feature_step, class_step; // steps: distance between features and between
                                                         // classes in w and grad
    float delta;
    mg_team *team;
    int parts;
    float *w, *grad, *score; // all weights; [parts] gradients; [parts][classes]
} mg_bench_naive;

mg_status mg_bench_naive_create(mg_bench_naive *naive, const mg_rows *rows, const int32_t *label,
                                const mg_weights *weights, bool by_class, mg_team *team, mg_error *error);
void mg_bench_naive_destroy(mg_bench_naive *naive);
void mg_bench_naive_pass(mg_bench_naive *naive);

// Measures peak_gflops and read_gbps: the best of several tries.
mg_status mg_bench_machine(const mg_kernel *kernel, mg_team *team, bool quick, mg_bench_report *report,
                           mg_error *error);

// Measures one shape, and adds its results to the report. Errors: MG_MEMORY.
mg_status mg_bench_measure(const mg_bench_request *request, const mg_bench_shape *shape,
                           const mg_kernel *kernel, mg_team *team, mg_bench_report *report, mg_error *error);

#endif
