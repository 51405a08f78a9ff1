// sgd.c - stochastic gradient descent on minibatches: owns the state, the constant feature and the average of
// snapshots.
#include "solver/sgd/sgd.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

enum {
    MOST_SNAPSHOTS = 16
}; // an epoch; fewer where a sweep over all weights would cost more than the rows do

static void destroy(void *state) {
    mg_sgd *sgd = state;
    if (!sgd) return;
    int64_t parts = sgd->problem ? sgd->problem->parts : 0;
    for (int64_t p = 0; sgd->parts && p < parts; p++) {
        mg_pass_destroy(&sgd->parts[p].pass);
        mg_memory_free(sgd->parts[p].grad);
        mg_memory_free(sgd->parts[p].coef_sum);
    }
    mg_tree_destroy(&sgd->tree);
    mg_weights_destroy(&sgd->weights);
    mg_weights_destroy(&sgd->average.mean);
    mg_sgd_ranges *ranges = &sgd->ranges;
    void *const blocks[] = {sgd->velocity,      sgd->bias_velocity,  sgd->memory,      sgd->settled,
                            sgd->parts,         sgd->slice_dot,      ranges->owner,    ranges->begin,
                            ranges->coef,       ranges->cuts,        ranges->slot,     ranges->offset,
                            ranges->entry_slot, ranges->all.touched, ranges->all.grad, ranges->all.square,
                            ranges->all.memory, ranges->all.rate};
    for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++) mg_memory_free(blocks[b]);
    mg_memory_free(sgd);
}

static mg_status create_state(mg_sgd *sgd, mg_error *error) {
    const mg_problem *problem = sgd->problem;
    mg_status status =
        mg_weights_create(&sgd->weights, problem->layout, problem->classes, problem->features, error);
    size_t size = (size_t)sgd->weights.size, lanes = (size_t)sgd->weights.lanes,
           features = (size_t)problem->features;
    if (!status && sgd->average.on)
        status = mg_weights_create(&sgd->average.mean, problem->layout, problem->classes, problem->features,
                                   error);
    if (!status && sgd->rule->velocity) status = mg_memory_zeroed(&sgd->velocity, size, sizeof(float), error);
    if (!status && sgd->rule->velocity)
        status = mg_memory_zeroed(&sgd->bias_velocity, lanes, sizeof(float), error);
    if (!status) status = mg_memory_zeroed(&sgd->memory, features + 1, sizeof(float), error);
    return status;
}

static mg_status create_parts(mg_sgd *sgd, mg_error *error) {
    const mg_problem *problem = sgd->problem;
    size_t parts = (size_t)problem->parts, lanes = (size_t)sgd->weights.lanes;
    mg_status status = mg_memory_zeroed(&sgd->parts, parts, sizeof *sgd->parts, error);
    if (!status) status = mg_tree_create(&sgd->tree, problem->parts, error);
    for (size_t p = 0; !status && p < parts; p++) {
        mg_sgd_part *part = &sgd->parts[p];
        status = mg_pass_create(&part->pass, problem->layout, problem->cell, problem->classes,
                                problem->features, error);
        if (!status) status = mg_memory_zeroed(&part->coef_sum, lanes, sizeof(double), error);
        if (!status && !sgd->sparse)
            status = mg_memory_zeroed(&part->grad, (size_t)sgd->weights.size, sizeof(float), error);
    }
    if (!status)
        status = mg_memory_zeroed(&sgd->slice_dot, (size_t)mg_sgd_slices(sgd) * lanes, sizeof(double), error);
    return status;
}

// Room for every feature: nothing is allocated later, and what is never touched never takes memory.
static mg_status create_slots(mg_sgd_owner *all, size_t features, size_t line, mg_error *error) {
    mg_status status = mg_memory_get(&all->touched, features, sizeof *all->touched, error);
    if (!status) status = mg_memory_get(&all->grad, features, line * sizeof *all->grad, error);
    if (!status) status = mg_memory_get(&all->square, features, sizeof *all->square, error);
    if (!status) status = mg_memory_get(&all->memory, features, sizeof *all->memory, error);
    if (!status) status = mg_memory_get(&all->rate, features, sizeof *all->rate, error);
    return status;
}

