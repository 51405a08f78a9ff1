// pass.c - owns the blocks of rows: a block stays in cache between scores and gradient.
#include "solver/pass.h"

#include "base/lanes.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

// With up to this many classes, kernels convert narrow cells to floats in registers each time they read them.
// A copy in memory would displace weights and rows from the first-level cache. With more classes cells are
// read so often that a copy is faster.
enum { NARROW_CLASSES = 12 };
// If the length of rows is a whole number of pages, all rows and weights compete for a few sets of the
// first-level cache. With this many classes or more, it is faster to copy the rows to other distances.
enum { PAGE_FLOATS = 1024, PAGE_CLASSES = 256 };
// Cells of a block: at most a quarter of a megabyte, which stays in the second-level cache between scores and
// gradient.
enum { BLOCK_FLOATS = 64 << 10, FEWEST_BLOCK_ROWS = 6 };

mg_status mg_pass_create(mg_pass *pass, mg_layout layout, mg_cell cell, int64_t classes, int64_t features,
                         mg_error *error) {
    int64_t line = mg_round_up(features, MG_LANES);
    bool apart = line % PAGE_FLOATS == 0 && classes >= PAGE_CLASSES;
    bool widens = layout == MG_DENSE && (cell == MG_CELL_F32 ? apart : classes > NARROW_CLASSES);
    *pass = (mg_pass){.lanes = mg_round_up(classes, MG_LANES),
                      .line = line,
                      .wide_line = line + MG_LANES,
                      .cell = widens ? MG_CELL_F32 : cell};
    int64_t rows = layout == MG_DENSE ? BLOCK_FLOATS / pass->line : MG_BLOCK_ROWS;
    pass->block_rows = mg_clamp(rows, FEWEST_BLOCK_ROWS, MG_BLOCK_ROWS);
    size_t n = (size_t)pass->block_rows;
    mg_status status = mg_memory_zeroed(&pass->scores, n, (size_t)pass->lanes * sizeof(float), error);
    // Losses read whole vectors, so a padding lane must never be the strongest rival. Kernels do not write
    // the padding of dense scores, so it is set only once, here.
    for (int64_t i = 0; !status && i < pass->block_rows * pass->lanes; i++) pass->scores[i] = -INFINITY;
    if (!status) status = mg_memory_zeroed(&pass->coef, n, (size_t)pass->lanes * sizeof(float), error);
    if (!status) status = mg_memory_zeroed(&pass->touched, (size_t)pass->lanes, sizeof *pass->touched, error);
    if (!status && widens)
        status = mg_memory_zeroed(&pass->wide, n, (size_t)pass->wide_line * sizeof(float), error);
    if (status) mg_pass_destroy(pass);
    return status;
}

mg_status mg_pass_widen(mg_pass *pass, bool bare, mg_error *error) {
    if (!bare || pass->wide) return MG_OK;
    pass->cell = MG_CELL_F32;
    mg_status status = mg_memory_zeroed(&pass->wide, (size_t)pass->block_rows,
                                        (size_t)pass->wide_line * sizeof(float), error);
    if (status) mg_pass_destroy(pass);
    return status;
}

void mg_pass_destroy(mg_pass *pass) {
    if (!pass) return;
    mg_memory_free(pass->wide);
    mg_memory_free(pass->scores);
    mg_memory_free(pass->coef);
    mg_memory_free(pass->touched);
    *pass = (mg_pass){0};
}

static const void *dense_row(const mg_rows *rows, int64_t r) {
    return mg_rows_dense(rows, mg_rows_stored(rows, r));
}

void mg_pass_cells(const mg_kernel *kernel, const mg_rows *rows, int64_t stored, int64_t line, float *x) {
    size_t cell = mg_cell_size(rows->cell);
    const char *cells = mg_rows_dense(rows, stored);
    int64_t there = rows->bare ? mg_min(rows->features, line) : line, whole = there / MG_LANES * MG_LANES;
    if (rows->cell == MG_CELL_F32) memcpy(x, cells, (size_t)whole * cell);
    else kernel->widen(rows->cell, whole, cells, x);
    if (whole == line) return;
    float last[MG_LANES] = {0}; // the last cells, of any type, followed by zeros
    memcpy(last, cells + (size_t)whole * cell, (size_t)(there - whole) * cell);
    kernel->widen(rows->cell, MG_LANES, last, x + whole);
}

void mg_pass_take(mg_pass *pass, const mg_kernel *kernel, const mg_rows *rows, int64_t first, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        float *wide = pass->wide ? pass->wide + i * pass->wide_line : NULL;
        int64_t stored = mg_rows_stored(rows, first + i);
        pass->x[i] = wide ? wide : mg_rows_dense(rows, stored);
        if (wide) mg_pass_cells(kernel, rows, stored, pass->line, wide);
    }
}

static void score_dense(mg_pass *pass, const mg_kernel *kernel, const mg_weights *weights,
                        const mg_rows *rows, int64_t first, int64_t count) {
    const void *raw[2 * MG_BLOCK_ROWS];
    int64_t next = pass->end > 0 && first + count >= pass->end ? pass->then : first + count;
    int64_t left = rows->count + rows->behind - next, more = mg_clamp(left, 0, count);
    for (int64_t i = 0; i < count; i++) raw[i] = dense_row(rows, first + i);
    for (int64_t i = 0; i < more; i++) raw[count + i] = dense_row(rows, next + i);
    if (rows->bare) mg_pass_take(pass, kernel, rows, first, count);
    for (int64_t i = 0; i < count; i++) {
        if (rows->bare) raw[i] = pass->x[i];
        else pass->x[i] = pass->wide ? pass->wide + i * pass->wide_line : raw[i];
    }
    mg_dense_block block = {.cell = rows->bare ? MG_CELL_F32 : rows->cell,
                            .rows = count,
                            .dp = pass->line,
                            .raw = raw,
                            .more = more,
                            .wide = rows->bare ? NULL : pass->wide,
                            .wide_line = pass->wide_line};
    mg_kernel_weights w = mg_weights_kernel(weights);
    kernel->dense_block_scores(&block, &w, pass->scores, pass->lanes);
}

