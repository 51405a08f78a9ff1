// certified_fields.c - owns the list of arrays in the checkpoint of a certified run. It also checks that
// restored arrays form a state which a run can reach.
#include "solver/certified.h"

#include "base/memory.h"
#include "solver/agreement.h"

#include <assert.h>
#include <math.h>

#define MOST_EPOCHS 1e9 // largest value of train.epochs
#define MOST_COUNT 1e15
#define BOX_SLACK 1e-3 // rounding of steps and merges may exceed a bound of a dual variable by this much

enum { MOST_ROUNDS = 32 }; // upper limit of the rounds between two reviews of their size

static const mg_bound clock_bounds[] = {
    {"epoch", 0, MOST_EPOCHS, false},
    {"snapshots", 0, MOST_COUNT, false},
    {"rows of a round", 1, MG_DUAL_ROUND_MOST, false},
    {"rounds", 0, MOST_ROUNDS, false},
    {"visits", 0, MOST_COUNT, false},
    {"visits before", 0, MOST_COUNT, false},
    {"Newton iterations", -1, MOST_EPOCHS, false},
    {"Newton iterations before", 0, MOST_EPOCHS, false},
    {"change of solver", 0, 1, false},
    {"certificate that is due", 0, MG_DUES - 1, false},
    {"rows of a block", 1, MG_DUAL_BLOCK_MOST, false},
};
static const mg_bound number_bounds[] = {
    {"gap of the contributions", 0, INFINITY, true},
    {"mean contribution", 0, INFINITY, false},
    {"parts", 0, MOST_ROUNDS, false},
    {"sigma", 0, DBL_MAX, false},
};
static const mg_bound handover_bounds[] = {
    {"visits at the mark", 0, MOST_COUNT, false},
    {"distance at the mark", 0, DBL_MAX, false},
    {"rate", -1, DBL_MAX, false},
    {"visits at the begin", 0, MOST_COUNT, false},
    {"distance at the change", 0, DBL_MAX, false},
    {"distance after the iteration", 0, DBL_MAX, false},
    {"usual cost", 0, DBL_MAX, false},
    {"cost", 0, DBL_MAX, false},
    {"cost before", 0, DBL_MAX, false},
};
static const mg_bound bounds_bounds[] = {
    {"primal value", 0, INFINITY, false},
    {"dual value", -INFINITY, DBL_MAX, false},
    {"gap", 0, INFINITY, false},
    {"distance at the last progress", 0, INFINITY, false},
    {"primal value at the last progress", 0, INFINITY, false},
    {"dual value at the last progress", -INFINITY, DBL_MAX, false},
    {"passes at the last progress", 0, DBL_MAX, false},
};
#define COUNT(rows) (int)(sizeof(rows) / sizeof *(rows))
static_assert(COUNT(clock_bounds) == sizeof(mg_counters) / sizeof(int64_t), "a bound for every counter");
static_assert(COUNT(number_bounds) == sizeof(mg_numbers) / sizeof(double), "a bound for every number");
static_assert(COUNT(handover_bounds) == sizeof(mg_handover_state) / sizeof(double), "a bound for every one");
static_assert(COUNT(bounds_bounds) == sizeof(mg_bounds) / sizeof(double), "a bound for every bound");

int mg_certified_fields(void *state, mg_field *out) {
    mg_certified *c = state;
    int n = 0;
    out[n++] = mg_field_bounded("clock", MG_H5_I64, COUNT(clock_bounds), &c->clock, clock_bounds,
                                COUNT(clock_bounds));
    out[n++] = mg_field_bounded("numbers", MG_H5_F64, COUNT(number_bounds), &c->numbers, number_bounds,
                                COUNT(number_bounds));
    n += mg_field_current_weights(&c->iterate.weights, out + n);
    if (c->resident.certify) {
        out[n++] = mg_field_bounded("handover", MG_H5_F64, COUNT(handover_bounds), &c->handover,
                                    handover_bounds, COUNT(handover_bounds));
        out[n++] = mg_field_bounded("bounds", MG_H5_F64, COUNT(bounds_bounds), &c->incumbent.bounds,
                                    bounds_bounds, COUNT(bounds_bounds));
        n += mg_field_weights(&c->incumbent.weights,
                              (mg_field_names){"result", "result_bias", "result_offset"}, out + n);
    }
    if (c->ascent) n += mg_ascent_fields(c->ascent, out + n);
    if (!mg_resident_has_duals(&c->resident)) return n;
    out[n++] = (mg_field){.name = "dual",
                          .type = MG_H5_U8,
                          .data = c->iterate.duals,
                          .pack = mg_dual_rows_pack,
                          .unpack = mg_dual_rows_unpack,
                          .most_bytes = mg_dual_rows_most_bytes};
    return n;
}

// ---- what belongs together ----------------------------------------------------------------------

