// round.c - steps of rows and their merge: rows of a dense block one after the other, rows of a sparse round together with an
// exact line search, so that the dual never falls.
#include "solver/dual.h"

#include <math.h>
#include <string.h>

#define SMALLEST_CURVATURE 1e-6f // of a row without features: any step is right, but it must be finite
#define NOISE 1e-6               // a share of the gap below this part of its terms is rounding
#define SMALLEST_CHANGE 1e-7f
#define SLEEP_BELOW 0.1
enum { FIRST_SLEEP = 2 }; // epoch
enum { LOOK_AFTER = 16 }; // rounds
#define SHRINK_BELOW 0.75
#define GROW_ABOVE 0.95
// With the best part above this, the whole step still raises the dual, by (2 part - 1) / part^2 of what the best would, nine tenths at
// least; taking the rest back means scoring the round again.
#define FULL_ENOUGH 0.75

// A row whose share of the gap is far below the mean sleeps; certificates look at every row all the same.
static void note_share(mg_dual_state *dual, int64_t row, double share) {
    dual->share[row] = (float)share;
    if (dual->clock.epoch >= FIRST_SLEEP && share < SLEEP_BELOW * dual->numbers.mean_share)
        dual->wake[row] = (int32_t)dual->clock.epoch + MG_DUAL_SLEEP;
}

void mg_dual_row_step(mg_dual_state *dual, int64_t r, float *z) {
    const mg_problem *problem = dual->problem;
    const mg_prox *prox = problem->loss->dual;
    int64_t row = dual->row[r], y = dual->all.label[row], lanes = dual->lanes;
    float *s = dual->scores + r * lanes, *before = dual->before + r * lanes, *after = dual->after + r * lanes;
    double weight = mg_dual_weight(dual, row);
    mg_dual_part *part = mg_dual_part_of(dual, r);
    mg_dual_rows_get(dual->rows, row, lanes, before);
    double loss = (double)problem->loss->row(lanes, s, y, problem->delta, z);
    mg_dual_terms t = problem->kernel->dual_terms(prox, lanes, s, y, problem->delta, before);
    double share = loss - t.linear + 0.5 * t.curve;
    part->loss += weight * loss;
    if (dual->certify) note_share(dual, row, share > 0 ? weight * share : 0);
    if (!(share > NOISE * (loss + fabs(t.linear) + 1e-3))) return;
    float q = (float)(weight * dual->scale * (double)dual->norm[row]);
    for (int64_t k = 0; k < lanes; k += MG_LANES) memcpy(after + k, before + k, MG_LANES * sizeof *after);
    problem->kernel->dual_step(prox, lanes, s, y, problem->delta, q > SMALLEST_CURVATURE ? q : SMALLEST_CURVATURE, z, after);
    mg_dual_rows_settle(dual->rows, row, lanes, after);
    mg_dual_change change = problem->kernel->dual_change(prox, lanes, s, dual->shift, y, problem->delta, -weight * dual->scale, before,
                                                         after, dual->u + r * lanes);
    if (change.largest <= SMALLEST_CHANGE) return;
    part->changed |= mg_dual_bit(r);
    part->gain += weight * change.slope;
    part->curve += weight * change.curve;
    part->inner += change.inner;
}

// Part of the steps owed that raises the dual most, at most all of it; `square` is what all of it does to ||W||^2.
static double best_part(const mg_dual_state *dual, double square) {
    double slope = 0, curve = 0, n = (double)dual->problem->rows;
    for (int64_t p = 0; p < mg_dual_parts(dual->owed); p++) {
        slope += dual->part[p].gain;
        curve += dual->part[p].curve;
        square -= 2 * dual->part[p].inner;
    }
    curve += dual->problem->lambda * n * (square > 0 ? square : 0);
    return curve > slope && slope > 0 ? slope / curve : 1;
}

