// reference.c - the kernel in plain C. Every other kernel must give the same bits. It is also what runs on
// machines that can run no other kernel. It is written for reading, not for speed: one loop for each sum, in
// the order that kernel.h fixes. It shares no code with the kernels that are compared with it.
#include "kernel/reference.h"

#include <math.h>
#include <stddef.h>

static bool usable(void) { return true; }

static void widen(mg_cell cell, int64_t n, const void *from, float *to) {
    for (int64_t j = 0; j < n; j++) to[j] = mg_cell_at(cell, from, j);
}

static void scale_columns(int64_t n, const float *center, const float *scale, float *x) {
    for (int64_t j = 0; j < n; j++) x[j] = scale[j] * (center ? x[j] - center[j] : x[j]);
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
    .help = "plain loops in C, for any processor; slow; all other kernels give the same bits",
    .usable = usable,
    .widen = widen,
    .scale_columns = scale_columns,
    .dense_scores = dense_scores,
    .dense_block_scores = dense_block_scores,
    .dense_accumulate = dense_accumulate,
    .csr_scores = csr_scores,
    .csr_accumulate = csr_accumulate,
    .csr_update = csr_update,
    .dual_step = mg_reference_dual_step,
    .dual_sweep = mg_reference_dual_sweep,
    .dual_sweep_add = mg_reference_dual_sweep_add,
    .dual_terms = mg_reference_dual_terms,
    .dual_change = mg_reference_dual_change,
    .add = add,
    .peak = peak,
};
