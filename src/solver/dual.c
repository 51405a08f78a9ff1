// dual.c - dual ascent: exact steps of single rows, merged so that the dual never falls. Owns the state, the epochs, the average of
// snapshots, and when a certificate is due.
#include "solver/dual.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_SNAPSHOTS = MG_DUAL_SNAPSHOTS, FEWEST_SNAPSHOTS = 4, CERTIFY_SNAPSHOTS = 2, AVERAGE_POWER = 3, PASS_PARTS = 16 };

extern const mg_solver mg_solver_newton;

static void destroy(void *state) {
    mg_dual_state *dual = state;
    if (!dual) return;
    for (int p = 0; p < dual->passes; p++) mg_pass_destroy(&dual->pass[p]);
    mg_weights_destroy(&dual->weights);
    mg_weights_destroy(&dual->result);
    mg_weights_destroy(&dual->mean);
    mg_weights_destroy(&dual->view);
    mg_dual_rows_destroy(dual->rows);
    mg_dual_newton_destroy(dual->newton);
    mg_dual_certificate_destroy(dual);
    void *const blocks[] = {dual->norm, dual->list, dual->wake, dual->share,   dual->scores, dual->before, dual->after, dual->u,
                            dual->z,    dual->offset, dual->shift, dual->zeros, dual};
    mg_dual_dense_destroy(dual);
    mg_dual_sparse_destroy(dual);
    for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++) mg_memory_free(blocks[b]);
}

static mg_status create_round(mg_dual_state *dual, mg_error *error) {
    dual->round_rows = dual->sparse ? MG_DUAL_ROUND : MG_DUAL_BLOCK;
    size_t rows = (size_t)dual->round_rows, lanes = (size_t)dual->lanes * sizeof(float);
    float **const matrices[] = {&dual->scores, &dual->before, &dual->after, &dual->u};
    mg_status status = mg_memory_zeroed(&dual->z, MG_DUAL_PARTS, lanes, error);
    for (size_t m = 0; !status && m < 4; m++) status = mg_memory_zeroed(matrices[m], rows, lanes, error);
    if (!status) status = mg_memory_zeroed(&dual->shift, 1, lanes, error);
    if (!status) status = mg_memory_zeroed(&dual->offset, 1, lanes, error);
    for (int64_t k = dual->problem->classes; !status && k < dual->lanes; k++) {
        dual->offset[k] = -INFINITY;
        for (size_t r = 0; r < rows; r++) dual->scores[(int64_t)r * dual->lanes + k] = -INFINITY;
    }
    if (!status)
        status = mg_memory_zeroed(&dual->zeros, (size_t)(dual->lanes > MG_DUAL_BLOCK ? dual->lanes : MG_DUAL_BLOCK), sizeof(float), error);
    if (!status) status = dual->sparse ? mg_dual_sparse_create(dual, error) : mg_dual_dense_create(dual, error);
    return status;
}

static mg_status create_state(mg_dual_state *dual, mg_error *error) {
    const mg_problem *problem = dual->problem;
    mg_status status = mg_weights_create(&dual->weights, problem->layout, problem->classes, problem->features, error);
    if (!status) status = mg_weights_create(&dual->result, problem->layout, problem->classes, problem->features, error);
    if (!status && dual->certify && dual->sparse && mg_dual_ascends(dual))
        status = mg_weights_create(&dual->mean, problem->layout, problem->classes, problem->features, error);
    if (!status && problem->scale) status = mg_weights_create(&dual->view, problem->layout, problem->classes, problem->features, error);
    dual->lanes = dual->weights.lanes;
    if (!status) status = mg_memory_get(&dual->list, (size_t)problem->rows, sizeof *dual->list, error);
    if (!status) status = mg_memory_get(&dual->norm, (size_t)problem->rows, sizeof *dual->norm, error);
    if (!status && dual->certify) status = mg_memory_zeroed(&dual->wake, (size_t)problem->rows, sizeof *dual->wake, error);
    if (!status && dual->certify) status = mg_memory_zeroed(&dual->share, (size_t)problem->rows, sizeof *dual->share, error);
    dual->passes = dual->certify ? PASS_PARTS : 0;
    for (int p = 0; !status && p < dual->passes; p++)
        status = mg_pass_create(&dual->pass[p], problem->layout, problem->cell, problem->classes, problem->features, error);
    return status;
}

