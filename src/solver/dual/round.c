// round.c - steps of rows and their merge: rows of a dense block one after the other, rows of a sparse round
// together with an exact line search, so that the dual never falls.
#include "solver/dual/ascent.h"

#include <math.h>
#include <string.h>

#define SMALLEST_CURVATURE 1e-6f // of a row without features: any step is right, but it must be finite
#define NOISE 1e-6               // a share of the gap below this part of its terms is rounding
#define SMALLEST_CHANGE 1e-7f
#define SHRINK_BELOW 0.1
enum { FIRST_SHRINKING = 2 }; // epoch
enum { LOOK_AFTER = 16 };     // rounds
#define HALVE_BELOW 0.75
#define DOUBLE_ABOVE 0.95
// With the best part above this, the whole step still raises the dual, by (2 part - 1) / part^2 of what the
// best would, nine tenths at least; taking the rest back means scoring the round again.
#define FULL_ENOUGH 0.75

mg_status mg_dual_round_create(mg_ascent *ascent, mg_error *error) {
    const mg_resident *resident = ascent->resident;
    mg_dual_round *round = &ascent->round;
    round->rows = resident->sparse ? MG_DUAL_ROUND : MG_DUAL_BLOCK;
    int64_t rows = round->rows, lanes = resident->lanes;
    const mg_buffer buffers[] = {
        MG_BUFFER(round->scores, rows, lanes),     MG_BUFFER(round->before, rows, lanes),
        MG_BUFFER(round->after, rows, lanes),      MG_BUFFER(round->u, rows, lanes),
        MG_BUFFER(round->z, MG_DUAL_PARTS, lanes), MG_BUFFER(round->shift, 1, lanes),
        MG_BUFFER(round->offset, 1, lanes),
    };
    mg_status status = MG_ARENA_FILL(&ascent->arena, buffers, error);
    for (int64_t k = resident->problem->classes; !status && k < resident->lanes; k++) {
        round->offset[k] = -INFINITY;
        for (int64_t r = 0; r < round->rows; r++) round->scores[r * resident->lanes + k] = -INFINITY;
    }
    if (!status)
        status =
            resident->sparse ? mg_dual_sparse_create(ascent, error) : mg_dual_dense_create(ascent, error);
    return status;
}

// A row whose share of the gap is far below the mean sleeps; certificates look at every row all the same.
static void note_contribution(mg_ascent *ascent, int64_t row, double contribution) {
    ascent->shrinking.contribution[row] = (float)contribution;
    if (ascent->clock->epoch >= FIRST_SHRINKING &&
        contribution < SHRINK_BELOW * ascent->numbers->mean_contribution)
        ascent->shrinking.visit_from[row] = (int32_t)ascent->clock->epoch + MG_DUAL_SHRUNK;
}

void mg_dual_row_step(mg_ascent *ascent, int64_t r, float *z) {
    const mg_problem *problem = ascent->resident->problem;
    int64_t row = ascent->round.row[r], y = ascent->resident->all.label[row], lanes = ascent->resident->lanes;
    float *s = ascent->round.scores + r * lanes, *before = ascent->round.before + r * lanes,
          *after = ascent->round.after + r * lanes;
    double weight = mg_resident_weight(ascent->resident, row);
    mg_dual_part *part = mg_dual_part_of(ascent, r);
    mg_dual_rows_get(ascent->iterate->duals, row, lanes, before);
    double loss = (double)problem->loss->row(lanes, s, y, problem->delta, z);
    mg_dual_row dual = {problem->loss->dual, lanes, s, y, problem->delta};
    mg_dual_terms t = problem->kernel->dual_terms(&dual, before);
    double contribution = loss - t.linear + 0.5 * t.curve;
    part->loss += weight * loss;
    if (ascent->resident->certify)
        note_contribution(ascent, row, contribution > 0 ? weight * contribution : 0);
    if (!(contribution > NOISE * (loss + fabs(t.linear) + 1e-3))) return;
    float q = (float)(weight * ascent->resident->scale * (double)ascent->resident->norm[row]);
    for (int64_t k = 0; k < lanes; k += MG_LANES) memcpy(after + k, before + k, MG_LANES * sizeof *after);
    problem->kernel->dual_step(&dual, q > SMALLEST_CURVATURE ? q : SMALLEST_CURVATURE, z, after);
    mg_dual_rows_settle(ascent->iterate->duals, row, lanes, after);
    mg_dual_change change =
        problem->kernel->dual_change(&dual, ascent->round.shift, -weight * ascent->resident->scale, before,
                                     after, ascent->round.u + r * lanes);
    if (change.largest <= SMALLEST_CHANGE) return;
    part->changed |= mg_dual_bit(r);
    part->gain += weight * change.slope;
    part->curve += weight * change.curve;
    part->inner += change.inner;
}

