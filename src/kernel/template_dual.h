// template_dual.h - the exact dual step of one row (M26) and what it is worth (M27), over vectors of 64 bytes
// that the compiler splits into what the instruction set has: nothing but IEEE operations lane by lane, so
// that every kernel gives the bits of reference.c.
#ifndef MG_KERNEL_TEMPLATE_DUAL_H
#define MG_KERNEL_TEMPLATE_DUAL_H

#include "kernel/kernel.h"

#include <math.h>
#include <string.h>

// Vectors never cross a call: everything here is inlined, and -Wpsabi has nothing to say.
#define DUAL_INLINE static inline __attribute__((always_inline))

enum { DUAL_LANES = 16, DUAL_ROUNDS = 40 };

typedef float dual_lanes __attribute__((vector_size(64), aligned(4), may_alias));
typedef int32_t dual_mask __attribute__((vector_size(64)));

DUAL_INLINE dual_lanes dual_all(float x) {
    return (dual_lanes){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x};
}

DUAL_INLINE dual_lanes dual_keep(dual_mask mask, dual_lanes x) { return (dual_lanes)(mask & (dual_mask)x); }

DUAL_INLINE dual_lanes dual_choose(dual_mask mask, dual_lanes a, dual_lanes b) {
    return (dual_lanes)((mask & (dual_mask)a) | (~mask & (dual_mask)b));
}

