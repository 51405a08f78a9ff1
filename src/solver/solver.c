// solver.c - the registry, and what shapes alone decide.
#include "solver/solver.h"

#include "solver/dual_rows.h"
#include "solver/list.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { SGD_EPOCHS = 4, DENSE_EPOCHS = 3, SPARSE_EPOCHS = 2, MOST_EPOCHS = 20, CERTIFIED_EPOCHS = 1 << 20 };
// Stored values that dual ascent visits at least: half a second of one core. Small data cost little and gain from more epochs.
static const double dense_work = 5e8, sparse_work = 1e8;
static const double sgd_rows = 5.12e6; // that sgd visits at least: 20,000 minibatches of 256

#define MG_SOLVER_DECLARE(symbol) extern const mg_solver mg_solver_##symbol;
MG_SOLVER_LIST(MG_SOLVER_DECLARE)

static const mg_solver *const solvers[] = {
#define MG_SOLVER_ROW(symbol) &mg_solver_##symbol,
    MG_SOLVER_LIST(MG_SOLVER_ROW)
};

const mg_solver *mg_solver_at(int i) {
    return i >= 0 && i < (int)(sizeof solvers / sizeof *solvers) ? solvers[i] : NULL;
}

// For the option: every solver, and the rule that chooses one.
const char *mg_solver_name(int i) {
    if (i == 0) return "auto";
    const mg_solver *solver = mg_solver_at(i - 1);
    return solver ? solver->name : NULL;
}

const mg_solver *mg_solver_find(const char *name) {
    for (int i = 0; mg_solver_at(i); i++)
        if (!strcmp(mg_solver_at(i)->name, name)) return mg_solver_at(i);
    return NULL;
}

// Why a solver cannot minimise the problem, in a few words; NULL: it can.
static const char *obstacle_to(const mg_solver *solver, const mg_train_options *train, const mg_problem *problem, bool resident, bool from_weights) {
    const char *its_own = solver->obstacle ? solver->obstacle(problem, train) : NULL;
    if (its_own || !solver->whole) return its_own;
    return !resident ? "rows do not fit the memory" : !from_weights ? NULL
           : problem->loss->dual ? "dual variables cannot be had from the weights of --init" : "it does not start from the weights of --init";
}

mg_status mg_solver_choose(const mg_train_options *train, const mg_problem *problem, bool resident, bool from_weights,
                           mg_choice *out, mg_error *error) {
    const mg_solver *named = mg_solver_find(train->solver), *first = NULL; // NULL: auto
    for (int i = 0; !first; i++)
        if (!obstacle_to(mg_solver_at(i), train, problem, resident, from_weights)) first = mg_solver_at(i);
    const mg_solver *wanted = named ? named : mg_solver_at(0);
    for (int i = 0; !named && train->tolerance > 0 && mg_solver_at(i); i++) // the last that certifies asks least of the loss
        if (mg_solver_at(i)->certificates) wanted = mg_solver_at(i);
    const char *obstacle = obstacle_to(wanted, train, problem, resident, from_weights);
    *out = (mg_choice){.solver = named ? named : first, .handover = named ? named->handover : MG_HANDOVER_WHEN_SLOW};
    if (!named) snprintf(out->why, MG_SOLVER_WHY, "auto: %s", obstacle ? obstacle : train->tolerance > 0 ? "train.tolerance is set" : "rows are in memory");
    if (named && obstacle)
        return mg_fail(error, MG_CONFIG, "train.solver: %s cannot be used: %s; use %s", named->name, obstacle, first->name);
    if (train->tolerance > 0 && !out->solver->certificates)
        return mg_fail(error, MG_CONFIG, "train.tolerance: %g cannot be certified by solver %s%s%s; leave it at 0%s%s", train->tolerance,
                       out->solver->name, obstacle ? ", which was taken because " : "", obstacle ? obstacle : "",
                       first->certificates ? ", or use " : "", first->certificates ? first->name : "");
    return MG_OK;
}

int64_t mg_solver_epochs(const mg_solver *solver, const mg_train_options *train, const mg_problem *problem) {
    if (train->epochs) return train->epochs;
    if (solver->whole && train->tolerance > 0) return CERTIFIED_EPOCHS;
    bool dense = problem->layout == MG_DENSE;
    int64_t fewest = !solver->whole ? SGD_EPOCHS : dense ? DENSE_EPOCHS : SPARSE_EPOCHS;
    double rows = (double)problem->rows, values = rows * problem->entries_per_row;
    double wanted = !solver->whole ? sgd_rows / rows : (dense ? dense_work : sparse_work) / values;
    return wanted >= MOST_EPOCHS ? MOST_EPOCHS : wanted > (double)fewest ? (int64_t)wanted : fewest;
}
