// solver.h - the interface of solvers and their registry. A solver minimises an mg_problem and owns its
// state.
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
enum { MG_SOLVERS = MG_SOLVER_LIST(MG_SOLVER_ONE) }; // number of solvers in the registry
#undef MG_SOLVER_ONE

// Rows of the training set, drawn at random. A solver uses them to choose what the configuration leaves open.
typedef struct mg_sample {
    mg_rows rows;
    const int32_t *label;
    const float *weight; // NULL: all 1
    bool whole;          // the sample is the whole training set
} mg_sample;

// A sample has a sixteenth of the rows of the training set, within these bounds.
enum { MG_SAMPLE_FEWEST = 1 << 14, MG_SAMPLE_MOST = 1 << 17 };

// Bounds of the optimum (M27).
typedef struct mg_certificate {
    double primal, dual; // lowest primal value (objective of any weights found); highest lower bound
    double gap;          // (primal - dual) / primal
    bool reached;        // gap <= the tolerance
    bool fresh;          // made at the end of the last epoch
    bool stalled;        // the gap has not fallen for so long that the run should end
} mg_certificate;

// When Newton steps follow dual ascent, if there is a tolerance.
typedef enum mg_handover { MG_HANDOVER_NEVER, MG_HANDOVER_BY_COST, MG_HANDOVER_AT_ONCE } mg_handover;

typedef struct mg_solver_options {
    const mg_train_options *train;
    const void *own; // values of the solver's own section (mg_solver.section); NULL if it has none
    // The result of mg_solver_choose; train->tolerance is what the user has set.
    double tolerance; // 0: none
    mg_handover handover;
    mg_stop stop; // asked during long steps; if it says stop, the step ends at once and leaves the
                  // state as if it had not begun
} mg_solver_options;

enum { MG_SOLVER_WHY = 160 };

// The result of a step. `standing` of a solver that holds all rows sets everything from `epochs` on at any
// time.
typedef struct mg_step_result {
    double loss;    // weighted sum of the losses before the step, over the rows that it visited; not finite:
                    // training diverged
    int64_t rows;   // rows that the step visited
    bool no_step;   // only a certificate was made; the call does not count as a step
    int64_t epochs; // complete epochs
    bool ending;    // the last step of the epoch is taken, but not its certificate
    double epoch_part;          // complete fraction of the present epoch, for the progress line
    bool certified;             // a certificate exists
    mg_certificate certificate; // the newest certificate, if `certified`
    // If the epoch that has just ended also ended this solver's phase: the name of the solver that follows,
    // and the reason in `why`. Otherwise NULL.
    const char *successor;
    char why[MG_SOLVER_WHY];
} mg_step_result;

// More functions of a solver that holds all rows in memory and visits them in its own order.
typedef struct mg_whole_solver {
    // Gives the solver all rows, in the order of the file. Called once, before the state is restored and
    // before the first step. The arrays of `all` must outlive the state. Errors: MG_MEMORY, MG_CONFIG.
    mg_status (*attach)(void *state, const mg_batch *all, mg_error *error);

    // Visits the next rows, after `step` steps of this epoch. Errors: MG_MEMORY; MG_STOPPED, after which it
    // may be called again.
    mg_status (*next)(void *state, int64_t step, mg_step_result *out, mg_error *error);

    // Sets *out as `next` does, except for loss and rows.
    void (*standing)(void *state, mg_step_result *out);

    // Sets *out to a lower bound of the objective of all weights, which the present dual variables prove; NAN
    // if there is no dual ascent. Called after `weights`. Errors: MG_MEMORY.
    mg_status (*lower_bound)(void *state, double *out, mg_error *error);

    // After a restored state was checked: corrects the primal value of its certificate.
    void (*set_primal)(void *state, double primal);

    // Called before training ends, because the lower bound in a checkpoint is not a proof. If this process
    // has not yet computed a bound as high, it computes that of the present state, or looks for another. If
    // it finds none as high, *forgotten becomes true, and the certificate has the highest bound that this
    // process has computed. A collective call. Errors: MG_MEMORY, MG_STOPPED, MG_FAILED.
    mg_status (*prove)(void *state, const mg_stop *stop, bool *forgotten, mg_error *error);
} mg_whole_solver;

typedef struct mg_solver {
    const char *name;
    const char *help;             // what the solver does, for lists
    const char *certifies;        // how it bounds the distance to the optimum, for `margin list solvers`
    bool certificates;            // makes certificates if there is a tolerance
    const mg_section *section;    // its own section of the configuration; NULL if it has none
    size_t options_size;          // size of the struct of that section
    const mg_whole_solver *whole; // NULL if it takes minibatches

    // Creates the state. The problem and the options must outlive it. Errors: MG_MEMORY, MG_CONFIG.
    mg_status (*create)(const mg_problem *problem, const mg_solver_options *options, void **state,
                        mg_error *error);
    void (*destroy)(void *state);

    // `prepare` chooses what the configuration leaves open (the learning rate) by trials on a sample. The
    // choice is part of the state, so it is called only before the first step of a fresh run. Errors:
    // MG_MEMORY; MG_STOPPED when `stop` asks for it. `needs_sample` tells whether prepare would do anything;
    // NULL: it would not.
    bool (*needs_sample)(void *state);
    mg_status (*prepare)(void *state, const mg_sample *sample, const mg_stop *stop, mg_error *error);

    // Takes a step with one minibatch; `step` counts from 0. NULL if whole->next is used instead.
    mg_status (*step)(void *state, const mg_batch *batch, int64_t step, mg_step_result *out, mg_error *error);

    // Returns the weights for reports and the model, after applying all deferred updates. That may change the
    // state, so it is called at fixed steps only.
    const mg_weights *(*weights)(void *state);

    // Changes lambda. The state becomes a starting point for the new problem, at epoch 0 and without a
    // certificate. `restored`: the state comes from a checkpoint and already belongs to this lambda, so it
    // does not change. NULL if the solver cannot do this.
    void (*set_lambda)(void *state, double lambda, bool restored);

    // Starts from given weights. Call it before the first step. NULL if the solver cannot do this.
    void (*begin_at)(void *state, const mg_weights *weights);

    // Writes all state that the next step depends on to fields[MG_MOST_FIELDS]; returns the number of fields.
    int (*fields)(void *state, mg_field *fields);

    // Called after all fields were restored and found within their bounds. Checks that they fit each other
    // and a run of `step` steps, the last `batch` of them in the present epoch. Errors: MG_DATA. NULL if
    // nothing is left to check.
    mg_status (*check)(void *state, int64_t step, int64_t batch, mg_error *error);

    double (*learning_rate)(void *state, int64_t step); // NULL if there is no learning rate
    const char *rate_option;                            // the option that sets the learning rate
} mg_solver;

// The number of epochs of a run; if train.epochs is 0, the solver's own choice.
int64_t mg_solver_epochs(const mg_solver *solver, const mg_train_options *train, const mg_problem *problem);

const mg_solver *mg_solver_at(int i);
const mg_solver *mg_solver_find(const char *name);
const char *mg_solver_name(int i);

#endif