enum { OWNERS_A_THREAD = 4 };

// Every row's entries are cut into as many pieces, and no result depends on where: one for a single thread;
// several each for more, as the owner of rare features has more of them to bring up to date than that of as
// many entries of frequent ones.
static mg_status create_owners(mg_sgd *sgd, mg_error *error) {
    const mg_problem *problem = sgd->problem;
    int64_t threads = problem->team->threads, most = threads > 1 ? OWNERS_A_THREAD * threads : 1;
    sgd->ranges.count = most < problem->parts ? most : problem->parts;
    size_t owners = (size_t)sgd->ranges.count, batch = (size_t)problem->batch,
           features = (size_t)problem->features, entries;
    mg_status status = mg_memory_zeroed(&sgd->ranges.owner, owners, sizeof *sgd->ranges.owner, error);
    if (!status) status = mg_memory_get(&sgd->ranges.begin, owners + 1, sizeof *sgd->ranges.begin, error);
    if (!status) status = create_slots(&sgd->ranges.all, features, (size_t)sgd->weights.line, error);
    if (__builtin_mul_overflow(batch, (size_t)problem->most_values, &entries)) entries = SIZE_MAX;
    if (!status)
        status =
            mg_memory_zeroed(&sgd->ranges.coef, batch, (size_t)sgd->weights.lanes * sizeof(float), error);
    if (!status)
        status = mg_memory_zeroed(&sgd->ranges.cuts, batch * (owners + 1), sizeof *sgd->ranges.cuts, error);
    if (!status) status = mg_memory_zeroed(&sgd->ranges.offset, batch, sizeof *sgd->ranges.offset, error);
    if (!status)
        status = mg_memory_get(&sgd->ranges.entry_slot, entries, sizeof *sgd->ranges.entry_slot, error);
    if (!status) status = mg_memory_zeroed(&sgd->ranges.slot, features, sizeof *sgd->ranges.slot, error);
    if (!status) status = mg_memory_zeroed(&sgd->settled, features, sizeof *sgd->settled, error);
    for (size_t p = 0; !status && p <= owners; p++) sgd->ranges.begin[p] = (int64_t)(features * p / owners);
    if (!status) mg_sgd_share_features(sgd);
    return status;
}

static mg_status create(const mg_problem *problem, const mg_solver_options *options, void **state,
                        mg_error *error) {
    *state = NULL;
    mg_sgd *sgd;
    const mg_sgd_options *own = options->own;
    mg_status status = mg_memory_zeroed(&sgd, 1, sizeof *sgd, error);
    if (status) return status;
    sgd->problem = problem;
    sgd->rule = mg_optim_find(own->update);
    sgd->schedule = mg_rate_find(own->rate);
    sgd->eta_is_open = isnan(own->eta);
    sgd->eta = sgd->eta_is_open ? sgd->rule->eta(problem->mean_square_norm) : own->eta;
    sgd->train = options->train;
    sgd->own = own;
    sgd->momentum = (float)own->momentum;
    sgd->average.on = own->average;
    sgd->sparse = problem->layout == MG_CSR && !problem->center;
    status = create_state(sgd, error);
    if (!status) status = create_parts(sgd, error);
    if (!status && sgd->sparse) status = create_owners(sgd, error);
    if (status) destroy(sgd);
    else *state = sgd;
    return status;
}

