// reference_dual.c - the dual steps of the reference kernel, in plain C.
#include "kernel/reference.h"

#include <math.h>
#include <string.h>

// ---- The dual of one row ------------------------------------------------------------------------

enum { ROOT_ROUNDS = 40, WIDE_LANES = 8 };

// The maximisation for one row whose scores are known: z = scores + margin + q c, with z[y] for the own
// class.
typedef struct dual_problem {
    int64_t lanes, y;
    const float *z;
    float most, shrink;          // of rivals: upper bound of a coefficient, 1 / (q + h)
    float own_least, own_shrink; // of the own class
} dual_problem;

static float own_at(const dual_problem *p, float theta) {
    float c = (p->z[p->y] - theta) * p->own_shrink;
    if (c > 0) return 0;
    return c < p->own_least ? p->own_least : c;
}

static float rival_at(const dual_problem *p, int64_t k, float theta) {
    float c = (p->z[k] - theta) * p->shrink;
    if (!(c > 0)) return 0;
    return c < p->most ? c : p->most;
}

// Computes the rivals' coefficients at theta; returns their sum.
static float rivals_at(const dual_problem *p, float theta, float *c) {
    float lane[LANES] = {0};
    for (int64_t k = 0; k < p->lanes; k++) {
        c[k] = k == p->y ? 0 : rival_at(p, k, theta);
        lane[k % LANES] += c[k];
    }
    return fold(lane);
}

// The sum of all coefficients at theta. *slope becomes minus its derivative. Only coefficients strictly
// within their bounds contribute to it.
static float sum_at(const dual_problem *p, float theta, float *slope, float *c) {
    float free[LANES] = {0}, own = (p->z[p->y] - theta) * p->own_shrink;
    for (int64_t k = 0; k < p->lanes; k++) {
        float v = (p->z[k] - theta) * p->shrink;
        if (k != p->y && v > 0 && v < p->most) free[k % LANES] += p->shrink;
    }
    *slope = fold(free) + (own < 0 && own > p->own_least ? p->own_shrink : 0);
    return rivals_at(p, theta, c) + own_at(p, theta);
}

// Finds the multiplier theta at which the coefficients sum to 0. It lies between z[y] and the largest z of
// the rivals. Newton's method stays in a bracket; if two iterations have not halved the bracket, its middle
// is tried next.
static float multiplier(const dual_problem *p, float start, float most_z, float *c) {
    float low = p->z[p->y], high = most_z, width = INFINITY,
          theta = start > low && start < high ? start : 0.5f * (low + high);
    for (int round = 0; round < ROOT_ROUNDS; round++) {
        bool check = round % 2 == 1;
        float slope, sum = sum_at(p, theta, &slope, c);
        if (sum > 0) low = theta;
        else high = theta;
        float next = slope > 0 ? theta + sum / slope : INFINITY;
        if (!(next >= low && next <= high) || (check && !(high - low <= 0.5f * width)))
            next = 0.5f * (low + high);
        if (check) width = high - low;
        if (fabsf(next - theta) <= 1e-7f * (fabsf(theta) + fabsf(high - low))) return next;
        theta = next;
    }
    return theta;
}

void mg_reference_dual_step(const mg_dual_row *row, float q, float *z, float *c) {
    const mg_prox *prox = row->prox;
    int64_t y = row->y;
    float own = c[y], most_z = -INFINITY;
    for (int64_t k = 0; k < row->lanes; k++) {
        z[k] = row->scores[k] + row->delta + q * c[k];
        if (k != y && z[k] > most_z) most_z = z[k];
    }
    z[y] = row->scores[y] + q * own - (prox->joint ? 0 : row->delta);
    dual_problem p = {row->lanes,
                      y,
                      z,
                      prox->rival_most,
                      1 / (q + prox->rival_curve),
                      prox->own_least,
                      1 / (q + prox->own_curve)};
    if (!prox->joint) {
        rivals_at(&p, 0, c);
        c[y] = own_at(&p, 0);
    } else if (!(most_z > z[y])) { // no rival's z exceeds z[y]: all coefficients become 0
        for (int64_t k = 0; k < row->lanes; k++) c[k] = 0;
    } else {
        float theta = multiplier(&p, z[y] - own * (q + prox->own_curve), most_z, c);
        float sum = rivals_at(&p, theta, c), shrink = -p.own_least / sum;
        bool over = sum > -p.own_least; // rounding may make the sum exceed its bound
        if (over) sum = 0;
        for (int64_t k = 0; over && k < row->lanes; k++) sum += c[k] *= shrink;
        c[y] = -sum;
    }
}

// ---- The steps of a round's rows ----------------------------------------------------------------

