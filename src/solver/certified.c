// certified.c - the solvers dual and newton: owns the state of both. Runs dual ascent, and Newton steps when
// they follow.
#include "solver/certified.h"

#include "base/memory.h"

#include <math.h>

extern const mg_solver mg_solver_dual, mg_solver_newton;

static void destroy(void *state) {
    mg_certified *c = state;
    if (!c) return;
    mg_ascent_destroy(c->ascent);
    mg_newton_destroy(c->newton);
    mg_certifier_destroy(c->certifier);
    mg_weights_destroy(&c->iterate.weights);
    mg_dual_rows_destroy(c->iterate.duals);
    mg_weights_destroy(&c->incumbent.weights);
    mg_weights_destroy(&c->view);
    mg_resident_destroy(&c->resident);
    mg_memory_free(c);
}

static mg_status create_parts(mg_certified *c, mg_error *error) {
    const mg_problem *problem = c->resident.problem;
    mg_status status = mg_incumbent_create(&c->incumbent, &c->resident, error);
    if (!status && problem->scale) status = mg_problem_weights(problem, &c->view, error);
    if (!status && mg_resident_has_ascent(&c->resident))
        status = mg_ascent_create(&c->resident, &c->iterate, &c->clock, &c->numbers, &c->ascent, error);
    return status;
}

static mg_status create(const mg_problem *problem, const mg_solver_options *options, void **state,
                        mg_error *error) {
    *state = NULL;
    mg_certified *c;
    mg_status status = mg_memory_zeroed(&c, 1, sizeof *c, error);
    if (status) return status;
    mg_weights *w = &c->iterate.weights;
    status = mg_problem_weights(problem, w, error);
    if (!status) status = mg_resident_create(&c->resident, problem, options, w, error);
    if (!status) status = create_parts(c, error);
    if (!status) mg_schedule_start(c, false);
    if (status) destroy(c);
    else *state = c;
    return status;
}

static mg_status attach(void *state, const mg_batch *all, mg_error *error) {
    mg_certified *c = state;
    const mg_problem *problem = c->resident.problem;
    const mg_prox *prox = problem->loss->dual;
    mg_status status = MG_OK;
    if (prox)
        status = mg_dual_rows_create(c->resident.rows, problem->classes, prox->joint, all->label,
                                     &c->iterate.duals, error);
    int64_t first = mg_comm_rank_row(c->resident.comm, problem->rows, c->resident.comm->rank);
    if (!status && prox)
        mg_dual_rows_beside(c->iterate.duals, first, problem->rows - first - c->resident.rows);
    if (!status) status = mg_resident_attach(&c->resident, all, error);
    if (!status && c->ascent) status = mg_ascent_attach(c->ascent, error);
    return status;
}

static const mg_weights *weights(void *state) {
    mg_certified *c = state;
    const mg_problem *problem = c->resident.problem;
    if (isfinite(c->incumbent.bounds.primal)) return &c->incumbent.weights;
    mg_weights *from =
        c->resident.certify || c->clock.snapshots == 0 ? &c->iterate.weights : &c->ascent->mean;
    if (problem->scale) {
        mg_resident_to_raw(&c->resident, from, &c->view);
        return &c->view;
    }
    mg_weights_fold_offset(from, problem->bias, NULL);
    return from;
}

// ---- steps --------------------------------------------------------------------------------------

static void report_successor(const mg_certified *c, mg_step_result *out) {
    const mg_solver_options *options = c->resident.options;
    bool done = c->incumbent.bounds.gap <= options->tolerance, newton = c->clock.newton >= 0;
    if (!c->clock.changed || done || (newton && !mg_schedule_newton(c))) return;
    out->successor = newton ? mg_solver_newton.name : mg_solver_dual.name;
    mg_handover_explain(c, out->why, sizeof out->why);
}

static double epoch_part(const mg_ascent *ascent) {
    return ascent && ascent->visits.listed > 0 ? (double)ascent->visits.place / (double)ascent->visits.listed
                                               : 0;
}

