// schedule.c - owns what happens between epochs: when a certificate is worth its price, and when Newton steps
// take over. Visits decide, never the clock.
#include "solver/certified.h"

#include <math.h>

// Times the number of rows between two certificates, at the latest: of sparse rows, whose certificates cost
// more than a pass, and as many as were visited before.
enum { MOST_VISITS = 6, MOST_SPARSE_VISITS = 3 };
#define SLOW 10    // times smaller is the least a gap must become between certificates
#define NEARLY 1.1 // times the tolerance: when the shares say so, a certificate is worth its pass
enum {
    STALLED_PASSES = 200,
    ASCENT_SLOWER = 5,
    NEWTON_PASSES = 10
};                      // without a clear change; times that in dual ascent; of an outer iteration
enum { WAIT_PART = 8 }; // of the visits so far is the longest time shares are not asked after a certificate

// The rows' latest shares tell the gap of the weights; that of the best ones so far was smaller by a factor
// the last certificate knows.
static bool is_near(const mg_certified *c) {
    const mg_bounds *bounds = &c->incumbent.bounds;
    if (!isfinite(bounds->primal)) return false;
    double ahead = bounds->gap < c->numbers.contribution_gap ? bounds->gap / c->numbers.contribution_gap : 1;
    double gap = ahead * c->ascent->shrinking.sum / ((double)c->resident.problem->rows * bounds->primal);
    return gap <= NEARLY * c->resident.options->train->tolerance;
}

// Shares are noisy, and where the gap falls slowly they say "near" again and again: the further off it was,
// the longer they are not asked.
static bool has_waited(const mg_certified *c) {
    double over = c->incumbent.bounds.gap / c->resident.options->train->tolerance - 1;
    double wait = (over < 1 ? over : 1) * (double)c->clock.visits_before / WAIT_PART,
           least = 0.5 * (double)c->resident.problem->rows;
    return (double)c->clock.visits >= (wait > least ? wait : least);
}

static bool certificate_is_due(const mg_certified *c) {
    if (!c->resident.certify) return false;
    int64_t rows = c->resident.problem->rows, before = c->clock.visits_before;
    int64_t most = !c->resident.sparse                  ? MOST_VISITS * rows
                   : before > MOST_SPARSE_VISITS * rows ? before
                                                        : MOST_SPARSE_VISITS * rows;
    bool first =
        c->clock.epoch == 1 && (!c->resident.sparse || c->resident.options->handover == MG_HANDOVER_AT_ONCE);
    return first || c->clock.visits >= most || (has_waited(c) && is_near(c));
}

// Dual ascent has become slow: where the Newton phase has factors to precondition with it is faster then
// (docs/solvers.md).
static bool newton_is_due(const mg_certified *c, double gap_before) {
    if (c->resident.options->handover == MG_HANDOVER_AT_ONCE) return true;
    return c->resident.options->handover == MG_HANDOVER_WHEN_SLOW &&
           c->incumbent.bounds.gap * SLOW > gap_before && mg_newton_fits(&c->resident);
}

// Passes over the rows, roughly.
static double passes_so_far(const mg_certified *c) {
    double passes = (double)(c->clock.visits_before + c->clock.visits) / (double)c->resident.problem->rows;
    return passes + (c->clock.newton > 0 ? NEWTON_PASSES * (double)c->clock.newton : 0);
}

// Where scores are too coarse for the tolerance, rows go on stepping to and fro and Newton steps find
// nothing. Dual ascent has a certificate whenever its visits have doubled; a single one may be bad luck.
bool mg_schedule_stalled(const mg_certified *c) {
    double before = c->incumbent.bounds.progress_passes, since = passes_so_far(c) - before;
    double slow = c->clock.newton > 0 ? 1 : ASCENT_SLOWER;
    return c->resident.certify && since > slow * STALLED_PASSES && since > slow * before;
}

void mg_schedule_start(mg_certified *c) {
    c->clock = (mg_counters){.round = MG_DUAL_ROUND, .newton = mg_resident_has_duals(&c->resident) ? -1 : 0};
    c->numbers = (mg_numbers){.contribution_gap = INFINITY};
}

bool mg_schedule_newton(const mg_certified *c) {
    return c->clock.newton >= 0 && c->resident.certify && c->resident.options->handover != MG_HANDOVER_NEVER;
}

static mg_status certify(mg_certified *c, mg_error *error) {
    mg_ascent *ascent = c->ascent;
    mg_status status =
        c->certifier ? MG_OK
                     : mg_certifier_create(&c->resident, &c->iterate, &c->incumbent, &c->certifier, error);
    if (status) return status;
    mg_weights *average = c->clock.snapshots > 0 && ascent->mean.v ? &ascent->mean : NULL;
    double contribution_gap;
    mg_certifier_certify(c->certifier, average, ascent->shrinking.contribution, &ascent->shrinking.sum,
                         &contribution_gap);
    c->numbers.contribution_gap = contribution_gap;
    c->clock.visits_before += c->clock.visits;
    c->clock.visits = 0;
    mg_incumbent_note_progress(&c->incumbent, passes_so_far(c));
    return MG_OK;
}

mg_status mg_schedule_end_epoch(mg_certified *c, mg_error *error) {
    c->clock.epoch++;
    mg_ascent_end_epoch(c->ascent);
    if (certificate_is_due(c)) {
        double before = c->incumbent.bounds.gap;
        mg_status status = certify(c, error);
        if (status) return status;
        if (newton_is_due(c, before)) {
            c->clock.newton = 0;
            mg_certifier_destroy(c->certifier);
            c->certifier = NULL;
        }
    }
    c->numbers.mean_contribution = c->ascent->shrinking.sum / (double)c->resident.problem->rows;
    return MG_OK;
}

mg_status mg_schedule_iterate(mg_certified *c, double *loss, mg_error *error) {
    mg_status status =
        c->newton ? MG_OK : mg_newton_create(&c->resident, &c->iterate, &c->incumbent, &c->newton, error);
    if (status) return status;
    if (c->clock.newton == 0 && mg_resident_has_duals(&c->resident))
        c->numbers.sigma = mg_newton_first_penalty(&c->resident);
    double sigma = c->numbers.sigma;
    status = mg_newton_iterate(c->newton, &sigma, loss, error);
    if (status) return status;
    c->numbers.sigma = sigma;
    c->clock.newton++;
    c->clock.epoch++;
    mg_incumbent_note_progress(&c->incumbent, passes_so_far(c));
    return MG_OK;
}
