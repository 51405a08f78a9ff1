// solver.c - the registry, and what shapes alone decide.
#include "solver/solver.h"

#include "solver/list.h"

#include <stddef.h>
#include <string.h>

#define MG_SOLVER_DECLARE(symbol) extern const mg_solver mg_solver_##symbol;
MG_SOLVER_LIST(MG_SOLVER_DECLARE)

static const mg_solver *const solvers[] = {
#define MG_SOLVER_ROW(symbol) &mg_solver_##symbol,
    MG_SOLVER_LIST(MG_SOLVER_ROW)
};

const mg_solver *mg_solver_at(int i) {
    return i >= 0 && i < (int)(sizeof solvers / sizeof *solvers) ? solvers[i] : NULL;
}

const char *mg_solver_name(int i) {
    const mg_solver *solver = mg_solver_at(i);
    return solver ? solver->name : NULL;
}

const mg_solver *mg_solver_find(const char *name) {
    for (int i = 0; mg_solver_at(i); i++)
        if (!strcmp(mg_solver_at(i)->name, name)) return mg_solver_at(i);
    return NULL;
}

int64_t mg_problem_parts(int64_t batch, int64_t classes, int64_t features, mg_layout layout) {
    int64_t parts = batch / 32;
    if (parts > 16) parts = 16;
    if (layout == MG_DENSE) { // each part has a gradient of its own: 64 MiB of them are enough
        int64_t most = (16 << 20) / (classes * mg_round_up(features, MG_LANES));
        if (parts > most) parts = most < 4 ? 4 : most;
    }
    return parts < 1 ? 1 : parts;
}
