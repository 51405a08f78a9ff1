// prove.c - proves the lower bound of a checkpoint again. The checkpoint has the highest one so far, but a
// run must not claim what only a file says. The bound may be that of an earlier iterate, whose dual variables
// are not stored: then a few Newton steps on a copy of the iterate find a bound that is as high.
#include "solver/certified.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

enum { MOST_STEPS = 40 };

// A copy of the iterate, and what Newton steps from there have found.
typedef struct trial {
    mg_solver_options options;
    mg_resident resident;
    mg_iterate iterate;
    mg_incumbent incumbent;
    mg_newton *newton;
} trial;

static bool is_proven(const mg_certified *c, double lower) {
    return mg_incumbent_is_proven(&c->incumbent.bounds, lower, c->resident.options->tolerance);
}

// ---- the bound of the present iterate -----------------------------------------------------------

// Newton steps go on to the smallest gap that they can reach.
static void begin_trial(const mg_certified *c, const mg_stop *stop, trial *t) {
    *t = (trial){.options = *c->resident.options, .resident = c->resident};
    t->options.tolerance = 0;
    t->options.stop = *stop;
    t->resident.options = &t->options;
}

static mg_status newton_lower(mg_certified *c, trial *t, double *lower, mg_error *error) {
    mg_newton *newton;
    mg_status status = mg_newton_create(&t->resident, &c->iterate, &t->incumbent, &newton, error);
    if (status) return status;
    status = mg_newton_lower(newton, lower, error);
    mg_newton_destroy(newton);
    return status;
}

static mg_status present_lower(mg_certified *c, trial *t, double *lower, mg_error *error) {
    bool iterates = mg_schedule_newton(c) && (c->clock.newton > 0 || !c->ascent);
    return iterates ? newton_lower(c, t, lower, error)
                    : mg_certificate_lower(&t->resident, &c->iterate, lower, error);
}

// ---- the bound of an earlier iterate ------------------------------------------------------------

// The bound of dual ascent rises. That of Newton steps may fall again.
static bool may_be_earlier(const mg_certified *c) {
    return !c->ascent || c->clock.newton > 0 || c->clock.newton_before > 0;
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

static void close_trial(trial *t) {
    mg_newton_destroy(t->newton);
    mg_weights_destroy(&t->iterate.weights);
    mg_dual_rows_destroy(t->iterate.duals);
    mg_weights_destroy(&t->incumbent.weights);
}

// Takes Newton steps until they prove the stored bound, or find weights with a lower objective, which refute
// it.
static mg_status search(mg_certified *c, trial *t, mg_error *error) {
    const mg_bounds *stored = &c->incumbent.bounds, *found = &t->incumbent.bounds;
    double sigma = c->clock.newton > 0 ? c->numbers.sigma : mg_newton_first_penalty(&c->resident), loss;
    mg_status status = open_trial(c, t, error);
    for (int step = 0; !status && step < MOST_STEPS && !is_proven(c, found->dual); step++) {
        if (found->primal < stored->dual) break;
        status = mg_newton_iterate(t->newton, &sigma, &loss, error);
    }
    mg_incumbent_add_proof(&c->incumbent, found->dual);
    close_trial(t);
    return status;
}

mg_status mg_certified_prove(void *state, const mg_stop *stop, bool *forgotten, mg_error *error) {
    mg_certified *c = state;
    mg_incumbent *incumbent = &c->incumbent;
    double lower = -INFINITY;
    trial t;
    *forgotten = false;
    if (!isfinite(incumbent->bounds.primal) || is_proven(c, incumbent->proven)) return MG_OK;
    begin_trial(c, stop, &t);
    mg_schedule_drop_newton(c); // for its memory
    mg_status status = present_lower(c, &t, &lower, error);
    mg_incumbent_add_proof(incumbent, lower);
    if (!status && !is_proven(c, incumbent->proven) && may_be_earlier(c)) status = search(c, &t, error);
    if (status == MG_MEMORY) { // then there is no proof
        mg_comm_forgive(c->resident.comm);
        status = MG_OK;
    }
    *forgotten = !status && !is_proven(c, incumbent->proven);
    if (*forgotten) mg_schedule_correct(c, incumbent->bounds.primal, mg_max_real(0, incumbent->proven));
    return status;
}
