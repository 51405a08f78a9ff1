// dense.c - rounds of dense rows. Their rows were scored during the round before (ahead.c). They step one
// after the other (sweep.c). Then the threads claim slices of the weights and add the steps to them. No sum
// depends on the number of threads.
#include "solver/dual/ascent.h"

#include "base/lanes.h"

#include <math.h>
#include <string.h>

enum {
    DIRECTIONS = 16,
    FEW_DIMENSIONS = MG_DIRECTIONS_MOST, // with at most this many dimensions, all directions are used
    ITEM_LANES = 512,                    // lanes of the rows of another item
    FEWEST_ITEM_ROWS = 8,                // the most are MG_BLOCK_ROWS
    ROUND_FLOATS = 1 << 21,              // floats of one array of a round
    NARROW_CLASSES = 12                  // as in pass.c
};
// upper limit of (rows of a round) * (share of the first direction that is not used)
#define ROUND_SHARE 8
#define BLOCK_SHARE 6    // upper limit of (rows of a block) * (share of the first direction)
#define BLOCK_PART 128   // a block has at most 1/BLOCK_PART of all rows
#define ROUND_PART 16    // a round has at most 1/ROUND_PART of all rows
#define ROUNDING 1e-7    // rounding error of the slope of the line search, relative to its terms
#define FULL_ENOUGH 0.75 // as in round.c

static int64_t choose_directions(const double *share, int64_t found) {
    (void)share;
    return found <= FEW_DIMENSIONS ? found : mg_min(found, DIRECTIONS);
}

static int64_t power_of_two(double most, int64_t least, int64_t limit) {
    int64_t size = least;
    while (2 * size <= limit && (double)(2 * size) <= most) size *= 2;
    return size;
}

static mg_status create_scored(mg_ascent *ascent, mg_dual_scored *scored, mg_error *error) {
    const mg_resident *resident = ascent->resident;
    const mg_dual_dense *d = &ascent->dense;
    int64_t most = d->most, lanes = resident->lanes;
    const mg_buffer buffers[] = {
        MG_BUFFER(scored->x, most, 1),
        MG_BUFFER(scored->wide, d->copies ? most : 0, resident->line),
        MG_BUFFER(scored->scores, most, lanes),
        MG_BUFFER(scored->before, most, lanes),
        MG_BUFFER(scored->z, most, d->directions.count),
        MG_BUFFER(scored->curvature, most, 1),
        MG_BUFFER(scored->factor, most, 1),
        MG_BUFFER(scored->label, most, 1),
    };
    mg_status status = MG_ARENA_FILL(&ascent->dense.arena, buffers, error);
    for (int64_t i = 0; !status && i < most; i++)
        for (int64_t k = resident->problem->classes; k < lanes; k++)
            scored->scores[i * lanes + k] = -INFINITY;
    return status;
}

static mg_status create_round(mg_ascent *ascent, mg_error *error) {
    const mg_resident *resident = ascent->resident;
    mg_dual_dense *d = &ascent->dense;
    int64_t most = d->most, lanes = resident->lanes, r = d->directions.count,
            items = mg_cut_items(most, d->item_rows);
    const mg_buffer buffers[] = {
        MG_BUFFER(d->seen, most, lanes),
        MG_BUFFER(d->after, most, lanes),
        MG_BUFFER(d->u, most, lanes),
        MG_BUFFER(d->moved, r, lanes),
        MG_BUFFER(d->ahead.carried, r, lanes),
        MG_BUFFER(d->total, 1, lanes),
        MG_BUFFER(d->ahead.last, 1, lanes),
        MG_BUFFER(d->scratch, items, 2 * lanes),
        MG_BUFFER(d->columns, 2 * resident->problem->classes * MG_SWEEP_ROWS,
                  mg_cut_items(d->block, mg_dual_sweep_rows(ascent))),
        MG_BUFFER(d->tally, items, 1),
    };
    mg_status status = MG_ARENA_FILL(&ascent->dense.arena, buffers, error);
    if (!status) status = create_scored(ascent, &d->ahead.now, error);
    if (!status) status = create_scored(ascent, &d->ahead.next, error);
    return status;
}

typedef struct directions_job {
    mg_ascent *ascent;
    mg_error *error;
    mg_status status;
} directions_job;

static void find_directions(void *context) {
    directions_job *job = context;
    job->status = mg_directions_find(&job->ascent->dense.directions, job->ascent->resident, choose_directions,
                                     job->error);
}

