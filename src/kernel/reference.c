// reference.c - the kernel in plain C. Every other kernel must give the same bits; where none of them can
// run, this one does. Written for reading, not for speed: one loop for each sum, in the order that kernel.h
// fixes. It shares no code with the other kernels.
#include "kernel/kernel.h"

#include <math.h>
#include <stddef.h>

enum { LANES = 16 };

static bool usable(void) { return true; }

static void widen(mg_cell cell, int64_t n, const void *from, float *to) {
    for (int64_t j = 0; j < n; j++) to[j] = mg_cell_at(cell, from, j);
}

static void scale_columns(int64_t n, const float *center, const float *scale, float *x) {
    for (int64_t j = 0; j < n; j++) x[j] = scale[j] * (center ? x[j] - center[j] : x[j]);
}

static float fold(float *lane) {
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int l = 0; l < half; l++) lane[l] += lane[l + half];
    return lane[0];
}

static float dot(mg_cell cell, int64_t dp, const void *x, const float *w) {
    float lane[LANES] = {0};
    for (int64_t d = 0; d < dp; d += LANES)
        for (int l = 0; l < LANES; l++) lane[l] = fmaf(mg_cell_at(cell, x, d + l), w[d + l], lane[l]);
    return fold(lane);
}

static void score_row(const mg_dense_rows *rows, int64_t i, const mg_kernel_weights *weights, float *s) {
    for (int64_t k = 0; k < weights->classes; k++)
        s[k] = dot(rows->cell, rows->dp, rows->x[i], weights->w + k * rows->dp) + weights->offset[k];
}

static void dense_scores(const mg_dense_rows *rows, const mg_kernel_weights *weights, float *s, int64_t lds) {
    for (int64_t i = 0; i < rows->count; i++) score_row(rows, i, weights, s + i * lds);
}

static void dense_block_scores(const mg_dense_block *block, const mg_kernel_weights *weights, float *s,
                               int64_t lds) {
    mg_dense_rows rows = {block->cell, block->rows, block->dp, block->raw};
    for (int64_t i = 0; i < rows.count; i++) {
        if (block->wide) widen(rows.cell, rows.dp, rows.x[i], block->wide + i * block->wide_line);
        score_row(&rows, i, weights, s + i * lds);
    }
}

static void dense_accumulate(const mg_dense_rows *rows, mg_sum from, int64_t classes, const float *coef,
                             int64_t ldc, float *g) {
    for (int64_t k = 0; k < classes; k++)
        for (int64_t d = 0; d < rows->dp; d++) {
            float *to = &g[k * rows->dp + d], sum = from == MG_SUM_ON ? *to : 0;
            for (int64_t i = 0; i < rows->count; i++)
                if (coef[i * ldc + k] != 0)
                    sum = fmaf(coef[i * ldc + k], mg_cell_at(rows->cell, rows->x[i], d), sum);
            *to = from == MG_SUM_APART ? *to + sum : sum;
        }
}

static void csr_scores(const mg_csr_row *row, const mg_csr_row *next, const mg_kernel_weights *weights,
                       float *s) {
    (void)next;
    int64_t kp = weights->classes;
    for (int64_t k = 0; k < kp; k++) s[k] = weights->offset[k];
    for (int64_t e = 0; e < row->count; e++)
        for (int64_t k = 0; k < kp; k++)
            s[k] = fmaf(row->values[e], weights->w[row->indices[e] * kp + k], s[k]);
}

static int64_t nonzero_of(int64_t n, const float *x) {
    int64_t nonzero = 0;
    for (int64_t j = 0; j < n; j++) nonzero += x[j] != 0;
    return nonzero;
}

static void csr_accumulate(const mg_csr_row *row, int64_t kp, const float *coef, float *g) {
    bool all = nonzero_of(kp, coef) > MG_FEW;
    for (int64_t e = 0; e < row->count; e++)
        for (int64_t k = 0; k < kp; k++) {
            float *to = &g[row->indices[e] * kp + k];
            if (all || coef[k] != 0) *to = fmaf(row->values[e], coef[k], *to);
        }
}