// Sum of the lanes in the order of the dense scores' fold.
DUAL_INLINE float dual_fold(dual_lanes a) {
    a += __builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
    a += __builtin_shufflevector(a, a, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
    a += __builtin_shufflevector(a, a, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
    return a[0] + a[1];
}

// The largest lane.
DUAL_INLINE float dual_largest(dual_lanes a) {
    dual_lanes b = __builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
    a = dual_choose(b > a, b, a);
    b = __builtin_shufflevector(a, a, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
    a = dual_choose(b > a, b, a);
    b = __builtin_shufflevector(a, a, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
    a = dual_choose(b > a, b, a);
    return a[1] > a[0] ? a[1] : a[0];
}

// One row's problem. z of rivals stands in memory, z of the own class apart: its lane there is -INFINITY.
typedef struct dual_row {
    int64_t lanes;
    const float *z;
    float most, shrink; // of rivals: upper bound, 1/(q + h)
    float own_z, own_least, own_shrink;
} dual_row;

// f(theta), the sum of the coefficients theta gives, and minus its slope.
DUAL_INLINE float dual_sum(const dual_row *row, float theta, float *slope) {
    dual_lanes sum = dual_all(0), shrink = dual_all(row->shrink), most = dual_all(row->most),
               at = dual_all(theta);
    dual_lanes free = dual_all(0);
    for (int64_t k = 0; k < row->lanes; k += DUAL_LANES) {
        dual_lanes v = (*(const dual_lanes *)(row->z + k) - at) * shrink;
        dual_mask below = v < most;
        free += dual_keep((v > 0) & below, shrink);
        sum += dual_keep(v > 0, dual_choose(below, v, most));
    }
    float own = (row->own_z - theta) * row->own_shrink;
    bool own_free = own < 0 && own > row->own_least;
    *slope = dual_fold(free) + (own_free ? row->own_shrink : 0);
    own = own > 0 ? 0 : own < row->own_least ? row->own_least : own;
    return dual_fold(sum) + own;
}

// theta with f(theta) = 0: f falls from z_own to the largest z. Newton's method alone cycles between kinks,
// so it stays in a bracket, and where it has not halved that, the middle is next.
DUAL_INLINE float dual_root(const dual_row *row, float start, float most_z) {
    float low = row->own_z, high = most_z, theta = start > low && start < high ? start : 0.5f * (low + high);
    float width = INFINITY;
    for (int round = 0; round < DUAL_ROUNDS; round++) {
        float slope, f = dual_sum(row, theta, &slope);
        if (f > 0) low = theta;
        else high = theta;
        float next = slope > 0 ? theta + f / slope : INFINITY;
        if (!(next >= low && next <= high) || (round & 1 && !(high - low <= 0.5f * width)))
            next = 0.5f * (low + high);
        if (round & 1) width = high - low;
        if (fabsf(next - theta) <= 1e-7f * (fabsf(theta) + fabsf(high - low))) return next;
        theta = next;
    }
    return theta;
}

// Rivals from theta; returns their sum. Where the own class takes up the sum, it is exactly zero.
DUAL_INLINE float dual_rivals(const dual_row *row, float theta, float *c) {
    dual_lanes sum = dual_all(0), shrink = dual_all(row->shrink), most = dual_all(row->most),
               at = dual_all(theta);
    for (int64_t k = 0; k < row->lanes; k += DUAL_LANES) {
        dual_lanes v = (*(const dual_lanes *)(row->z + k) - at) * shrink;
        v = dual_keep(v > 0, dual_choose(v < most, v, most));
        memcpy(c + k, &v, sizeof v);
        sum += v;
    }
    return dual_fold(sum);
}

static void dual_step(const mg_dual_row *of, float q, float *z, float *c) {
    const mg_prox *prox = of->prox;
    int64_t lanes = of->lanes, y = of->y;
    const float *scores = of->scores;
    float delta = of->delta;
    const dual_mask lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    float own = c[y];
    dual_lanes none = dual_all(-INFINITY), most = none, add = dual_all(delta), scale = dual_all(q);
    for (int64_t k = 0; k < lanes; k += DUAL_LANES) {
        dual_lanes v = *(const dual_lanes *)(scores + k) + add + scale * *(const dual_lanes *)(c + k);
        v = dual_choose(lane == (int32_t)(y - k), none, v);
        memcpy(z + k, &v, sizeof v);
        most = dual_choose(v > most, v, most);
    }
    float largest = dual_largest(most);
    dual_row row = {
        .lanes = lanes,
        .z = z,
        .most = prox->rival_most,
        .shrink = 1 / (q + prox->rival_curve),
        .own_z = scores[y] + q * own - (prox->joint ? 0 : delta),
        .own_least = prox->own_least,
        .own_shrink = 1 / (q + prox->own_curve),
    };
    if (!prox->joint) {
        float v = row.own_z * row.own_shrink;
        dual_rivals(&row, 0, c);
        c[y] = v > 0 ? 0 : v < row.own_least ? row.own_least : v;
        return;
    }
    if (!(largest > row.own_z)) { // no rival has anything to gain
        memset(c, 0, (size_t)lanes * sizeof *c);
        return;
    }
    float theta = dual_root(&row, row.own_z - own * (q + prox->own_curve), largest);
    float sum = dual_rivals(&row, theta, c);
    if (sum > -row.own_least) { // rounding went over the bound
        float shrink = -row.own_least / sum;
        sum = 0;
        for (int64_t k = 0; k < lanes; k++) sum += c[k] *= shrink;
    }
    c[y] = -sum;
}

// ---- what a step is worth, in double ------------------------------------------------------------

enum { DUAL_WIDE = 8 };

typedef double dual_wide __attribute__((vector_size(64)));
typedef int64_t dual_wide_mask __attribute__((vector_size(64)));
typedef float dual_half __attribute__((vector_size(32), aligned(4), may_alias));

DUAL_INLINE dual_wide dual_widen(const float *from) {
    return __builtin_convertvector(*(const dual_half *)from, dual_wide);
}

DUAL_INLINE dual_wide dual_wide_keep(dual_wide_mask mask, dual_wide x) {
    return (dual_wide)(mask & (dual_wide_mask)x);
}

DUAL_INLINE dual_wide dual_wide_choose(dual_wide_mask mask, dual_wide a, dual_wide b) {
    return (dual_wide)((mask & (dual_wide_mask)a) | (~mask & (dual_wide_mask)b));
}

DUAL_INLINE double dual_wide_largest(dual_wide a) {
    dual_wide b = __builtin_shufflevector(a, a, 4, 5, 6, 7, 0, 1, 2, 3);
    a = dual_wide_choose(b > a, b, a);
    b = __builtin_shufflevector(a, a, 2, 3, 0, 1, 6, 7, 4, 5);
    a = dual_wide_choose(b > a, b, a);
    return a[1] > a[0] ? a[1] : a[0];
}

DUAL_INLINE double dual_wide_fold(dual_wide a) {
    a += __builtin_shufflevector(a, a, 4, 5, 6, 7, 0, 1, 2, 3);
    a += __builtin_shufflevector(a, a, 2, 3, 0, 1, 6, 7, 4, 5);
    return a[0] + a[1];
}

// Scores beyond K are -INFINITY: where a coefficient is zero its score does not count.
static mg_dual_terms dual_terms(const mg_dual_row *of, const float *c) {
    const mg_prox *prox = of->prox;
    dual_wide linear = {0}, square = {0};
    double h = (double)prox->rival_curve, own = (double)c[of->y], shift = (double)of->delta;
    for (int64_t k = 0; k < of->lanes; k += DUAL_WIDE) {
        dual_wide x = dual_widen(c + k);
        linear += dual_wide_keep(x != 0, x * (dual_widen(of->scores + k) + shift));
        square += x * x;
    }
    return (mg_dual_terms){
        .linear = dual_wide_fold(linear) - own * (prox->joint ? shift : 2 * shift),
        .curve = h * dual_wide_fold(square) + ((double)prox->own_curve - h) * own * own,
    };
}

static mg_dual_change dual_change(const mg_dual_row *of, const float *shift, double factor,
                                  const float *before, const float *after, float *u) {
    const mg_prox *prox = of->prox;
    const float *scores = of->scores;
    int64_t lanes = of->lanes, y = of->y;
    dual_wide inner = {0}, sum = {0}, old = {0}, square = {0}, most = {0};
    for (int64_t k = 0; k < lanes; k += DUAL_WIDE) {
        dual_wide b = dual_widen(before + k), d = dual_widen(after + k) - b,
                  size = dual_wide_choose(d < 0, -d, d);
        dual_half step = __builtin_convertvector(dual_wide_keep(d != 0, d * factor), dual_half);
        memcpy(u + k, &step, sizeof step);
        inner += dual_wide_keep(d != 0, d * (dual_widen(scores + k) - dual_widen(shift + k)));
        sum += d;
        old += d * b;
        square += d * d;
        most = dual_wide_choose(size > most, size, most);
    }
    double h = (double)prox->rival_curve, more = (double)prox->own_curve - h,
           own = (double)after[y] - (double)before[y];
    double scores_of_step = dual_wide_fold(inner),
           linear = (double)of->delta * (dual_wide_fold(sum) - own * (prox->joint ? 1 : 2));
    return (mg_dual_change){
        .largest = (float)dual_wide_largest(most),
        .slope = scores_of_step + linear - h * dual_wide_fold(old) - more * own * (double)before[y],
        .curve = h * dual_wide_fold(square) + more * own * own,
        .inner = factor * scores_of_step,
    };
}

#endif
