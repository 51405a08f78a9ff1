// dual_round.c - steps of rows and their merge: rows of a dense block one after the other, rows of a sparse round together with an
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
#define FULL_ENOUGH 0.95 // with the best step above this the whole step still raises the dual

// Terms of one row in -l*(c) + <s, c>, from the definition (M25), for classes 0..K-1.
typedef struct terms {
    double linear, curve; // <delta_k + s_k, c>, sum h c^2
} terms;

static terms terms_of(const mg_dual_state *dual, const float *s, const float *c, int64_t y) {
    const mg_prox *prox = dual->problem->loss->dual;
    double delta = (double)dual->problem->delta, linear = 0, square = 0;
    for (int64_t k = 0; k < dual->problem->classes; k++) {
        if (c[k] == 0) continue;
        linear += (double)c[k] * ((double)s[k] + delta);
        square += (double)c[k] * (double)c[k];
    }
    double own = (double)c[y], h = (double)prox->rival_curve;
    linear -= own * (prox->joint ? delta : 2 * delta);
    return (terms){linear, h * square + ((double)prox->own_curve - h) * own * own};
}

// What the line search needs of the row (M27): the gain's slope at no step, and its curvature beside ||dW||^2.
static void note_direction(mg_dual_state *dual, int64_t r, const float *s, int64_t y, double weight) {
    const mg_prox *prox = dual->problem->loss->dual;
    const float *before = dual->before + r * dual->lanes, *after = dual->after + r * dual->lanes;
    float *u = dual->u + r * dual->lanes;
    double delta = (double)dual->problem->delta, slope = 0, curve = 0, inner = 0;
    for (int64_t k = 0; k < dual->problem->classes; k++) {
        double d = (double)after[k] - (double)before[k], h = (double)(k == y ? prox->own_curve : prox->rival_curve);
        u[k] = (float)(-weight * dual->scale * d);
        if (d == 0) continue;
        double linear = k != y ? delta : prox->joint ? 0 : -delta;
        double score = (double)s[k] - (double)dual->shift[k];
        slope += d * (score + linear - h * (double)before[k]);
        curve += h * d * d;
        inner += (double)u[k] * score;
    }
    memset(u + dual->problem->classes, 0, (size_t)(dual->lanes - dual->problem->classes) * sizeof *u);
    dual->gain[r] = weight * slope;
    dual->curve[r] = weight * curve;
    dual->inner[r] = inner;
}

static float largest_change(const mg_dual_state *dual, int64_t r) {
    const float *before = dual->before + r * dual->lanes, *after = dual->after + r * dual->lanes;
    float most = 0;
    for (int64_t k = 0; k < dual->lanes; k++) {
        float d = fabsf(after[k] - before[k]);
        most = d > most ? d : most;
    }
    return most;
}

// A row whose share of the gap is far below the mean sleeps; certificates look at every row all the same.
static void note_share(mg_dual_state *dual, int64_t row, double share) {
    dual->share[row] = (float)share;
    if (dual->clock.epoch >= FIRST_SLEEP && share < SLEEP_BELOW * dual->numbers.mean_share)
        dual->wake[row] = (int32_t)dual->clock.epoch + MG_DUAL_SLEEP;
}