static float csr_update(const mg_csr_row *row, int64_t kp, const float *coef, float *w) {
    int64_t n = row->count;
    const uint32_t *indices = row->indices;
    const float *values = row->values;
    float lane[LANES] = {0}, rest[LANES] = {0}, total = 0;
    int64_t nonzero = nonzero_of(kp, coef);
    for (int64_t k = 0; k < kp; k++) {
        float single = 0, *sum = nonzero > MG_FEW ? NULL : &single;
        if (sum && coef[k] == 0) continue;
        for (int64_t e = 0; sum && e < n; e++) {
            float *at = &w[indices[e] * kp + k], before = *at, change = values[e] * coef[k];
            *at = fmaf(values[e], coef[k], before);
            single = fmaf(change, 2 * before + change, single);
        }
        total += single;
    }
    for (int64_t e = 0; nonzero > MG_FEW && e < n; e++)
        for (int64_t k = 0; k < kp; k++) {
            float *at = &w[indices[e] * kp + k], before = *at, change = values[e] * coef[k];
            *at = fmaf(values[e], coef[k], before);
            float *sum = k / LANES * LANES + LANES <= kp ? &lane[k % LANES] : &rest[k % LANES];
            *sum = fmaf(change, 2 * before + change, *sum);
        }
    return nonzero > MG_FEW ? fold(lane) + fold(rest) : total;
}

// ---- The dual of one row ------------------------------------------------------------------------

enum { ROOT_ROUNDS = 40, WIDE_LANES = 8 };

// The row's problem once its scores are known: z = scores + margin + q c, with z[y] for the own class.
typedef struct dual_problem {
    int64_t lanes, y;
    const float *z;
    float most, shrink;          // of rivals: upper bound, 1 / (q + h)
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

// Rivals' coefficients at theta, and their sum.
static float rivals_at(const dual_problem *p, float theta, float *c) {
    float lane[LANES] = {0};
    for (int64_t k = 0; k < p->lanes; k++) {
        c[k] = k == p->y ? 0 : rival_at(p, k, theta);
        lane[k % LANES] += c[k];
    }
    return fold(lane);
}

// Sum of all coefficients at theta, and minus its slope: the free ones alone change.
static float sum_at(const dual_problem *p, float theta, float *slope, float *c) {
    float free[LANES] = {0}, own = (p->z[p->y] - theta) * p->own_shrink;
    for (int64_t k = 0; k < p->lanes; k++) {
        float v = (p->z[k] - theta) * p->shrink;
        if (k != p->y && v > 0 && v < p->most) free[k % LANES] += p->shrink;
    }
    *slope = fold(free) + (own < 0 && own > p->own_least ? p->own_shrink : 0);
    return rivals_at(p, theta, c) + own_at(p, theta);
}

// The multiplier at which the coefficients sum to 0, between z[y] and the largest z of the rivals. Newton's
// method stays in a bracket. If two iterations have not halved the bracket, its middle is tried next.
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

static void dual_step(const mg_dual_row *row, float q, float *z, float *c) {
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
    } else if (!(most_z > z[y])) { // no rival has anything to gain
        for (int64_t k = 0; k < row->lanes; k++) c[k] = 0;
    } else {
        float theta = multiplier(&p, z[y] - own * (q + prox->own_curve), most_z, c);
        float sum = rivals_at(&p, theta, c), shrink = -p.own_least / sum;
        bool over = sum > -p.own_least; // rounding may go over the bound
        if (over) sum = 0;
        for (int64_t k = 0; over && k < row->lanes; k++) sum += c[k] *= shrink;
        c[y] = -sum;
    }
}

static double fold_wide(double *lane) {
    for (int half = WIDE_LANES / 2; half > 0; half /= 2)
        for (int l = 0; l < half; l++) lane[l] += lane[l + half];
    return lane[0];
}

static mg_dual_terms dual_terms(const mg_dual_row *row, const float *c) {
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

static mg_dual_change dual_change(const mg_dual_row *row, const float *shift, double factor,
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

// ---- The rest -----------------------------------------------------------------------------------

static void add(int64_t n, const float *from, float *to) {
    for (int64_t j = 0; j < n; j++) to[j] += from[j];
}

static double peak(int64_t iterations, float *out) {
    float lane[LANES] = {0};
    for (int64_t i = 0; i < iterations; i++)
        for (int l = 0; l < LANES; l++) lane[l] = fmaf(lane[l], 0.5f, 1);
    *out = fold(lane);
    return 2.0 * LANES * (double)iterations;
}

const mg_kernel mg_kernel_reference = {
    .name = "reference",
    .help = "plain C for any processor; slow; its results define the bits of all others",
    .usable = usable,
    .widen = widen,
    .scale_columns = scale_columns,
    .dense_scores = dense_scores,
    .dense_block_scores = dense_block_scores,
    .dense_accumulate = dense_accumulate,
    .csr_scores = csr_scores,
    .csr_accumulate = csr_accumulate,
    .csr_update = csr_update,
    .dual_step = dual_step,
    .dual_terms = dual_terms,
    .dual_change = dual_change,
    .add = add,
    .peak = peak,
};
