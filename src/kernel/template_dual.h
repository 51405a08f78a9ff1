// template_dual.h - the exact dual step of one row (M26) and its terms for the line search (M27). It uses
// vectors of 64 bytes, which the compiler splits into the vectors of the instruction set. All operations are
// IEEE operations lane by lane, so every kernel gives the bits of reference.c.
#ifndef MG_KERNEL_TEMPLATE_DUAL_H
#define MG_KERNEL_TEMPLATE_DUAL_H

#include "base/lanes.h"
#include "kernel/kernel.h"

enum { SIXTEEN = 16, EIGHT = 8, DUAL_ROUNDS = 40 };

// The maximisation for one row. z[y] is -INFINITY, so that loops over all classes see the rivals alone; own_z
// has the value of the own class.
typedef struct dual_row {
    int64_t lanes;
    const float *z;
    float most, shrink; // of rivals: upper bound of a coefficient, 1 / (q + h)
    float own_z, own_least, own_shrink;
} dual_row;

// Returns f(theta), the sum of all coefficients at theta. *slope becomes minus the derivative of f.
MG_LANES_INLINE float dual_sum(const dual_row *row, float theta, float *slope) {
    mg_sixteen sum = mg_sixteen_all(0), shrink = mg_sixteen_all(row->shrink),
               most = mg_sixteen_all(row->most), at = mg_sixteen_all(theta);
    mg_sixteen free = mg_sixteen_all(0);
    for (int64_t k = 0; k < row->lanes; k += SIXTEEN) {
        mg_sixteen v = (*(const mg_sixteen *)(row->z + k) - at) * shrink;
        mg_sixteen_mask below = v < most;
        free += mg_sixteen_keep((v > 0) & below, shrink);
        sum += mg_sixteen_keep(v > 0, mg_sixteen_choose(below, v, most));
    }
    float own = (row->own_z - theta) * row->own_shrink;
    bool own_free = own < 0 && own > row->own_least;
    *slope = mg_sixteen_fold(free) + (own_free ? row->own_shrink : 0);
    own = own > 0 ? 0 : own < row->own_least ? row->own_least : own;
    return mg_sixteen_fold(sum) + own;
}

// Finds theta with f(theta) = 0. The root lies between own_z and the largest z, where f falls. Newton's
// method alone can cycle between the kinks of f, so theta stays in a bracket. If two iterations have not
// halved the bracket, its middle is tried next.
MG_LANES_INLINE float dual_root(const dual_row *row, float start, float most_z) {
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

// Computes the rivals' coefficients at theta; returns their sum.
MG_LANES_INLINE float dual_rivals(const dual_row *row, float theta, float *c) {
    mg_sixteen sum = mg_sixteen_all(0), shrink = mg_sixteen_all(row->shrink),
               most = mg_sixteen_all(row->most), at = mg_sixteen_all(theta);
    for (int64_t k = 0; k < row->lanes; k += SIXTEEN) {
        mg_sixteen v = (*(const mg_sixteen *)(row->z + k) - at) * shrink;
        v = mg_sixteen_keep(v > 0, mg_sixteen_choose(v < most, v, most));
        memcpy(c + k, &v, sizeof v);
        sum += v;
    }
    return mg_sixteen_fold(sum);
}

static void dual_step(const mg_dual_row *of, float q, float *z, float *c) {
    const mg_prox *prox = of->prox;
    int64_t lanes = of->lanes, y = of->y;
    const float *scores = of->scores;
    float delta = of->delta;
    const mg_sixteen_mask lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    float own = c[y];
    mg_sixteen none = mg_sixteen_all(-INFINITY), most = none, add = mg_sixteen_all(delta),
               scale = mg_sixteen_all(q);
    for (int64_t k = 0; k < lanes; k += SIXTEEN) {
        mg_sixteen v = *(const mg_sixteen *)(scores + k) + add + scale * *(const mg_sixteen *)(c + k);
        v = mg_sixteen_choose(lane == (int32_t)(y - k), none, v);
        memcpy(z + k, &v, sizeof v);
        most = mg_sixteen_choose(v > most, v, most);
    }
    float largest = mg_sixteen_largest(most);
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
    if (!(largest > row.own_z)) { // no rival's z exceeds own_z: all coefficients become 0
        memset(c, 0, (size_t)lanes * sizeof *c);
        return;
    }
    float theta = dual_root(&row, row.own_z - own * (q + prox->own_curve), largest);
    float sum = dual_rivals(&row, theta, c);
    if (sum > -row.own_least) { // rounding made the sum exceed its bound
        float shrink = -row.own_least / sum;
        sum = 0;
        for (int64_t k = 0; k < lanes; k++) sum += c[k] *= shrink;
    }
    c[y] = -sum;
}

// ---- terms of a step for the line search, in double ---------------------------------------------

// Scores beyond K are -INFINITY, so a score counts only where the coefficient is not zero: 0 times infinity
// would give NaN.
static mg_dual_terms dual_terms(const mg_dual_row *of, const float *c) {
    const mg_prox *prox = of->prox;
    mg_eight linear = {0}, square = {0};
    double h = (double)prox->rival_curve, own = (double)c[of->y], shift = (double)of->delta;
    for (int64_t k = 0; k < of->lanes; k += EIGHT) {
        mg_eight x = mg_eight_widen(c + k);
        linear += mg_eight_keep(x != 0, x * (mg_eight_widen(of->scores + k) + shift));
        square += x * x;
    }
    return (mg_dual_terms){
        .linear = mg_eight_fold(linear) - own * (prox->joint ? shift : 2 * shift),
        .curve = h * mg_eight_fold(square) + ((double)prox->own_curve - h) * own * own,
    };
}

static mg_dual_change dual_change(const mg_dual_row *of, const float *shift, double factor,
                                  const float *before, const float *after, float *u) {
    const mg_prox *prox = of->prox;
    const float *scores = of->scores;
    int64_t lanes = of->lanes, y = of->y;
    mg_eight inner = {0}, sum = {0}, old = {0}, square = {0}, most = {0};
    for (int64_t k = 0; k < lanes; k += EIGHT) {
        mg_eight b = mg_eight_widen(before + k), d = mg_eight_widen(after + k) - b,
                 size = mg_eight_choose(d < 0, -d, d);
        mg_eight_floats step = __builtin_convertvector(mg_eight_keep(d != 0, d * factor), mg_eight_floats);
        memcpy(u + k, &step, sizeof step);
        inner += mg_eight_keep(d != 0, d * (mg_eight_widen(scores + k) - mg_eight_widen(shift + k)));
        sum += d;
        old += d * b;
        square += d * d;
        most = mg_eight_choose(size > most, size, most);
    }
    double h = (double)prox->rival_curve, more = (double)prox->own_curve - h,
           own = (double)after[y] - (double)before[y];
    double scores_of_step = mg_eight_fold(inner),
           linear = (double)of->delta * (mg_eight_fold(sum) - own * (prox->joint ? 1 : 2));
    return (mg_dual_change){
        .largest = (float)mg_eight_largest(most),
        .slope = scores_of_step + linear - h * mg_eight_fold(old) - more * own * (double)before[y],
        .curve = h * mg_eight_fold(square) + more * own * own,
        .inner = factor * scores_of_step,
    };
}

#endif
