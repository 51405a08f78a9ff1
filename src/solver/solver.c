// solver.c - the registry of solvers, and the number of epochs of a run.
#include "solver/solver.h"

#include "solver/list.h"

#include <stddef.h>
#include <string.h>

enum { SGD_EPOCHS = 4, DENSE_EPOCHS = 3, SPARSE_EPOCHS = 2, MOST_EPOCHS = 20, CERTIFIED_EPOCHS = 1 << 20 };
// Dual ascent visits rows at least this many times, in at most so many epochs: 20 epochs of 100 rows are too
// few.
enum { FEWEST_VISITS = 10000, MOST_SMALL_EPOCHS = 60 };
// When train.epochs is 0, dual ascent makes more epochs on small data, until it has visited this many stored
// values. That takes half a second of one core at most and improves the result.
static const double dense_work = 5e8, sparse_work = 1e8;
static const double sgd_rows = 5.12e6; // the same for sgd, in rows: 20,000 minibatches of 256 rows

#define MG_SOLVER_DECLARE(symbol) extern const mg_solver mg_solver_##symbol;
MG_SOLVER_LIST(MG_SOLVER_DECLARE)

static const mg_solver *const solvers[] = {
#define MG_SOLVER_ROW(symbol) &mg_solver_##symbol,
    MG_SOLVER_LIST(MG_SOLVER_ROW)};

const mg_solver *mg_solver_at(int i) {
    return i >= 0 && i < (int)(sizeof solvers / sizeof *solvers) ? solvers[i] : NULL;
}

// The i-th allowed value of train.solver: "auto", then the solvers; NULL after the last.
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

int64_t mg_solver_epochs(const mg_solver *solver, const mg_train_options *train, const mg_problem *problem) {
    if (train->epochs) return train->epochs;
    if (solver->whole && train->tolerance > 0) return CERTIFIED_EPOCHS;
    bool dense = problem->layout == MG_DENSE;
    double rows = (double)problem->rows, values = rows * problem->values_per_row;
    if (!solver->whole) return (int64_t)mg_clamp_real(sgd_rows / rows, SGD_EPOCHS, MOST_EPOCHS);
    double most = mg_clamp_real(FEWEST_VISITS / rows, MOST_EPOCHS, MOST_SMALL_EPOCHS);
    return dense ? (int64_t)mg_clamp_real(dense_work / values, DENSE_EPOCHS, most)
                 : (int64_t)mg_clamp_real(sparse_work / values, SPARSE_EPOCHS, most);
}
