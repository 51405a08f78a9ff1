// dual_schedule.c - owns what happens between epochs: when a certificate is worth its price, and when Newton steps take over. Visits
// decide, never the clock.
#include "solver/dual.h"

#include <math.h>

// Times the number of rows between two certificates, at the latest: of sparse rows, whose certificates cost more than a pass, and as
// many as were visited before.
enum { MOST_VISITS = 6, MOST_SPARSE_VISITS = 3 };
#define SLOW 10    // times smaller is the least a gap must become between certificates
#define NEARLY 1.1 // times the tolerance: when the shares say so, a certificate is worth its pass
#define CLEARLY 0.9 // times the gap noted last
enum { STALLED_PASSES = 200, ASCENT_SLOWER = 5, NEWTON_PASSES = 10 }; // without a clear change; times that in dual ascent; of an outer iteration
enum { WAIT_PART = 8 }; // of the visits so far is the longest time shares are not asked after a certificate

// The rows' latest shares tell the gap of the weights; that of the best ones so far was smaller by a factor the last certificate knows.
static bool is_near(const mg_dual_state *dual) {
    const mg_dual_numbers *numbers = &dual->numbers;
    if (!isfinite(numbers->best_primal)) return false;
    double ahead = numbers->last_gap < numbers->share_gap ? numbers->last_gap / numbers->share_gap : 1;
    double gap = ahead * dual->share_sum / ((double)dual->problem->rows * numbers->best_primal);
    return gap <= NEARLY * dual->options->train->tolerance;
}

// Shares are noisy, and where the gap falls slowly they say "near" again and again: the further off it was, the longer they are not asked.
static bool has_waited(const mg_dual_state *dual) {
    double over = dual->numbers.last_gap / dual->options->train->tolerance - 1;
    double wait = (over < 1 ? over : 1) * (double)dual->clock.visits_before / WAIT_PART, least = 0.5 * (double)dual->problem->rows;
    return (double)dual->clock.visits >= (wait > least ? wait : least);
}

static bool certificate_is_due(const mg_dual_state *dual) {
    if (!dual->certify) return false;
    int64_t rows = dual->problem->rows, before = dual->clock.visits_before;
    int64_t most = !dual->sparse ? MOST_VISITS * rows : before > MOST_SPARSE_VISITS * rows ? before : MOST_SPARSE_VISITS * rows;
    bool first = dual->clock.epoch == 1 && (!dual->sparse || dual->options->handover == MG_HANDOVER_AT_ONCE);
    return first || dual->clock.visits >= most || (has_waited(dual) && is_near(dual));
}

// Dual ascent has become slow: where the Newton phase has factors to precondition with it is faster then (docs/solvers.md).
static bool newton_is_due(const mg_dual_state *dual, double gap_before) {
    if (dual->options->handover == MG_HANDOVER_AT_ONCE) return true;
    return dual->options->handover == MG_HANDOVER_WHEN_SLOW && dual->numbers.last_gap * SLOW > gap_before && mg_dual_newton_fits(dual);
}

// Passes over the rows, roughly.
static double effort(const mg_dual_state *dual) {
    double passes = (double)(dual->clock.visits_before + dual->clock.visits) / (double)dual->problem->rows;
    return passes + (dual->clock.newton > 0 ? NEWTON_PASSES * (double)dual->clock.newton : 0);
}

void mg_dual_mark(mg_dual_state *dual) {
    mg_dual_numbers *numbers = &dual->numbers;
    if (!(numbers->last_gap < CLEARLY * numbers->mark_gap)) return;
    numbers->mark_gap = numbers->last_gap;
    numbers->mark_effort = effort(dual);
}

// Where scores are too coarse for the tolerance, rows go on stepping to and fro and Newton steps find nothing. Dual ascent has a
// certificate whenever its visits have doubled; a single one may be bad luck.
bool mg_dual_stalled(const mg_dual_state *dual) {
    double before = dual->numbers.mark_effort, since = effort(dual) - before;
    double slow = dual->clock.newton > 0 ? 1 : ASCENT_SLOWER;
    return dual->certify && since > slow * STALLED_PASSES && since > slow * before;
}

mg_status mg_dual_end_epoch(mg_dual_state *dual, mg_error *error) {
    double sum = 0;
    dual->clock.epoch++;
    dual->place = 0;
    dual->listed = -1;
    for (int64_t row = 0; dual->certify && row < dual->problem->rows; row++) sum += (double)dual->share[row];
    dual->share_sum = sum;
    if (certificate_is_due(dual)) {
        double before = dual->numbers.last_gap;
        mg_status status = mg_dual_certify(dual, error);
        if (status) return status;
        dual->clock.visits_before += dual->clock.visits;
        dual->clock.visits = 0;
        mg_dual_mark(dual);
        if (newton_is_due(dual, before)) {
            dual->clock.newton = 0;
            mg_dual_certificate_destroy(dual);
        }
    }
    dual->numbers.mean_share = dual->share_sum / (double)dual->problem->rows;
    return MG_OK;
}