mg_status mg_dual_dense_create(mg_ascent *ascent, mg_error *error) {
    const mg_resident *resident = ascent->resident;
    const mg_problem *problem = resident->problem;
    mg_dual_dense *d = &ascent->dense;
    directions_job job = {.ascent = ascent, .error = error};
    mg_team_join(problem->team, find_directions, &job);
    mg_status status = job.status;
    if (status) return status;
    const double *share = d->directions.share;
    double next = share[d->directions.count];
    int64_t most = mg_min(mg_min(MG_DUAL_ROUND_MOST, problem->batch),
                          mg_max(problem->rows / ROUND_PART, MG_DUAL_BLOCK_LEAST)),
            floats = mg_max(resident->lanes, resident->line / 8);
    most = mg_min(most, mg_max(ROUND_FLOATS / floats, MG_DUAL_BLOCK_MOST));
    d->block = power_of_two(mg_min_real(BLOCK_SHARE / share[0], (double)problem->rows / BLOCK_PART),
                            MG_DUAL_BLOCK_LEAST, MG_DUAL_BLOCK_MOST);
    d->most = next > 0 ? power_of_two(ROUND_SHARE / next, d->block, most) : most;
    d->scaled =
        problem->center != NULL || (problem->cell != MG_CELL_F32 && problem->classes > NARROW_CLASSES);
    d->copies = d->scaled || problem->bare;
    d->ahead.score_rows = mg_dual_ahead_block(ascent);
    d->item_rows = mg_clamp(ITEM_LANES / resident->lanes, FEWEST_ITEM_ROWS, MG_BLOCK_ROWS);
    d->ahead.on = !mg_dual_sweep_shared(ascent, d->block);
    if (!d->scaled && problem->scale) status = mg_problem_weights(problem, &d->raw, error);
    if (!status) status = create_round(ascent, error);
    return status ? status : mg_dual_slices_create(ascent, error);
}

void mg_dual_dense_destroy(mg_ascent *ascent) {
    mg_directions_destroy(&ascent->dense.directions);
    mg_weights_destroy(&ascent->dense.raw);
}

// ---- after the steps ---------------------------------------------------------------------------

static void finish_row(mg_ascent *ascent, int64_t r, mg_dual_tally *tally, float *scratch) {
    mg_dual_dense *d = &ascent->dense;
    const mg_resident *resident = ascent->resident;
    const mg_problem *problem = resident->problem;
    int64_t row = ascent->round.row[r], lanes = resident->lanes, y = d->ahead.now.label[r];
    float *s = d->seen + r * lanes, *before = d->ahead.now.before + r * lanes, *after = d->after + r * lanes;
    double weight = mg_resident_weight(resident, row),
           loss = (double)problem->loss->row(lanes, s, y, problem->delta, scratch);
    tally->loss += weight * loss;
    mg_dual_row dual = {problem->loss->dual, lanes, s, y, problem->delta};
    if (resident->certify) {
        mg_dual_terms t = problem->kernel->dual_terms(&dual, before);
        mg_dual_note_contribution(ascent, row, weight * mg_max_real(0, loss - t.linear + 0.5 * t.curve));
    }
    dual.scores = d->ahead.now.scores + r * lanes;
    mg_dual_change change = problem->kernel->dual_change(&dual, resident->zeros, -weight * resident->scale,
                                                         before, after, scratch);
    if (!(change.largest > 0)) return;
    tally->changed |= 1ULL << r % d->item_rows;
    tally->gain += weight * change.slope;
    tally->curve += weight * change.curve;
    // By rounding, the coefficients of a row do not sum to exactly zero. The error of the slope is the loss
    // of the row times this sum.
    double size = mg_max_real((double)change.largest, fabs((double)after[y]));
    tally->scale += weight * size * (loss + (double)problem->delta);
    mg_dual_rows_balance(ascent->iterate->duals, row, lanes, after);
    if (mg_dual_rows_put_few(ascent->iterate->duals, row, lanes, after))
        tally->kept |= 1ULL << r % d->item_rows;
}

static void finish_item(mg_ascent *ascent, int64_t item) {
    mg_dual_dense *d = &ascent->dense;
    mg_dual_tally *tally = &d->tally[item];
    int64_t end = mg_cut_end(ascent->round.count, d->item_rows, item);
    *tally = (mg_dual_tally){.loss = 0};
    for (int64_t r = item * d->item_rows; r < end; r++)
        finish_row(ascent, r, tally, d->scratch + item * 2 * ascent->resident->lanes);
}

static void finish(void *context, int64_t item) {
    mg_ascent *ascent = context;
    mg_dual_dense *d = &ascent->dense;
    if (item >= d->slices) {
        finish_item(ascent, item - d->slices);
        return;
    }
    mg_dual_slice_add(ascent, &d->slice[item]);
}