static float plain_own_at(const dual_problem *p, float theta) {
    float c = (p->z[p->y] - theta) * p->own_shrink;
    if (c < p->own_least) return p->own_least;
    return c < 0 ? c : 0;
}

// As sum_at, but the classes are added one after the other, where sum_at folds lanes.
static float plain_sum_at(const dual_problem *p, int64_t classes, float theta, float *slope) {
    int free = 0;
    float sum = 0, own = (p->z[p->y] - theta) * p->own_shrink;
    for (int64_t k = 0; k < classes; k++) {
        float v = (p->z[k] - theta) * p->shrink;
        if (k == p->y) continue;
        free += v > 0 && v < p->most;
        sum += rival_at(p, k, theta);
    }
    *slope = (float)free * p->shrink + (own < 0 && own > p->own_least ? p->own_shrink : 0);
    return sum + plain_own_at(p, theta);
}

static float plain_multiplier(const dual_problem *p, int64_t classes, float start, float most_z) {
    // `full` is the theta at which the strongest rival alone would have minus the lowest coefficient of the
    // own class. There the sum of all coefficients is not negative, so the root is at `full` or above.
    float full = most_z + p->own_least * (1 / p->shrink), low = full > p->z[p->y] ? full : p->z[p->y],
          high = most_z, width = INFINITY, theta = start > low && start < high ? start : 0.5f * (low + high);
    for (int round = 0; round < ROOT_ROUNDS; round++) {
        float slope, sum = plain_sum_at(p, classes, theta, &slope);
        if (sum > 0) low = theta;
        else high = theta;
        float next = theta + sum / slope;
        bool inside = slope > 0 && next >= low && next <= high;
        if (round % 2 == 1) {
            inside = inside && high - low <= 0.5f * width;
            width = high - low;
        }
        if (!inside) next = 0.5f * (low + high);
        bool done = fabsf(next - theta) <= 1e-7f * (fabsf(theta) + fabsf(high - low));
        theta = next;
        if (done) break;
    }
    return theta;
}

// The rivals' coefficients of a joint loss, and minus their sum for the own class.
static void plain_joint(const dual_problem *p, int64_t classes, float own, float own_curved, float *c) {
    float most_z = -INFINITY, sum = 0;
    for (int64_t k = 0; k < classes; k++)
        if (k != p->y && p->z[k] > most_z) most_z = p->z[k];
    bool gains = most_z > p->z[p->y];
    float theta = gains ? plain_multiplier(p, classes, p->z[p->y] - own * own_curved, most_z) : 0;
    for (int64_t k = 0; k < classes; k++) sum += c[k] = gains && k != p->y ? rival_at(p, k, theta) : 0;
    if (sum > -p->own_least) { // rounding may make the sum exceed its bound
        float shrink = -p->own_least / sum;
        sum = 0;
        for (int64_t k = 0; k < classes; k++) sum += c[k] *= shrink;
    }
    c[p->y] = -sum;
}

static void plain_step(const mg_dual_sweep *w, int64_t r, float *z) {
    const mg_prox *prox = w->prox;
    const float *s = w->seen + r * w->lanes, *before = w->before + r * w->lanes;
    float q = w->curvature[r], *c = w->after + r * w->lanes;
    int64_t y = w->label[r];
    for (int64_t k = 0; k < w->classes; k++) z[k] = s[k] + w->delta + q * before[k];
    z[y] = s[y] + q * before[y] - (prox->joint ? 0 : w->delta);
    dual_problem p = {.lanes = w->lanes,
                      .y = y,
                      .z = z,
                      .most = prox->rival_most,
                      .shrink = 1 / (q + prox->rival_curve),
                      .own_least = prox->own_least,
                      .own_shrink = 1 / (q + prox->own_curve)};
    memset(c, 0, (size_t)w->lanes * sizeof *c);
    if (prox->joint) {
        plain_joint(&p, w->classes, before[y], 1 / p.own_shrink, c);
        return;
    }
    for (int64_t k = 0; k < w->classes; k++) c[k] = k == y ? plain_own_at(&p, 0) : rival_at(&p, k, 0);
}

// Undoes a step if its gain and half its curvature (the least gain of an exact step) are both no more than
// rounding errors of the scores.
static void leave_out(const mg_dual_sweep *w, int64_t r) {
    const mg_prox *prox = w->prox;
    int64_t y = w->label[r];
    float gain[LANES] = {0}, size[LANES] = {0}, least[LANES] = {0}, *after = w->after + r * w->lanes,
          h = prox->rival_curve, half = 0.5f * (w->curvature[r] + h);
    const float *s = w->seen + r * w->lanes, *before = w->before + r * w->lanes;
    for (int64_t k = 0; k < w->lanes; k++) {
        float d = after[k] - before[k], slope = d != 0 ? d * (s[k] + w->delta) : 0;
        gain[k % LANES] += slope - d * (h * before[k] + half * d);
        size[k % LANES] += fabsf(slope);
        least[k % LANES] += half * d * d;
    }
    float d = after[y] - before[y], more = prox->own_curve - h, shift = prox->joint ? w->delta : 2 * w->delta,
          own = d * (shift + more * (before[y] + 0.5f * d));
    float noise = MG_SWEEP_NOISE * fold(size);
    if (!(fold(gain) - own > noise || fold(least) > noise))
        memcpy(after, before, (size_t)w->lanes * sizeof *after);
}

