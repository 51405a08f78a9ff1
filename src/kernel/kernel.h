// kernel.h - the vectorised margin routine, one table per instruction set. reference.c is the contract: every
// other table gives the same bits. Nothing here allocates or fails.
//
// The order of every sum is part of the contract. "fma" is one fused multiply-add; "fold" adds 16 lanes
// pairwise: a[l] += a[l+8] for l < 8, then a[l] += a[l+4] for l < 4, then +2, then +1.
//
// - Dense scores: lane l takes features l, l+16, ... in ascending order, one fma each, from +0; then fold,
// then
//   + offset[k].
// - Dense gradient: G[k][d] = fma(coef[i][k], x[i][d], G[k][d]) for rows i in ascending order. Zero
//   coefficients are skipped. mg_sum tells where a sum begins.
// - CSR scores: s[k] = fma(x, W[f][k], s[k]) for the row's values in ascending order, from offset[k].
// - CSR gradient: G[f][k] = fma(x, coef[k], G[f][k]). If at most MG_FEW coefficients of the row are nonzero,
//   only their classes are touched.
// - Dual step: in sums over classes, lane k % 16 takes the classes in ascending order; then fold.
// - Dual sweep: scores of a row, fma over directions in ascending order; sums over classes in ascending
// order;
//   for what a block changes, one fma for each row in ascending order.
// - dual_terms and dual_change: the same in double with lane k % 8; the fold begins with +4.
#ifndef MG_KERNEL_KERNEL_H
#define MG_KERNEL_KERNEL_H

#include "base/prox.h"
#include "base/status.h"
#include "rows/rows.h"

#include <stdbool.h>
#include <stdint.h>

enum { MG_FEW = 4 };

// Dense rows.
typedef struct mg_dense_rows {
    mg_cell cell;
    int64_t count, dp;    // dp cells each, a multiple of 16
    const void *const *x; // [count] aligned as their cells are
} mg_dense_rows;

static inline mg_dense_rows mg_dense_floats(int64_t count, int64_t dp, const float *const *x) {
    return (mg_dense_rows){MG_CELL_F32, count, dp, (const void *const *)x};
}

// What scores rows (M1).
typedef struct mg_kernel_weights {
    int64_t classes;     // CSR: a multiple of 8
    const float *w;      // dense: [classes][dp], 64-byte aligned; CSR: [features][classes], 32-byte aligned
    const float *offset; // [classes]
} mg_kernel_weights;

// Dense rows as they are in memory. Narrower cells become floats in registers, or once, in `wide`, which is
// faster if many classes read them.
typedef struct mg_dense_block {
    mg_cell cell;
    int64_t rows, dp;       // rows <= MG_BLOCK_ROWS; dp cells each, a multiple of 16
    const void *const *raw; // [rows + more], aligned as their cells are; those after `rows` are prefetched
    int64_t more;           // <= rows
    float *wide; // [rows][wide_line], 64-byte aligned; dp cells of a row are written; NULL: no copy
    int64_t wide_line;
} mg_dense_block;

// What the sums of a gradient begin with, and where they go.
typedef enum mg_sum {
    MG_SUM_ON,    // from what g holds
    MG_SUM_NEW,   // from +0; what g holds does not matter
    MG_SUM_APART, // from +0, and then added to what g holds
} mg_sum;

// One row as its dual step sees it. Scores of lanes beyond K are -INFINITY, coefficients there are 0.
typedef struct mg_dual_row {
    const mg_prox *prox;
    int64_t lanes; // a multiple of 16
    const float *scores;
    int64_t y;
    float delta;
} mg_dual_row;

// -l*(c) + <scores, c> = linear - curve / 2.
typedef struct mg_dual_terms {
    double linear, curve;
} mg_dual_terms;

// Properties of a row's step from `before` to `after`: the slope of -l*(c) + <scores, c> at the beginning of
// the step; minus its curvature; <scores, u>; the largest |after - before|.
typedef struct mg_dual_change {
    double slope, curve, inner;
    float largest;
} mg_dual_change;

// The rows of a round that step in turn (M33). Rows of a block step from the same scores; later rows see
// their steps through a few directions, in which every row has coordinates.
typedef struct mg_dual_sweep {
    const mg_prox *prox;
    float delta;
    int64_t classes, lanes; // lanes: classes rounded up to 16
    int64_t rows, block;    // rows of a block: 1, or any number from 4 on
    int64_t directions;
    const float *scores; // [rows][lanes] with the weights at the beginning of the round; -INFINITY beyond K
    const float *before; // [rows][lanes] coefficients; 0 beyond K
    const float *z;      // [rows][directions] coordinates
    const float *curvature;  // [rows] q of the step, above 0
    const float *factor;     // [rows] u = factor * (after - before)
    const int32_t *label;    // [rows]
    float *seen, *after, *u; // [rows][lanes] written: the scores that the step starts from; coefficients; u
    float *moved;   // [directions][lanes] the sum of u z' over the rows; the sweep begins with what it holds
    float *total;   // [lanes] the sum of u, likewise
    float *scratch; // [2][classes][MG_SWEEP_ROWS]
    int32_t *list;  // [classes] scratch
} mg_dual_sweep;