// What belongs to a fresh run beside the arrays.
static void start_clocks(mg_dual_state *dual) {
    dual->listed = -1;
    dual->place = 0;
    dual->clock = (mg_dual_clock){.round = MG_DUAL_ROUND, .newton = mg_dual_ascends(dual) ? -1 : 0};
    dual->numbers = (mg_dual_numbers){.best_primal = INFINITY, .best_dual = -INFINITY, .last_gap = INFINITY, .share_gap = INFINITY,
                                      .mark_gap = INFINITY};
}

static mg_status create(const mg_problem *problem, const mg_solver_options *options, void **state, mg_error *error) {
    *state = NULL;
    mg_dual_state *dual;
    mg_status status = mg_memory_zeroed(&dual, 1, sizeof *dual, error);
    if (status) return status;
    dual->own = *problem;
    dual->problem = &dual->own;
    dual->options = options;
    dual->certify = options->train->tolerance > 0;
    dual->sparse = problem->layout == MG_CSR;
    dual->scale = 1 / (problem->lambda * (double)problem->rows);
    start_clocks(dual);
    status = create_state(dual, error);
    if (!status) status = create_round(dual, error);
    if (status) destroy(dual);
    else *state = dual;
    return status;
}

// ---- rows --------------------------------------------------------------------------------------------------------------

static double row_square(mg_dual_state *dual, int64_t row, float *x) {
    const mg_rows *rows = &dual->all.rows;
    double square = 0;
    if (!dual->sparse) {
        mg_dual_dense_row(dual, row, x);
        for (int64_t d = 0; d < dual->problem->features; d++) square += (double)x[d] * (double)x[d];
        return square;
    }
    for (int64_t e = rows->indptr[row]; e < rows->indptr[row + 1]; e++) {
        double scale = dual->problem->scale ? (double)dual->problem->scale[rows->indices[e]] : 1, cell = scale * (double)rows->values[e];
        square += cell * cell;
    }
    return square;
}

typedef struct norm_job {
    mg_dual_state *dual;
    float *x; // [items][line]
} norm_job;

static void norm_rows(void *context, int64_t item) {
    norm_job *job = context;
    mg_dual_state *dual = job->dual;
    int64_t end = (item + 1) * MG_DUAL_ITEM_ROWS < dual->problem->rows ? (item + 1) * MG_DUAL_ITEM_ROWS : dual->problem->rows;
    float *x = job->x ? job->x + item * dual->weights.line : NULL;
    double constant = dual->problem->bias * dual->problem->bias;
    for (int64_t row = item * MG_DUAL_ITEM_ROWS; row < end; row++) dual->norm[row] = (float)(row_square(dual, row, x) + constant);
}

static void cut_slices(mg_dual_state *dual) {
    int64_t lines = dual->weights.size / dual->weights.line, whole[] = {0, lines};
    const int64_t *begin = dual->sparse ? dual->begin : whole;
    int ranges = dual->sparse ? dual->owners : 1, each = MG_DUAL_SLICES / ranges;
    dual->slices = ranges * each;
    for (int s = 0; s <= dual->slices; s++) {
        int r = s / each, part = s % each;
        dual->slice[s] = r == ranges ? lines : begin[r] + (begin[r + 1] - begin[r]) * part / each;
    }
}

static mg_status attach(void *state, const mg_batch *all, mg_error *error) {
    mg_dual_state *dual = state;
    dual->all = *all;
    int64_t items = mg_cut_items(dual->problem->rows, MG_DUAL_ITEM_ROWS);
    norm_job job = {.dual = dual};
    const mg_prox *prox = dual->problem->loss->dual;
    mg_status status = prox ? mg_dual_rows_create(dual->problem->rows, dual->problem->classes, prox->joint, all->label, &dual->rows, error) : MG_OK;
    if (!status && !dual->sparse) status = mg_memory_get(&job.x, (size_t)items, (size_t)dual->weights.line * sizeof(float), error);
    if (!status) mg_team_for(dual->problem->team, items, norm_rows, &job);
    if (!status && dual->sparse) mg_cut_ranges(&all->rows, dual->owners, dual->begin);
    if (!status && dual->sparse) mg_team_for(dual->problem->team, items, mg_dual_sparse_cuts, dual);
    if (!status) cut_slices(dual);
    mg_memory_free(job.x);
    return status;
}

// ---- weights -----------------------------------------------------------------------------------------------------------

void mg_dual_raw_lines(const mg_dual_state *dual, const mg_weights *w, mg_weights *to, int64_t from, int64_t end) {
    const float *scale = dual->problem->scale;
    memcpy(to->v + from * w->line, w->v + from * w->line, (size_t)((end - from) * w->line) * sizeof *w->v);
    for (int64_t l = from; scale && l < end; l++)
        for (int64_t j = 0; j < (w->layout == MG_DENSE ? w->features : w->classes); j++)
            to->v[l * w->line + j] *= scale[w->layout == MG_DENSE ? j : l];
}