void mg_sgd_step_bias(mg_sgd *sgd) {
    const mg_problem *problem = sgd->problem;
    mg_weights *w = &sgd->weights;
    mg_optim_step step = mg_sgd_rule_step(sgd);
    float rate = step.eta, square = 0;
    if (problem->bias > 0) {
        float *g = sgd->parts[0].pass.coef; // free between steps, and of the right length
        double mean = problem->bias / (double)sgd->batch->rows.count;
        for (int64_t k = 0; k < w->lanes; k++) {
            g[k] = (float)(sgd->parts[0].coef_sum[k] * mean);
            square += g[k] * g[k];
        }
        if (sgd->rule->rates) sgd->rule->rates(&step, 1, &square, sgd->memory + problem->features, &rate);
        sgd->rule->apply(&step, w->lanes, &rate, true, g, sgd->bias_velocity, w->bias);
        float decay = 1 / (1 + (float)problem->lambda * rate); // (M12)
        for (int64_t k = 0; k < w->lanes; k++) w->bias[k] *= decay;
    }
    for (int64_t k = 0; k < w->classes; k++) {
        double dot = 0;
        for (int64_t s = 0; problem->center && s < mg_sgd_slices(sgd); s++)
            dot += sgd->slice_dot[s * w->lanes + k];
        w->offset[k] = (float)(problem->bias * (double)w->bias[k] - dot);
    }
}

static int64_t snapshots_per_epoch(const mg_problem *problem) {
    double rows = (double)problem->rows * problem->values_per_row, sweep = 4.0 * (double)problem->features;
    int64_t most = rows / sweep < MOST_SNAPSHOTS ? (int64_t)(rows / sweep) : MOST_SNAPSHOTS;
    int64_t count = most < 4 ? 4 : most;
    return count < problem->steps_per_epoch ? count : problem->steps_per_epoch;
}

static void average_slice(void *context, int64_t slice) {
    mg_sgd *sgd = context;
    int64_t from = slice * (1 << 14),
            n = sgd->weights.size - from < (1 << 14) ? sgd->weights.size - from : (1 << 14);
    float share = 1 / (float)sgd->average.snapshots;
    const float *v = sgd->weights.v + from;
    float *mean = sgd->average.mean.v + from;
    for (int64_t j = 0; j < n; j++) mean[j] += (v[j] - mean[j]) * share; // (M24)
}

// (M24) The average starts again in the middle of the first epoch and at the start of every later one, so
// that it never remembers weights from long before.
static void snapshot(mg_sgd *sgd) {
    int64_t steps = sgd->problem->steps_per_epoch, count = snapshots_per_epoch(sgd->problem),
            at = sgd->step % steps + 1;
    if (at == 1 || (sgd->step < steps && at == steps / 2 + 1)) sgd->average.snapshots = 0;
    if (at * count / steps == (at - 1) * count / steps) return;
    mg_sgd_settle(sgd);
    sgd->average.snapshots++;
    mg_team_for(sgd->problem->team, (sgd->weights.size + (1 << 14) - 1) / (1 << 14), average_slice, sgd);
    float share = 1 / (float)sgd->average.snapshots;
    for (int64_t k = 0; k < sgd->weights.lanes; k++) {
        sgd->average.mean.bias[k] += (sgd->weights.bias[k] - sgd->average.mean.bias[k]) * share;
        sgd->average.mean.offset[k] += (sgd->weights.offset[k] - sgd->average.mean.offset[k]) * share;
    }
}

static mg_status step(void *state, const mg_batch *batch, int64_t number, mg_step_result *out,
                      mg_error *error) {
    (void)error;
    mg_sgd *sgd = state;
    const mg_problem *problem = sgd->problem;
    sgd->batch = batch;
    sgd->step = number;
    sgd->factor = sgd->schedule->factor(number, problem->total_steps, problem->lambda, sgd->eta);
    if (sgd->sparse) mg_sgd_step_sparse(sgd);
    else mg_sgd_step_dense(sgd);
    sgd->rate_sum += sgd->factor;
    if (sgd->average.on && number >= sgd->average.first) snapshot(sgd);
    *out = (mg_step_result){.rows = batch->rows.count};
    for (int64_t p = 0; p < problem->parts; p++) out->loss += sgd->parts[p].loss; // (M11)
    return MG_OK;
}

