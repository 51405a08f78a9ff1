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
    mg_ascent *ascent;
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

// With few classes a block takes less time than another thread needs to begin. Then one item has all blocks,
// and the others score rows of the next round.
static void step_all_item(void *context, int64_t item) {
    block *b = context;
    const mg_dual_sweep *sweep = &b->sweep;
    if (item > 0) {
        mg_dual_ahead_score(b->ascent, item - 1);
        return;
    }
    MG_EACH_BLOCK (first, rows, 0, sweep->rows, sweep->block) {
        b->kernel->dual_sweep(sweep, first, rows, b->columns);
        b->kernel->dual_sweep_add(sweep, first, rows, 0, sweep->lanes);
    }
}

bool mg_dual_sweep_shared(const mg_ascent *ascent, int64_t rows) {
    return rows * ascent->resident->lanes >= SHARED_WORK;
}

int64_t mg_dual_sweep_rows(const mg_ascent *ascent) {
    return mg_clamp(ITEM_WORK / ascent->resident->lanes, 1, MG_SWEEP_ROWS);
}

static void step_blocks(mg_team *team, block *b) {
    for (; b->first < b->sweep.rows; b->first += b->sweep.block) {
        b->rows = mg_min(b->sweep.block, b->sweep.rows - b->first);
        mg_team_for(team, mg_cut_items(b->rows, b->item_rows), step_item, b);
        mg_team_for(team, mg_cut_items(b->sweep.lanes, ADD_LANES), add_item, b);
    }
}

void mg_dual_sweep_round(mg_ascent *ascent) {
    const mg_problem *problem = ascent->resident->problem;
    const mg_dual_dense *d = &ascent->dense;
    size_t lanes = (size_t)ascent->resident->lanes;
    int64_t items = mg_dual_ahead_items(ascent);
    memcpy(d->moved, d->ahead.carried, (size_t)d->directions.count * lanes * sizeof *d->moved);
    memset(d->total, 0, lanes * sizeof *d->total);
    block b = {.ascent = ascent,
               .kernel = problem->kernel,
               .item_rows = mg_dual_sweep_rows(ascent),
               .columns = d->columns};
    b.sweep = (mg_dual_sweep){
        .prox = problem->loss->dual,
        .delta = problem->delta,
        .classes = problem->classes,
        .lanes = ascent->resident->lanes,
        .rows = d->ahead.now.count,
        .block = ascent->clock->block,
        .directions = d->directions.count,
        .scores = d->ahead.now.scores,
        .before = d->ahead.now.before,
        .z = d->ahead.now.z,
        .curvature = d->ahead.now.curvature,
        .factor = d->ahead.now.factor,
        .label = d->ahead.now.label,
        .seen = d->seen,
        .after = d->after,
        .u = d->u,
        .moved = d->moved,
        .total = d->total,
    };
    if (mg_dual_sweep_shared(ascent, mg_min(b.sweep.block, b.sweep.rows))) step_blocks(problem->team, &b);
    else mg_team_for(problem->team, 1 + items, step_all_item, &b);
}