static mg_status check_counters(const mg_certified *c, mg_error *error) {
    const mg_counters *clock = &c->clock;
    double epochs = (double)clock->epoch, rows = (double)c->resident.problem->rows;
    bool newton_phase = c->resident.certify && c->resident.options->handover != MG_HANDOVER_NEVER;
    bool averages = c->ascent && c->ascent->mean.v;
    const mg_bound snapshots = {.most = averages ? MG_DUAL_SNAPSHOTS * (epochs + 1) : 0},
                   visits = {.most = (epochs + 1) * rows};
    const mg_bound round = {.least = 1, .most = c->resident.sparse ? MG_DUAL_ROUND : MG_DUAL_ROUND_MOST};
    const mg_bound newton = {.least = c->ascent ? -1 : 0, .most = c->ascent && !newton_phase ? -1 : epochs};
    bool returns = c->resident.certify && c->resident.options->handover == MG_HANDOVER_BY_COST;
    bool certifies = c->resident.certify && c->ascent && clock->newton < 0; // Newton steps certify themselves
    const mg_bound before = {.most = c->ascent && returns ? epochs : 0},
                   changed = {.most = c->ascent && newton_phase},
                   due = {.most = certifies ? MG_DUES - 1 : MG_NOT_DUE};
    mg_status status =
        mg_bound_check(&snapshots, "state/clock (snapshots)", -1, (double)clock->snapshots, error);
    if (!status)
        status = mg_bound_check(&visits, "state/clock (rows visited)", -1,
                                (double)clock->visits + (double)clock->visits_before, error);
    if (!status)
        status = mg_bound_check(&round, "state/clock (rows of a round)", -1, (double)clock->round, error);
    if (!status)
        status = mg_bound_check(&newton, "state/clock (Newton iterations)", -1, (double)clock->newton, error);
    if (!status)
        status = mg_bound_check(&before, "state/clock (Newton iterations before)", -1,
                                (double)clock->newton_before, error);
    if (!status)
        status =
            mg_bound_check(&changed, "state/clock (change of solver)", -1, (double)clock->changed, error);
    if (!status)
        status = mg_bound_check(&due, "state/clock (certificate that is due)", -1, (double)clock->due, error);
    return status;
}

static mg_status check_numbers(const mg_certified *c, mg_error *error) {
    const mg_bounds *bounds = &c->incumbent.bounds;
    double gap = mg_incumbent_gap(bounds);
    const mg_bound same = {.least = gap, .most = gap};
    mg_status status = mg_bound_check(&same, "state/bounds (gap)", -1, bounds->gap, error);
    bool duals = mg_resident_has_duals(&c->resident);
    if (!status && duals && c->clock.newton > 0)
        status = mg_bound_check(&mg_bound_positive, "state/numbers (sigma)", -1, c->numbers.sigma, error);
    return status;
}

// (M25) Checks that dual variables are in their box. Outside of it they would prove no lower bound.
static mg_status check_box(const mg_certified *c, mg_error *error) {
    const mg_prox *prox = c->resident.problem->loss->dual;
    const mg_bound rival = {
        .name = "a rival", .least = -BOX_SLACK, .most = fmin((double)prox->rival_most + BOX_SLACK, DBL_MAX)};
    const mg_bound own = {.name = "the own class",
                          .least = fmax((double)prox->own_least - BOX_SLACK, -DBL_MAX),
                          .most = BOX_SLACK};
    float *coef;
    mg_status status = mg_memory_get(&coef, (size_t)c->resident.lanes, sizeof *coef, error);
    for (int64_t row = 0; !status && row < c->resident.rows; row++) {
        mg_dual_rows_get(c->iterate.duals, row, c->resident.lanes, coef);
        for (int64_t k = 0; !status && k < c->resident.problem->classes; k++)
            status = mg_bound_check(k == c->resident.all.label[row] ? &own : &rival, "state/dual, row", row,
                                    (double)coef[k], error);
    }
    mg_memory_free(coef);
    return status;
}

// Checks `batch`, the steps of the present epoch. In the Newton phase every step is an epoch, so it must be
// 0.
static mg_status check_batch(const mg_certified *c, int64_t batch, mg_error *error) {
    const mg_bound none = {.most = 0};
    bool newton = c->resident.certify && c->clock.newton >= 0;
    return newton ? mg_bound_check(&none, "batch of the Newton phase", -1, (double)batch, error) : MG_OK;
}

// Checks W, which proves the lower bound of a run without certificates. (A certificate computes W anew.)
// Without memory for the check, the run goes on without it.
static mg_status check_weights(const mg_certified *c, mg_error *error) {
    mg_error why = {0};
    mg_status status =
        c->ascent && !c->resident.certify ? mg_agreement_check(&c->resident, &c->iterate, &why) : MG_OK;
    return status == MG_DATA ? mg_fail(error, status, "%s", why.text) : MG_OK;
}

// W of dual ascent has the offset of features x', the result that of raw cells. Newton steps do not use the
// offset of W.
static mg_status check_offsets(const mg_certified *c, mg_error *error) {
    const mg_problem *problem = c->resident.problem;
    bool ascends = c->clock.newton < 0 && c->clock.due != MG_DUE_AT_START;
    mg_status status =
        ascends ? mg_weights_check_offset(&c->iterate.weights, problem->bias, NULL, "state/offset", error)
                : MG_OK;
    if (status || !isfinite(c->incumbent.bounds.primal)) return status;
    return mg_weights_check_offset(&c->incumbent.weights, problem->bias, problem->center,
                                   "state/result_offset", error);
}

mg_status mg_certified_check(void *state, int64_t step, int64_t batch, mg_error *error) {
    (void)step; // not needed: the clock has its own counters
    const mg_certified *c = state;
    mg_status status = check_counters(c, error);
    if (!status) status = check_batch(c, batch, error);
    if (!status) status = check_numbers(c, error);
    if (!status) status = c->ascent ? mg_ascent_check(c->ascent, batch, error) : MG_OK;
    if (!status && mg_resident_has_duals(&c->resident)) status = check_box(c, error);
    if (!status) status = check_offsets(c, error);
    return status ? status : check_weights(c, error);
}