enum { MG_SWEEP_ROWS = 8, MG_SWEEP_CLASSES = 48 };

// Rows of the sweep step like dual_step. Otherwise sums over their classes are in ascending order.
static inline bool mg_sweep_alone(const mg_dual_sweep *sweep) {
    return sweep->block == 1 || sweep->classes >= MG_SWEEP_CLASSES;
}

// A step is left out if it gains at most this part of the sum of |d (s + delta)| over its changes d, and half
// its curvature is not more either.
#define MG_SWEEP_NOISE 3e-8f

typedef struct mg_kernel {
    const char *name;
    const char *help;
    bool (*usable)(void); // can this machine run it?

    // Cells to float, n a multiple of 16, `to` 64-byte aligned. Exact: no cell has more digits than a float.
    void (*widen)(mg_cell cell, int64_t n, const void *from, float *to);

    // Columns scaled (M19): x[j] = scale[j] * (x[j] - center[j]), n a multiple of 16; center NULL: 0.
    void (*scale_columns)(int64_t n, const float *center, const float *scale, float *x);

    // Scores of dense rows of floats (M1). s: [rows][lds]; only the first `classes` of a row are written.
    void (*dense_scores)(const mg_dense_rows *rows, const mg_kernel_weights *weights, float *s, int64_t lds);

    // The same for rows of any cell.
    void (*dense_block_scores)(const mg_dense_block *block, const mg_kernel_weights *weights, float *s,
                               int64_t lds);

    // Gradient of at most MG_BLOCK_ROWS dense rows (M10): g: [classes][dp] += coef^T x, or as `sum` says.
    // coef: [rows][ldc].
    void (*dense_accumulate)(const mg_dense_rows *rows, mg_sum sum, int64_t classes, const float *coef,
                             int64_t ldc, float *g);

    // Scores of one CSR row (M1). s: [classes]. next: the row that is scored soon; its weights are
    // prefetched. NULL: none.
    void (*csr_scores)(const mg_csr_row *row, const mg_csr_row *next, const mg_kernel_weights *weights,
                       float *s);

    // Gradient of one CSR row (M10): g: [features][kp] feature-major, row f of g += x_f * coef. coef: [kp],
    // padding lanes zero.
    void (*csr_accumulate)(const mg_csr_row *row, int64_t kp, const float *coef, float *g);

    // csr_accumulate into weights. Returns the change of their squared norm, as the sum of x c (2 w + x c).
    // The difference of the squares would contain the rounding of w, which can exceed a small step.
    // Order of the sum: with at most MG_FEW classes, one sum for each class over the row's values, added in
    // the order of the classes; otherwise 16 lanes over values and vectors of 16 classes, folded, plus 8
    // lanes for a last half vector, folded.
    float (*csr_update)(const mg_csr_row *row, int64_t kp, const float *coef, float *w);

    // (M26) Exact maximiser of what one row adds to the dual: c[lanes] becomes argmax over c' of -l*(c') +
    // <scores, c'> - q/2 ||c' - c||^2. q > 0; z: scratch of `lanes`.
    void (*dual_step)(const mg_dual_row *row, float q, float *z, float *c);

    // (M33) The exact steps of the rows of a round, in turn.
    void (*dual_sweep)(const mg_dual_sweep *sweep);

    // (M27) The two terms of -l*(c) + <scores, c> for the coefficients c[lanes] of a row.
    mg_dual_terms (*dual_terms)(const mg_dual_row *row, const float *c);

    // (M27) The numbers that the line search needs for the step of a row. u[lanes] becomes
    // factor * (after - before). The scores contain shift[lanes], but the search starts from scores without
    // it.
    mg_dual_change (*dual_change)(const mg_dual_row *row, const float *shift, double factor,
                                  const float *before, const float *after, float *u);

    // to[j] += from[j], n a multiple of 16: merging the partial gradients of parts.
    void (*add)(int64_t n, const float *from, float *to);

    // Multiply-adds in registers, for the largest rate that the instruction set allows: `iterations` rounds
    // of them. Returns the number of floating-point operations. *out depends on all of them, so that the
    // compiler can leave none out.
    double (*peak)(int64_t iterations, float *out);
} mg_kernel;

enum { MG_BLOCK_ROWS = 64 }; // largest number of rows of a dense block

// The fastest usable kernel, or the one the environment variable MARGIN_KERNEL names.
// Errors: MG_USAGE if that name is unknown or this machine cannot run the kernel.
mg_status mg_kernel_select(const mg_kernel **out, mg_error *error);

// The i-th kernel of the registry, fastest first; NULL after the last.
const mg_kernel *mg_kernel_at(int i);

#endif
