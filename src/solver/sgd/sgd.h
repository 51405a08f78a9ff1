// sgd.h - the state of stochastic gradient descent, shared by its dense and sparse steps.
#ifndef MG_SOLVER_SGD_SGD_H
#define MG_SOLVER_SGD_SGD_H

#include "optim/optim.h"
#include "rate/rate.h"
#include "parallel/tree.h"
#include "solver/sgd/options.h"
#include "solver/pass.h"
#include "solver/solver.h"

// What one part of a minibatch works with (dense gradients).
typedef struct mg_sgd_part {
    _Alignas(64) mg_pass pass;
    float *grad;      // sum of coef^T x, laid out as the weights; NULL for sparse steps
    double *coef_sum; // [lanes] sum of coefficients: the gradient of the constant feature and of centring
    double loss;      // weighted sum over the part's rows
} mg_sgd_part;

// What one owner of a range of features works with (sparse steps).
typedef struct mg_sgd_owner {
    _Alignas(64) uint32_t from; // its features; every owner has a cache line of its own
    uint32_t to;
    int64_t count;     // features the batch touches
    uint32_t *touched; // [to - from] these, in order of first touch: a feature's place here is its slot
    float *grad;       // [to - from][line] by slot
    float *square, *memory, *rate; // [to - from] by slot
} mg_sgd_owner;

extern const mg_solver mg_solver_sgd;

// Sparse steps: how features are cut into ranges, and what a minibatch touches of them.
typedef struct mg_sgd_ranges {
    int64_t count;
    mg_sgd_owner *owner;  // [count] their ranges, and their places in the arrays of all
    int64_t *begin;       // [count + 1] of the ranges; which they are matters to no result
    bool weighed;         // they hold about as many stored values each
    mg_sgd_owner all;     // [features] of each; pages come to life as slots are used
    float *coef;          // [batch][lanes] of the minibatch
    int64_t *cuts;        // [batch][count + 1] where each owner's entries begin
    uint32_t *slot;       // [features] place in the owner's list, if touched[slot] says so
    int64_t *offset;      // [batch] of a row's entries in entry_slot
    uint32_t *entry_slot; // [batch entries] the owner's slot of each entry
} mg_sgd_ranges;

typedef struct mg_sgd_average {
    bool on;
    int64_t first;     // step before which no snapshot is taken
    mg_weights mean;   // of snapshots
    int64_t snapshots; // in it
} mg_sgd_average;

typedef struct mg_sgd {
    const mg_problem *problem;
    const mg_train_options *train;
    const mg_sgd_options *own;
    const mg_optim *rule;
    const mg_rate *schedule;
    double eta;       // before the schedule
    bool eta_is_open; // not configured: mg_sgd_prepare chooses
    float momentum;
    bool sparse;

    mg_weights weights;
    float *velocity, *bias_velocity; // as weights.v, [lanes]; NULL unless the rule wants them
    float *memory;                   // [features + 1] of the rule, the last one for the constant feature
    double *settled;                 // sparse: [features] rate sum up to which a feature's decay is applied
    double rate_sum;                 // sum of schedule factors so far
    mg_sgd_average average;

    mg_sgd_part *parts;
    mg_tree tree; // of their sums
    mg_sgd_ranges ranges;
    double *slice_dot; // dense with centring: [slices][lanes] of V center

    // the step under way
    const mg_batch *batch;
    int64_t step;
    double factor; // of the schedule
} mg_sgd;

void mg_sgd_step_dense(mg_sgd *sgd);
void mg_sgd_step_sparse(mg_sgd *sgd);

// Every owner gets its range of features.
void mg_sgd_share_features(mg_sgd *sgd);

// Applies every decay that is still owed (sparse).
void mg_sgd_settle(mg_sgd *sgd);

// Chooses the learning rate by trying several on a sample (M22).
mg_status mg_sgd_prepare(void *state, const mg_sample *sample, bool (*stop)(void), mg_error *error);

// Constant feature and offsets, after the weights have moved.
void mg_sgd_step_bias(mg_sgd *sgd);

enum { MG_SGD_SLICE = 128 }; // features a thread updates at a time

static inline int64_t mg_sgd_slices(const mg_sgd *sgd) {
    return mg_cut_items(mg_round_up(sgd->problem->features, MG_LANES), MG_SGD_SLICE);
}

// Rows of the batch that part p takes: [begin(p), begin(p + 1)).
static inline int64_t mg_sgd_begin(const mg_sgd *sgd, int64_t p) {
    return mg_cut_begin(sgd->batch->rows.count, sgd->problem->parts, p);
}

static inline mg_optim_step mg_sgd_rule_step(const mg_sgd *sgd) {
    return (mg_optim_step){.eta = (float)(sgd->eta * sgd->factor), .momentum = sgd->momentum};
}

#endif