// The dual variables of row r of the round, which is `row`, take `part` of their step.
static void keep_row(mg_dual_state *dual, int64_t r, int64_t row, float part) {
    const float *before = dual->before + r * dual->lanes;
    float *after = dual->after + r * dual->lanes;
    if (part != 1) {
        for (int64_t k = 0; k < dual->problem->classes; k++) after[k] = before[k] + part * (after[k] - before[k]);
        mg_dual_rows_settle(dual->rows, row, dual->lanes, after);
    }
    if (!mg_dual_rows_put(dual->rows, row, dual->lanes, after)) dual->failed = true;
}

// All of them, where they have not yet.
static void keep_step(mg_dual_state *dual, const uint32_t *rows, int64_t count, float part) {
    for (int64_t p = 0; p < mg_dual_parts(count); p++) {
        uint32_t left = part == 1 ? dual->part[p].changed & ~dual->part[p].kept : dual->part[p].changed;
        for (; left; left &= left - 1) {
            int64_t r = p * MG_DUAL_ROUND_PART + __builtin_ctz(left);
            keep_row(dual, r, rows[r], part);
        }
    }
}

// Rows that have much in common overshoot together: where the line search keeps taking back what a round did, rounds become smaller.
static void choose_round(mg_dual_state *dual, double part) {
    mg_dual_clock *clock = &dual->clock;
    if (dual->owed < clock->round) return; // the rest of a step says little
    dual->numbers.parts += part;
    if (++clock->rounds < LOOK_AFTER) return;
    double mean = dual->numbers.parts / LOOK_AFTER;
    if (mean < SHRINK_BELOW && clock->round > 1) clock->round /= 2;
    else if (mean > GROW_ABOVE && clock->round < MG_DUAL_ROUND) clock->round *= 2;
    clock->rounds = 0;
    dual->numbers.parts = 0;
}

// Scores of the round's rows, for which the steps of the round before must first enter the weights, as far as is best.
static void settle_round(mg_dual_state *dual) {
    double square = mg_dual_sparse_scores(dual, 1);
    if (dual->owed == 0) return;
    double part = best_part(dual, square);
    choose_round(dual, part);
    if (part > FULL_ENOUGH) part = 1;
    else mg_dual_sparse_scores(dual, (float)(part - 1));
    keep_step(dual, dual->row - dual->owed, dual->owed, (float)part);
}

// Visits rows[0..count) of sparse data.
static double visit_rounds(mg_dual_state *dual, const uint32_t *rows, int64_t count) {
    double loss = 0;
    memcpy(dual->offset, dual->weights.offset, (size_t)dual->weights.classes * sizeof *dual->offset);
    dual->owed = 0;
    for (int64_t first = 0; first < count || dual->owed > 0; first += dual->count) {
        dual->row = rows + first;
        dual->left = count - first;
        dual->count = dual->left < dual->clock.round ? dual->left : dual->clock.round;
        settle_round(dual);
        mg_dual_sparse_steps(dual);
        for (int64_t p = 0; p < mg_dual_parts(dual->count); p++) loss += dual->part[p].loss;
        dual->owed = dual->count;
    }
    return loss;
}

static double visit_blocks(mg_dual_state *dual, const uint32_t *rows, int64_t count) {
    double loss = 0;
    dual->opens = true;
    for (int64_t first = 0; first < count; first += dual->count) {
        dual->row = rows + first;
        dual->left = count - first;
        dual->count = dual->left < MG_DUAL_BLOCK ? dual->left : MG_DUAL_BLOCK;
        mg_dual_dense_block(dual);
        keep_step(dual, dual->row, dual->count, 1);
        for (int64_t p = 0; p < mg_dual_parts(dual->count); p++) loss += dual->part[p].loss;
    }
    if (count > 0) mg_dual_dense_close(dual);
    return loss;
}

double mg_dual_visit(mg_dual_state *dual, const uint32_t *rows, int64_t count) {
    if (dual->clock.round < 1 || dual->clock.round > MG_DUAL_ROUND) dual->clock.round = MG_DUAL_ROUND;
    return dual->sparse ? visit_rounds(dual, rows, count) : visit_blocks(dual, rows, count);
}
