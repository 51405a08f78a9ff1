// ascent.c - dual ascent: exact steps of single rows, in rounds whose line search keeps the dual value from
// falling. Owns the steps of an epoch, the average of snapshots, and the fields of a checkpoint.
#include "solver/dual/ascent.h"

#include "base/memory.h"

#include <string.h>

enum { MOST_SNAPSHOTS = MG_DUAL_SNAPSHOTS, FEWEST_SNAPSHOTS = 4, CERTIFY_SNAPSHOTS = 2, AVERAGE_POWER = 3 };
#define MOST_EPOCHS 1e9 // largest value of train.epochs; visit_from stores epochs as int32

static void forget_list(mg_ascent *ascent) {
    ascent->visits.listed = -1;
    ascent->visits.place = 0;
    mg_dual_ahead_forget(ascent);
}

mg_status mg_ascent_create(const mg_resident *resident, mg_iterate *iterate, mg_counters *clock,
                           mg_numbers *numbers, mg_ascent **out, mg_error *error) {
    const mg_problem *problem = resident->problem;
    int64_t rows = problem->rows;
    mg_ascent *ascent;
    *out = NULL;
    mg_status status = mg_memory_zeroed(&ascent, 1, sizeof *ascent, error);
    if (status) return status;
    ascent->resident = resident;
    ascent->iterate = iterate;
    ascent->clock = clock;
    ascent->numbers = numbers;
    forget_list(ascent);
    if (!resident->certify || resident->sparse) status = mg_problem_weights(problem, &ascent->mean, error);
    const mg_buffer buffers[] = {
        MG_BUFFER(ascent->visits.list, rows, 1),
        MG_BUFFER(ascent->shrinking.visit_from, resident->certify ? rows : 0, 1),
        MG_BUFFER(ascent->shrinking.contribution, resident->certify ? rows : 0, 1),
    };
    if (!status) status = MG_ARENA_FILL(&ascent->arena, buffers, error);
    if (!status) status = mg_dual_round_create(ascent, error);
    if (status) mg_ascent_destroy(ascent);
    else *out = ascent;
    return status;
}

mg_status mg_ascent_attach(mg_ascent *ascent, mg_error *error) {
    return ascent->resident->sparse ? MG_OK : mg_dual_dense_create(ascent, error);
}

void mg_ascent_destroy(mg_ascent *ascent) {
    if (!ascent) return;
    mg_dual_dense_destroy(ascent);
    mg_weights_destroy(&ascent->mean);
    mg_dual_round_free(ascent);
    mg_arena_free(&ascent->arena);
    mg_memory_free(ascent);
}

void mg_ascent_restart(mg_ascent *ascent) {
    size_t rows = (size_t)ascent->resident->problem->rows;
    if (ascent->shrinking.visit_from)
        memset(ascent->shrinking.visit_from, 0, rows * sizeof *ascent->shrinking.visit_from);
    if (ascent->shrinking.contribution)
        memset(ascent->shrinking.contribution, 0, rows * sizeof *ascent->shrinking.contribution);
    forget_list(ascent);
}

// ---- the average --------------------------------------------------------------------------------

// The weight of the newest snapshot in the average (M30).
static float newest_weight(const mg_ascent *ascent) {
    return (float)((AVERAGE_POWER + 1) / (double)(ascent->clock->snapshots + AVERAGE_POWER));
}

static void average_range(void *context, int64_t range) {
    mg_ascent *ascent = context;
    const int64_t *line = ascent->resident->weight_range + range;
    int64_t from = line[0] * ascent->resident->line, to = line[1] * ascent->resident->line;
    float part = newest_weight(ascent), *restrict mean = ascent->mean.v;
    const float *restrict now = ascent->iterate->weights.v;
    for (int64_t j = from; j < to; j++) mean[j] += part * (now[j] - mean[j]);
}

static void take_snapshot(mg_ascent *ascent) {
    ascent->clock->snapshots++;
    mg_team_for(ascent->resident->problem->team, ascent->resident->weight_ranges, average_range, ascent);
    float part = newest_weight(ascent), *bias = ascent->mean.bias;
    for (int64_t k = 0; k < ascent->resident->lanes; k++)
        bias[k] += part * (ascent->iterate->weights.bias[k] - bias[k]);
}