static void score_csr(mg_pass *pass, const mg_kernel *kernel, const mg_weights *weights, const mg_rows *rows,
                      int64_t first, int64_t count) {
    mg_kernel_weights w = mg_weights_kernel(weights);
    mg_csr_row next = {.count = 0};
    if (count > 0) next = mg_rows_csr(rows, mg_rows_stored(rows, first));
    for (int64_t i = 0; i < count; i++) {
        bool last = first + i + 1 >= rows->count;
        mg_csr_row row = next;
        if (!last) next = mg_rows_csr(rows, mg_rows_stored(rows, first + i + 1));
        float *scores = pass->scores + i * pass->lanes;
        kernel->csr_scores(&row, last ? NULL : &next, &w, scores);
        for (int64_t k = weights->classes; k < pass->lanes; k++)
            scores[k] = -INFINITY; // padding lanes, as mg_pass_create sets them for dense rows
    }
}

void mg_pass_scores(mg_pass *pass, const mg_kernel *kernel, const mg_weights *weights, const mg_rows *rows,
                    int64_t first, int64_t count) {
    if (rows->layout == MG_DENSE) score_dense(pass, kernel, weights, rows, first, count);
    else score_csr(pass, kernel, weights, rows, first, count);
}

double mg_pass_losses(mg_pass *pass, const mg_loss *loss, float delta, const mg_batch *of, int64_t first,
                      int64_t count) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t row = mg_rows_stored(&of->rows, first + i);
        float *coef = pass->coef + i * pass->lanes;
        float value = loss->row(pass->lanes, pass->scores + i * pass->lanes, of->label[row], delta, coef);
        float w = of->weight ? of->weight[row] : 1;
        sum += (double)value * (double)w;
        if (w != 1)
            for (int64_t k = 0; k < pass->lanes; k++) coef[k] *= w;
    }
    return sum;
}

// Marks those classes in lanes [k, k + MG_LANES) that have a nonzero coefficient in any of the rows.
static void mark_touched(const mg_pass *pass, int64_t k, int64_t count) {
    mg_four_mask any[MG_FOURS] = {0};
    for (int64_t i = 0; i < count; i++)
        for (int64_t v = 0; v < MG_FOURS; v++)
            any[v] |= mg_four_load(pass->coef + i * pass->lanes + k + 4 * v) != 0;
    for (int64_t l = 0; l < MG_LANES; l++) pass->touched[k + l] |= any[l / 4][l % 4] != 0;
}

void mg_pass_add_coefficients(const mg_pass *pass, int64_t count, double *coef_sum) {
    for (int64_t k = 0; k < pass->lanes; k += MG_LANES) {
        // The sum of one block may be in float: the gradient of the block is no more exact, and the sums stay
        // in registers.
        float sum[MG_LANES] = {0};
        for (int64_t i = 0; i < count; i++)
            for (int64_t l = 0; l < MG_LANES; l++) sum[l] += pass->coef[i * pass->lanes + k + l];
        for (int64_t l = 0; l < MG_LANES; l++) coef_sum[k + l] += (double)sum[l];
        if (!mg_pass_touches_all(pass)) mark_touched(pass, k, count);
    }
    if (mg_pass_touches_all(pass)) memset(pass->touched, 1, (size_t)pass->lanes);
}

void mg_pass_accumulate(const mg_pass *pass, const mg_kernel *kernel, mg_sum sum, int64_t classes,
                        int64_t count, const float *coef, float *grad) {
    mg_dense_rows rows = {pass->cell, count, pass->line, pass->x};
    kernel->dense_accumulate(&rows, sum, classes, coef, pass->lanes, grad);
}

static void accumulate_csr(const mg_pass *pass, const mg_kernel *kernel, const mg_rows *rows, int64_t first,
                           int64_t count, int64_t line, float *grad) {
    for (int64_t i = 0; i < count; i++) {
        mg_csr_row row = mg_rows_csr(rows, mg_rows_stored(rows, first + i));
        kernel->csr_accumulate(&row, line, pass->coef + i * pass->lanes, grad);
    }
}

double mg_pass_gradient(mg_pass *pass, const mg_problem *problem, const mg_weights *weights,
                        const mg_batch *batch, int64_t first, int64_t end, mg_pass_sum to) {
    const mg_rows *rows = &batch->rows;
    double loss = 0;
    if (first >= end && to.begin == MG_SUM_NEW) memset(to.grad, 0, (size_t)weights->size * sizeof *to.grad);
    for (; first < end; first += pass->block_rows) {
        int64_t count = mg_cut_next(first, end, pass->block_rows);
        mg_pass_scores(pass, problem->kernel, weights, rows, first, count);
        loss += mg_pass_losses(pass, problem->loss, problem->delta, batch, first, count);
        mg_pass_add_coefficients(pass, count, to.coef_sum);
        if (rows->layout == MG_DENSE)
            mg_pass_accumulate(pass, problem->kernel, to.begin, problem->classes, count, pass->coef, to.grad);
        else accumulate_csr(pass, problem->kernel, rows, first, count, weights->line, to.grad);
        to.begin = MG_SUM_ON;
    }
    return loss;
}
