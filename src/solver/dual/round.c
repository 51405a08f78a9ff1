// round.c - owns the rounds of sparse rows, whose rows all step from the same weights before a line search,
// and the sizes of rounds and blocks.
#include "solver/dual/ascent.h"

#include <math.h>
#include <string.h>

// curvature of rows without features: any value gives an exact step, but the step must be finite
#define SMALLEST_CURVATURE 1e-6f
#define NOISE 1e-6 // a contribution below this fraction of its terms is only rounding
#define SMALLEST_CHANGE 1e-7f
#define SHRINK_BELOW 0.1      // rows whose contribution is below this many times the mean are shrunk
enum { FIRST_SHRINKING = 2 }; // first epoch that shrinks rows
enum { REVIEW_AFTER = 16 };   // rounds between two reviews of their size
#define HALVE_BELOW 0.75      // rounds become smaller if line searches have kept less than this on average
#define DOUBLE_ABOVE 0.95
// If the line search would keep a larger fraction than this, the whole step is kept. The dual value then
// rises by (2 part - 1) / part^2 of what the best fraction achieves, at least nine tenths of it, and the
// round need not be scored again.
#define FULL_ENOUGH 0.75

mg_status mg_dual_round_create(mg_ascent *ascent, mg_error *error) {
    const mg_resident *resident = ascent->resident;
    mg_dual_round *round = &ascent->round;
    int64_t rows = MG_DUAL_ROUND, lanes = resident->lanes;
    if (!resident->sparse) return MG_OK;
    round->rows = rows;
    const mg_buffer buffers[] = {
        MG_BUFFER(round->scores, rows, lanes),     MG_BUFFER(round->before, rows, lanes),
        MG_BUFFER(round->after, rows, lanes),      MG_BUFFER(round->u, rows, lanes),
        MG_BUFFER(round->z, MG_DUAL_PARTS, lanes), MG_BUFFER(round->shift, 1, lanes),
        MG_BUFFER(round->offset, 1, lanes),
    };
    mg_status status = MG_ARENA_FILL(&round->arena, buffers, error);
    for (int64_t k = resident->problem->classes; !status && k < resident->lanes; k++) {
        round->offset[k] = -INFINITY;
        for (int64_t r = 0; r < round->rows; r++) round->scores[r * resident->lanes + k] = -INFINITY;
    }
    return status ? status : mg_dual_sparse_create(ascent, error);
}

void mg_dual_round_free(mg_ascent *ascent) {
    mg_arena_free(&ascent->round.arena);
    mg_arena_free(&ascent->dense.arena);
    mg_arena_free(&ascent->sparse.arena);
}

// Shrinks the row if its contribution is far below the mean: then it is not visited for some epochs. This is
// safe, because certificates include every row.
void mg_dual_note_contribution(mg_ascent *ascent, int64_t row, double contribution) {
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
        mg_dual_note_contribution(ascent, row, weight * mg_max_real(0, contribution));
    if (!(contribution > NOISE * (loss + fabs(t.linear) + 1e-3))) return;
    float q = (float)(weight * ascent->resident->scale * (double)ascent->resident->norm[row]);
    for (int64_t k = 0; k < lanes; k += MG_LANES) memcpy(after + k, before + k, MG_LANES * sizeof *after);
    problem->kernel->dual_step(&dual, q > SMALLEST_CURVATURE ? q : SMALLEST_CURVATURE, z, after);
    mg_dual_rows_balance(ascent->iterate->duals, row, lanes, after);
    mg_dual_change change =
        problem->kernel->dual_change(&dual, ascent->round.shift, -weight * ascent->resident->scale, before,
                                     after, ascent->round.u + r * lanes);
    if (change.largest <= SMALLEST_CHANGE) return;
    part->changed |= mg_dual_bit(r);
    part->gain += weight * change.slope;
    part->curve += weight * change.curve;
    part->inner += change.inner;
}

double mg_dual_best_part(const mg_ascent *ascent, double slope, double curve, double square) {
    double n = (double)ascent->resident->problem->rows;
    curve += ascent->resident->problem->lambda * n * mg_max_real(0, square);
    return curve > slope && slope > 0 ? slope / curve : 1;
}

// The fraction of the deferred steps to keep. `square`: by how much all of these steps together change
// ||W||^2.
static double best_part(const mg_ascent *ascent, double square) {
    double slope = 0, curve = 0;
    for (int64_t p = 0; p < mg_dual_parts(ascent->round.deferred); p++) {
        slope += ascent->round.part[p].gain;
        curve += ascent->round.part[p].curve;
        square -= 2 * ascent->round.part[p].inner;
    }
    return mg_dual_best_part(ascent, slope, curve, square);
}

// Stores the dual variables of `row`, which is row r of the round, after `part` of its step.
static void keep_row(mg_ascent *ascent, int64_t r, int64_t row, float part) {
    const float *before = ascent->round.before + r * ascent->resident->lanes;
    float *after = ascent->round.after + r * ascent->resident->lanes;
    if (part != 1) {
        for (int64_t k = 0; k < ascent->resident->problem->classes; k++)
            after[k] = before[k] + part * (after[k] - before[k]);
        mg_dual_rows_balance(ascent->iterate->duals, row, ascent->resident->lanes, after);
    }
    if (!mg_dual_rows_put(ascent->iterate->duals, row, ascent->resident->lanes, after))
        ascent->round.failed = true;
}