// True if the step of `rows` rows completes one of the equal intervals between snapshots. With a tolerance
// only sparse rows have snapshots, as candidates for the incumbent; dense rows use Newton steps instead.
static bool snapshot_is_due(const mg_ascent *ascent, int64_t rows) {
    const mg_problem *problem = ascent->resident->problem;
    int64_t all = problem->rows, after = ascent->clock->visits_before + ascent->clock->visits;
    if (ascent->resident->certify)
        return ascent->resident->sparse &&
               after * CERTIFY_SNAPSHOTS / all > (after - rows) * CERTIFY_SNAPSHOTS / all;
    double passes = (double)all * problem->values_per_row / (4.0 * (double)problem->features);
    int64_t count = mg_max((int64_t)mg_min_real(MOST_SNAPSHOTS, passes), FEWEST_SNAPSHOTS);
    int64_t steps = mg_cut_items(ascent->visits.listed, problem->batch),
            done = mg_cut_items(ascent->visits.place, problem->batch);
    return done * count / steps > (done - 1) * count / steps;
}

// ---- epochs -------------------------------------------------------------------------------------

mg_status mg_ascent_step(mg_ascent *ascent, int64_t step, mg_step_result *out, bool *over, mg_error *error) {
    mg_dual_visits *visits = &ascent->visits;
    if (visits->listed < 0) mg_dual_make_list(ascent);
    int64_t batch = ascent->resident->problem->batch, at = mg_min(batch * step, visits->listed);
    out->rows = mg_cut_next(at, visits->listed, batch);
    out->loss = mg_dual_visit(ascent, visits->list + at, out->rows);
    if (ascent->round.failed)
        return mg_fail(error, MG_MEMORY, "out of memory: the dual variables of a row cannot be stored");
    visits->place = at + out->rows;
    ascent->clock->visits += out->rows;
    if (out->rows > 0 && snapshot_is_due(ascent, out->rows)) take_snapshot(ascent);
    *over = visits->place >= visits->listed;
    return MG_OK;
}

void mg_ascent_end_epoch(mg_ascent *ascent) {
    double sum = 0;
    forget_list(ascent);
    for (int64_t row = 0; ascent->shrinking.contribution && row < ascent->resident->problem->rows; row++)
        sum += (double)ascent->shrinking.contribution[row];
    ascent->shrinking.sum = sum;
}

// ---- checkpoints --------------------------------------------------------------------------------

int mg_ascent_fields(mg_ascent *ascent, mg_field *out) {
    static const mg_bound visit_from = {.least = 0, .most = MOST_EPOCHS + MG_DUAL_SHRUNK};
    int64_t rows = ascent->resident->problem->rows;
    int n = 0;
    if (ascent->mean.v)
        n += mg_field_weights(&ascent->mean, (mg_field_names){"mean", "mean_bias", NULL}, out);
    if (!ascent->resident->sparse)
        out[n++] = (mg_field){.name = "ahead",
                              .type = MG_H5_U8,
                              .data = ascent,
                              .pack = mg_dual_ahead_pack,
                              .unpack = mg_dual_ahead_unpack,
                              .most_bytes = mg_dual_ahead_most_bytes};
    if (!ascent->resident->certify) return n;
    out[n++] = mg_field_bounded("wake", MG_H5_I32, rows, ascent->shrinking.visit_from, &visit_from, 1);
    out[n++] = mg_field_bounded("share", MG_H5_F32, rows, ascent->shrinking.contribution, &mg_bound_grown, 1);
    return n;
}

// Checks that every visit_from is one that shrinking can have set: MG_DUAL_SHRUNK epochs after an epoch that
// has begun.
mg_status mg_ascent_check(const mg_ascent *ascent, int64_t steps, mg_error *error) {
    const mg_bound visit_from = {.most = (double)ascent->clock->epoch + MG_DUAL_SHRUNK};
    mg_status status = mg_dual_ahead_check(ascent, steps * ascent->resident->problem->batch, error);
    for (int64_t row = 0; !status && ascent->shrinking.visit_from && row < ascent->resident->problem->rows;
         row++)
        status =
            mg_bound_check(&visit_from, "state/wake", row, (double)ascent->shrinking.visit_from[row], error);
    return status;
}