static void sweep_row(const mg_dual_sweep *w, int64_t r, float *scratch) {
    int64_t lanes = w->lanes;
    float *s = w->seen + r * lanes;
    for (int64_t k = 0; k < lanes; k++) {
        s[k] = w->scores[r * lanes + k];
        for (int64_t j = 0; j < w->directions; j++)
            s[k] = fmaf(w->z[r * w->directions + j], w->moved[j * lanes + k], s[k]);
    }
    if (mg_sweep_alone(w)) {
        mg_dual_row dual = {w->prox, lanes, s, w->label[r], w->delta};
        memcpy(w->after + r * lanes, w->before + r * lanes, (size_t)lanes * sizeof *s);
        mg_reference_dual_step(&dual, w->curvature[r], scratch, w->after + r * lanes);
    } else {
        plain_step(w, r, scratch);
    }
    leave_out(w, r);
}

void mg_reference_dual_sweep(const mg_dual_sweep *w, int64_t first, int64_t rows, float *scratch) {
    for (int64_t r = first; r < first + rows; r++) sweep_row(w, r, scratch);
}

void mg_reference_dual_sweep_add(const mg_dual_sweep *w, int64_t first, int64_t rows, int64_t from,
                                 int64_t count) {
    int64_t lanes = w->lanes;
    for (int64_t r = first; r < first + rows; r++)
        for (int64_t k = from; k < from + count; k++) {
            float u = fmaf(w->factor[r], w->after[r * lanes + k] - w->before[r * lanes + k], 0);
            w->u[r * lanes + k] = u;
            w->total[k] += u;
            for (int64_t j = 0; j < w->directions; j++)
                w->moved[j * lanes + k] = fmaf(w->z[r * w->directions + j], u, w->moved[j * lanes + k]);
        }
}

static double fold_wide(double *lane) {
    for (int half = WIDE_LANES / 2; half > 0; half /= 2)
        for (int l = 0; l < half; l++) lane[l] += lane[l + half];
    return lane[0];
}

mg_dual_terms mg_reference_dual_terms(const mg_dual_row *row, const float *c) {
    const mg_prox *prox = row->prox;
    double linear[WIDE_LANES] = {0}, square[WIDE_LANES] = {0}, h = (double)prox->rival_curve,
           own = (double)c[row->y], delta = (double)row->delta;
    for (int64_t k = 0; k < row->lanes; k++) {
        double x = (double)c[k];
        if (x != 0) linear[k % WIDE_LANES] += x * ((double)row->scores[k] + delta);
        square[k % WIDE_LANES] += x * x;
    }
    return (mg_dual_terms){
        .linear = fold_wide(linear) - own * (prox->joint ? delta : 2 * delta),
        .curve = h * fold_wide(square) + ((double)prox->own_curve - h) * own * own,
    };
}

mg_dual_change mg_reference_dual_change(const mg_dual_row *row, const float *shift, double factor,
                                        const float *before, const float *after, float *u) {
    double inner[WIDE_LANES] = {0}, sum[WIDE_LANES] = {0}, old[WIDE_LANES] = {0}, square[WIDE_LANES] = {0};
    double h = (double)row->prox->rival_curve, more = (double)row->prox->own_curve - h, largest = 0,
           own = (double)after[row->y] - (double)before[row->y];
    for (int64_t k = 0; k < row->lanes; k++) {
        int l = (int)(k % WIDE_LANES);
        double b = (double)before[k], d = (double)after[k] - b;
        u[k] = d != 0 ? (float)(d * factor) : 0;
        if (d != 0) inner[l] += d * ((double)row->scores[k] - (double)shift[k]);
        sum[l] += d;
        old[l] += d * b;
        square[l] += d * d;
        largest = fmax(largest, fabs(d));
    }
    double along = fold_wide(inner), margins = fold_wide(sum) - own * (row->prox->joint ? 1 : 2);
    return (mg_dual_change){
        .largest = (float)largest,
        .slope =
            along + (double)row->delta * margins - h * fold_wide(old) - more * own * (double)before[row->y],
        .curve = h * fold_wide(square) + more * own * own,
        .inner = factor * along,
    };
}
