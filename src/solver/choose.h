// choose.h - chooses the solver that trains.
#ifndef MG_SOLVER_CHOOSE_H
#define MG_SOLVER_CHOOSE_H

#include "base/writer.h"
#include "solver/solver.h"

typedef struct mg_choice {
    const mg_solver *solver;
    mg_handover handover;
    double tolerance;        // train.tolerance; if that is unset, the default for this problem; 0: none
    int64_t epochs;          // train.epochs; if that is 0, the default for this problem
    char why[MG_SOLVER_WHY]; // the reason, for a message; "" if the configuration names the solver
} mg_choice;

// What the choice depends on besides the options and the problem.
typedef struct mg_choice_facts {
    bool resident;     // the rows fit in memory
    bool from_weights; // the run starts from the weights of a model
    // the user cannot set train.tolerance to 0: a path, or a run with model.C: auto. Decides only the message
    bool needs_certificates;
    double row_bytes; // memory of all rows of the file, for a message; 0 if unknown
} mg_choice_facts;

// Chooses the solver that the configuration names; for auto, the first one whose conditions all hold. Chooses
// the tolerance if it is unset. Errors: MG_CONFIG if the named solver cannot be used, or if no usable solver
// can reach train.tolerance.
mg_status mg_solver_choose(const mg_train_options *train, const mg_problem *problem,
                           const mg_choice_facts *facts, mg_choice *out, mg_error *error);

// Writes the tables of conditions, for `margin list solvers`.
void mg_solver_list_choices(mg_writer *out);

#endif
