// sweep.c - the steps of the rows of a dense round (M33). Rows of a block step from the same scores; the rows
// of later blocks see these steps through the leading directions.
#include "solver/dual/ascent.h"

#include <string.h>

enum {
    ADD_LANES = 64,        // of an item
    ITEM_WORK = 1 << 10,   // rows times lanes of an item
    SHARED_WORK = 1 << 12, // of a block that several threads step
};

// A block: rows [first, first + rows) of the round.
typedef struct block {
    const mg_kernel *kernel;
    mg_dual_sweep sweep;
    int64_t first, rows, item_rows;
    float *columns; // [most items][2][classes][MG_SWEEP_ROWS]
} block;

static void step_item(void *context, int64_t item) {
    const block *b = context;
    int64_t from = item * b->item_rows;
    b->kernel->dual_sweep(&b->sweep, b->first + from, mg_cut_next(from, b->rows, b->item_rows),
                          b->columns + item * 2 * b->sweep.classes * MG_SWEEP_ROWS);
}

static void add_item(void *context, int64_t item) {
    const block *b = context;
    int64_t from = item * ADD_LANES;
    b->kernel->dual_sweep_add(&b->sweep, b->first, b->rows, from,
                              mg_cut_next(from, b->sweep.lanes, ADD_LANES));
}

// With few classes a block takes less time than another thread needs to begin.
static void step_block(mg_team *team, block *b) {
    if (b->rows * b->sweep.lanes < SHARED_WORK) {
        b->kernel->dual_sweep(&b->sweep, b->first, b->rows, b->columns);
        b->kernel->dual_sweep_add(&b->sweep, b->first, b->rows, 0, b->sweep.lanes);
        return;
    }
    mg_team_for(team, mg_cut_items(b->rows, b->item_rows), step_item, b);
    mg_team_for(team, mg_cut_items(b->sweep.lanes, ADD_LANES), add_item, b);
}

int64_t mg_dual_sweep_rows(const mg_ascent *ascent) {
    return mg_clamp(ITEM_WORK / ascent->resident->lanes, 1, MG_SWEEP_ROWS);
}

void mg_dual_sweep_round(mg_ascent *ascent) {
    const mg_problem *problem = ascent->resident->problem;
    const mg_dual_dense *d = &ascent->dense;
    size_t lanes = (size_t)ascent->resident->lanes;
    memset(d->moved, 0, (size_t)d->directions.count * lanes * sizeof *d->moved);
    memset(d->total, 0, lanes * sizeof *d->total);
    block b = {.kernel = problem->kernel, .item_rows = mg_dual_sweep_rows(ascent), .columns = d->columns};
    b.sweep = (mg_dual_sweep){
        .prox = problem->loss->dual,
        .delta = problem->delta,
        .classes = problem->classes,
        .lanes = ascent->resident->lanes,
        .rows = ascent->round.count,
        .block = ascent->clock->block,
        .directions = d->directions.count,
        .scores = d->steps.scores,
        .before = d->steps.before,
        .z = d->steps.z,
        .curvature = d->steps.curvature,
        .factor = d->steps.factor,
        .label = d->steps.label,
        .seen = d->steps.seen,
        .after = d->steps.after,
        .u = d->steps.u,
        .moved = d->moved,
        .total = d->total,
    };
    for (; b.first < ascent->round.count; b.first += b.sweep.block) {
        b.rows = mg_min(b.sweep.block, ascent->round.count - b.first);
        step_block(problem->team, &b);
    }
}
