// sgd.h - the state of stochastic gradient descent, shared by its dense and sparse steps.
#ifndef MG_SOLVER_SGD_SGD_H
#define MG_SOLVER_SGD_SGD_H

#include "base/arena.h"
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

// A range of features and what its thread works with (sparse steps).
typedef struct mg_sgd_range {
    _Alignas(64) uint32_t from; // its features; every range has a cache line of its own
    uint32_t to;
    int64_t count;        // features that the minibatch touches
    uint32_t *touched;    // [to - from] these, in order of first touch: a feature's place here is its slot
    float *grad;          // [to - from][line] by slot
    float *square, *rate; // [to - from] by slot
} mg_sgd_range;

extern const mg_solver mg_solver_sgd;

// Sparse steps: how features are cut into ranges, and what a minibatch touches of them.
typedef struct mg_sgd_ranges {
    int64_t count;
    mg_sgd_range *range;  // [count] their features, and their places in the arrays of all
    int64_t *begin;       // [count + 1] of the ranges; no result depends on them
    bool weighed;         // each holds about as many stored values as the others
    mg_sgd_range all;     // [features] of each; memory is used only for slots in use
    float *coef;          // [batch][lanes] of the minibatch
    int64_t *cuts;        // [batch][count + 1] where each range's values begin
    uint32_t *slot;       // [features] place in the range's list; valid if touched[slot] is the feature
    int64_t *offset;      // [batch] of a row's values in value_slot
    uint32_t *value_slot; // [batch][most_values] the slot of each value
} mg_sgd_ranges;

// The arrays of the update rule.
typedef struct mg_sgd_memory {
    float **weight, **bias; // [rule->weight_count], each as weights.v; of the constant feature: [lanes]
    float **feature;        // [rule->feature_count], each [features + 1]; the last is the constant feature's
    float **slot;           // sparse: the same by slot, each [features]
} mg_sgd_memory;

// Decay, which sparse steps defer. Checkpoints call the fields "rate_sum" and "decayed".
typedef struct mg_sgd_decay {
    double sum;    // of schedule factors so far
    double *until; // sparse: [features] the sum up to which a feature's decay is applied
} mg_sgd_decay;

typedef struct mg_sgd_average {
    bool on;
    int64_t first;     // step before which no snapshot is taken
    mg_weights mean;   // of snapshots
    int64_t snapshots; // number of snapshots in `mean`
} mg_sgd_average;

typedef struct mg_sgd {
    const mg_problem *problem;
    const mg_train_options *train;
    const mg_sgd_options *own;
    const mg_optim *rule;
    const mg_rate *schedule;
    double eta;       // before the schedule
    bool eta_is_open; // not configured; mg_sgd_prepare finds it
    bool sparse;

    mg_arena arena;
    mg_weights weights;
    mg_sgd_memory memory;
    int64_t taken; // steps so far
    mg_sgd_decay decay;
    mg_sgd_average average;

    mg_sgd_part *parts;
    mg_tree tree; // in which the sums of the parts are added
    mg_sgd_ranges ranges;
    double *item_dot; // dense with centring: [items][lanes] of V center

    // the present step
    const mg_batch *batch;
    int64_t step;
    double factor; // of the schedule
} mg_sgd;

void mg_sgd_step_dense(mg_sgd *sgd);
void mg_sgd_step_sparse(mg_sgd *sgd);

// Every range gets its features.
void mg_sgd_share_features(mg_sgd *sgd);

// Applies every deferred decay (sparse).
void mg_sgd_decay_all(mg_sgd *sgd);

// Chooses the learning rate by trying several on a sample (M22).
mg_status mg_sgd_prepare(void *state, const mg_sample *sample, const mg_stop *stop, mg_error *error);

// The lowest and the highest rate that the search can find.
void mg_sgd_searched_rates(const mg_sgd *sgd, double *low, double *high);

// The snapshots in the average after `number` steps.
int64_t mg_sgd_snapshots_after(const mg_sgd *sgd, int64_t number);

// mg_solver.check of the solver.
mg_status mg_sgd_check(void *state, int64_t number, int64_t batch, mg_error *error);

// Constant feature and offsets, after the weights have moved.
void mg_sgd_step_bias(mg_sgd *sgd);

// The factor of a smaller decay rounds to 1 in float.
#define MG_SGD_LEAST_DECAY 3e-8

enum { MG_SGD_ITEM = 128 }; // features a thread updates at a time

static inline int64_t mg_sgd_items(const mg_sgd *sgd) {
    return mg_cut_items(mg_round_up(sgd->problem->features, MG_LANES), MG_SGD_ITEM);
}

// Rows of the minibatch that part p takes: [begin(p), begin(p + 1)).
static inline int64_t mg_sgd_begin(const mg_sgd *sgd, int64_t p) {
    return mg_cut_begin(sgd->batch->rows.count, sgd->problem->parts, p);
}

// What the rule sees of a step; `number` counts from 1.
static inline mg_optim_step mg_sgd_step_of(const mg_sgd *sgd, double factor, int64_t number) {
    mg_optim_step step = {.eta = (float)(sgd->eta * factor), .number = number, .options = &sgd->own->rule};
    if (sgd->rule->begin) sgd->rule->begin(&step);
    return step;
}

// The present step.
static inline mg_optim_step mg_sgd_rule_step(const mg_sgd *sgd) {
    return mg_sgd_step_of(sgd, sgd->factor, sgd->taken + 1);
}

// Weights [at, at + n) of weights.v with their memory; rate, scale and gradient are the caller's.
static inline mg_optim_line mg_sgd_line(const mg_sgd *sgd, int64_t at, int64_t n) {
    return (mg_optim_line){.n = n, .memory = {sgd->memory.weight, at}, .w = sgd->weights.v + at};
}

// (M12) For rules with a rate for each weight: w /= 1 + strength * rate. False: all factors round to 1, and
// nothing was changed.
bool mg_sgd_decay_weights(const mg_sgd *sgd, const mg_optim_step *step, const mg_optim_line *line,
                          double strength);

#endif
