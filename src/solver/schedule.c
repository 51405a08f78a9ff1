// schedule.c - owns what happens between epochs: whether a certificate is worth its cost, and the change to
// Newton steps and back. The decisions depend on numbers of visits, never on the clock.
#include "solver/certified.h"

#include <math.h>

// Most visits between two certificates, as a multiple of the number of rows. For sparse rows a certificate
// costs more than a pass. So their limit is also at least the number of visits before the last certificate:
// the intervals double.
enum { MOST_VISITS = 6, MOST_SPARSE_VISITS = 3 };
// a certificate is worth its cost if the estimated gap is below this many times the tolerance
#define NEARLY 1.1
enum {
    STALLED_PASSES = 200, // Newton steps have stalled if they make no clear progress for this many passes
    ASCENT_SLOWER = 5,    // for dual ascent it takes this many times STALLED_PASSES
    NEWTON_PASSES = 10    // an outer iteration counts as this many passes
};
#define MUCH 0.9        // a point of a path shrinks its first dual variables if the best factor is below this
enum { WAIT_PART = 8 }; // schedule waits after a certificate for at most 1/WAIT_PART of all visits

// Estimates the gap of the incumbent without a certificate, and compares it with the tolerance. The rows'
// contributions give the gap of the current weights. The last certificate gives the ratio of the incumbent's
// gap to that.
static bool is_near(const mg_certified *c) {
    const mg_bounds *bounds = &c->incumbent.bounds;
    if (!isfinite(bounds->primal)) return false;
    double ahead = bounds->gap < c->numbers.contribution_gap ? bounds->gap / c->numbers.contribution_gap : 1;
    double gap = ahead * c->ascent->shrinking.sum / ((double)c->resident.problem->rows * bounds->primal);
    return gap <= NEARLY * c->resident.options->tolerance;
}

// True if enough visits have followed the last certificate. Contributions are noisy: if the gap falls slowly,
// many estimates in a row are too low, and each would cause a certificate. The wait is longer if the gap was
// further from the tolerance.
static bool has_waited(const mg_certified *c) {
    double over = c->incumbent.bounds.gap / c->resident.options->tolerance - 1;
    double wait = mg_min_real(1, over) * (double)c->clock.visits_before / WAIT_PART,
           least = 0.5 * (double)c->resident.problem->rows;
    return (double)c->clock.visits >= mg_max_real(least, wait);
}

static bool certificate_is_due(const mg_certified *c) {
    if (!c->resident.certify) return false;
    int64_t rows = c->resident.problem->rows, before = c->clock.visits_before;
    int64_t most = c->resident.sparse ? mg_max(MOST_SPARSE_VISITS * rows, before) : MOST_VISITS * rows;
    bool first =
        c->clock.epoch == 0 && (!c->resident.sparse || c->resident.options->handover == MG_HANDOVER_AT_ONCE);
    bool last = c->clock.epoch + 1 >= c->resident.problem->epochs;
    return first || last || c->clock.visits >= most || (has_waited(c) && is_near(c));
}

static bool newton_is_due(mg_certified *c) {
    mg_handover handover = c->resident.options->handover;
    return handover == MG_HANDOVER_AT_ONCE || (handover == MG_HANDOVER_BY_COST && mg_handover_to_newton(c));
}

// Approximate number of passes over the rows so far.
static double passes_so_far(const mg_certified *c) {
    double passes = (double)(c->clock.visits_before + c->clock.visits) / (double)c->resident.problem->rows;
    return passes + NEWTON_PASSES * (double)(mg_max(0, c->clock.newton) + c->clock.newton_before);
}

// True if there was no clear progress for long. This happens when scores in single precision are too coarse
// for the tolerance: dual ascent then oscillates, and Newton steps make no progress. Dual ascent gets more
// time for two reasons: the number of visits between two certificates doubles, so they become rare; and a
// single certificate may show no progress by chance.
bool mg_schedule_stalled(const mg_certified *c) {
    double before = c->incumbent.bounds.progress_passes, since = passes_so_far(c) - before;
    double slow = c->clock.newton > 0 ? 1 : ASCENT_SLOWER;
    return c->resident.certify && since > slow * STALLED_PASSES && since > slow * before;
}

void mg_schedule_correct(mg_certified *c, double primal, double dual) {
    mg_incumbent_correct(&c->incumbent, primal, dual);
    mg_incumbent_note_progress(&c->incumbent, passes_so_far(c));
}

void mg_schedule_start(mg_certified *c, bool point) {
    bool ascent = c->ascent, due = point && ascent && c->resident.certify;
    c->clock = (mg_counters){.round = c->resident.sparse ? MG_DUAL_ROUND : MG_DUAL_ROUND_MOST,
                             .newton = ascent ? -1 : 0,
                             .due = due ? MG_DUE_AT_START : MG_NOT_DUE,
                             .block = MG_DUAL_BLOCK_MOST};
    c->numbers = (mg_numbers){.contribution_gap = INFINITY};
}