static const mg_weights *weights(void *state) {
    mg_sgd *sgd = state;
    if (sgd->average.on && sgd->average.snapshots) return &sgd->average.mean;
    mg_sgd_settle(sgd);
    return &sgd->weights;
}

static void begin_at(void *state, const mg_weights *from) {
    mg_sgd *sgd = state;
    memcpy(sgd->weights.v, from->v, (size_t)from->size * sizeof(float));
    memcpy(sgd->weights.bias, from->bias, (size_t)from->lanes * sizeof(float));
    memcpy(sgd->weights.offset, from->offset, (size_t)from->lanes * sizeof(float));
}

static int fields(void *state, mg_field *out) {
    static const mg_bound snapshots = {.most = MOST_SNAPSHOTS};
    mg_sgd *sgd = state;
    int n = 0;
    const mg_weights *w = &sgd->weights;
    int64_t features = sgd->problem->features, used = w->layout == MG_DENSE ? w->features : w->classes;
    out[n++] = mg_field_bounded("eta", MG_H5_F64, 1, &sgd->eta, &mg_bound_positive, 1);
    n += mg_field_current_weights(w, out + n);
    // A sum of squares may overflow: its feature then stands still.
    if (sgd->rule->accumulates)
        out[n++] = mg_field_bounded("memory", MG_H5_F32, features + 1, sgd->memory, &mg_bound_grown, 1);
    if (sgd->velocity) out[n++] = mg_field_lines("velocity", w->line, used, w->size, sgd->velocity);
    if (sgd->velocity)
        out[n++] = mg_field_lines("bias_velocity", w->lanes, w->classes, w->lanes, sgd->bias_velocity);
    if (sgd->sparse)
        out[n++] = mg_field_bounded("settled", MG_H5_F64, features, sgd->settled, &mg_bound_not_negative, 1);
    if (sgd->sparse)
        out[n++] = mg_field_bounded("rate_sum", MG_H5_F64, 1, &sgd->rate_sum, &mg_bound_not_negative, 1);
    if (sgd->average.on)
        n += mg_field_weights(&sgd->average.mean, (mg_field_names){"mean", "mean_bias", "mean_offset"},
                              out + n);
    if (sgd->average.on)
        out[n++] = mg_field_bounded("snapshots", MG_H5_I64, 1, &sgd->average.snapshots, &snapshots, 1);
    return n;
}

// A rate that was set is that of the configuration. A feature's decay is never applied further than the sum
// of the rates.
static mg_status check(void *state, int64_t batch, mg_error *error) {
    (void)batch;
    const mg_sgd *sgd = state;
    const mg_bound eta = {.least = sgd->own->eta, .most = sgd->own->eta}, settled = {.most = sgd->rate_sum};
    mg_status status = sgd->eta_is_open ? MG_OK : mg_bound_check(&eta, "state/eta", -1, sgd->eta, error);
    for (int64_t d = 0; !status && sgd->sparse && d < sgd->problem->features; d++)
        status = mg_bound_check(&settled, "state/settled", d, sgd->settled[d], error);
    return status;
}

static double learning_rate(void *state, int64_t number) {
    mg_sgd *sgd = state;
    return sgd->eta *
           sgd->schedule->factor(number, sgd->problem->total_steps, sgd->problem->lambda, sgd->eta);
}

static bool needs_sample(void *state) { return ((mg_sgd *)state)->eta_is_open; }

const mg_solver mg_solver_sgd = {
    .name = "sgd",
    .help = "minibatch stochastic gradient descent with the update and rate of section sgd",
    .section = &mg_sgd_section,
    .options_size = sizeof(mg_sgd_options),
    .certifies = "nothing: it reports the objective, not its distance from the optimum",
    .create = create,
    .destroy = destroy,
    .needs_sample = needs_sample,
    .prepare = mg_sgd_prepare,
    .step = step,
    .weights = weights,
    .begin_at = begin_at,
    .fields = fields,
    .check = check,
    .learning_rate = learning_rate,
    .rate_option = "sgd.eta",
};
