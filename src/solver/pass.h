// pass.h - the margin routine over blocks of rows that stay in cache: scores, losses and coefficients of one
// block. Every solver, evaluation and prediction goes through it. One mg_pass belongs to one part at a time.
#ifndef MG_SOLVER_PASS_H
#define MG_SOLVER_PASS_H

#include "data/stream.h"
#include "kernel/kernel.h"
#include "parallel/cut.h"
#include "solver/problem.h"
#include "solver/weights.h"

typedef struct mg_pass {
    int64_t lanes, line, wide_line;
    int64_t block_rows;           // rows taken at a time, at most MG_BLOCK_ROWS
    mg_cell cell;                 // dense: type of the cells of x
    const void *x[MG_BLOCK_ROWS]; // dense: rows of the block, as they are stored or widened
    // [block_rows][wide_line] rows widened, or copied to other distances; NULL: they are read as they are
    // stored
    float *wide;
    float *scores;     // [block_rows][lanes]; padding lanes are -INFINITY
    float *coef;       // [block_rows][lanes]
    int64_t end, then; // dense, for prefetching: after row `end` of the view the same thread continues at
                       // index[then]; 0: no jump
    // [lanes] classes that may have had a nonzero coefficient since the caller last cleared the marks
    uint8_t *touched;
} mg_pass;

mg_status mg_pass_create(mg_pass *pass, mg_layout layout, mg_cell cell, int64_t classes, int64_t features,
                         mg_error *error);

// After mg_pass_create: prepares the pass for rows that may be bare. `bare` false: does nothing. Errors:
// MG_MEMORY; the pass is then destroyed.
mg_status mg_pass_widen(mg_pass *pass, bool bare, mg_error *error);
void mg_pass_destroy(mg_pass *pass);

// Cells [from, to) of a stored dense row as floats, both multiples of MG_LANES; the padding of a bare row is
// zero. x: 64-byte aligned.
void mg_pass_cells(const mg_kernel *kernel, const mg_rows *rows, int64_t stored, int64_t from, int64_t to,
                   float *x);

// Dense view rows [first, first + count) into pass->x. count <= pass->block_rows.
void mg_pass_take(mg_pass *pass, const mg_kernel *kernel, const mg_rows *rows, int64_t first, int64_t count);

// (M1) Scores of view rows [first, first + count) into pass->scores; count <= pass->block_rows.
void mg_pass_scores(mg_pass *pass, const mg_kernel *kernel, const mg_weights *weights, const mg_rows *rows,
                    int64_t first, int64_t count);

// After mg_pass_scores: coefficients of the same rows into pass->coef, times the rows' weights. Returns the
// weighted sum of the losses.
double mg_pass_losses(mg_pass *pass, const mg_loss *loss, float delta, const mg_batch *of, int64_t first,
                      int64_t count);

// (M10) After mg_pass_losses: adds the coefficients of the `count` rows to coef_sum [lanes], the gradient of
// the constant feature, and marks the classes they touch.
void mg_pass_add_coefficients(const mg_pass *pass, int64_t count, double *coef_sum);

// With so few classes the rows touch nearly all of them, so the touched ones are not listed.
static inline bool mg_pass_touches_all(const mg_pass *pass) {
    enum { FEW_LANES = 64 };
    return pass->lanes <= FEW_LANES;
}

// (M10) Adds the gradient of the dense rows in pass->x: `count` rows of coefficients, pass->lanes apart.
void mg_pass_accumulate(const mg_pass *pass, const mg_kernel *kernel, mg_sum sum, int64_t classes,
                        int64_t count, const float *coef, float *grad);

// Where a gradient goes.
typedef struct mg_pass_sum {
    // MG_SUM_ON: required for CSR rows, and where not all classes are touched. MG_SUM_APART: only for at most
    // pass->block_rows rows.
    mg_sum begin;
    float *grad;      // laid out as the weights
    double *coef_sum; // [lanes] the coefficients are added to it
} mg_pass_sum;

// The routine as training uses it (M1, M3..M10): the gradient of rows [first, end) of the minibatch. Returns
// the weighted sum of the losses.
double mg_pass_gradient(mg_pass *pass, const mg_problem *problem, const mg_weights *weights,
                        const mg_batch *batch, int64_t first, int64_t end, mg_pass_sum to);

#endif
