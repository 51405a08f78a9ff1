// dense.c - blocks of dense rows: scores and products of all rows at once, then one row after the other as if each had seen the
// steps of those before it, then the weights. Threads own ranges of cells, so that neither rows nor weights travel between cores.
#include "solver/dual.h"

#include "base/memory.h"

#include <string.h>

enum { RANGE_CELLS = 384 }; // fewer are not worth a barrier
enum { FETCH_ROWS = 4 };    // rows ahead that are asked for from memory

mg_status mg_dual_dense_create(mg_dual_state *dual, mg_error *error) {
    const mg_problem *problem = dual->problem;
    int64_t line = dual->weights.line, classes = dual->weights.classes, vectors = line / MG_LANES, ranges = line / RANGE_CELLS;
    size_t block = MG_DUAL_BLOCK, cell = sizeof(float);
    dual->ranges = ranges < 1 ? 1 : ranges > MG_DUAL_RANGES ? MG_DUAL_RANGES : (int)ranges;
    mg_status status = mg_memory_zeroed(&dual->gram, block, block * cell, error);
    if (!status && problem->scale) status = mg_memory_zeroed(&dual->column_scale, (size_t)line, cell, error);
    if (!status && problem->center) status = mg_memory_zeroed(&dual->column_center, (size_t)line, cell, error);
    if (!status && problem->scale) memcpy(dual->column_scale, problem->scale, (size_t)problem->features * cell);
    if (!status && problem->center) memcpy(dual->column_center, problem->center, (size_t)problem->features * cell);
    for (int p = 0; !status && p < dual->ranges; p++) {
        mg_dual_range *range = &dual->range[p];
        range->from = MG_LANES * (vectors * p / dual->ranges);
        range->to = MG_LANES * (vectors * (p + 1) / dual->ranges);
        size_t cells = (size_t)(range->to - range->from);
        status = mg_memory_get(&range->w, (size_t)classes, cells * cell, error);
        for (int side = 0; !status && side < 2; side++) {
            status = mg_memory_zeroed(&range->wide[side], block, cells * cell, error);
            for (int r = 0; !status && r < MG_DUAL_BLOCK; r++) range->x[side][r] = range->wide[side] + r * (range->to - range->from);
        }
        if (!status && p > 0) status = mg_memory_zeroed(&range->scores, block, (size_t)dual->lanes * cell, error);
        if (!status && p > 0) status = mg_memory_zeroed(&range->gram, block, block * cell, error);
    }
    dual->range[0].scores = dual->scores;
    dual->range[0].gram = dual->gram;
    return status;
}

void mg_dual_dense_destroy(mg_dual_state *dual) {
    for (int p = 0; p < dual->ranges; p++) {
        mg_dual_range *range = &dual->range[p];
        mg_memory_free(range->w);
        for (int side = 0; side < 2; side++) mg_memory_free(range->wide[side]);
        if (p > 0) mg_memory_free(range->scores);
        if (p > 0) mg_memory_free(range->gram);
    }
    mg_memory_free(dual->gram);
    mg_memory_free(dual->column_scale);
    mg_memory_free(dual->column_center);
}

void mg_dual_dense_cells(const mg_dual_state *dual, int64_t row, int64_t from, int64_t to, float *x) {
    const mg_kernel *kernel = dual->problem->kernel;
    const mg_rows *rows = &dual->all.rows;
    int64_t n = to - from;
    const char *cells = (const char *)mg_rows_dense(rows, row) + (size_t)from * mg_cell_size(rows->cell);
    if (rows->cell == MG_CELL_F32) memcpy(x, cells, (size_t)n * sizeof *x);
    else kernel->widen(rows->cell, n, cells, x);
    if (dual->column_scale) kernel->scale_columns(n, dual->column_center ? dual->column_center + from : NULL, dual->column_scale + from, x);
}

void mg_dual_dense_row(const mg_dual_state *dual, int64_t row, float *x) {
    mg_dual_dense_cells(dual, row, 0, dual->weights.line, x);
}

static void fetch_cells(const mg_dual_state *dual, const mg_dual_range *range, int64_t r) {
    if (r >= dual->left) return;
    const mg_rows *rows = &dual->all.rows;
    size_t cell = mg_cell_size(rows->cell);
    const char *row = (const char *)rows->dense + (size_t)(dual->row[r] * rows->stride) * cell;
    for (size_t at = (size_t)range->from * cell; at < (size_t)range->to * cell; at += 64) __builtin_prefetch(row + at, 0, 3);
}

