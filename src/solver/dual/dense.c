// dense.c - blocks of dense rows. The scores and the products of all rows of a block are computed at once.
// Then the rows step one after the other, each from scores that contain the steps before it. Then the weights
// are updated. Each thread has its ranges of cells, so neither rows nor weights move between cores.
#include "solver/dual/ascent.h"

#include <string.h>

enum { RANGE_CELLS = 384 }; // with fewer, waiting for the other threads costs more than they save
enum { FETCH_ROWS = 4 };    // rows ahead that are prefetched

// The first range has the scores and products to which those of the other ranges are added.
static mg_status create_range(mg_ascent *ascent, int p, mg_error *error) {
    mg_dual_range *range = &ascent->dense.range[p];
    int64_t vectors = ascent->resident->line / MG_LANES, ranges = ascent->dense.ranges;
    range->from = MG_LANES * mg_cut_begin(vectors, ranges, p);
    range->to = MG_LANES * mg_cut_begin(vectors, ranges, p + 1);
    int64_t cells = range->to - range->from, block = p > 0 ? MG_DUAL_BLOCK : 0;
    range->scores = ascent->round.scores;
    range->gram = ascent->dense.gram;
    const mg_buffer buffers[] = {
        MG_BUFFER(range->w, ascent->resident->problem->classes, cells),
        MG_BUFFER(range->wide[0], MG_DUAL_BLOCK, cells),
        MG_BUFFER(range->wide[1], MG_DUAL_BLOCK, cells),
        MG_BUFFER(range->scores, block, ascent->resident->lanes),
        MG_BUFFER(range->gram, block, MG_DUAL_BLOCK),
    };
    mg_status status = MG_ARENA_FILL(&ascent->dense.arena, buffers, error);
    for (int side = 0; !status && side < 2; side++)
        for (int r = 0; r < MG_DUAL_BLOCK; r++) range->x[side][r] = range->wide[side] + r * cells;
    return status;
}

mg_status mg_dual_dense_create(mg_ascent *ascent, mg_error *error) {
    int64_t ranges = ascent->resident->line / RANGE_CELLS;
    const mg_buffer buffers[] = {MG_BUFFER(ascent->dense.gram, MG_DUAL_BLOCK, MG_DUAL_BLOCK)};
    ascent->dense.ranges = (int)mg_clamp(ranges, 1, MG_DUAL_RANGES);
    mg_status status = MG_ARENA_FILL(&ascent->dense.arena, buffers, error);
    for (int p = 0; !status && p < ascent->dense.ranges; p++) status = create_range(ascent, p, error);
    return status;
}

static void fetch_cells(const mg_ascent *ascent, const mg_dual_range *range, int64_t r) {
    if (r >= ascent->round.left) return;
    const mg_rows *rows = &ascent->resident->all.rows;
    size_t cell = mg_cell_size(rows->cell);
    const char *row = (const char *)rows->dense + (size_t)(ascent->round.row[r] * rows->stride) * cell;
    for (size_t at = (size_t)range->from * cell; at < (size_t)range->to * cell; at += 64)
        __builtin_prefetch(row + at, 0, 3);
}

// Copies the range's weights from the iterate, or back (`out`).
static void copy_weights(const mg_ascent *ascent, const mg_dual_range *range, bool out) {
    int64_t cells = range->to - range->from;
    for (int64_t k = 0; k < ascent->resident->problem->classes; k++) {
        float *there = ascent->iterate->weights.v + k * ascent->resident->line + range->from,
              *here = range->w + k * cells;
        memcpy(out ? there : here, out ? here : there, (size_t)cells * sizeof *here);
    }
}

