// pass.h - the margin routine over blocks of rows: scores, losses and coefficients of a block, while the
// block stays in cache. Every solver, evaluation and prediction uses it. Only one thread at a time may use an
// mg_pass.
#ifndef MG_SOLVER_PASS_H
#define MG_SOLVER_PASS_H

#include "data/stream.h"
#include "kernel/kernel.h"
#include "parallel/cut.h"
#include "solver/problem.h"
#include "solver/weights.h"

typedef struct mg_pass {
    int64_t lanes, line, wide_line;
    int64_t block_rows;           // rows of a block; at most MG_BLOCK_ROWS
    mg_cell cell;                 // dense: type of the cells of x
    const void *x[MG_BLOCK_ROWS]; // dense: rows of the present block, as they are stored or as copied to
                                  // `wide`
    // [block_rows][wide_line] rows converted to float, or copied because their distance is bad for the cache;
    // NULL: rows are read where they are stored
    float *wide;
    float *scores;     // [block_rows][lanes]; padding lanes are -INFINITY
    float *coef;       // [block_rows][lanes]
    int64_t end, then; // prefetch hint for dense rows: after row `end` of the view this thread continues at
                       // index[then]; 0: no jump
    // [lanes] 1 for classes that may have had a nonzero coefficient since the caller last cleared the marks
    uint8_t *touched;
} mg_pass;

mg_status mg_pass_create(mg_pass *pass, mg_layout layout, mg_cell cell, int64_t classes, int64_t features,
                         mg_error *error);

// Call it after mg_pass_create if the rows may lack padding (`bare`): then rows are always copied. Does
// nothing if `bare` is false. Errors: MG_MEMORY; the pass is then destroyed.
mg_status mg_pass_widen(mg_pass *pass, bool bare, mg_error *error);
void mg_pass_destroy(mg_pass *pass);

// Copies the cells of a stored dense row to x[line] as floats. The padding of a bare row is replaced by
// zeros. x: 64-byte aligned.
void mg_pass_cells(const mg_kernel *kernel, const mg_rows *rows, int64_t stored, int64_t line, float *x);

// Sets the present block pass->x to the dense rows [first, first + count) of the view. count <=
// pass->block_rows.
void mg_pass_take(mg_pass *pass, const mg_kernel *kernel, const mg_rows *rows, int64_t first, int64_t count);

// (M1) Computes the scores of rows [first, first + count) of the view into pass->scores. count <=
// pass->block_rows.
void mg_pass_scores(mg_pass *pass, const mg_kernel *kernel, const mg_weights *weights, const mg_rows *rows,
                    int64_t first, int64_t count);

// Call it after mg_pass_scores, for the same rows: computes pass->coef, the coefficients times the
// weights of the rows. Returns the weighted sum of the losses.
double mg_pass_losses(mg_pass *pass, const mg_loss *loss, float delta, const mg_batch *of, int64_t first,
                      int64_t count);

// (M10) Call it after mg_pass_losses: adds the coefficients of the `count` rows to coef_sum [lanes],
// which is the gradient of the constant feature, and marks the classes with nonzero coefficients in
// pass->touched.
void mg_pass_add_coefficients(const mg_pass *pass, int64_t count, double *coef_sum);

// True if there are so few classes that the rows touch nearly all of them. Then all are marked as touched,
// without a look at the coefficients.
static inline bool mg_pass_touches_all(const mg_pass *pass) {
    enum { FEW_LANES = 64 };
    return pass->lanes <= FEW_LANES;
}

// (M10) Adds the gradient of the `count` dense rows in pass->x to `grad`. coef: [count] rows of coefficients,
// pass->lanes apart.
void mg_pass_accumulate(const mg_pass *pass, const mg_kernel *kernel, mg_sum sum, int64_t classes,
                        int64_t count, const float *coef, float *grad);

// Where mg_pass_gradient puts a gradient.
typedef struct mg_pass_sum {
    // What the sums start from. It must be MG_SUM_ON for CSR rows, and if not all classes are touched.
    // MG_SUM_APART is allowed only for at most pass->block_rows rows.
    mg_sum begin;
    float *grad;      // laid out as the weights
    double *coef_sum; // [lanes] the coefficients are added to it
} mg_pass_sum;

// The margin routine of training (M1, M3..M10): the gradient of rows [first, end) of the minibatch. Returns
// the weighted sum of the losses.
double mg_pass_gradient(mg_pass *pass, const mg_problem *problem, const mg_weights *weights,
                        const mg_batch *batch, int64_t first, int64_t end, mg_pass_sum to);

#endif