// Rows between the weights as they lie for everybody and the range's own.
static void copy_weights(const mg_dual_state *dual, const mg_dual_range *range, bool out) {
    int64_t cells = range->to - range->from;
    for (int64_t k = 0; k < dual->weights.classes; k++) {
        float *there = dual->weights.v + k * dual->weights.line + range->from, *here = range->w + k * cells;
        memcpy(out ? there : here, out ? here : there, (size_t)cells * sizeof *here);
    }
}

// One range's share of a block: the steps of the block before enter the weights; then this one's rows, scores and products of each
// part of rows with every row up to it. With no rows left the weights go back.
static void work_on_range(void *context, int64_t p) {
    mg_dual_state *dual = context;
    const mg_kernel *kernel = dual->problem->kernel;
    mg_dual_range *range = &dual->range[p];
    int64_t cells = range->to - range->from, classes = dual->weights.classes;
    const float **x = range->x[dual->side];
    if (dual->opens) copy_weights(dual, range, false);
    if (dual->owed > 0) kernel->dense_accumulate(MG_CELL_F32, MG_SUM_ON, dual->owed, cells, (const void *const *)range->x[!dual->side], classes, dual->u, dual->lanes, range->w);
    if (dual->count == 0) {
        copy_weights(dual, range, true);
        return;
    }
    for (int64_t r = 0; r < dual->count; r++) {
        fetch_cells(dual, range, r + FETCH_ROWS);
        mg_dual_dense_cells(dual, dual->row[r], range->from, range->to, range->wide[dual->side] + r * cells);
    }
    kernel->dense_scores(dual->count, cells, x, classes, range->w, p == 0 ? dual->weights.offset : dual->zeros, range->scores, dual->lanes);
    for (int64_t first = 0; first < dual->count; first += MG_DUAL_BLOCK_PART) {
        int64_t end = first + MG_DUAL_BLOCK_PART < dual->count ? first + MG_DUAL_BLOCK_PART : dual->count;
        kernel->dense_scores(end - first, cells, x + first, end, range->wide[dual->side], dual->zeros, range->gram + first * MG_DUAL_BLOCK,
                             MG_DUAL_BLOCK);
    }
}

// The rows after `r` see its step in their scores.
static void pass_on(mg_dual_state *dual, int64_t r, float constant) {
    const float *u = dual->u + r * dual->lanes;
    for (int64_t j = r + 1; j < dual->count; j++) {
        float product = dual->gram[j * MG_DUAL_BLOCK + r] + constant, *s = dual->scores + j * dual->lanes;
        for (int64_t k = 0; k < dual->lanes; k++) s[k] += u[k] * product;
    }
}

void mg_dual_dense_block(mg_dual_state *dual) {
    const mg_problem *problem = dual->problem;
    mg_weights *w = &dual->weights;
    float bias = (float)problem->bias;
    mg_team_for(problem->team, dual->ranges, work_on_range, dual);
    for (int p = 1; p < dual->ranges; p++) {
        problem->kernel->add(dual->count * dual->lanes, dual->range[p].scores, dual->scores);
        problem->kernel->add(dual->count * MG_DUAL_BLOCK, dual->range[p].gram, dual->gram);
    }
    dual->opens = false;
    dual->owed = 0;
    for (int64_t r = 0; r < dual->count; r++) {
        if (r % MG_DUAL_ROUND_PART == 0) *mg_dual_part_of(dual, r) = (mg_dual_part){.loss = 0};
        mg_dual_row_step(dual, r, dual->z);
        if (!mg_dual_changed(dual, r)) {
            memset(dual->u + r * dual->lanes, 0, (size_t)dual->lanes * sizeof *dual->u);
            continue;
        }
        dual->owed = dual->count;
        pass_on(dual, r, bias * bias);
        for (int64_t k = 0; k < w->classes; k++) w->bias[k] += bias * dual->u[r * dual->lanes + k];
    }
    for (int64_t k = 0; k < w->classes; k++) w->offset[k] = bias * w->bias[k];
    dual->side = !dual->side;
}

void mg_dual_dense_close(mg_dual_state *dual) {
    dual->count = dual->left = 0;
    mg_team_for(dual->problem->team, dual->ranges, work_on_range, dual);
    dual->owed = 0;
}
