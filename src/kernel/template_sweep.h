// template_sweep.h - the steps of a round's rows (M33). Eight rows of a block step side by side, one in each
// lane, so that sums over classes need no folding. No operation mixes lanes, so the bits of a row do not
// depend on the rows beside it.
#ifndef MG_KERNEL_TEMPLATE_SWEEP_H
#define MG_KERNEL_TEMPLATE_SWEEP_H

#include "base/lanes.h"
#include "kernel/kernel.h"

typedef mg_eight_floats row8; // one number of each of eight rows
typedef int32_t row8_mask __attribute__((vector_size(32)));
enum { ROWS8 = MG_SWEEP_ROWS, SWEEP_ROUNDS = 40 };

INLINE row8 row8_all(float x) { return (row8){x, x, x, x, x, x, x, x}; }

INLINE row8 row8_load(const float *from) { return *(const row8 *)from; }

INLINE void row8_store(float *to, row8 a) { *(row8 *)to = a; }

INLINE row8 row8_choose(row8_mask mask, row8 a, row8 b) {
    return (row8)((mask & (row8_mask)a) | (~mask & (row8_mask)b));
}

INLINE row8 row8_keep(row8_mask mask, row8 a) { return (row8)(mask & (row8_mask)a); }

INLINE row8 row8_size(row8 a) { return (row8)((row8_mask)a & INT32_MAX); }

INLINE row8 row8_larger(row8 a, row8 b) { return row8_choose(b > a, b, a); }

INLINE bool row8_any(row8_mask mask) {
    typedef int64_t four __attribute__((vector_size(32)));
    four bits = (four)mask;
    return bits[0] | bits[1] | bits[2] | bits[3];
}

INLINE bool any_of(mg_sixteen_mask mask) {
    typedef int64_t eight __attribute__((vector_size(64)));
    eight bits = (eight)mask;
    return bits[0] | bits[1] | bits[2] | bits[3] | bits[4] | bits[5] | bits[6] | bits[7];
}

