// dual_fields.c - owns which arrays of dual ascent and of the Newton phase a checkpoint holds, and what makes them a state that a run can
// have reached.
#include "solver/dual.h"

#include "base/memory.h"

#include <assert.h>
#include <math.h>

#define MOST_EPOCHS 1e9  // of train.epochs; a row's wake is an int32
#define MOST_COUNT 1e15
#define BOX_SLACK 1e-3  // of dual variables: what steps and merges in single precision leave of a bound

enum { LOOKS_AFTER = 16 }; // rounds, the most that are counted before their number is looked at

static const mg_bound clock_bounds[] = {
    {"epoch", 0, MOST_EPOCHS, false},           {"snapshots", 0, MOST_COUNT, false},
    {"rows of a round", 1, MG_DUAL_ROUND, false}, {"rounds", 0, LOOKS_AFTER, false},
    {"visits", 0, MOST_COUNT, false},           {"visits before", 0, MOST_COUNT, false},
    {"Newton iterations", -1, MOST_EPOCHS, false},
};
static const mg_bound number_bounds[] = {
    {"best objective", 0, INFINITY, false},     {"best bound", -INFINITY, DBL_MAX, false},
    {"gap", 0, INFINITY, false},                {"gap of the shares", 0, INFINITY, true},
    {"mean share", 0, INFINITY, false},         {"parts", 0, LOOKS_AFTER, false},
    {"sigma", 0, DBL_MAX, false},               {"marked gap", 0, INFINITY, false},
    {"marked effort", 0, DBL_MAX, false},
};
static const mg_bound wake_bound = {.least = 0, .most = MOST_EPOCHS + MG_DUAL_SLEEP};
#define COUNT(rows) (int)(sizeof(rows) / sizeof *(rows))
static_assert(COUNT(clock_bounds) == sizeof(mg_dual_clock) / sizeof(int64_t), "a bound for every counter");
static_assert(COUNT(number_bounds) == sizeof(mg_dual_numbers) / sizeof(double), "a bound for every number");

int mg_dual_fields(void *state, mg_field *out) {
    mg_dual_state *dual = state;
    int n = 0;
    out[n++] = mg_field_bounded("clock", MG_H5_I64, COUNT(clock_bounds), &dual->clock, clock_bounds, COUNT(clock_bounds));
    out[n++] = mg_field_bounded("numbers", MG_H5_F64, COUNT(number_bounds), &dual->numbers, number_bounds, COUNT(number_bounds));
    n += mg_field_current_weights(&dual->weights, out + n);
    n += mg_field_weights(&dual->result, (mg_field_names){"result", "result_bias", dual->certify ? "result_offset" : NULL}, out + n);
    if (!mg_dual_ascends(dual)) return n;
    if (dual->certify && dual->sparse)
        n += mg_field_weights(&dual->mean, (mg_field_names){"mean", "mean_bias", NULL}, out + n);
    if (dual->certify) {
        out[n++] = mg_field_bounded("wake", MG_H5_I32, dual->problem->rows, dual->wake, &wake_bound, 1);
        out[n++] = mg_field_bounded("share", MG_H5_F32, dual->problem->rows, dual->share, &mg_bound_grown, 1);
    }
    out[n++] = (mg_field){.name = "dual", .type = MG_H5_U8, .data = dual->rows, .pack = mg_dual_rows_pack, .unpack = mg_dual_rows_unpack,
                          .most_bytes = mg_dual_rows_most_bytes};
    return n;
}

// ---- what belongs together ---------------------------------------------------------------------------------------------

static mg_status check_counters(const mg_dual_state *dual, mg_error *error) {
    const mg_dual_clock *clock = &dual->clock;
    double epochs = (double)clock->epoch, rows = (double)dual->problem->rows;
    bool turns = dual->certify && dual->options->handover != MG_HANDOVER_NEVER;
    const mg_bound snapshots = {.most = MG_DUAL_SNAPSHOTS * (epochs + 1)}, visits = {.most = (epochs + 1) * rows};
    const mg_bound newton = {.least = mg_dual_ascends(dual) ? -1 : 0, .most = mg_dual_ascends(dual) && !turns ? -1 : epochs};
    mg_status status = mg_bound_check(&snapshots, "state/clock (snapshots)", -1, (double)clock->snapshots, error);
    if (!status)
        status = mg_bound_check(&visits, "state/clock (rows visited)", -1, (double)clock->visits + (double)clock->visits_before, error);
    if (!status) status = mg_bound_check(&newton, "state/clock (Newton iterations)", -1, (double)clock->newton, error);
    return status;
}

static mg_status check_numbers(const mg_dual_state *dual, mg_error *error) {
    const mg_dual_numbers *numbers = &dual->numbers;
    double gap = mg_dual_gap(numbers);
    const mg_bound same = {.least = gap, .most = gap};
    mg_status status = mg_bound_check(&same, "state/numbers (gap)", -1, numbers->last_gap, error);
    if (!status && mg_dual_ascends(dual) && dual->clock.newton > 0)
        status = mg_bound_check(&mg_bound_positive, "state/numbers (sigma)", -1, numbers->sigma, error);
    return status;
}

// A row sleeps for so many epochs from one that has been.
static mg_status check_wakes(const mg_dual_state *dual, mg_error *error) {
    const mg_bound wake = {.most = (double)dual->clock.epoch + MG_DUAL_SLEEP};
    mg_status status = MG_OK;
    for (int64_t row = 0; !status && dual->wake && row < dual->problem->rows; row++)
        status = mg_bound_check(&wake, "state/wake", row, (double)dual->wake[row], error);
    return status;
}

// (M25) Dual variables outside their box are of no bound: a certificate from them would prove nothing.
static mg_status check_box(const mg_dual_state *dual, mg_error *error) {
    const mg_prox *prox = dual->problem->loss->dual;
    const mg_bound rival = {.name = "a rival", .least = -BOX_SLACK, .most = fmin((double)prox->rival_most + BOX_SLACK, DBL_MAX)};
    const mg_bound own = {.name = "the own class", .least = fmax((double)prox->own_least - BOX_SLACK, -DBL_MAX), .most = BOX_SLACK};
    float *c;
    mg_status status = mg_memory_get(&c, (size_t)dual->lanes, sizeof *c, error);
    for (int64_t row = 0; !status && row < dual->problem->rows; row++) {
        mg_dual_rows_get(dual->rows, row, dual->lanes, c);
        for (int64_t k = 0; !status && k < dual->problem->classes; k++)
            status = mg_bound_check(k == dual->all.label[row] ? &own : &rival, "state/dual, row", row, (double)c[k], error);
    }
    mg_memory_free(c);
    return status;
}

// An outer iteration of the Newton phase is a step and an epoch.
static mg_status check_batch(const mg_dual_state *dual, int64_t batch, mg_error *error) {
    const mg_bound none = {.most = 0};
    bool newton = dual->certify && dual->clock.newton >= 0;
    return newton ? mg_bound_check(&none, "batch of the Newton phase", -1, (double)batch, error) : MG_OK;
}

mg_status mg_dual_check(void *state, int64_t batch, mg_error *error) {
    const mg_dual_state *dual = state;
    mg_status status = check_counters(dual, error);
    if (!status) status = check_batch(dual, batch, error);
    if (!status) status = check_numbers(dual, error);
    if (!status) status = check_wakes(dual, error);
    if (!status && mg_dual_ascends(dual)) status = check_box(dual, error);
    return status;
}