void mg_dual_raw_bias(const mg_dual_state *dual, const mg_weights *w, mg_weights *to) {
    memcpy(to->bias, w->bias, (size_t)w->lanes * sizeof *w->bias);
    mg_weights_fold_offset(to, dual->problem->bias, dual->problem->center);
}

void mg_dual_to_raw(const mg_dual_state *dual, const mg_weights *w, mg_weights *to) {
    mg_dual_raw_lines(dual, w, to, 0, w->size / w->line);
    mg_dual_raw_bias(dual, w, to);
}

// The share of the newest snapshot (M30).
static float newest_share(const mg_dual_state *dual) {
    return (float)((AVERAGE_POWER + 1) / (double)(dual->clock.snapshots + AVERAGE_POWER));
}

static mg_weights *average(mg_dual_state *dual) {
    return dual->certify ? &dual->mean : &dual->result;
}

static void average_slice(void *context, int64_t slice) {
    mg_dual_state *dual = context;
    int64_t line = dual->weights.line, from = dual->slice[slice] * line, to = dual->slice[slice + 1] * line;
    float part = newest_share(dual), *restrict mean = average(dual)->v;
    const float *restrict now = dual->weights.v;
    for (int64_t j = from; j < to; j++) mean[j] += part * (now[j] - mean[j]);
}

// The average is of scaled features until it is asked for.
static void take_snapshot(mg_dual_state *dual) {
    dual->clock.snapshots++;
    mg_team_for(dual->problem->team, dual->slices, average_slice, dual);
    float part = newest_share(dual), *bias = average(dual)->bias;
    for (int64_t k = 0; k < dual->weights.lanes; k++) bias[k] += part * (dual->weights.bias[k] - bias[k]);
}

// Are `rows` more the step that ends another of the equal spans of rows between snapshots? With a tolerance the average is one more
// candidate for the best primal value, of sparse rows; dense ones go over to Newton steps.
static bool snapshot_is_due(const mg_dual_state *dual, int64_t rows) {
    int64_t all = dual->problem->rows, after = dual->clock.visits_before + dual->clock.visits;
    if (dual->certify) return dual->sparse && after * CERTIFY_SNAPSHOTS / all > (after - rows) * CERTIFY_SNAPSHOTS / all;
    double sweeps = (double)all * dual->problem->entries_per_row / (4.0 * (double)dual->problem->features);
    int64_t most = sweeps < MOST_SNAPSHOTS ? (int64_t)sweeps : MOST_SNAPSHOTS, count = most < FEWEST_SNAPSHOTS ? FEWEST_SNAPSHOTS : most;
    int64_t span = dual->problem->batch, steps = (dual->listed + span - 1) / span, done = (dual->place + span - 1) / span;
    return done * count / steps > (done - 1) * count / steps;
}

static const mg_weights *weights(void *state) {
    mg_dual_state *dual = state;
    const mg_problem *problem = dual->problem;
    if (dual->certify && isfinite(dual->numbers.best_primal)) return &dual->result;
    mg_weights *from = dual->certify || dual->clock.snapshots == 0 ? &dual->weights : &dual->result;
    if (problem->scale) {
        mg_dual_to_raw(dual, from, &dual->view);
        return &dual->view;
    }
    mg_weights_fold_offset(from, problem->bias, NULL);
    return from;
}

// ---- epochs ------------------------------------------------------------------------------------------------------------

static bool may_turn_to_newton(const mg_dual_state *dual) {
    return dual->certify && dual->options->handover != MG_HANDOVER_NEVER;
}

static void tell_successor(const mg_dual_state *dual, mg_step_result *out) {
    bool done = dual->numbers.last_gap <= dual->options->train->tolerance;
    if (dual->clock.newton != 0 || done || !may_turn_to_newton(dual)) return;
    out->successor = mg_solver_newton.name;
    snprintf(out->why, sizeof out->why, "a gap of %.2g after %.3g passes of dual ascent", dual->numbers.last_gap,
             (double)dual->clock.visits_before / (double)dual->problem->rows);
}

