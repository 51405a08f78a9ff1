// kernel.h - the margin routine in vector instructions: one table of functions per instruction set.
// reference.c defines what each function computes; every other table gives the same bits. No function here
// allocates memory or fails.
//
// The order of every sum is part of the contract. "fma" is one fused multiply-add. "fold" adds 16 lanes
// pairwise: a[l] += a[l+8] for l < 8, then a[l] += a[l+4] for l < 4, then +2, then +1.
//
// - Dense scores: lane l takes features l, l+16, ... in ascending order, one fma each, from +0. Then come
//   fold and + offset[k].
// - Dense gradient: G[k][d] = fma(coef[i][k], x[i][d], G[k][d]) for rows i in ascending order. Zero
//   coefficients are skipped. mg_sum says what each sum starts from.
// - CSR scores: s[k] = fma(x, W[f][k], s[k]) for the row's values in ascending order of the features f, from
//   offset[k].
// - CSR gradient: G[f][k] = fma(x, coef[k], G[f][k]). If at most MG_FEW coefficients of the row are nonzero,
//   only the weights of their classes are changed.
// - Dual step: in sums over classes, lane k % 16 takes the classes k in ascending order; then fold.
// - Dual sweep: the scores of a row get one fma for each direction, in ascending order. Sums over classes go
//   in ascending order, without lanes. `moved` gets one fma and `total` one addition for each row of the
//   block, in ascending order.
// - dual_terms and dual_change: as the dual step, but in double with lane k % 8; their fold begins with +4.
#ifndef MG_KERNEL_KERNEL_H
#define MG_KERNEL_KERNEL_H

#include "base/prox.h"
#include "base/status.h"
#include "rows/rows.h"

#include <stdbool.h>
#include <stdint.h>

enum { MG_FEW = 4 };

typedef struct mg_dense_rows {
    mg_cell cell;
    int64_t count, dp;    // `count` rows of dp cells each; dp is a multiple of 16
    const void *const *x; // [count], each aligned as its cells are
} mg_dense_rows;

static inline mg_dense_rows mg_dense_floats(int64_t count, int64_t dp, const float *const *x) {
    return (mg_dense_rows){MG_CELL_F32, count, dp, (const void *const *)x};
}

// The weights that score rows (M1).
typedef struct mg_kernel_weights {
    int64_t classes;     // CSR: a multiple of 8
    const float *w;      // dense: [classes][dp], 64-byte aligned; CSR: [features][classes], 32-byte aligned
    const float *offset; // [classes]
} mg_kernel_weights;

// A block of dense rows in the cells of the data. Kernels convert narrower cells to floats in registers each
// time they read them, or only once, into `wide`. The copy is faster when there are many classes.
typedef struct mg_dense_block {
    mg_cell cell;
    int64_t rows, dp;       // rows <= MG_BLOCK_ROWS, of dp cells each; dp is a multiple of 16
    const void *const *raw; // [rows + more], each aligned as its cells are; rows after the first `rows` are
                            // prefetched
    int64_t more;           // <= rows
    float *wide; // NULL, or [rows][wide_line] floats, 64-byte aligned, which receive dp cells of each row
    int64_t wide_line;
} mg_dense_block;

// What the sums of a gradient g start from.
typedef enum mg_sum {
    MG_SUM_ON,    // the value that g holds
    MG_SUM_NEW,   // +0; the old value of g is overwritten
    MG_SUM_APART, // +0; the complete sum is then added to the old value of g
} mg_sum;

// One row with the scores that its dual step starts from. Scores of lanes beyond K are -INFINITY; the
// coefficients there are 0.
typedef struct mg_dual_row {
    const mg_prox *prox;
    int64_t lanes; // a multiple of 16
    const float *scores;
    int64_t y;
    float delta;
} mg_dual_row;

// The two terms of what a row contributes to the dual: -l*(c) + <scores, c> = linear - curve / 2.
typedef struct mg_dual_terms {
    double linear, curve;
} mg_dual_terms;

// What the line search needs to know about a row's step from `before` to `after`: the slope of -l*(c) +
// <scores, c> at the start of the step; minus its curvature; <scores, u>; the largest |after - before|.
typedef struct mg_dual_change {
    double slope, curve, inner;
    float largest;
} mg_dual_change;

// The rows of a round take their steps in blocks, one block after the other (M33). All rows of a block start
// from the same scores. Later blocks see the steps of earlier ones only through a few directions; z has the
// coordinates of every row in these directions.
typedef struct mg_dual_sweep {
    const mg_prox *prox;
    float delta;
    int64_t classes, lanes; // lanes: classes rounded up to 16
    int64_t rows, block;    // rows of a block: 1, or at least 4
    int64_t directions;
    const float *scores;     // [rows][lanes] of the weights at the beginning of the round; -INFINITY beyond K
    const float *before;     // [rows][lanes] coefficients; 0 beyond K
    const float *z;          // [rows][directions] coordinates of the rows
    const float *curvature;  // [rows] q of the step, above 0
    const float *factor;     // [rows] u = factor * (after - before)
    const int32_t *label;    // [rows]
    float *seen, *after, *u; // [rows][lanes] output: scores that the step started from; new coefficients; u
    float *moved;            // [directions][lanes] the sum of u z' over the rows is added to it
    float *total;            // [lanes] the sum of u over the rows is added to it
} mg_dual_sweep;

enum { MG_SWEEP_ROWS = 8, MG_SWEEP_CLASSES = 48 };