// One range's work for a block: adds the steps of the block before to the weights; then converts this block's
// rows, scores them, and multiplies each part of rows with every row up to it. With no rows left it writes
// the weights back.
static void work_on_range(void *context, int64_t p) {
    mg_ascent *ascent = context;
    const mg_kernel *kernel = ascent->resident->problem->kernel;
    mg_dual_range *range = &ascent->dense.range[p];
    int64_t cells = range->to - range->from, classes = ascent->resident->problem->classes;
    const float **x = range->x[ascent->round.side];
    if (ascent->round.opens) copy_weights(ascent, range, false);
    mg_dense_rows deferred = mg_dense_floats(ascent->round.deferred, cells, range->x[!ascent->round.side]);
    if (deferred.count > 0)
        kernel->dense_accumulate(&deferred, MG_SUM_ON, classes, ascent->round.u, ascent->resident->lanes,
                                 range->w);
    if (ascent->round.count == 0) {
        copy_weights(ascent, range, true);
        return;
    }
    for (int64_t r = 0; r < ascent->round.count; r++) {
        fetch_cells(ascent, range, r + FETCH_ROWS);
        mg_resident_cells(ascent->resident, ascent->round.row[r], range->from, range->to,
                          range->wide[ascent->round.side] + r * cells);
    }
    mg_dense_rows rows = mg_dense_floats(ascent->round.count, cells, x);
    mg_kernel_weights weights = {classes, range->w,
                                 p == 0 ? ascent->iterate->weights.offset : ascent->resident->zeros};
    kernel->dense_scores(&rows, &weights, range->scores, ascent->resident->lanes);
    MG_EACH_BLOCK (first, n, 0, ascent->round.count, MG_DUAL_BLOCK_PART) {
        mg_kernel_weights before = {first + n, range->wide[ascent->round.side], ascent->resident->zeros};
        rows = mg_dense_floats(n, cells, x + first);
        kernel->dense_scores(&rows, &before, range->gram + first * MG_DUAL_BLOCK, MG_DUAL_BLOCK);
    }
}

// Adds the step of row r to the scores of the rows after it.
static void pass_on(mg_ascent *ascent, int64_t r, float constant) {
    const float *u = ascent->round.u + r * ascent->resident->lanes;
    for (int64_t j = r + 1; j < ascent->round.count; j++) {
        float product = ascent->dense.gram[j * MG_DUAL_BLOCK + r] + constant,
              *s = ascent->round.scores + j * ascent->resident->lanes;
        for (int64_t k = 0; k < ascent->resident->lanes; k++) s[k] += u[k] * product;
    }
}

void mg_dual_dense_block(mg_ascent *ascent) {
    const mg_problem *problem = ascent->resident->problem;
    mg_weights *w = &ascent->iterate->weights;
    float bias = (float)problem->bias;
    mg_team_for(problem->team, ascent->dense.ranges, work_on_range, ascent);
    for (int p = 1; p < ascent->dense.ranges; p++) {
        problem->kernel->add(ascent->round.count * ascent->resident->lanes, ascent->dense.range[p].scores,
                             ascent->round.scores);
        problem->kernel->add(ascent->round.count * MG_DUAL_BLOCK, ascent->dense.range[p].gram,
                             ascent->dense.gram);
    }
    ascent->round.opens = false;
    ascent->round.deferred = 0;
    for (int64_t r = 0; r < ascent->round.count; r++) {
        if (r % MG_DUAL_ROUND_PART == 0) *mg_dual_part_of(ascent, r) = (mg_dual_part){.loss = 0};
        mg_dual_row_step(ascent, r, ascent->round.z);
        if (!mg_dual_changed(ascent, r)) {
            memset(ascent->round.u + r * ascent->resident->lanes, 0,
                   (size_t)ascent->resident->lanes * sizeof *ascent->round.u);
            continue;
        }
        ascent->round.deferred = ascent->round.count;
        pass_on(ascent, r, bias * bias);
        for (int64_t k = 0; k < w->classes; k++)
            w->bias[k] += bias * ascent->round.u[r * ascent->resident->lanes + k];
    }
    for (int64_t k = 0; k < w->classes; k++) w->offset[k] = bias * w->bias[k];
    ascent->round.side = !ascent->round.side;
}

void mg_dual_dense_close(mg_ascent *ascent) {
    ascent->round.count = ascent->round.left = 0;
    mg_team_for(ascent->resident->problem->team, ascent->dense.ranges, work_on_range, ascent);
    ascent->round.deferred = 0;
}
