// sgd.c - stochastic gradient descent on minibatches: owns the state, the constant feature and the average of
// snapshots.
#include "solver/sgd/sgd.h"

#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { OTHER_FIELDS = 12 }; // fields of a checkpoint that are not arrays of the rule

// Number of snapshots of an epoch: as many as together cost no more than the steps of the epoch, within these
// bounds.
enum { FEWEST_SNAPSHOTS = 4, MOST_SNAPSHOTS = 16 };

static void destroy(void *state) {
    mg_sgd *sgd = state;
    if (!sgd) return;
    int64_t parts = sgd->problem ? sgd->problem->parts : 0;
    for (int64_t p = 0; sgd->parts && p < parts; p++) mg_pass_destroy(&sgd->parts[p].pass);
    mg_tree_destroy(&sgd->tree);
    mg_weights_destroy(&sgd->weights);
    mg_weights_destroy(&sgd->average.mean);
    mg_arena_free(&sgd->arena);
    mg_memory_free(sgd);
}

// Creates the arrays that the update rule keeps.
static mg_status create_memory(mg_sgd *sgd, mg_error *error) {
    const mg_optim *rule = sgd->rule;
    mg_sgd_memory *memory = &sgd->memory;
    int64_t features = sgd->problem->features;
    const mg_buffer lists[] = {
        MG_BUFFER(memory->weight, rule->weight_count, 1),
        MG_BUFFER(memory->bias, rule->weight_count, 1),
        MG_BUFFER(memory->feature, rule->feature_count, 1),
        MG_BUFFER(memory->slot, sgd->sparse ? rule->feature_count : 0, 1),
    };
    mg_status status = MG_ARENA_FILL(&sgd->arena, lists, error);
    for (int i = 0; !status && i < rule->weight_count; i++) {
        const mg_buffer arrays[] = {MG_BUFFER(memory->weight[i], sgd->weights.size, 1),
                                    MG_BUFFER(memory->bias[i], sgd->weights.lanes, 1)};
        status = MG_ARENA_FILL(&sgd->arena, arrays, error);
    }
    for (int i = 0; !status && i < rule->feature_count; i++) {
        const mg_buffer array = MG_BUFFER(memory->feature[i], features + 1, 1);
        status = mg_arena_fill(&sgd->arena, &array, 1, error);
        if (status || !sgd->sparse) continue;
        const mg_buffer slots = MG_BUFFER(memory->slot[i], features, 1);
        status = mg_arena_fill(&sgd->arena, &slots, 1, error);
    }
    return status;
}

static mg_status create_state(mg_sgd *sgd, mg_error *error) {
    const mg_problem *problem = sgd->problem;
    mg_status status = mg_problem_weights(problem, &sgd->weights, error);
    if (!status && sgd->average.on) status = mg_problem_weights(problem, &sgd->average.mean, error);
    if (!status) status = create_memory(sgd, error);
    return status;
}

static mg_status create_parts(mg_sgd *sgd, mg_error *error) {
    const mg_problem *problem = sgd->problem;
    int64_t lanes = sgd->weights.lanes;
    const mg_buffer buffers[] = {
        MG_BUFFER(sgd->parts, problem->parts, 1),
        MG_BUFFER(sgd->item_dot, mg_sgd_items(sgd), lanes),
    };
    mg_status status = MG_ARENA_FILL(&sgd->arena, buffers, error);
    if (!status) status = mg_tree_create(&sgd->tree, problem->parts, error);
    for (int64_t p = 0; !status && p < problem->parts; p++) {
        mg_sgd_part *part = &sgd->parts[p];
        const mg_buffer sums[] = {
            MG_BUFFER(part->coef_sum, lanes, 1),
            MG_BUFFER(part->grad, sgd->sparse ? 0 : sgd->weights.size, 1),
        };
        status = mg_pass_create(&part->pass, problem->layout, problem->cell, problem->classes,
                                problem->features, error);
        if (!status) status = mg_pass_widen(&part->pass, problem->bare, error);
        if (!status) status = MG_ARENA_FILL(&sgd->arena, sums, error);
    }
    return status;
}

