// sparse.c - the work in rounds of sparse rows. First the threads claim ranges of features: for each they
// update the weights and compute the range's share of every score, so that weights stay in one core's cache.
// Then they claim rows, which step. No sum depends on the number of threads.
#include "solver/dual/ascent.h"

#include <string.h>

// how many stored values of a row are prefetched, and how many rows ahead
enum { FETCH_VALUES = 48, FETCH_ROWS = 3 };

mg_status mg_dual_sparse_create(mg_ascent *ascent, mg_error *error) {
    const mg_resident *resident = ascent->resident;
    const mg_problem *problem = resident->problem;
    const mg_buffer buffers[] = {
        MG_BUFFER(ascent->sparse.range_scores, (resident->ranges - 1) * MG_DUAL_ROUND, resident->lanes),
        MG_BUFFER(ascent->sparse.values, problem->scale ? resident->ranges : 0, problem->most_values),
    };
    return MG_ARENA_FILL(&ascent->sparse.arena, buffers, error);
}

// The stored values of a row in a range of features, multiplied by the scales of their columns.
static mg_csr_row values_of(const mg_ascent *ascent, int64_t row, int64_t range, bool with_values) {
    const mg_rows *rows = &ascent->resident->all.rows;
    int64_t from, end;
    mg_resident_values(ascent->resident, row, range, &from, &end);
    mg_csr_row e = {.count = end - from, .indices = rows->indices + from, .values = rows->values + from};
    if (!with_values || !ascent->sparse.values) return e;
    float *to = ascent->sparse.values + range * ascent->resident->problem->most_values;
    for (int64_t j = 0; j < e.count; j++)
        to[j] = e.values[j] * ascent->resident->problem->scale[e.indices[j]];
    e.values = to;
    return e;
}

static void fetch_values(const mg_ascent *ascent, int64_t r, int64_t range) {
    if (r >= ascent->round.left) return;
    mg_csr_row e = values_of(ascent, ascent->round.row[r], range, false);
    for (int64_t j = 0; j < e.count && j < FETCH_VALUES; j += 16) {
        __builtin_prefetch(e.indices + j, 0, 3);
        __builtin_prefetch(e.values + j, 0, 3);
    }
}

// Takes the step of row r. Stores its dual variables at once if no other row's memory has to change.
static void step_row(mg_ascent *ascent, int64_t r, float *z) {
    mg_dual_row_step(ascent, r, z);
    if (!mg_dual_changed(ascent, r)) return;
    bool kept = mg_dual_rows_put_few(ascent->iterate->duals, ascent->round.row[r], ascent->resident->lanes,
                                     ascent->round.after + r * ascent->resident->lanes);
    if (kept) mg_dual_part_of(ascent, r)->kept |= mg_dual_bit(r);
}

static double update_range(mg_ascent *ascent, int64_t range) {
    mg_weights *w = &ascent->iterate->weights;
    const uint32_t *rows = ascent->round.row - ascent->round.deferred;
    double square = 0;
    for (int64_t r = 0; r < ascent->round.deferred; r++) {
        if (!mg_dual_changed(ascent, r)) continue;
        mg_csr_row e = values_of(ascent, rows[r], range, true);
        square += (double)ascent->resident->problem->kernel->csr_update(
            &e, w->line, ascent->round.u + r * ascent->resident->lanes, w->v);
    }
    return square;
}

static void work_on_range(void *context, int64_t range) {
    mg_ascent *ascent = context;
    const mg_weights *w = &ascent->iterate->weights;
    float *scores = range == 0
                        ? ascent->round.scores
                        : ascent->sparse.range_scores + (range - 1) * MG_DUAL_ROUND * ascent->resident->lanes;
    mg_kernel_weights weights = {w->line, w->v, range == 0 ? ascent->round.offset : ascent->resident->zeros};
    if (ascent->round.factor != 0) ascent->sparse.range[range].square = update_range(ascent, range);
    for (int64_t r = 0; r < ascent->round.count; r++) {
        mg_csr_row e = values_of(ascent, ascent->round.row[r], range, true), next = {.count = 0};
        if (r + 1 < ascent->round.left) next = values_of(ascent, ascent->round.row[r + 1], range, false);
        fetch_values(ascent, r + FETCH_ROWS, range);
        ascent->resident->problem->kernel->csr_scores(&e, &next, &weights,
                                                      scores + r * ascent->resident->lanes);
    }
}