// True if every row steps alone, with sums over classes in the lanes of dual_step. False if eight rows step
// side by side; then the sums over their classes go in ascending order.
static inline bool mg_sweep_alone(const mg_dual_sweep *sweep) {
    return sweep->block == 1 || sweep->classes >= MG_SWEEP_CLASSES;
}

// Let d be the changes of the coefficients in a step. A row keeps its old coefficients if the gain of the
// step and half its curvature are both at most this fraction of the sum of |d (s + delta)|. Such a gain may
// come from the rounding of the scores alone.
#define MG_SWEEP_NOISE 3e-8f

typedef struct mg_kernel {
    const char *name;
    const char *help;
    bool (*usable)(void); // true if this machine can run it

    // Converts n cells to floats; n is a multiple of 16, `to` is 64-byte aligned. The result is exact,
    // because no cell has more digits than a float.
    void (*widen)(mg_cell cell, int64_t n, const void *from, float *to);

    // Scales columns (M19): x[j] = scale[j] * (x[j] - center[j]); n is a multiple of 16. If center is NULL,
    // nothing is subtracted.
    void (*scale_columns)(int64_t n, const float *center, const float *scale, float *x);

    // Scores of dense rows of floats (M1). s: [rows][lds]; only the first `classes` scores of a row are
    // written.
    void (*dense_scores)(const mg_dense_rows *rows, const mg_kernel_weights *weights, float *s, int64_t lds);

    // The same for rows of any cell type.
    void (*dense_block_scores)(const mg_dense_block *block, const mg_kernel_weights *weights, float *s,
                               int64_t lds);

    // Gradient of at most MG_BLOCK_ROWS dense rows (M10): g[classes][dp] += coef^T x, or as `sum` says. coef:
    // [rows][ldc].
    void (*dense_accumulate)(const mg_dense_rows *rows, mg_sum sum, int64_t classes, const float *coef,
                             int64_t ldc, float *g);

    // Scores of one CSR row (M1). s: [classes]. next: the row whose scores are computed soon, so that its
    // weights are prefetched; NULL if there is none.
    void (*csr_scores)(const mg_csr_row *row, const mg_csr_row *next, const mg_kernel_weights *weights,
                       float *s);

    // Gradient of one CSR row (M10): for each stored value x_f of the row, g[f] += x_f * coef. g:
    // [features][kp]. coef: [kp], 0 in the padding.
    void (*csr_accumulate)(const mg_csr_row *row, int64_t kp, const float *coef, float *g);

    // csr_accumulate with the weights in place of g. Returns the change of the weights' squared norm, as the
    // sum of x c (2 w + x c). The difference of the two norms would be less exact: it contains the rounding
    // of w, which can exceed a small step.
    // Order of this sum: if at most MG_FEW coefficients are nonzero, each of their classes has one sum over
    // the row's values, and these sums are added in the order of the classes. Otherwise each vector of 16
    // classes adds to the same 16 lanes, value after value, and a last half vector adds to 8 lanes of its
    // own; both are folded and then added.
    float (*csr_update)(const mg_csr_row *row, int64_t kp, const float *coef, float *w);

    // (M26) The exact step of one row: c[lanes] becomes the maximiser over c' of -l*(c') + <scores, c'> - q/2
    // ||c' - c||^2. q > 0; z is scratch memory of `lanes` floats.
    void (*dual_step)(const mg_dual_row *row, float q, float *z, float *c);

    // (M33) The exact steps of rows [first, first + rows) of a round, which are of one block: `seen` and
    // `after`. `first` is a multiple of MG_SWEEP_ROWS from the beginning of the block; scratch:
    // [2][classes][MG_SWEEP_ROWS].
    void (*dual_sweep)(const mg_dual_sweep *sweep, int64_t first, int64_t rows, float *scratch);

    // The change that the steps of these rows are for the rows of later blocks: u, `moved` and `total`, for
    // the lanes [from, from + lanes), which are multiples of 16. All rows of the block have stepped.
    void (*dual_sweep_add)(const mg_dual_sweep *sweep, int64_t first, int64_t rows, int64_t from,
                           int64_t lanes);

    // (M27) The two terms of -l*(c) + <scores, c> for the coefficients c[lanes] of a row.
    mg_dual_terms (*dual_terms)(const mg_dual_row *row, const float *c);

    // (M27) What the line search needs to know about a row's step. Writes u[lanes] = factor * (after -
    // before). row->scores contain shift[lanes], the effect of earlier steps. It is subtracted first, because
    // the line search starts from the weights without these steps.
    mg_dual_change (*dual_change)(const mg_dual_row *row, const float *shift, double factor,
                                  const float *before, const float *after, float *u);

    // to[j] += from[j] for n elements, a multiple of 16. Adds the gradients of two parts.
    void (*add)(int64_t n, const float *from, float *to);

    // Measures the arithmetic limit of this instruction set: `iterations` rounds of multiply-adds in
    // registers. Returns the number of floating-point operations. *out depends on all of them; otherwise the
    // compiler could leave some out.
    double (*peak)(int64_t iterations, float *out);
} mg_kernel;

enum { MG_BLOCK_ROWS = 64 }; // largest number of rows of a dense block

// Selects the kernel that the environment variable MARGIN_KERNEL names; if it is not set, the fastest one
// that this machine can run. Errors: MG_USAGE if the name is unknown or this machine cannot run the kernel.
mg_status mg_kernel_select(const mg_kernel **out, mg_error *error);

// The i-th kernel of the registry, in the order of speed; NULL after the last.
const mg_kernel *mg_kernel_at(int i);

#endif