static void standing(void *state, mg_step_result *out) {
    const mg_dual_state *dual = state;
    *out = (mg_step_result){
        .epochs = dual->clock.epoch,
        .epoch_part = dual->listed > 0 ? (double)dual->place / (double)dual->listed : 0,
        .certified = isfinite(dual->numbers.best_primal),
    };
    if (out->certified)
        out->certificate = (mg_certificate){
            .primal = dual->numbers.best_primal,
            .dual = dual->numbers.best_dual,
            .gap = dual->numbers.last_gap,
            .reached = dual->numbers.last_gap <= dual->options->train->tolerance,
            .fresh = dual->clock.newton > 0 || dual->clock.visits == 0,
            .stalled = mg_dual_stalled(dual),
        };
    tell_successor(dual, out);
}

// Step `step` of the epoch of dual ascent.
static mg_status ascend(mg_dual_state *dual, int64_t step, mg_step_result *out, mg_error *error) {
    if (dual->listed < 0) mg_dual_make_list(dual);
    int64_t span = dual->problem->batch, first = span * step, at = first < dual->listed ? first : dual->listed;
    out->rows = mg_cut_next(at, dual->listed, span);
    dual->failed = false;
    out->loss = mg_dual_visit(dual, dual->list + at, out->rows);
    if (dual->failed) return mg_fail(error, MG_MEMORY, "out of memory: dual variables");
    dual->place = at + out->rows;
    dual->clock.visits += out->rows;
    if (out->rows > 0 && snapshot_is_due(dual, out->rows)) take_snapshot(dual);
    return dual->place >= dual->listed ? mg_dual_end_epoch(dual, error) : MG_OK;
}

// One outer iteration is an epoch of its own.
static mg_status iterate(mg_dual_state *dual, mg_step_result *out, mg_error *error) {
    mg_status status = mg_dual_newton_step(dual, &out->loss, error);
    if (status) return status;
    out->rows = dual->problem->rows;
    dual->clock.epoch++;
    return MG_OK;
}

static mg_status next(void *state, int64_t step, mg_step_result *out, mg_error *error) {
    mg_dual_state *dual = state;
    mg_step_result done = {0};
    bool newton = dual->clock.newton >= 0 && may_turn_to_newton(dual);
    mg_status status = newton ? iterate(dual, &done, error) : ascend(dual, step, &done, error);
    if (status) return status;
    standing(state, out);
    out->loss = done.loss;
    out->rows = done.rows;
    return MG_OK;
}

static void multiply(float *values, int64_t count, float factor) {
    for (int64_t i = 0; i < count; i++) values[i] *= factor;
}

// Dual variables are feasible whatever lambda is, and W is their sum times 1/(lambda N): nothing else is left of the problem before.
// Without them W itself is where to begin.
static void set_lambda(void *state, double lambda, bool restored) {
    mg_dual_state *dual = state;
    size_t rows = (size_t)dual->problem->rows;
    float factor = mg_dual_ascends(dual) ? (float)(dual->own.lambda / lambda) : 1;
    bool same = restored || lambda == dual->own.lambda;
    dual->own.lambda = lambda;
    dual->scale = 1 / (lambda * (double)dual->problem->rows);
    if (same) return;
    multiply(dual->weights.v, dual->weights.size, factor);
    multiply(dual->weights.bias, dual->weights.lanes, factor);
    multiply(dual->weights.offset, dual->weights.lanes, factor);
    mg_dual_newton_destroy(dual->newton); // what it holds belongs to other weights
    dual->newton = NULL;
    if (dual->certify) memset(dual->wake, 0, rows * sizeof *dual->wake);
    if (dual->certify) memset(dual->share, 0, rows * sizeof *dual->share);
    start_clocks(dual);
}

static const mg_whole_solver whole = {.attach = attach, .next = next, .standing = standing};

const mg_solver mg_solver_dual = {
    .name = "dual",
    .help = "exact dual steps of single rows; a few epochs of averaged weights without a tolerance",
    .certifies = "the relative duality gap, with train.tolerance",
    .certificates = true,
    .whole = &whole,
    .create = create,
    .destroy = destroy,
    .weights = weights,
    .set_lambda = set_lambda,
    .fields = mg_dual_fields,
    .check = mg_dual_check,
};

// The same state and functions; its first epoch is dual ascent's, the Newton phase follows at once.
const mg_solver mg_solver_newton = {
    .name = "newton",
    .help = "proximal method of multipliers with semismooth Newton steps, after one epoch of dual; plain Newton steps of softmax",
    .certifies = "the relative duality gap",
    .certificates = true,
    .whole = &whole,
    .create = create,
    .destroy = destroy,
    .weights = weights,
    .set_lambda = set_lambda,
    .fields = mg_dual_fields,
    .check = mg_dual_check,
};