static void take_back(void *context, int64_t p) {
    mg_ascent *ascent = context;
    mg_dual_slice_take_back(ascent, &ascent->dense.slice[p]);
}

// Adds `part` times the steps to the weights of the constant feature.
static void update_bias(mg_ascent *ascent, float part) {
    mg_weights *w = &ascent->iterate->weights;
    float bias = (float)ascent->resident->problem->bias;
    for (int64_t k = 0; k < w->classes; k++) {
        w->bias[k] += part * (bias * ascent->dense.total[k]);
        w->offset[k] = bias * w->bias[k];
    }
    if (ascent->dense.raw.v)
        memcpy(ascent->dense.raw.offset, w->offset, (size_t)w->classes * sizeof *w->offset);
}

// Stores the dual variables after a round. If the whole steps are kept (part is 1), only those that are not
// stored already are stored. Otherwise the dual variables of all rows that moved are stored, with `part` of
// their steps.
static void keep(mg_ascent *ascent, float part) {
    mg_dual_dense *d = &ascent->dense;
    int64_t lanes = ascent->resident->lanes;
    for (int64_t item = 0; item < mg_cut_items(ascent->round.count, d->item_rows); item++) {
        const mg_dual_tally *tally = &d->tally[item];
        for (uint64_t left = part == 1 ? tally->changed & ~tally->kept : tally->changed; left;
             left &= left - 1) {
            int64_t r = item * d->item_rows + __builtin_ctzll(left);
            float *after = d->after + r * lanes, *before = d->ahead.now.before + r * lanes;
            for (int64_t k = 0; part != 1 && k < lanes; k++)
                after[k] = before[k] + part * (after[k] - before[k]);
            mg_dual_rows_balance(ascent->iterate->duals, ascent->round.row[r], lanes, after);
            if (!mg_dual_rows_put(ascent->iterate->duals, ascent->round.row[r], lanes, after))
                ascent->round.failed = true;
        }
    }
}

// The fraction of the steps to keep. The steps were not exact for the weights at the beginning of the round,
// so the dual value may fall along them; then the fraction is 0. Near the optimum the slope is as small as
// the rounding errors of the scores. These errors must not stop all steps, so the caller adds their bound to
// the slope.
static double best_part(const mg_ascent *ascent, double slope, double curve, double square) {
    return slope > 0 || (curve == 0 && square == 0) ? mg_dual_best_part(ascent, slope, curve, square) : 0;
}

// The line search along the steps of the round.
static void search(mg_ascent *ascent) {
    mg_dual_dense *d = &ascent->dense;
    double slope = 0, curve = 0, scale = 0, square = 0, inner = 0, constant = ascent->resident->problem->bias;
    for (int64_t item = 0; item < mg_cut_items(ascent->round.count, d->item_rows); item++) {
        slope += d->tally[item].gain;
        curve += d->tally[item].curve;
        scale += d->tally[item].scale;
    }
    for (int64_t p = 0; p < d->slices; p++) {
        square += d->slice[p].square;
        inner += d->slice[p].inner;
    }
    for (int64_t k = 0; k < ascent->resident->problem->classes; k++) {
        square += constant * constant * (double)d->total[k] * (double)d->total[k];
        inner += constant * constant * (double)d->total[k] * (double)d->ahead.last[k];
    }
    // The scores of the rows lack the steps of the last round.
    if (d->ahead.linked) slope -= (double)d->part * inner / ascent->resident->scale;
    double part = best_part(ascent, slope + ROUNDING * scale, curve, square);
    // A much shorter round, as at the end of a step, is not typical.
    if (2 * ascent->round.count >= mg_min(ascent->clock->round, ascent->visits.listed))
        mg_dual_choose_sizes(ascent, part);
    d->part = part > FULL_ENOUGH ? 1 : (float)part;
}

double mg_dual_dense_round(mg_ascent *ascent) {
    mg_dual_dense *d = &ascent->dense;
    mg_team *team = ascent->resident->problem->team;
    int64_t items = mg_cut_items(ascent->round.count, d->item_rows);
    double loss = 0;
    mg_dual_ahead_begin(ascent);
    mg_dual_sweep_round(ascent);
    mg_team_for(team, d->slices + items, finish, ascent);
    search(ascent);
    update_bias(ascent, d->part);
    if (d->part != 1) mg_team_for(team, d->slices, take_back, ascent);
    keep(ascent, d->part);
    mg_dual_ahead_end(ascent);
    for (int64_t item = 0; item < items; item++) loss += d->tally[item].loss;
    return loss;
}