// Updates the weights of the constant feature.
static double update_bias(mg_ascent *ascent) {
    mg_weights *w = &ascent->iterate->weights;
    float bias = (float)ascent->resident->problem->bias;
    double square = 0;
    for (int64_t k = 0; k < w->classes; k++) {
        double before = (double)w->bias[k];
        for (int64_t r = 0; r < ascent->round.deferred; r++)
            if (mg_dual_changed(ascent, r))
                w->bias[k] += bias * ascent->round.u[r * ascent->resident->lanes + k];
        square += ((double)w->bias[k] - before) * ((double)w->bias[k] + before);
        w->offset[k] = ascent->round.offset[k] = bias * w->bias[k];
    }
    return square;
}

double mg_dual_sparse_scores(mg_ascent *ascent, float factor) {
    double square = 0;
    ascent->round.factor = ascent->round.deferred > 0 ? factor : 0;
    for (int64_t i = 0; ascent->round.factor != 0 && ascent->round.factor != 1 &&
                        i < ascent->round.deferred * ascent->resident->lanes;
         i++)
        ascent->round.u[i] *= ascent->round.factor;
    if (ascent->round.factor != 0 && ascent->resident->problem->bias > 0) square = update_bias(ascent);
    mg_team_for(ascent->resident->problem->team, ascent->resident->ranges, work_on_range, ascent);
    for (int o = 0; ascent->round.factor != 0 && o < ascent->resident->ranges; o++)
        square += ascent->sparse.range[o].square;
    return square;
}

static void fetch_row(const mg_ascent *ascent, int64_t r) {
    if (r >= ascent->round.left) return;
    mg_dual_rows_fetch(ascent->iterate->duals, ascent->round.row[r]);
    __builtin_prefetch(ascent->resident->norm + ascent->round.row[r], 0, 3);
    __builtin_prefetch(ascent->resident->all.label + ascent->round.row[r], 0, 3);
}

static void step_part(void *context, int64_t part) {
    mg_ascent *ascent = context;
    int64_t lanes = ascent->resident->lanes, first = part * MG_DUAL_ROUND_PART,
            end = mg_cut_end(ascent->round.count, MG_DUAL_ROUND_PART, part);
    ascent->round.part[part] = (mg_dual_part){.loss = 0};
    for (int o = 1; o < ascent->resident->ranges; o++)
        ascent->resident->problem->kernel->add(
            (end - first) * lanes, ascent->sparse.range_scores + ((o - 1) * MG_DUAL_ROUND + first) * lanes,
            ascent->round.scores + first * lanes);
    for (int64_t r = first; r < end; r++) {
        fetch_row(ascent, r + MG_DUAL_ROUND);
        if (ascent->resident->problem->bias == 0) step_row(ascent, r, ascent->round.z + part * lanes);
    }
}

// Takes the steps one after the other. The constant feature is in every row, so rows that all step from its
// old weights would overshoot together. Instead, each row sees the weights of the constant feature as the
// rows before it have changed them.
static void step_in_turn(mg_ascent *ascent) {
    float square = (float)(ascent->resident->problem->bias * ascent->resident->problem->bias);
    memset(ascent->round.shift, 0, (size_t)ascent->resident->lanes * sizeof *ascent->round.shift);
    for (int64_t r = 0; r < ascent->round.count; r++) {
        float *s = ascent->round.scores + r * ascent->resident->lanes;
        const float *u = ascent->round.u + r * ascent->resident->lanes;
        for (int64_t k = 0; k < ascent->resident->lanes; k++) s[k] += ascent->round.shift[k];
        step_row(ascent, r, ascent->round.z);
        for (int64_t k = 0; mg_dual_changed(ascent, r) && k < ascent->resident->lanes; k++)
            ascent->round.shift[k] += square * u[k];
    }
}

void mg_dual_sparse_steps(mg_ascent *ascent) {
    mg_team_for(ascent->resident->problem->team, mg_dual_parts(ascent->round.count), step_part, ascent);
    if (ascent->resident->problem->bias > 0) step_in_turn(ascent);
}
