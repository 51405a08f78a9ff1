// solver.h - the registry of solvers: each minimises the problem from minibatches and owns its state.
#ifndef MG_SOLVER_SOLVER_H
#define MG_SOLVER_SOLVER_H

#include "data/stream.h"
#include "solver/field.h"
#include "solver/list.h"
#include "solver/options.h"
#include "solver/problem.h"
#include "solver/weights.h"

#include <stdbool.h>

enum { MG_MOST_FIELDS = 16 };

#define MG_SOLVER_ONE(symbol) +1
enum { MG_SOLVERS = MG_SOLVER_LIST(MG_SOLVER_ONE) }; // in the registry
#undef MG_SOLVER_ONE

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

// When a solver that certifies goes over from dual ascent to Newton steps.
typedef enum mg_handover { MG_HANDOVER_NEVER, MG_HANDOVER_WHEN_SLOW, MG_HANDOVER_AT_ONCE } mg_handover;

typedef struct mg_solver_options {
    const mg_train_options *train;
    const void *own;      // values of the solver's own section (mg_solver.section); NULL: it has none
    mg_handover handover; // as solver/choose.c has chosen
    // True: a step that takes long gives up, as if it had not begun. NULL: never.
    bool (*stop)(void *context);
    void *context;
} mg_solver_options;

enum { MG_SOLVER_WHY = 160 };

// What a step has done. The second half is of solvers that hold all rows, which also tell it between steps.
typedef struct mg_step_result {
    double loss;  // weighted sum of the losses of its rows before the step; not finite: training has run away
    int64_t rows; // that it visited
    int64_t epochs;             // that are complete
    double epoch_part;          // of the epoch under way, for show
    bool certified;             // there is a certificate:
    mg_certificate certificate; // the newest one
    const char *successor; // the solver whose steps follow, when that changed with the epoch that just ended;
                           // NULL: it did not
    char why[MG_SOLVER_WHY]; // it changed
} mg_step_result;

// What solvers add that hold all rows in memory and visit them in an order of their own.
typedef struct mg_whole_solver {
    // The rows, in file order, once before the state is restored or the first step. Errors: MG_MEMORY,
    // MG_CONFIG.
    mg_status (*attach)(void *state, const mg_batch *all, mg_error *error);

    // The next rows; `step` of this epoch were taken. Errors: MG_MEMORY, MG_STOPPED; the step may then be
    // tried again.
    mg_status (*next)(void *state, int64_t step, mg_step_result *out, mg_error *error);

    // Where the solver stands: *out as `next` leaves it, but for loss and rows.
    void (*standing)(void *state, mg_step_result *out);
} mg_whole_solver;

typedef struct mg_solver {
    const char *name;
    const char *help;             // what it does
    const char *certifies;        // what it can say about its distance from the optimum
    bool certificates;            // it has certificates, with a tolerance
    const mg_section *section;    // the options of its own, a section of the configuration; NULL: none
    size_t options_size;          // of the struct of that section
    const mg_whole_solver *whole; // NULL: it takes minibatches

    // *state is the solver's own. The problem and the options outlive it.
    mg_status (*create)(const mg_problem *problem, const mg_solver_options *options, void **state,
                        mg_error *error);
    void (*destroy)(void *state);

    // Chooses what was left open (the learning rate) by trying on a sample; before the first step of a fresh
    // run only, as what was chosen is part of the state. `stop` true: give up, MG_STOPPED. May be NULL, and
    // needs_sample says whether it would do anything.
    bool (*needs_sample)(void *state);
    mg_status (*prepare)(void *state, const mg_sample *sample, bool (*stop)(void), mg_error *error);

    // One minibatch, step number `step` from 0. NULL: whole->next takes the rows.
    mg_status (*step)(void *state, const mg_batch *batch, int64_t step, mg_step_result *out, mg_error *error);

    // Weights to report, brought up to date with everything that was put off. Called at fixed steps only.
    const mg_weights *(*weights)(void *state);

    // The problem's lambda is another one from here on: the state becomes a start for that problem, at epoch
    // 0 and without a certificate. `restored`: the state has been restored and belongs to that lambda
    // already; it stays as it is. NULL: cannot.
    void (*set_lambda)(void *state, double lambda, bool restored);

    // Weights training starts from; call before the first step. NULL: it cannot start from weights.
    void (*begin_at)(void *state, const mg_weights *weights);

    // Fills fields[MG_MOST_FIELDS] with everything the next step depends on; returns how many.
    int (*fields)(void *state, mg_field *fields);

    // After the fields were restored, each within its bounds: do they belong together, `batch` steps into an
    // epoch? Errors: MG_DATA with what does not. NULL: nothing more can be wrong.
    mg_status (*check)(void *state, int64_t batch, mg_error *error);

    double (*learning_rate)(void *state, int64_t step); // NULL: it has none
    const char *rate_option;                            // the option that sets the learning rate
} mg_solver;

// Epochs when the configuration leaves them open.
int64_t mg_solver_epochs(const mg_solver *solver, const mg_train_options *train, const mg_problem *problem);

const mg_solver *mg_solver_at(int i);
const mg_solver *mg_solver_find(const char *name);
const char *mg_solver_name(int i);

#endif