enum { RANGES_A_THREAD = 4 };

// Creates the ranges of features of sparse steps. A single thread has one range. With more threads there are
// several ranges per thread, because ranges with equally many stored values do not cost the same: one with
// rare features has more features to update. Arrays have room for all features from the start; pages that are
// never touched take no memory.
static mg_status create_ranges(mg_sgd *sgd, mg_error *error) {
    const mg_problem *problem = sgd->problem;
    mg_sgd_ranges *ranges = &sgd->ranges;
    int64_t threads = problem->team->threads, batch = problem->batch, features = problem->features;
    ranges->count = mg_min(threads > 1 ? RANGES_A_THREAD * threads : 1, problem->parts);
    const mg_buffer buffers[] = {
        MG_BUFFER(ranges->range, ranges->count, 1),
        MG_BUFFER(ranges->begin, ranges->count + 1, 1),
        MG_BUFFER(ranges->all.touched, features, 1),
        MG_BUFFER(ranges->all.grad, features, sgd->weights.line),
        MG_BUFFER(ranges->all.square, features, 1),
        MG_BUFFER(ranges->all.rate, features, 1),
        MG_BUFFER(ranges->coef, batch, sgd->weights.lanes),
        MG_BUFFER(ranges->cuts, batch, ranges->count + 1),
        MG_BUFFER(ranges->offset, batch, 1),
        MG_BUFFER(ranges->value_slot, batch, problem->most_values),
        MG_BUFFER(ranges->slot, features, 1),
        MG_BUFFER(sgd->decay.until, features, 1),
    };
    mg_status status = MG_ARENA_FILL(&sgd->arena, buffers, error);
    for (int64_t r = 0; !status && r <= ranges->count; r++)
        ranges->begin[r] = mg_cut_begin(features, ranges->count, r);
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
    sgd->average.on = own->average;
    sgd->sparse = problem->layout == MG_CSR && !problem->center;
    assert(2 * sgd->rule->weight_count + sgd->rule->feature_count + OTHER_FIELDS <= MG_MOST_FIELDS);
    status = create_state(sgd, error);
    if (!status) status = create_parts(sgd, error);
    if (!status && sgd->sparse) status = create_ranges(sgd, error);
    if (status) destroy(sgd);
    else *state = sgd;
    return status;
}

static mg_optim_line piece_of(const mg_optim_line *line, int64_t from) {
    mg_optim_line piece = *line;
    piece.n = mg_min(line->n - from, MG_SGD_ITEM);
    piece.memory.at += from;
    piece.w += from;
    if (!line->shared && line->scale) piece.scale += from;
    return piece;
}

bool mg_sgd_decay_weights(const mg_sgd *sgd, const mg_optim_step *step, const mg_optim_line *line,
                          double strength) {
    float rate[MG_SGD_ITEM], factor = (float)strength;
    bool decays = false;
    for (int pass = 0; pass < 2 && (pass == 0 || decays); pass++)
        for (int64_t from = 0; from < line->n; from += MG_SGD_ITEM) {
            mg_optim_line piece = piece_of(line, from);
            sgd->rule->weight_rates(step, &piece, rate);
            for (int64_t j = 0; j < piece.n; j++) {
                if (pass == 0) decays |= (double)(factor * rate[j]) >= MG_SGD_LEAST_DECAY;
                else piece.w[j] *= 1 / (1 + factor * rate[j]);
            }
        }
    return decays;
}