void mg_dual_row_step(mg_dual_state *dual, int64_t r, float *z) {
    const mg_problem *problem = dual->problem;
    int64_t row = dual->row[r], y = dual->all.label[row];
    float *s = dual->scores + r * dual->lanes, *before = dual->before + r * dual->lanes, *after = dual->after + r * dual->lanes;
    double weight = dual->all.weight ? (double)dual->all.weight[row] : 1;
    for (int64_t k = problem->classes; k < dual->lanes; k++) s[k] = -INFINITY;
    mg_dual_rows_get(dual->rows, row, dual->lanes, before);
    double loss = (double)problem->loss->row(dual->lanes, s, y, problem->delta, z);
    terms t = terms_of(dual, s, before, y);
    double share = loss - t.linear + 0.5 * t.curve;
    dual->loss[r] = weight * loss;
    dual->gain[r] = dual->curve[r] = dual->inner[r] = 0;
    dual->changed[r] = 0;
    if (dual->certify) note_share(dual, row, share > 0 ? weight * share : 0);
    if (!(share > NOISE * (loss + fabs(t.linear) + 1e-3))) return;
    float q = (float)(weight * dual->scale * (double)dual->norm[row]);
    memcpy(after, before, (size_t)dual->lanes * sizeof *after);
    problem->kernel->dual_step(problem->loss->dual, dual->lanes, s, y, problem->delta, q > SMALLEST_CURVATURE ? q : SMALLEST_CURVATURE, z,
                               after);
    mg_dual_rows_settle(dual->rows, row, after);
    dual->changed[r] = largest_change(dual, r);
    if (dual->changed[r] <= SMALLEST_CHANGE) dual->changed[r] = 0;
    else note_direction(dual, r, s, y, weight);
}

// Part of the step that raises the dual most, at most all of it.
static double best_part(const mg_dual_state *dual, double square) {
    double slope = 0, curve = 0, n = (double)dual->problem->rows;
    for (int64_t r = 0; r < dual->count; r++) {
        slope += dual->gain[r];
        curve += dual->curve[r];
        square -= 2 * dual->inner[r];
    }
    curve += dual->problem->lambda * n * (square > 0 ? square : 0);
    return curve > slope && slope > 0 ? slope / curve : 1;
}

static void keep_step(mg_dual_state *dual, float part) {
    for (int64_t r = 0; r < dual->count; r++) {
        if (dual->changed[r] == 0) continue;
        int64_t row = dual->row[r];
        const float *before = dual->before + r * dual->lanes;
        float *after = dual->after + r * dual->lanes;
        if (part != 1) {
            for (int64_t k = 0; k < dual->problem->classes; k++) after[k] = before[k] + part * (after[k] - before[k]);
            mg_dual_rows_settle(dual->rows, row, after);
        }
        if (!mg_dual_rows_put(dual->rows, row, after)) dual->failed = true;
    }
}

// Rows that have much in common overshoot together: where the line search keeps taking back what a round did, rounds become smaller.
static void choose_round(mg_dual_state *dual, double part) {
    mg_dual_clock *clock = &dual->clock;
    if (dual->count < clock->round) return; // the rest of a step says little
    dual->numbers.parts += part;
    if (++clock->rounds < LOOK_AFTER) return;
    double mean = dual->numbers.parts / LOOK_AFTER;
    if (mean < SHRINK_BELOW && clock->round > 1) clock->round /= 2;
    else if (mean > GROW_ABOVE && clock->round < MG_DUAL_ROUND) clock->round *= 2;
    clock->rounds = 0;
    dual->numbers.parts = 0;
}

static void sparse_round(mg_dual_state *dual) {
    mg_dual_sparse_scores(dual);
    double part = best_part(dual, mg_dual_sparse_update(dual));
    choose_round(dual, part);
    if (part > FULL_ENOUGH) part = 1;
    else mg_dual_sparse_shrink(dual, (float)(part - 1));
    keep_step(dual, (float)part);
}

double mg_dual_visit(mg_dual_state *dual, const uint32_t *rows, int64_t count) {
    double loss = 0;
    if (dual->clock.round < 1 || dual->clock.round > MG_DUAL_ROUND) dual->clock.round = MG_DUAL_ROUND;
    for (int64_t first = 0; first < count; first += dual->count) {
        int64_t most = dual->sparse ? dual->clock.round : dual->round_rows;
        dual->row = rows + first;
        dual->count = count - first < most ? count - first : most;
        if (dual->sparse) {
            sparse_round(dual);
        } else {
            mg_dual_dense_block(dual);
            keep_step(dual, 1);
        }
        for (int64_t r = 0; r < dual->count; r++) loss += dual->loss[r];
    }
    return loss;
}
