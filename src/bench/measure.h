// measure.h - the state that all measurements of one shape share.
#ifndef MG_BENCH_MEASURE_H
#define MG_BENCH_MEASURE_H

#include "bench/bench.h"
#include "solver/pass.h"
#include "solver/solver.h"

enum { MG_BENCH_REPETITIONS = 64 };

// Working memory and gradient of a part.
typedef struct mg_bench_part {
    mg_pass pass;
    float *grad;
    double *coef_sum;
    double loss;
} mg_bench_part;

// One shape, and the present measurement.
typedef struct mg_bench_run {
    const mg_bench_request *request;
    mg_bench_report *report;
    const mg_bench_shape *shape;
    mg_bench_data data;
    mg_batch all; // all rows of `data`
    mg_team *team;
    mg_problem problem;
    mg_weights weights;
    mg_bench_part *parts; // [problem.parts]
    double nonzero;       // mean number of nonzero coefficients of a row
    double violating;
    mg_bench_naive naive;
    // For the steps of a solver:
    const mg_solver *solver;
    void *state;
    mg_solver_options options;
    uint32_t *order; // [rows] order of the minibatches
    int64_t steps;
    // What is timed, and how:
    void (*work)(struct mg_bench_run *run);
    double seconds[MG_BENCH_REPETITIONS];
    int repetitions;
} mg_bench_run;

// Times `work` with one thread and with all, and adds the result to the report.
void mg_bench_time(mg_bench_run *b, const char *what, void (*work)(mg_bench_run *));

// Measures epochs of the solvers and a Newton step. Errors: MG_MEMORY.
mg_status mg_bench_training(mg_bench_run *b, mg_error *error);

#endif
