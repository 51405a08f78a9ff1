// solver.h - the interface of solvers and their registry. A solver minimises the problem and owns its state.
#ifndef MG_SOLVER_SOLVER_H
#define MG_SOLVER_SOLVER_H

#include "base/stop.h"
#include "data/stream.h"
#include "solver/field.h"
#include "solver/list.h"
#include "solver/options.h"
#include "solver/problem.h"
#include "solver/weights.h"

#include <stdbool.h>

enum { MG_MOST_FIELDS = 64 };

#define MG_SOLVER_ONE(symbol) +1
enum { MG_SOLVERS = MG_SOLVER_LIST(MG_SOLVER_ONE) }; // in the registry
#undef MG_SOLVER_ONE

// Rows of the training set, drawn at random, on which a solver tries what the configuration leaves open.
typedef struct mg_sample {
    mg_rows rows;
    const int32_t *label;
    const float *weight; // NULL: all 1
    bool whole;          // it is all rows of the training set
} mg_sample;

// Rows of a sample: a sixteenth of the training set within these bounds.
enum { MG_SAMPLE_FEWEST = 1 << 14, MG_SAMPLE_MOST = 1 << 17 };

// A bound of the distance to the optimum (M27).
typedef struct mg_certificate {
    double primal, dual; // lowest objective of any weights found, highest lower bound
    double gap;          // (primal - dual) / primal
    bool reached;        // gap <= train.tolerance
    bool fresh;          // it was made at the end of the last epoch
    bool stalled;        // the gap has not fallen for so long that the run should end
} mg_certificate;

// When Newton steps follow dual ascent, with a tolerance.
typedef enum mg_handover { MG_HANDOVER_NEVER, MG_HANDOVER_BY_COST, MG_HANDOVER_AT_ONCE } mg_handover;

typedef struct mg_solver_options {
    const mg_train_options *train;
    const void *own;      // values of the solver's own section (mg_solver.section); NULL: it has none
    mg_handover handover; // from solver/choose.c
    mg_stop stop;         // a long step ends at once, as if it had not begun
} mg_solver_options;

enum { MG_SOLVER_WHY = 160 };

// What a step has done. A solver that holds all rows also reports everything from `epochs` on between steps.
typedef struct mg_step_result {
    double loss;    // weighted sum of the losses of the rows before the step; not finite: training diverged
    int64_t rows;   // that the step visited
    bool no_step;   // only a certificate was made, which does not count as a step
    int64_t epochs; // complete ones
    double epoch_part;          // how much of the present epoch is complete, for the progress line
    bool certified;             // there is a certificate:
    mg_certificate certificate; // the newest one
    // The solver whose steps follow, and the reason, if it changed with the epoch that has just ended; NULL:
    // it did not.
    const char *successor;
    char why[MG_SOLVER_WHY];
} mg_step_result;

// The additional functions of a solver that holds all rows in memory and visits them in its own order.
typedef struct mg_whole_solver {
    // Gives the solver the rows, in the order of the file: once, before the state is restored or the first
    // step. Errors: MG_MEMORY, MG_CONFIG.
    mg_status (*attach)(void *state, const mg_batch *all, mg_error *error);

    // Takes the next rows after `step` steps of this epoch. Errors: MG_MEMORY, MG_STOPPED; the step may then
    // be tried again.
    mg_status (*next)(void *state, int64_t step, mg_step_result *out, mg_error *error);

    // Sets *out as `next` does, except loss and rows.
    void (*standing)(void *state, mg_step_result *out);
} mg_whole_solver;

typedef struct mg_solver {
    const char *name;
    const char *help;             // what it does
    const char *certifies;        // how it bounds the distance to the optimum, for `margin list solvers`
    bool certificates;            // with a tolerance it makes certificates
    const mg_section *section;    // the options of its own, a section of the configuration; NULL: none
    size_t options_size;          // of the struct of that section
    const mg_whole_solver *whole; // NULL: it takes minibatches

    // *state belongs to the solver. The problem and the options outlive it.
    mg_status (*create)(const mg_problem *problem, const mg_solver_options *options, void **state,
                        mg_error *error);
    void (*destroy)(void *state);

    // Chooses what the configuration leaves open (the learning rate) by trying it on a sample. Only before
    // the first step of a fresh run: the choice is part of the state. `stop` asked: ends with MG_STOPPED.
    // needs_sample: would it do anything? May be NULL.
    bool (*needs_sample)(void *state);
    mg_status (*prepare)(void *state, const mg_sample *sample, const mg_stop *stop, mg_error *error);

    // One minibatch; `step` counts from 0. NULL: whole->next takes the rows.
    mg_status (*step)(void *state, const mg_batch *batch, int64_t step, mg_step_result *out, mg_error *error);

    // The weights to report, with all deferred updates. Called at fixed steps only, because it may change the
    // state.
    const mg_weights *(*weights)(void *state);

    // Changes lambda: the state becomes a start for the new problem, at epoch 0 and without a certificate.
    // `restored`: the state was restored and belongs to that lambda already; it does not change. NULL: not
    // possible.
    void (*set_lambda)(void *state, double lambda, bool restored);

    // Starts from given weights; call it before the first step. NULL: not possible.
    void (*begin_at)(void *state, const mg_weights *weights);

    // Lists everything that the next step depends on in fields[MG_MOST_FIELDS]; returns the number of fields.
    int (*fields)(void *state, mg_field *fields);

    // After the fields were restored, each within its bounds: checks that they belong together, after `step`
    // steps, the last `batch` of them in the current epoch. Errors: MG_DATA. NULL: nothing more can be wrong.
    mg_status (*check)(void *state, int64_t step, int64_t batch, mg_error *error);

    double (*learning_rate)(void *state, int64_t step); // NULL: there is none
    const char *rate_option;                            // the option that sets the learning rate
} mg_solver;

// Number of epochs, also when train.epochs is 0.
int64_t mg_solver_epochs(const mg_solver *solver, const mg_train_options *train, const mg_problem *problem);

const mg_solver *mg_solver_at(int i);
const mg_solver *mg_solver_find(const char *name);
const char *mg_solver_name(int i);

#endif