// Transposes an 8 x 8 matrix.
INLINE void transpose8(row8 *a) {
    row8 b[8];
    UNROLL
    for (int i = 0; i < 8; i += 2) {
        b[i] = __builtin_shufflevector(a[i], a[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        b[i + 1] = __builtin_shufflevector(a[i], a[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
    UNROLL
    for (int i = 0; i < 8; i += 4) {
        a[i] = __builtin_shufflevector(b[i], b[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
        a[i + 1] = __builtin_shufflevector(b[i], b[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        a[i + 2] = __builtin_shufflevector(b[i + 1], b[i + 3], 0, 1, 8, 9, 4, 5, 12, 13);
        a[i + 3] = __builtin_shufflevector(b[i + 1], b[i + 3], 2, 3, 10, 11, 6, 7, 14, 15);
    }
    UNROLL
    for (int i = 0; i < 4; i++) {
        b[i] = __builtin_shufflevector(a[i], a[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        b[i + 4] = __builtin_shufflevector(a[i], a[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
    UNROLL
    for (int i = 0; i < 8; i++) a[i] = b[i];
}

// Up to eight rows of a block that step side by side, stored class by class.
typedef struct sweep_group {
    const mg_dual_sweep *sweep;
    int64_t first, rows;
    float *z, *after; // [classes][ROWS8] z as in template_dual.h; new coefficients
    row8_mask y;
    row8 q, own_z, own, most_z, low;
} sweep_group;

// The bounds of the coefficients and 1 / (q + h), as in template_dual.h, in every lane.
typedef struct sweep_box {
    row8 most, shrink, own_least, own_shrink;
} sweep_box;

// The row in lane i. If there are fewer than eight rows, the remaining lanes repeat the last one.
INLINE int64_t row_of(const sweep_group *g, int i) { return g->first + mg_min(i, g->rows - 1); }

// Loads eight classes of eight rows, transposed.
INLINE void by_class(const sweep_group *g, const float *from, int64_t k, row8 *to) {
    UNROLL
    for (int i = 0; i < 8; i++) to[i] = row8_load(from + row_of(g, i) * g->sweep->lanes + k);
    transpose8(to);
}

// Computes the scores that the rows start from: those of the round's beginning, plus the effect of earlier
// blocks.
INLINE void see(const sweep_group *g) {
    const mg_dual_sweep *w = g->sweep;
    for (int64_t k = 0; k < w->lanes; k += 16) {
        v16 s[ROWS8];
        UNROLL
        for (int i = 0; i < ROWS8; i++) s[i] = v16_load(w->scores + row_of(g, i) * w->lanes + k);
        for (int64_t j = 0; j < w->directions; j++) {
            v16 moved = v16_load(w->moved + j * w->lanes + k);
            UNROLL
            for (int i = 0; i < ROWS8; i++)
                s[i] = v16_fma(v16_set(w->z[row_of(g, i) * w->directions + j]), moved, s[i]);
        }
        for (int64_t i = 0; i < g->rows; i++) v16_store(w->seen + (g->first + i) * w->lanes + k, s[i]);
    }
}

// Sets up the maximisation of every row, as in template_dual.h: z of all classes, own_z, and the largest z of
// the rivals.
INLINE void pose(sweep_group *g) {
    const mg_dual_sweep *w = g->sweep;
    row8 delta = row8_all(w->delta), none = row8_all(-INFINITY),
         own_delta = row8_all(w->prox->joint ? 0 : w->delta);
    g->most_z = none;
    g->own = g->own_z = row8_all(0);
    for (int64_t k = 0; k < w->classes; k += 8) {
        row8 score[8], coef[8];
        by_class(g, w->seen, k, score);
        by_class(g, w->before, k, coef);
        for (int64_t j = 0; j < 8 && k + j < w->classes; j++) {
            row8 s = score[j], c = coef[j], pull = g->q * c, z = s + delta + pull;
            row8_mask mine = g->y == (int32_t)(k + j);
            g->own = row8_choose(mine, c, g->own);
            g->own_z = row8_choose(mine, s + pull - own_delta, g->own_z);
            z = row8_choose(mine, none, z);
            g->most_z = row8_larger(g->most_z, z);
            row8_store(g->z + (k + j) * ROWS8, z);
        }
    }
}

// Sets a lower bound of the root, where the sum of the coefficients is not negative.
INLINE void bound_root(sweep_group *g, const sweep_box *box) {
    row8 full =
        // here the strongest rival alone would reach the bound of the sum
        g->most_z + box->own_least * (1 / box->shrink);
    g->low = row8_larger(g->own_z, full);
}

INLINE row8 rival_of(const sweep_box *box, row8 z, row8 theta) {
    row8 v = (z - theta) * box->shrink;
    v = row8_keep(v > 0, v);
    return row8_choose(v < box->most, v, box->most);
}

// The sum of all coefficients at theta. *slope becomes minus its derivative.
INLINE row8 sum_of(const sweep_group *g, const sweep_box *box, row8 theta, row8 *slope) {
    row8 sum = row8_all(0), own = (g->own_z - theta) * box->own_shrink;
    row8_mask free = {0};
    for (int64_t k = 0; k < g->sweep->classes; k++) {
        row8 v = (row8_load(g->z + k * ROWS8) - theta) * box->shrink;
        row8_mask above = v > 0, below = v < box->most;
        free -= above & below;
        sum += row8_keep(above, row8_choose(below, v, box->most));
    }
    row8_mask own_free = (own < 0) & (own > box->own_least);
    *slope = __builtin_convertvector(free, row8) * box->shrink + row8_keep(own_free, box->own_shrink);
    own = row8_choose(own < box->own_least, box->own_least, own);
    return sum + row8_keep(own < 0, own);
}

// Finds theta where the sum is 0, in the lanes of `active`, by Newton steps in a bracket as in
// template_dual.h.
INLINE row8 root_of(const sweep_group *g, const sweep_box *box, row8_mask active) {
    row8 low = g->low, high = g->most_z, start = g->own_z - g->own * (1 / box->own_shrink),
         width = row8_all(INFINITY), middle = 0.5f * (low + high);
    row8 theta = row8_choose((start > low) & (start < high), start, middle);
    for (int round = 0; round < SWEEP_ROUNDS && row8_any(active); round++) {
        row8 slope, f = sum_of(g, box, theta, &slope);
        row8_mask up = (f > 0) & active, down = ~(f > 0) & active;
        low = row8_choose(up, theta, low);
        high = row8_choose(down, theta, high);
        row8 next = theta + f / slope, wide = high - low;
        row8_mask inside = (slope > 0) & (next >= low) & (next <= high);
        if (round & 1) {
            inside &= wide <= 0.5f * width;
            width = row8_choose(active, wide, width);
        }
        next = row8_choose(inside, next, 0.5f * (low + high));
        row8_mask done = row8_size(next - theta) <= 1e-7f * (row8_size(theta) + row8_size(wide));
        theta = row8_choose(active, next, theta);
        active &= ~done;
    }
    return theta;
}

// Computes the new coefficients: those of the rivals into g->after, those of the own classes as the result.
INLINE row8 solve(sweep_group *g) {
    const mg_prox *prox = g->sweep->prox;
    const row8 one = row8_all(1);
    sweep_box box = {row8_all(prox->rival_most), one / (g->q + row8_all(prox->rival_curve)),
                     row8_all(prox->own_least), one / (g->q + row8_all(prox->own_curve))};
    bound_root(g, &box);
    row8_mask gains = prox->joint ? g->most_z > g->own_z : g->q == g->q;
    row8 theta = prox->joint ? root_of(g, &box, gains) : row8_all(0), sum = row8_all(0);
    for (int64_t k = 0; k < g->sweep->classes; k++) {
        row8 c = row8_keep(gains, rival_of(&box, row8_load(g->z + k * ROWS8), theta));
        sum += c;
        row8_store(g->after + k * ROWS8, c);
    }
    if (!prox->joint) {
        row8 own = g->own_z * box.own_shrink;
        own = row8_choose(own < box.own_least, box.own_least, own);
        return row8_keep(own < 0, own);
    }
    if (row8_any(sum > -box.own_least)) { // rounding made the sum exceed its bound
        row8 shrink = row8_choose(sum > -box.own_least, -box.own_least / sum, one);
        sum = row8_all(0);
        for (int64_t k = 0; k < g->sweep->classes; k++) {
            row8 c = row8_load(g->after + k * ROWS8) * shrink;
            sum += c;
            row8_store(g->after + k * ROWS8, c);
        }
    }
    return -sum;
}

// Writes the new coefficients row by row.
INLINE void put_rows(const sweep_group *g, row8 own) {
    const mg_dual_sweep *w = g->sweep;
    float *after = w->after + g->first * w->lanes;
    for (int64_t k = 0; k < w->lanes; k += 8) {
        row8 a[8];
        for (int64_t j = 0; j < 8; j++)
            a[j] = k + j < w->classes ? row8_load(g->after + (k + j) * ROWS8) : row8_all(0);
        transpose8(a);
        for (int64_t i = 0; i < g->rows; i++) row8_store(after + i * w->lanes + k, a[i]);
    }
    for (int64_t i = 0; i < g->rows; i++) after[i * w->lanes + w->label[g->first + i]] = own[i];
}

// Undoes a step whose gain may come from the rounding of the scores alone. The gain is a difference of large
// terms, so the rounding of the coefficients' sum can even make it negative. Half the curvature is the least
// gain of an exact step and has no such error, so it must be small too.
INLINE void leave_out(const mg_dual_sweep *w, int64_t r) {
    const mg_prox *prox = w->prox;
    int64_t lanes = w->lanes, y = w->label[r];
    float *after = w->after + r * lanes, h = prox->rival_curve, q = w->curvature[r];
    const float *s = w->seen + r * lanes, *before = w->before + r * lanes;
    mg_sixteen gain = mg_sixteen_all(0), size = gain, least = gain, delta = mg_sixteen_all(w->delta),
               curve = mg_sixteen_all(h), half = mg_sixteen_all(0.5f * (q + h));
    for (int64_t k = 0; k < lanes; k += 16) {
        mg_sixteen c = *(const mg_sixteen *)(before + k), d = *(const mg_sixteen *)(after + k) - c,
                   slope = d * (*(const mg_sixteen *)(s + k) + delta);
        // scores beyond K are -INFINITY, and 0 times infinity would give NaN
        slope = mg_sixteen_keep(d != 0, slope);
        gain += slope - d * (curve * c + half * d);
        least += half * d * d;
        size += mg_sixteen_choose(slope < 0, -slope, slope);
    }
    float d = after[y] - before[y], more = prox->own_curve - h, shift = prox->joint ? w->delta : 2 * w->delta;
    float own = d * (shift + more * (before[y] + 0.5f * d));
    float noise = MG_SWEEP_NOISE * mg_sixteen_fold(size);
    if (mg_sixteen_fold(gain) - own > noise || mg_sixteen_fold(least) > noise) return;
    for (int64_t k = 0; k < lanes; k += 16) v16_store(after + k, v16_load(before + k));
}

// The step of one row, with its classes in the lanes.
INLINE void step_alone(const mg_dual_sweep *w, int64_t r, float *scratch) {
    int64_t at = r * w->lanes;
    mg_dual_row dual = {w->prox, w->lanes, w->seen + at, w->label[r], w->delta};
    for (int64_t k = 0; k < w->lanes; k += 16) v16_store(w->after + at + k, v16_load(w->before + at + k));
    dual_step(&dual, w->curvature[r], scratch, w->after + at);
    leave_out(w, r);
}

INLINE void step_together(sweep_group *g) {
    const mg_dual_sweep *w = g->sweep;
    UNROLL
    for (int i = 0; i < ROWS8; i++) {
        g->q[i] = w->curvature[row_of(g, i)];
        g->y[i] = w->label[row_of(g, i)];
    }
    pose(g);
    put_rows(g, solve(g));
    for (int64_t r = g->first; r < g->first + g->rows; r++) leave_out(w, r);
}

// The steps of up to eight rows of a block.
INLINE void sweep_rows(const mg_dual_sweep *w, int64_t first, int64_t rows, float *scratch) {
    sweep_group g = {.sweep = w, .first = first, .rows = rows, .z = scratch};
    g.after = g.z + w->classes * ROWS8;
    see(&g);
    if (!mg_sweep_alone(w)) step_together(&g);
    else
        for (int64_t r = first; r < first + rows; r++) step_alone(w, r, scratch);
}

// Computes u of up to eight rows of a block, and adds their effect to `moved` and `total`. Skips 16 classes
// at a time where no row has moved.
INLINE void pass_on(const mg_dual_sweep *w, int64_t first, int64_t rows, int64_t from, int64_t to) {
    for (int64_t k = from; k < to; k += 16) {
        v16 total = v16_load(w->total + k), u[ROWS8];
        mg_sixteen_mask any = {0};
        UNROLL
        for (int i = 0; i < ROWS8; i++) {
            int64_t r = first + mg_min(i, rows - 1), at = r * w->lanes + k;
            v16 step = v16_fma(v16_set(-1), v16_load(w->before + at), v16_load(w->after + at));
            u[i] = i < rows ? v16_fma(v16_set(w->factor[r]), step, v16_zero()) : v16_zero();
            if (i < rows) v16_store(w->u + at, u[i]);
            total = v16_add(total, u[i]);
            any |= (*(const mg_sixteen *)(w->u + at) != 0);
        }
        if (!any_of(any)) continue;
        v16_store(w->total + k, total);
        for (int64_t j = 0; j < w->directions; j++) {
            v16 moved = v16_load(w->moved + j * w->lanes + k);
            UNROLL
            for (int i = 0; i < ROWS8; i++)
                moved =
                    v16_fma(v16_set(w->z[(first + mg_min(i, rows - 1)) * w->directions + j]), u[i], moved);
            v16_store(w->moved + j * w->lanes + k, moved);
        }
    }
}

static void dual_sweep(const mg_dual_sweep *w, int64_t first, int64_t rows, float *scratch) {
    for (int64_t r = first; r < first + rows; r += ROWS8)
        sweep_rows(w, r, mg_min(first + rows - r, ROWS8), scratch);
}

static void dual_sweep_add(const mg_dual_sweep *w, int64_t first, int64_t rows, int64_t from, int64_t lanes) {
    for (int64_t r = first; r < first + rows; r += ROWS8)
        pass_on(w, r, mg_min(first + rows - r, ROWS8), from, from + lanes);
}

#endif