static void standing(void *state, mg_step_result *out) {
    const mg_certified *c = state;
    const mg_bounds *bounds = &c->incumbent.bounds;
    *out = (mg_step_result){.epochs = c->clock.epoch,
                            .ending = c->clock.due == MG_DUE_AT_END,
                            .epoch_part = epoch_part(c->ascent),
                            .certified = isfinite(bounds->primal)};
    if (out->certified)
        out->certificate = (mg_certificate){
            .primal = bounds->primal,
            .dual = bounds->dual,
            .gap = bounds->gap,
            .reached = bounds->gap <= c->resident.options->tolerance,
            .fresh = c->clock.newton > 0 || c->clock.visits == 0,
            .stalled = mg_schedule_stalled(c),
        };
    report_successor(c, out);
}

// Takes a step, and makes the certificate if one is due at the end of an epoch. If the certificate is
// interrupted, the step still counts, so MG_OK is returned; the next call then begins with the certificate.
static mg_status step_ascent(mg_certified *c, int64_t step, mg_step_result *out, mg_error *error) {
    bool over;
    mg_status status = mg_ascent_step(c->ascent, step, out, &over, error);
    if (!status && over) status = mg_schedule_end_epoch(c, error);
    return status == MG_STOPPED ? MG_OK : status;
}

static mg_status next(void *state, int64_t step, mg_step_result *out, mg_error *error) {
    mg_certified *c = state;
    bool due = c->clock.due != MG_NOT_DUE;
    mg_step_result done = {.rows = due ? 0 : c->resident.problem->rows};
    mg_status status;
    if (due) status = mg_schedule_certify(c, error);
    else if (mg_local_is_due(c)) status = mg_schedule_local(c, &done.loss, error);
    else if (mg_schedule_newton(c)) status = mg_schedule_iterate(c, &done.loss, error);
    else status = step_ascent(c, step, &done, error);
    if (status) return status;
    standing(state, out);
    out->loss = done.loss;
    out->rows = done.rows;
    out->no_step = due;
    return MG_OK;
}

// Turns the state into a starting point for the new lambda. Dual variables remain feasible. W is their sum
// times 1 / (lambda N), so it is rescaled. The incumbent keeps its weights, with their objective at the new
// lambda. The certificate before the first step then adds what the rescaled W and the dual variables prove. A
// run without dual ascent keeps its W.
static void set_lambda(void *state, double lambda, bool restored) {
    mg_certified *c = state;
    double before = c->resident.problem->lambda;
    mg_resident_set_lambda(&c->resident, lambda);
    if (restored || lambda == before) return;
    mg_iterate_scale(&c->iterate, c->ascent ? (float)(before / lambda) : 1);
    mg_newton_destroy(c->newton); // it caches sums of the old weights
    c->newton = NULL;
    if (c->ascent) mg_ascent_restart(c->ascent);
    mg_incumbent_set_lambda(&c->incumbent, before, lambda);
    mg_schedule_start(c, true);
}

static mg_status lower_bound(void *state, double *out, mg_error *error) {
    const mg_certified *c = state;
    *out = NAN;
    return c->ascent ? mg_certificate_bound(&c->resident, &c->iterate, out, error) : MG_OK;
}

static void set_primal(void *state, double primal) {
    mg_certified *c = state;
    mg_schedule_correct(c, primal, c->incumbent.bounds.dual);
}

static const mg_whole_solver whole = {.attach = attach,
                                      .next = next,
                                      .standing = standing,
                                      .lower_bound = lower_bound,
                                      .set_primal = set_primal,
                                      .prove = mg_certified_prove};

// Both solvers have the same state and the same functions. They differ in options->handover, which says when
// Newton steps follow.
#define CERTIFIED                                                                                            \
    .certificates = true, .whole = &whole, .create = create, .destroy = destroy, .weights = weights,         \
    .set_lambda = set_lambda, .fields = mg_certified_fields, .check = mg_certified_check

const mg_solver mg_solver_dual = {
    .name = "dual",
    .help = "dual coordinate ascent by rows; without a tolerance, a few epochs with averaged weights",
    .certifies = "the relative duality gap, with train.tolerance",
    CERTIFIED,
};

const mg_solver mg_solver_newton = {
    .name = "newton",
    .help = "proximal method of multipliers with semismooth Newton steps, after one epoch of dual; for "
            "softmax, Newton steps alone",
    .certifies = "the relative duality gap",
    CERTIFIED,
};