// Part of the steps owed that raises the dual most, at most all of it; `square` is what all of it does to
// ||W||^2.
static double best_part(const mg_ascent *ascent, double square) {
    double slope = 0, curve = 0, n = (double)ascent->resident->problem->rows;
    for (int64_t p = 0; p < mg_dual_parts(ascent->round.deferred); p++) {
        slope += ascent->round.part[p].gain;
        curve += ascent->round.part[p].curve;
        square -= 2 * ascent->round.part[p].inner;
    }
    curve += ascent->resident->problem->lambda * n * (square > 0 ? square : 0);
    return curve > slope && slope > 0 ? slope / curve : 1;
}

// The dual variables of row r of the round, which is `row`, take `part` of their step.
static void keep_row(mg_ascent *ascent, int64_t r, int64_t row, float part) {
    const float *before = ascent->round.before + r * ascent->resident->lanes;
    float *after = ascent->round.after + r * ascent->resident->lanes;
    if (part != 1) {
        for (int64_t k = 0; k < ascent->resident->problem->classes; k++)
            after[k] = before[k] + part * (after[k] - before[k]);
        mg_dual_rows_settle(ascent->iterate->duals, row, ascent->resident->lanes, after);
    }
    if (!mg_dual_rows_put(ascent->iterate->duals, row, ascent->resident->lanes, after))
        ascent->round.failed = true;
}

// All of them, where they have not yet.
static void keep_step(mg_ascent *ascent, const uint32_t *rows, int64_t count, float part) {
    for (int64_t p = 0; p < mg_dual_parts(count); p++) {
        uint32_t left = part == 1 ? ascent->round.part[p].changed & ~ascent->round.part[p].kept
                                  : ascent->round.part[p].changed;
        for (; left; left &= left - 1) {
            int64_t r = p * MG_DUAL_ROUND_PART + __builtin_ctz(left);
            keep_row(ascent, r, rows[r], part);
        }
    }
}

// Rows that have much in common overshoot together: where the line search keeps taking back what a round did,
// rounds become smaller.
static void choose_round(mg_ascent *ascent, double part) {
    mg_counters *clock = ascent->clock;
    if (ascent->round.deferred < clock->round) return; // the rest of a step says little
    ascent->numbers->parts += part;
    if (++clock->rounds < LOOK_AFTER) return;
    double mean = ascent->numbers->parts / LOOK_AFTER;
    if (mean < HALVE_BELOW && clock->round > 1) clock->round /= 2;
    else if (mean > DOUBLE_ABOVE && clock->round < MG_DUAL_ROUND) clock->round *= 2;
    clock->rounds = 0;
    ascent->numbers->parts = 0;
}

// Scores of the round's rows, for which the steps of the round before must first enter the weights, as far as
// is best.
static void settle_round(mg_ascent *ascent) {
    double square = mg_dual_sparse_scores(ascent, 1);
    if (ascent->round.deferred == 0) return;
    double part = best_part(ascent, square);
    choose_round(ascent, part);
    if (part > FULL_ENOUGH) part = 1;
    else mg_dual_sparse_scores(ascent, (float)(part - 1));
    keep_step(ascent, ascent->round.row - ascent->round.deferred, ascent->round.deferred, (float)part);
}

// Visits rows[0..count) of sparse data.
static double visit_rounds(mg_ascent *ascent, const uint32_t *rows, int64_t count) {
    double loss = 0;
    memcpy(ascent->round.offset, ascent->iterate->weights.offset,
           (size_t)ascent->resident->problem->classes * sizeof *ascent->round.offset);
    ascent->round.deferred = 0;
    for (int64_t first = 0; first < count || ascent->round.deferred > 0; first += ascent->round.count) {
        ascent->round.row = rows + first;
        ascent->round.left = count - first;
        ascent->round.count =
            ascent->round.left < ascent->clock->round ? ascent->round.left : ascent->clock->round;
        settle_round(ascent);
        mg_dual_sparse_steps(ascent);
        for (int64_t p = 0; p < mg_dual_parts(ascent->round.count); p++) loss += ascent->round.part[p].loss;
        ascent->round.deferred = ascent->round.count;
    }
    return loss;
}

static double visit_blocks(mg_ascent *ascent, const uint32_t *rows, int64_t count) {
    double loss = 0;
    ascent->round.opens = true;
    for (int64_t first = 0; first < count; first += ascent->round.count) {
        ascent->round.row = rows + first;
        ascent->round.left = count - first;
        ascent->round.count = ascent->round.left < MG_DUAL_BLOCK ? ascent->round.left : MG_DUAL_BLOCK;
        mg_dual_dense_block(ascent);
        keep_step(ascent, ascent->round.row, ascent->round.count, 1);
        for (int64_t p = 0; p < mg_dual_parts(ascent->round.count); p++) loss += ascent->round.part[p].loss;
    }
    if (count > 0) mg_dual_dense_close(ascent);
    return loss;
}

double mg_dual_visit(mg_ascent *ascent, const uint32_t *rows, int64_t count) {
    ascent->round.failed = false;
    if (ascent->clock->round < 1 || ascent->clock->round > MG_DUAL_ROUND)
        ascent->clock->round = MG_DUAL_ROUND;
    return ascent->resident->sparse ? visit_rounds(ascent, rows, count) : visit_blocks(ascent, rows, count);
}
