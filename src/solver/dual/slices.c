// slices.c - sums the steps of a dense round. Each thread adds the steps to a slice of the weights, a range
// of classes and of cells. The threads cannot divide the rows instead, because the sum for one cell must go
// through the rows in their order.
#include "solver/dual/ascent.h"

#include "base/lanes.h"

enum {
    SLICE_CLASSES = 32, // a multiple of the classes that dense_accumulate treats together
    SLICE_CELLS = 192,
    CELL_UNIT = 64 // 8-bit cells of a cache line
};

mg_status mg_dual_slices_create(mg_ascent *ascent, mg_error *error) {
    mg_dual_dense *d = &ascent->dense;
    int64_t classes = ascent->resident->problem->classes, line = ascent->resident->line,
            class_units = mg_cut_items(classes, SLICE_CLASSES), cell_units = mg_cut_items(line, CELL_UNIT),
            by_class = mg_min(class_units, MG_DUAL_SLICES),
            by_cell = mg_clamp(line / SLICE_CELLS, 1, MG_DUAL_SLICES / by_class);
    d->slices = by_class * by_cell;
    const mg_buffer list[] = {MG_BUFFER(d->slice, d->slices, 1)};
    mg_status status = MG_ARENA_FILL(&ascent->dense.arena, list, error);
    for (int64_t p = 0; !status && p < d->slices; p++) {
        mg_dual_slice *slice = &d->slice[p];
        int64_t k = p / by_cell, j = p % by_cell;
        slice->class_from = SLICE_CLASSES * mg_cut_begin(class_units, by_class, k);
        slice->classes =
            mg_min(classes, SLICE_CLASSES * mg_cut_begin(class_units, by_class, k + 1)) - slice->class_from;
        slice->from = CELL_UNIT * mg_cut_begin(cell_units, by_cell, j);
        slice->cells = mg_min(line, CELL_UNIT * mg_cut_begin(cell_units, by_cell, j + 1)) - slice->from;
        const mg_buffer buffers[] = {MG_BUFFER(slice->sum, slice->classes, slice->cells),
                                     MG_BUFFER(slice->last, d->ahead.on ? slice->classes : 0, slice->cells)};
        status = MG_ARENA_FILL(&ascent->dense.arena, buffers, error);
    }
    return status;
}

// Sums the steps of the round's rows.
static void sum_steps(mg_ascent *ascent, mg_dual_slice *slice) {
    mg_dual_dense *d = &ascent->dense;
    const mg_resident *resident = ascent->resident;
    int64_t lanes = resident->lanes;
    mg_cell cell = d->copies ? MG_CELL_F32 : resident->all.rows.cell;
    const void *x[MG_BLOCK_ROWS];
    MG_EACH_BLOCK (first, count, 0, d->ahead.now.count, MG_BLOCK_ROWS) {
        for (int64_t i = 0; i < count; i++)
            x[i] = (const char *)d->ahead.now.x[first + i] + (size_t)slice->from * mg_cell_size(cell);
        mg_dense_rows rows = {cell, count, slice->cells, x};
        resident->problem->kernel->dense_accumulate(&rows, first ? MG_SUM_ON : MG_SUM_NEW, slice->classes,
                                                    d->u + first * lanes + slice->class_from, lanes,
                                                    slice->sum);
    }
}

// Adds `part` times the sum of the steps to the weights of a slice. `first`: also converts the sum to steps
// of the weights of scaled features, and computes its square and, if the scores need it,
// its inner product with the last sum.
static void add_sum(mg_ascent *ascent, mg_dual_slice *slice, float part, bool first) {
    mg_dual_dense *d = &ascent->dense;
    const mg_resident *resident = ascent->resident;
    const float *scale = resident->column_scale ? resident->column_scale + slice->from : NULL;
    bool raw = d->raw.v != NULL;
    if (first) slice->square = slice->inner = 0;
    for (int64_t k = 0; k < slice->classes; k++) {
        int64_t at = (slice->class_from + k) * resident->line + slice->from;
        float *sum = slice->sum + k * slice->cells, *w = ascent->iterate->weights.v + at,
              *v = raw ? d->raw.v + at : NULL;
        const float *last = d->ahead.linked ? slice->last + k * slice->cells : NULL;
        mg_sixteen square = mg_sixteen_all(0), inner = square, all = mg_sixteen_all(part);
        for (int64_t j = 0; j < slice->cells; j += MG_LANES) {
            mg_sixteen step = *(const mg_sixteen *)(sum + j), to = *(const mg_sixteen *)(w + j);
            if (first && raw) step *= *(const mg_sixteen *)(scale + j);
            if (first) square += step * step;
            if (first && last) inner += step * *(const mg_sixteen *)(last + j);
            to += all * step;
            *(mg_sixteen *)(sum + j) = step;
            *(mg_sixteen *)(w + j) = to;
            if (raw) *(mg_sixteen *)(v + j) = to * *(const mg_sixteen *)(scale + j);
        }
        if (first) slice->square += (double)mg_sixteen_fold(square);
        if (first) slice->inner += (double)mg_sixteen_fold(inner);
    }
}

void mg_dual_slice_add(mg_ascent *ascent, mg_dual_slice *slice) {
    float *sum = slice->last;
    if (ascent->dense.ahead.on) {
        slice->last = slice->sum;
        slice->sum = sum;
    }
    sum_steps(ascent, slice);
    add_sum(ascent, slice, 1, true);
}

void mg_dual_slice_take_back(mg_ascent *ascent, mg_dual_slice *slice) {
    add_sum(ascent, slice, ascent->dense.part - 1, false);
}

void mg_dual_slice_recall(mg_ascent *ascent, mg_dual_slice *slice) {
    const float *all = ascent->resident->column_scale, *scale = all ? all + slice->from : NULL;
    sum_steps(ascent, slice);
    for (int64_t k = 0; ascent->dense.raw.v && k < slice->classes; k++)
        for (int64_t j = 0; j < slice->cells; j++) slice->sum[k * slice->cells + j] *= scale[j];
}
