// solver.h - the registry of solvers: each minimises the problem from minibatches and owns its state.
#ifndef MG_SOLVER_SOLVER_H
#define MG_SOLVER_SOLVER_H

#include "data/stream.h"
#include "io/h5.h"
#include "solver/options.h"
#include "solver/problem.h"
#include "solver/weights.h"

#include <stdbool.h>

// One array of a solver's state, as a checkpoint stores it.
typedef struct mg_field {
    const char *name;
    mg_h5_type type;
    int64_t count;
    void *data;
} mg_field;

enum { MG_MOST_FIELDS = 16 };

// Rows of the training set drawn at random, for choosing what the configuration leaves open.
typedef struct mg_sample {
    mg_rows rows;
    const int32_t *label;
    const float *weight; // NULL: all 1
    bool whole;          // it is the whole training set
} mg_sample;

// Rows of a sample: a sixteenth of the training set within these bounds.
enum { MG_SAMPLE_FEWEST = 1 << 14, MG_SAMPLE_MOST = 1 << 17 };

typedef struct mg_solver_options {
    const mg_train_options *train;
    const mg_sgd_options *sgd;
} mg_solver_options;

typedef struct mg_solver {
    const char *name;
    const char *help;      // what it does
    const char *certifies; // what it can say about its distance from the optimum

    // *state is the solver's own. The problem and the options outlive it.
    mg_status (*create)(const mg_problem *problem, const mg_solver_options *options, void **state, mg_error *error);
    void (*destroy)(void *state);

    // Chooses what was left open (the learning rate) by trying on a sample; before the first step of a fresh run only, as what was
    // chosen is part of the state. `stop` true: give up, MG_STOPPED. May be NULL, and needs_sample says whether it would do anything.
    bool (*needs_sample)(void *state);
    mg_status (*prepare)(void *state, const mg_sample *sample, bool (*stop)(void), mg_error *error);

    // One minibatch, step number `step` from 0. Returns the weighted sum of the rows' losses before the step; not finite
    // when training has run away. Allocates nothing.
    double (*step)(void *state, const mg_batch *batch, int64_t step);

    // Weights to report, brought up to date with everything that was put off. Called at fixed steps only.
    const mg_weights *(*weights)(void *state);

    // Weights training starts from; call before the first step.
    void (*begin_at)(void *state, const mg_weights *weights);

    // Fills fields[MG_MOST_FIELDS] with everything the next step depends on; returns how many.
    int (*fields)(void *state, mg_field *fields);

    double (*learning_rate)(void *state, int64_t step);
} mg_solver;

const mg_solver *mg_solver_at(int i);
const mg_solver *mg_solver_find(const char *name);
const char *mg_solver_name(int i);

#endif