void mg_sgd_step_bias(mg_sgd *sgd) {
    const mg_problem *problem = sgd->problem;
    mg_weights *w = &sgd->weights;
    mg_optim_step step = mg_sgd_rule_step(sgd);
    float rate = step.eta, square = 0;
    if (problem->bias > 0) {
        float *g = sgd->parts[0].pass.coef; // memory of the right length that is free between steps
        double mean = problem->bias / (double)sgd->batch->rows.count;
        for (int64_t k = 0; k < w->lanes; k++) {
            g[k] = (float)(sgd->parts[0].coef_sum[k] * mean);
            square += g[k] * g[k];
        }
        mg_optim_line line = {w->lanes, true, &rate, NULL, g, {sgd->memory.bias, 0}, w->bias};
        mg_optim_memory memory = {sgd->memory.feature, problem->features};
        if (sgd->rule->rates) sgd->rule->rates(&step, 1, &square, memory, &rate);
        sgd->rule->apply(&step, &line);
        double lambda = problem->free_bias ? 0 : problem->lambda;
        if (sgd->rule->weight_rates) mg_sgd_decay_weights(sgd, &step, &line, lambda);
        float decay = sgd->rule->weight_rates ? 1 : 1 / (1 + (float)lambda * rate); // (M12)
        for (int64_t k = 0; k < w->lanes; k++) w->bias[k] *= decay;
    }
    for (int64_t k = 0; k < w->classes; k++) {
        double dot = 0;
        for (int64_t s = 0; problem->center && s < mg_sgd_items(sgd); s++)
            dot += sgd->item_dot[s * w->lanes + k];
        w->offset[k] = (float)(problem->bias * (double)w->bias[k] - dot);
    }
}

static int64_t snapshots_per_epoch(const mg_problem *problem) {
    double rows = (double)problem->rows * problem->values_per_row, update = 4.0 * (double)problem->features;
    int64_t most = (int64_t)mg_min_real(rows / update, MOST_SNAPSHOTS);
    return mg_min(mg_max(most, FEWEST_SNAPSHOTS), problem->steps_per_epoch);
}

enum { AVERAGE_ITEM = 1 << 14 }; // floats of one item

static void average_item(void *context, int64_t item) {
    mg_sgd *sgd = context;
    int64_t from = item * AVERAGE_ITEM, n = mg_cut_next(from, sgd->weights.size, AVERAGE_ITEM);
    float share = 1 / (float)sgd->average.snapshots;
    const float *v = sgd->weights.v + from;
    float *mean = sgd->average.mean.v + from;
    for (int64_t j = 0; j < n; j++) mean[j] += (v[j] - mean[j]) * share; // (M24)
}

// (M24) Adds a snapshot to the average if one is due. The average starts again in the middle of the first
// epoch and at the start of every later one, so that early weights are forgotten.
static void snapshot(mg_sgd *sgd) {
    int64_t steps = sgd->problem->steps_per_epoch, count = snapshots_per_epoch(sgd->problem),
            at = sgd->step % steps + 1;
    if (at == 1 || (sgd->step < steps && at == steps / 2 + 1)) sgd->average.snapshots = 0;
    if (at * count / steps == (at - 1) * count / steps) return;
    mg_sgd_decay_all(sgd);
    sgd->average.snapshots++;
    mg_team_for(sgd->problem->team, mg_cut_items(sgd->weights.size, AVERAGE_ITEM), average_item, sgd);
    float share = 1 / (float)sgd->average.snapshots;
    for (int64_t k = 0; k < sgd->weights.lanes; k++) {
        sgd->average.mean.bias[k] += (sgd->weights.bias[k] - sgd->average.mean.bias[k]) * share;
        sgd->average.mean.offset[k] += (sgd->weights.offset[k] - sgd->average.mean.offset[k]) * share;
    }
}