bool mg_schedule_newton(const mg_certified *c) {
    return c->clock.newton >= 0 && c->resident.certify && c->resident.options->handover != MG_HANDOVER_NEVER;
}

static mg_status certify(mg_certified *c, mg_certified_sums *sums, mg_error *error) {
    mg_ascent *ascent = c->ascent;
    mg_status status =
        c->certifier ? MG_OK
                     : mg_certifier_create(&c->resident, &c->iterate, &c->incumbent, &c->certifier, error);
    if (status) return status;
    mg_weights *average = c->clock.snapshots > 0 && ascent->mean.v ? &ascent->mean : NULL;
    status = mg_certifier_certify(c->certifier, average, ascent->shrinking.contribution, sums, error);
    if (status) return status;
    ascent->shrinking.sum = sums->contribution;
    c->numbers.contribution_gap = sums->gap;
    c->clock.visits_before += c->clock.visits;
    c->clock.visits = 0;
    mg_incumbent_note_progress(&c->incumbent, passes_so_far(c));
    return MG_OK;
}

static void count_epoch(mg_certified *c) {
    c->clock.epoch++;
    c->numbers.mean_contribution = c->ascent->shrinking.sum / (double)c->resident.problem->rows;
}

mg_status mg_schedule_end_epoch(mg_certified *c, mg_error *error) {
    c->clock.changed = 0;
    mg_ascent_end_epoch(c->ascent);
    if (certificate_is_due(c)) {
        c->clock.due = MG_DUE_AT_END;
        return mg_schedule_certify(c, error);
    }
    count_epoch(c);
    return MG_OK;
}

// At the start of a point of a path: shrinks the dual variables by the best factor t. For t in [0, 1] they
// stay feasible, and their dual value is at least t value - t^2 lambda/2 square. If lambda has fallen, the
// best t may be far below 1.
static mg_status start_point(mg_certified *c, const mg_certified_sums *sums, mg_error *error) {
    double t = sums->value / (c->resident.problem->lambda * sums->square);
    if (!(t < MUCH)) return MG_OK;
    return mg_iterate_shrink(&c->iterate, c->resident.problem->rows, (float)mg_max_real(0, t), error);
}

mg_status mg_schedule_certify(mg_certified *c, mg_error *error) {
    bool ends = c->clock.due == MG_DUE_AT_END;
    c->clock.changed = 0;
    mg_certified_sums sums;
    mg_status status = certify(c, &sums, error);
    if (!status && !ends) status = start_point(c, &sums, error);
    if (status) return status;
    c->clock.due = MG_NOT_DUE;
    if (ends) count_epoch(c);
    if (ends && newton_is_due(c)) {
        c->clock.newton = 0;
        c->clock.changed = 1;
        mg_incumbent_forget_progress(&c->incumbent);
        mg_certifier_destroy(c->certifier);
        c->certifier = NULL;
    }
    return MG_OK;
}

void mg_schedule_drop_newton(mg_certified *c) {
    mg_newton_destroy(c->newton);
    c->newton = NULL;
}

// Dual ascent starts with a certificate, because that rebuilds W from the dual variables.
static void return_to_ascent(mg_certified *c) {
    c->clock.newton_before += c->clock.newton;
    c->clock.newton = -1;
    c->clock.changed = 1;
    c->clock.due = MG_DUE_AT_START;
    mg_ascent_restart(c->ascent);
    mg_incumbent_forget_progress(&c->incumbent);
    mg_schedule_drop_newton(c);
}

mg_status mg_schedule_local(mg_certified *c, double *loss, mg_error *error) {
    mg_status status = mg_local_start(c, loss, error);
    if (!status) c->clock.epoch++;
    return status;
}

mg_status mg_schedule_iterate(mg_certified *c, double *loss, mg_error *error) {
    mg_status status =
        c->newton ? MG_OK : mg_newton_create(&c->resident, &c->iterate, &c->incumbent, &c->newton, error);
    if (status) return status;
    if (c->clock.newton == 0 && mg_resident_has_duals(&c->resident))
        c->numbers.sigma = mg_newton_first_penalty(&c->resident);
    double sigma = c->numbers.sigma;
    c->clock.changed = 0;
    status = mg_newton_iterate(c->newton, &sigma, loss, error);
    if (status) return status;
    c->numbers.sigma = sigma;
    c->clock.newton++;
    c->clock.epoch++;
    mg_incumbent_note_progress(&c->incumbent, passes_so_far(c));
    const mg_solver_options *options = c->resident.options;
    if (options->handover == MG_HANDOVER_BY_COST && c->ascent &&
        c->incumbent.bounds.gap > options->tolerance && mg_handover_to_dual(c, mg_newton_cost(c->newton)))
        return_to_ascent(c);
    return MG_OK;
}
