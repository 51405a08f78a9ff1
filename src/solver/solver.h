// solver.h - the registry of solvers: each minimises the problem from minibatches and owns its state.
#ifndef MG_SOLVER_SOLVER_H
#define MG_SOLVER_SOLVER_H

#include "data/stream.h"
#include "solver/field.h"
#include "solver/options.h"
#include "solver/problem.h"
#include "solver/weights.h"

#include <stdbool.h>

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

// How far the optimum is at most (M27).
typedef struct mg_certificate {
    double primal, dual; // best objective of any weights found, best lower bound
    double gap;          // (primal - dual) / primal
    bool reached;        // gap <= train.tolerance
    bool fresh;          // at the end of an epoch: it was made there
    bool stalled;        // it has not become smaller for so long that it never will
} mg_certificate;

typedef struct mg_solver_options {
    const mg_train_options *train;
    const mg_sgd_options *sgd;
    // True: a step that takes long gives up, as if it had not begun. NULL: never.
    bool (*stop)(void *context);
    void *context;
} mg_solver_options;

enum { MG_SOLVER_WHY = 160 };

typedef struct mg_solver {
    const char *name;
    const char *help;      // what it does
    const char *certifies; // what it can say about its distance from the optimum
    bool whole;            // needs all rows in memory and visits them in an order of its own

    // Why it cannot minimise the problem, in a few words; NULL: it can. May be NULL itself: it always can.
    const char *(*obstacle)(const mg_problem *problem, const mg_train_options *train);

    // *state is the solver's own. The problem and the options outlive it.
    mg_status (*create)(const mg_problem *problem, const mg_solver_options *options, void **state, mg_error *error);
    void (*destroy)(void *state);

    // Chooses what was left open (the learning rate) by trying on a sample; before the first step of a fresh run only, as what was
    // chosen is part of the state. `stop` true: give up, MG_STOPPED. May be NULL, and needs_sample says whether it would do anything.
    bool (*needs_sample)(void *state);
    mg_status (*prepare)(void *state, const mg_sample *sample, bool (*stop)(void), mg_error *error);

    // Whole solvers: the rows, in file order, once before the state is restored or the first step. Errors: MG_MEMORY, MG_CONFIG.
    mg_status (*attach)(void *state, const mg_batch *all, mg_error *error);

    // Whole solvers: epochs behind them; and the part done of the one under way, for show.
    int64_t (*epochs)(void *state);
    double (*epoch_part)(void *state);

    // One minibatch, step number `step` from 0; whole solvers take the rows of their own order from place
    // batch->first. Returns the weighted sum of the rows' losses
    // before the step, not finite when training has run away or the step was given up; *rows is how many it visited.
    double (*step)(void *state, const mg_batch *batch, int64_t step, int64_t *rows);

    // Why the loss of the last step is not finite, when it is not that training has run away: MG_MEMORY, MG_STOPPED, else MG_OK. NULL: it
    // allocates nothing and does not take long.
    mg_status (*failure)(void *state, mg_error *error);

    // Have the steps become those of another solver with the epoch that just ended? Its name, *why in a few words; NULL: no. May be NULL.
    const char *(*turned)(void *state, char why[MG_SOLVER_WHY]);

    // The newest certificate; false without one. NULL: the solver has none.
    bool (*certificate)(void *state, mg_certificate *out);

    // Weights to report, brought up to date with everything that was put off. Called at fixed steps only.
    const mg_weights *(*weights)(void *state);

    // The problem's lambda was `before` and has changed: the state becomes a start for the problem as it is now, at epoch 0
    // and without a certificate. When it has not, what follows from lambda is made up for a state that was restored. NULL: cannot.
    void (*rescale)(void *state, double before);

    // Weights training starts from; call before the first step. NULL: it cannot start from weights.
    void (*begin_at)(void *state, const mg_weights *weights);

    // Fills fields[MG_MOST_FIELDS] with everything the next step depends on; returns how many.
    int (*fields)(void *state, mg_field *fields);

    // After the fields were restored, each within its bounds: do they belong together, `batch` steps into an epoch? Errors: MG_DATA
    // with what does not. NULL: nothing more can be wrong.
    mg_status (*check)(void *state, int64_t batch, mg_error *error);

    double (*learning_rate)(void *state, int64_t step); // NULL: it has none
} mg_solver;

// The solver of a configuration, by name or, for auto, the first of the registry that nothing known before the first step speaks
// against; *why gets a few words on it.
// `from_weights`: it is to start from those of a model.
// Errors: MG_CONFIG when what was named cannot be used.
mg_status mg_solver_choose(const mg_train_options *train, const mg_problem *problem, bool resident, bool from_weights,
                           const mg_solver **out, char why[MG_SOLVER_WHY], mg_error *error);

// Epochs when the configuration leaves them open.
int64_t mg_solver_epochs(const mg_solver *solver, const mg_train_options *train, const mg_problem *problem);

const mg_solver *mg_solver_at(int i);
const mg_solver *mg_solver_find(const char *name);
const char *mg_solver_name(int i);

#endif
