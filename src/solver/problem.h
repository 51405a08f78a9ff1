// problem.h - the problem that a solver minimises, and the plan of the run.
#ifndef MG_SOLVER_PROBLEM_H
#define MG_SOLVER_PROBLEM_H

#include "comm/comm.h"
#include "kernel/kernel.h"
#include "loss/loss.h"
#include "rows/rows.h"
#include "parallel/team.h"
#include "solver/weights.h"

// The objective is lambda/2 ||W||^2 + weighted mean loss of the rows (M2).
//
// Scaled columns: the model is linear in x' = scale * (x - center), with weights W. Kernels read raw cells x
// and weights V = scale * W instead (M19).
typedef struct mg_problem {
    int64_t rows;     // N: rows of the training set, in all shards
    int64_t features; // D: features
    int64_t classes;  // K: classes
    mg_layout layout;
    mg_cell cell;
    bool bare; // rows lack padding, as in mg_rows
    const mg_loss *loss;
    float delta;
    double lambda;
    double bias;             // value of the constant feature; 0: none
    bool free_bias;          // the weights of the constant feature are not regularised
    const float *scale;      // [D] of the columns; NULL: all 1
    const float *center;     // [D] in the unit of raw cells; NULL: all 0
    double mean_square_norm; // mean of ||x'||^2 over the rows, including the constant feature
    double weight_sum;       // of the weights of all rows; 0: each row has weight 1
    double values_per_row;   // mean number of stored values of a row
    int64_t most_values;     // largest number of stored values of a row
    int64_t batch;
    int64_t parts; // parts of a minibatch; depends on shapes and configuration only
    int64_t steps_per_epoch;
    int64_t epochs;
    int64_t total_steps; // steps of the run, unless it ends earlier
    const mg_kernel *kernel;
    mg_team *team;
    mg_comm *comm; // shards of the rows, and which of them this process has; NULL: one shard, which it has
} mg_problem;

// Creates weights of the problem's shape, all zero. Errors: MG_MEMORY.
static inline mg_status mg_problem_weights(const mg_problem *problem, mg_weights *out, mg_error *error) {
    return mg_weights_create(out, problem->layout, problem->classes, problem->features, error);
}

// (M2) ||W||^2 of the weights that are regularised.
static inline double mg_problem_square_norm(const mg_problem *problem, const mg_weights *weights) {
    return mg_weights_square_norm(weights, problem->scale, !problem->free_bias);
}

#endif