// Stores the dual variables of all rows of a round that moved, unless they are stored already.
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

// Rows with many common features overshoot when they step together. So rounds become smaller if line searches
// keep too little of their steps.
static void choose_round(mg_ascent *ascent, double part) {
    mg_counters *clock = ascent->clock;
    // a shorter round, as at the end of a step, is not typical
    if (ascent->round.deferred < clock->round) return;
    ascent->numbers->parts += part;
    if (++clock->rounds < REVIEW_AFTER) return;
    double mean = ascent->numbers->parts / REVIEW_AFTER;
    if (mean < HALVE_BELOW && clock->round > 1) clock->round /= 2;
    else if (mean > DOUBLE_ABOVE && clock->round < MG_DUAL_ROUND) clock->round *= 2;
    clock->rounds = 0;
    ascent->numbers->parts = 0;
}

// Adds that fraction of the last round's steps which the line search keeps to the weights, and scores the
// rows of the present round.
static void merge_round(mg_ascent *ascent) {
    double square = mg_dual_sparse_scores(ascent, 1);
    if (ascent->round.deferred == 0) return;
    double part = best_part(ascent, square);
    choose_round(ascent, part);
    if (part > FULL_ENOUGH) part = 1;
    else mg_dual_sparse_scores(ascent, (float)(part - 1));
    keep_step(ascent, ascent->round.row - ascent->round.deferred, ascent->round.deferred, (float)part);
}

// Visits sparse rows. The last iteration has no rows; it only adds the steps of the last round.
static double visit_rounds(mg_ascent *ascent, const uint32_t *rows, int64_t count) {
    double loss = 0;
    memcpy(ascent->round.offset, ascent->iterate->weights.offset,
           (size_t)ascent->resident->problem->classes * sizeof *ascent->round.offset);
    ascent->round.deferred = 0;
    for (int64_t first = 0; first < count || ascent->round.deferred > 0; first += ascent->round.count) {
        ascent->round.row = rows + first;
        ascent->round.left = count - first;
        ascent->round.count = mg_min(ascent->round.left, ascent->clock->round);
        merge_round(ascent);
        mg_dual_sparse_steps(ascent);
        for (int64_t p = 0; p < mg_dual_parts(ascent->round.count); p++) loss += ascent->round.part[p].loss;
        ascent->round.deferred = ascent->round.count;
    }
    return loss;
}

enum { SHRINK_AFTER = 4, GROW_AFTER = 32 }; // number of rounds after which sizes may shrink, and may grow
#define SHRINK_SIZES_BELOW 0.85 // sizes shrink if line searches have kept less than this on average
#define SHRINK_AT_ONCE 0.5
#define GROW_ABOVE 0.97

// Rows of a block that are similar overshoot together. So do the rows of a round, in the directions that the
// sweep leaves out. If line searches keep too little of their steps, first blocks become smaller, then
// rounds. Only rounds grow again. With blocks that are too large, the steps of rounds oscillate: the line
// search keeps the dual value from falling, but the primal value becomes large.
void mg_dual_choose_sizes(mg_ascent *ascent, double part) {
    mg_counters *clock = ascent->clock;
    const mg_dual_dense *d = &ascent->dense;
    ascent->numbers->parts += part;
    double rounds = (double)++clock->rounds, mean = ascent->numbers->parts / rounds;
    bool shrink = part < SHRINK_AT_ONCE || (clock->rounds >= SHRINK_AFTER && mean < SHRINK_SIZES_BELOW);
    if (!shrink && clock->rounds < GROW_AFTER) return;
    if (shrink && clock->block > 1) clock->block = clock->block > MG_DUAL_BLOCK_LEAST ? clock->block / 2 : 1;
    else if (shrink) clock->round = mg_max(clock->round / 2, 1);
    else if (mean > GROW_ABOVE && clock->round < d->most) clock->round = mg_min(2 * clock->round, d->most);
    clock->rounds = 0;
    ascent->numbers->parts = 0;
}

static double visit_dense(mg_ascent *ascent, const uint32_t *rows, int64_t count) {
    double loss = 0;
    for (int64_t first = 0; first < count; first += ascent->round.count) {
        ascent->round.row = rows + first;
        ascent->round.left = count - first;
        ascent->round.count = mg_dual_ahead_count(ascent, ascent->round.left);
        loss += mg_dual_dense_round(ascent);
    }
    return loss;
}

double mg_dual_visit(mg_ascent *ascent, const uint32_t *rows, int64_t count) {
    int64_t most = ascent->resident->sparse ? MG_DUAL_ROUND : ascent->dense.most;
    ascent->round.failed = false;
    ascent->clock->round = mg_clamp(ascent->clock->round, 1, most);
    ascent->clock->block = mg_min(ascent->clock->block, mg_max(ascent->dense.block, 1));
    return ascent->resident->sparse ? visit_rounds(ascent, rows, count) : visit_dense(ascent, rows, count);
}
