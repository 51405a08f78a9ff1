// prove.c - computes anew the lower bound of a restored state. A checkpoint stores the highest one so far,
// but a run must not claim what only a file says. The bound may be that of an earlier iterate, whose dual
// variables are not stored: then a few Newton steps on a copy of the iterate find a bound that is as high.
#include "solver/certified.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

enum { MOST_STEPS = 40 };
#define CLEARLY 1.001 // a bound is refuted by weights if it exceeds their objective by this factor

// A copy of the iterate, and what Newton steps from there have proven.
typedef struct trial {
    mg_solver_options options;
    mg_resident resident;
    mg_iterate iterate;
    mg_incumbent incumbent;
    mg_newton *newton;
} trial;

static void close_trial(trial *t) {
    mg_newton_destroy(t->newton);
    mg_weights_destroy(&t->iterate.weights);
    mg_dual_rows_destroy(t->iterate.duals);
    mg_weights_destroy(&t->incumbent.weights);
}

static mg_status copy_duals(const mg_certified *c, trial *t, mg_error *error) {
    const mg_resident *resident = &c->resident;
    const mg_problem *problem = resident->problem;
    float *coef = NULL;
    mg_status status = mg_dual_rows_create(resident->rows, problem->classes, problem->loss->dual->joint,
                                           resident->all.label, &t->iterate.duals, error);
    if (!status) status = mg_memory_get(&coef, (size_t)resident->lanes, sizeof *coef, error);
    for (int64_t row = 0; !status && row < resident->rows; row++) {
        mg_dual_rows_get(c->iterate.duals, row, resident->lanes, coef);
        if (!mg_dual_rows_put(t->iterate.duals, row, resident->lanes, coef))
            status = mg_fail(error, MG_MEMORY, "out of memory: dual variables of row %lld", (long long)row);
    }
    mg_memory_free(coef);
    return status;
}

// The proof is not stopped, and Newton steps go on to the smallest gap that they can reach.
static void begin_trial(const mg_certified *c, trial *t) {
    *t = (trial){.options = *c->resident.options, .resident = c->resident};
    t->options.tolerance = 0;
    t->options.stop = (mg_stop){0};
    t->resident.options = &t->options;
}

static mg_status open_trial(const mg_certified *c, trial *t, mg_error *error) {
    const mg_problem *problem = c->resident.problem;
    const mg_weights *from = &c->iterate.weights;
    mg_status status = mg_problem_weights(problem, &t->iterate.weights, error);
    if (!status) status = mg_incumbent_create(&t->incumbent, &t->resident, error);
    if (!status && mg_resident_has_duals(&c->resident)) status = copy_duals(c, t, error);
    status = mg_comm_agree(c->resident.comm, status, NULL, error);
    if (status) return status;
    mg_weights *to = &t->iterate.weights;
    memcpy(to->v, from->v, (size_t)to->size * sizeof *to->v);
    memcpy(to->bias, from->bias, (size_t)to->lanes * sizeof *to->bias);
    memcpy(to->offset, from->offset, (size_t)to->lanes * sizeof *to->offset);
    return mg_newton_create(&t->resident, &t->iterate, &t->incumbent, &t->newton, error);
}

// Takes Newton steps until they prove the stored bound, or find weights with a lower objective, which refute
// it.
static mg_status search(const mg_certified *c, trial *t, mg_error *error) {
    const mg_bounds *stored = &c->incumbent.bounds, *found = &t->incumbent.bounds;
    double sigma = c->clock.newton > 0 ? c->numbers.sigma : mg_newton_first_penalty(&c->resident), loss;
    mg_status status = MG_OK;
    for (int step = 0; !status && step < MOST_STEPS && !mg_incumbent_is_proven(stored, found->dual); step++) {
        status = mg_newton_iterate(t->newton, &sigma, &loss, error);
        if (!status && stored->dual > CLEARLY * found->primal)
            return mg_fail(error, MG_DATA,
                           "state/bounds (dual value) is %g, but there are weights with the objective %g",
                           stored->dual, found->primal);
    }
    return status;
}

static mg_status try_newton(const mg_certified *c, trial *t, double *lower, mg_error *error) {
    mg_status status = open_trial(c, t, error);
    if (!status) status = mg_newton_lower(t->newton, lower, error);
    if (!status && !mg_incumbent_is_proven(&c->incumbent.bounds, *lower)) {
        status = search(c, t, error);
        *lower = mg_max_real(*lower, t->incumbent.bounds.dual);
    }
    close_trial(t);
    return status;
}

mg_status mg_certified_prove(void *state, mg_error *error) {
    mg_certified *c = state;
    const mg_bounds *bounds = &c->incumbent.bounds;
    double lower = -INFINITY;
    trial t;
    if (!isfinite(bounds->primal) || !(bounds->dual > 0)) return MG_OK; // there is nothing to prove
    begin_trial(c, &t);
    bool iterates = mg_schedule_newton(c) && (c->clock.newton > 0 || !c->ascent);
    mg_status status = iterates ? MG_OK : mg_certificate_lower(&t.resident, &c->iterate, &lower, error);
    if (!status && !mg_incumbent_is_proven(bounds, lower) &&
        (iterates || mg_newton_fits(c->resident.problem)))
        status = try_newton(c, &t, &lower, error);
    if (!status) mg_incumbent_believe(&c->incumbent, lower);
    return status;
}