int64_t mg_sgd_snapshots_after(const mg_sgd *sgd, int64_t number) {
    int64_t steps = sgd->problem->steps_per_epoch, count = snapshots_per_epoch(sgd->problem);
    if (number == 0) return 0;
    int64_t at = (number - 1) % steps + 1, half = number <= steps && at > steps / 2 ? steps / 2 : 0;
    return at * count / steps - half * count / steps;
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
    sgd->decay.sum += sgd->factor;
    sgd->taken++;
    if (sgd->average.on && number >= sgd->average.first) snapshot(sgd);
    *out = (mg_step_result){.rows = batch->rows.count};
    for (int64_t p = 0; p < problem->parts; p++) out->loss += sgd->parts[p].loss; // (M11)
    return MG_OK;
}

static const mg_weights *weights(void *state) {
    mg_sgd *sgd = state;
    if (sgd->average.on && sgd->average.snapshots) return &sgd->average.mean;
    mg_sgd_decay_all(sgd);
    return &sgd->weights;
}

static void begin_at(void *state, const mg_weights *from) {
    mg_sgd *sgd = state;
    memcpy(sgd->weights.v, from->v, (size_t)from->size * sizeof(float));
    memcpy(sgd->weights.bias, from->bias, (size_t)from->lanes * sizeof(float));
    memcpy(sgd->weights.offset, from->offset, (size_t)from->lanes * sizeof(float));
}

// Arrays of floats in lines whose padding must be 0.
typedef struct padded {
    int64_t line, used, count;
} padded;

static mg_field memory_field(const char *name, const mg_optim_array *array, padded shape, float *data) {
    mg_field field = mg_field_lines(name, shape.line, shape.used, shape.count, data);
    field.bounds = array->bound;
    field.bound_count = array->bound != NULL;
    return field;
}

static int memory_fields(const mg_sgd *sgd, mg_field *out) {
    const mg_optim *rule = sgd->rule;
    const mg_weights *w = &sgd->weights;
    int64_t features = sgd->problem->features;
    const padded weights = {w->line, w->layout == MG_DENSE ? w->features : w->classes, w->size},
                 bias = {w->lanes, w->classes, w->lanes}, all = {0, 0, features + 1};
    int n = 0;
    for (int i = 0; i < rule->feature_count; i++, n++)
        out[n] =
            memory_field(rule->feature_arrays[i].name, &rule->feature_arrays[i], all, sgd->memory.feature[i]);
    for (int i = 0; i < rule->weight_count; i++) {
        const mg_optim_array *array = &rule->weight_arrays[i];
        out[n++] = memory_field(array->name, array, weights, sgd->memory.weight[i]);
        out[n++] = memory_field(array->bias_name, array, bias, sgd->memory.bias[i]);
    }
    return n;
}

static int fields(void *state, mg_field *out) {
    static const mg_bound snapshots = {.most = MOST_SNAPSHOTS};
    mg_sgd *sgd = state;
    int n = 0;
    const mg_weights *w = &sgd->weights;
    int64_t features = sgd->problem->features;
    out[n++] = mg_field_bounded("eta", MG_H5_F64, 1, &sgd->eta, &mg_bound_positive, 1);
    n += mg_field_current_weights(w, out + n);
    n += memory_fields(sgd, out + n);
    if (sgd->rule->begin)
        out[n++] = mg_field_bounded("taken", MG_H5_I64, 1, &sgd->taken, &mg_bound_not_negative, 1);
    if (sgd->sparse)
        out[n++] =
            mg_field_bounded("decayed", MG_H5_F64, features, sgd->decay.until, &mg_bound_not_negative, 1);
    if (sgd->sparse)
        out[n++] = mg_field_bounded("rate_sum", MG_H5_F64, 1, &sgd->decay.sum, &mg_bound_not_negative, 1);
    if (sgd->average.on)
        n += mg_field_weights(&sgd->average.mean, (mg_field_names){"mean", "mean_bias", "mean_offset"},
                              out + n);
    if (sgd->average.on)
        out[n++] = mg_field_bounded("snapshots", MG_H5_I64, 1, &sgd->average.snapshots, &snapshots, 1);
    return n;
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
    .check = mg_sgd_check,
    .learning_rate = learning_rate,
    .rate_option = "sgd.eta",
};
