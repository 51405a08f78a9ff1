// sgd.h - the state of stochastic gradient descent, which dense and sparse steps share.
#ifndef MG_SOLVER_SGD_SGD_H
#define MG_SOLVER_SGD_SGD_H

#include "base/arena.h"
#include "optim/optim.h"
#include "rate/rate.h"
#include "parallel/tree.h"
#include "solver/sgd/options.h"
#include "solver/pass.h"
#include "solver/solver.h"

// Working memory of one part of a minibatch.
typedef struct mg_sgd_part {
    _Alignas(64) mg_pass pass;
    float *grad;      // sum of coef^T x, laid out as the weights; NULL for sparse steps
    double *coef_sum; // [lanes] sum of coefficients: the gradient of the constant feature and of centring
    double loss;      // weighted sum of the losses of the part's rows
} mg_sgd_part;

// A range of features with its working memory, for sparse steps.
typedef struct mg_sgd_range {
    _Alignas(64) uint32_t from; // first feature; every range has a cache line of its own
    uint32_t to;
    int64_t count;        // number of features that the minibatch touches
    uint32_t *touched;    // [to - from] these features in the order of their first touch. The index of a
                          // feature here is its slot
    float *grad;          // [to - from][line] by slot
    float *square, *rate; // [to - from] by slot: squared norm of the gradient; rate
} mg_sgd_range;

extern const mg_solver mg_solver_sgd;

// For sparse steps: the ranges of features, and where the minibatch touches them.
typedef struct mg_sgd_ranges {
    int64_t count;
    mg_sgd_range *range;  // [count] the ranges; their arrays are pieces of those in `all`
    int64_t *begin;       // [count + 1] first feature of each range; no result depends on them
    bool weighed;         // the ranges have about equally many stored values
    mg_sgd_range all;     // one range of all features, which owns the arrays; memory is used only for slots
                          // in use
    float *coef;          // [batch][lanes] coefficients of the minibatch
    int64_t *cuts;        // [batch][count + 1] where the stored values of each range begin in a row
    uint32_t *slot;       // [features] slot of a feature, if it has one: touched[slot] must be the feature
    int64_t *offset;      // [batch] where the values of a row begin in value_slot
    uint32_t *value_slot; // [batch][most_values] the slot of each stored value
} mg_sgd_ranges;

typedef struct mg_sgd_memory {
    float **weight, **bias; // [weight_count] arrays shaped as weights.v; the same for the constant feature,
                            // [lanes] each
    float **feature;        // [feature_count] arrays of [features + 1]; the last element is for the constant
                            // feature
    float **slot;           // sparse: the arrays of `feature` by slot, [features] each
} mg_sgd_memory;

// Decay of the weights, which sparse steps defer. In checkpoints the fields are named "rate_sum" and
// "decayed".
typedef struct mg_sgd_decay {
    double sum;    // sum of the schedule's factors of all steps so far
    double *until; // sparse: [features] the value of `sum` up to which the feature's decay is applied
} mg_sgd_decay;

typedef struct mg_sgd_average {
    bool on;
    int64_t first;     // no snapshot is taken before this step
    mg_weights mean;   // average of the snapshots
    int64_t snapshots; // number of snapshots in `mean`
} mg_sgd_average;

typedef struct mg_sgd {
    const mg_problem *problem;
    const mg_train_options *train;
    const mg_sgd_options *own;
    const mg_optim *rule;
    const mg_rate *schedule;
    double eta;       // learning rate before the schedule's factor
    bool eta_is_open; // the configuration has no rate; mg_sgd_prepare finds it
    bool sparse;

    mg_arena arena;
    mg_weights weights;
    mg_sgd_memory memory;
    int64_t taken; // number of steps so far
    mg_sgd_decay decay;
    mg_sgd_average average;

    mg_sgd_part *parts;
    mg_tree tree; // adds the sums of the parts
    mg_sgd_ranges ranges;
    double *item_dot; // dense with centring: [items][lanes] of V center

    // Only during a step:
    const mg_batch *batch;
    int64_t step;
    double factor; // factor of the schedule at this step
} mg_sgd;

void mg_sgd_step_dense(mg_sgd *sgd);
void mg_sgd_step_sparse(mg_sgd *sgd);

// Sets the features and arrays of every range, after ranges.begin has changed.
void mg_sgd_share_features(mg_sgd *sgd);

// Applies every decay that is still deferred (sparse steps).
void mg_sgd_decay_all(mg_sgd *sgd);

// Chooses the learning rate by trying several on a sample (M22).
mg_status mg_sgd_prepare(void *state, const mg_sample *sample, const mg_stop *stop, mg_error *error);

// The lowest and the highest learning rate that mg_sgd_prepare can find.
void mg_sgd_searched_rates(const mg_sgd *sgd, double *low, double *high);

// The number of snapshots in the average after `number` steps.
int64_t mg_sgd_snapshots_after(const mg_sgd *sgd, int64_t number);

// The solver's mg_solver.check.
mg_status mg_sgd_check(void *state, int64_t number, int64_t batch, mg_error *error);

// Updates the weights of the constant feature, and the offsets, after the other weights.
void mg_sgd_step_bias(mg_sgd *sgd);

// A smaller decay has a factor that rounds to 1 in float.
#define MG_SGD_LEAST_DECAY 3e-8

enum { MG_SGD_ITEM = 128 }; // features that a thread updates at a time

static inline int64_t mg_sgd_items(const mg_sgd *sgd) {
    return mg_cut_items(mg_round_up(sgd->problem->features, MG_LANES), MG_SGD_ITEM);
}

// The first row of part p in the minibatch; the part ends at mg_sgd_begin(p + 1).
static inline int64_t mg_sgd_begin(const mg_sgd *sgd, int64_t p) {
    return mg_cut_begin(sgd->batch->rows.count, sgd->problem->parts, p);
}

// The inputs of the rule for step `number`, counted from 1.
static inline mg_optim_step mg_sgd_step_of(const mg_sgd *sgd, double factor, int64_t number) {
    mg_optim_step step = {.eta = (float)(sgd->eta * factor), .number = number, .options = &sgd->own->rule};
    if (sgd->rule->begin) sgd->rule->begin(&step);
    return step;
}

// The inputs of the rule for the present step.
static inline mg_optim_step mg_sgd_rule_step(const mg_sgd *sgd) {
    return mg_sgd_step_of(sgd, sgd->factor, sgd->taken + 1);
}

// The weights [at, at + n) of weights.v with the rule's arrays. The caller sets rate, scale and gradient.
static inline mg_optim_line mg_sgd_line(const mg_sgd *sgd, int64_t at, int64_t n) {
    return (mg_optim_line){.n = n, .memory = {sgd->memory.weight, at}, .w = sgd->weights.v + at};
}

// (M12) For rules with a rate for each weight: w /= 1 + strength * rate. Returns false if all factors round
// to 1; then nothing has changed.
bool mg_sgd_decay_weights(const mg_sgd *sgd, const mg_optim_step *step, const mg_optim_line *line,
                          double strength);

#endif
