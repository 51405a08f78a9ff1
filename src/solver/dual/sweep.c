// sweep.c - the steps of the rows of a dense round (M33). Rows of a block step from the same scores; the rows
// of later blocks see these steps through the leading directions.
#include "solver/dual/ascent.h"

#include <string.h>

void mg_dual_sweep_round(mg_ascent *ascent) {
    const mg_problem *problem = ascent->resident->problem;
    const mg_dual_dense *d = &ascent->dense;
    size_t lanes = (size_t)ascent->resident->lanes;
    memset(d->moved, 0, (size_t)d->directions.count * lanes * sizeof *d->moved);
    memset(d->total, 0, lanes * sizeof *d->total);
    mg_dual_sweep sweep = {
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
        .scratch = d->columns,
    };
    problem->kernel->dual_sweep(&sweep);
}
