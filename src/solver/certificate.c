// certificate.c - owns the certificate (M27): W rebuilt from the dual variables in double, both objectives of it, and what every row
// adds to the gap. A gap from the weights training drifted to would prove nothing.
#include "solver/dual.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

#define ROUNDING 0x1p-24 // of the scores: no gap is said to be smaller, whatever the sums come to
enum { CHUNK_ROWS = 4096, PART_ROWS = 256, PARTS = CHUNK_ROWS / PART_ROWS, GRADIENT_SLICES = 16, AHEAD = 8 };

// What certificates work with; it stays from one to the next.
typedef struct mg_dual_certificate {
    mg_dual_state *dual;
    double *w;        // as weights.v, in double
    double *bias;     // [lanes]
    float *coef;      // [CHUNK_ROWS][lanes] coefficients of the chunk's rows
    uint16_t *few;    // [CHUNK_ROWS][MG_FEW] their classes that are not zero
    int *fews;        // [CHUNK_ROWS] how many; above MG_FEW they are not listed
    float *wide;      // dense: [CHUNK_ROWS / PARTS ...][line] rows x'
    float *grad;      // dense: [PARTS][classes][line] sums of PART_ROWS rows in float, as in training
    int64_t first, count;
    mg_weights *scored; // by evaluate_part
    bool shares;        // rows take note of their shares of the gap
    double part_loss[PARTS], part_dual[PARTS], part_share[PARTS], slice_square[MG_DUAL_SLICES], slice_rounded[MG_DUAL_SLICES];
    mg_weights raw; // rebuilt weights, of raw cells; empty where these are the scaled ones
} certificate;

double mg_dual_value(const mg_dual_state *dual, const float *c, int64_t y) {
    const mg_problem *problem = dual->problem;
    mg_dual_terms t = problem->kernel->dual_terms(problem->loss->dual, dual->lanes, dual->zeros, y, problem->delta, c);
    return t.linear - 0.5 * t.curve;
}

static int64_t part_end(const certificate *job, int64_t part) {
    int64_t end = (part + 1) * PART_ROWS;
    return end < job->count ? end : job->count;
}

// Coefficients of the part's rows, as they enter W; and what they add to the dual.
static void take_part(void *context, int64_t part) {
    certificate *job = context;
    mg_dual_state *dual = job->dual;
    double value = 0;
    for (int64_t i = part * PART_ROWS; i < part_end(job, part); i++) {
        int64_t row = job->first + i;
        float *c = job->coef + i * dual->lanes;
        mg_dual_rows_get(dual->rows, row, dual->lanes, c);
        value += mg_dual_weight(dual, row) * mg_dual_value(dual, c, dual->all.label[row]);
        job->fews[i] = 0;
        for (int64_t k = 0; dual->sparse && k < dual->problem->classes; k++)
            if (c[k] != 0 && job->fews[i]++ < MG_FEW) job->few[i * MG_FEW + job->fews[i] - 1] = (uint16_t)k;
    }
    job->part_dual[part] = value;
}

// A row's entries from `begin` to `end` into W; `count` of its classes are listed in `few` unless there are more.
static void add_entries(certificate *job, int64_t row, int64_t begin, int64_t end, const float *c, int64_t count, const uint16_t *few) {
    const mg_dual_state *dual = job->dual;
    const mg_rows *rows = &dual->all.rows;
    const float *scaling = dual->problem->scale;
    int64_t line = dual->weights.line, classes = dual->problem->classes;
    double scale = -mg_dual_weight(dual, row) * dual->scale, listed[MG_FEW];
    for (int64_t j = 0; count <= MG_FEW && j < count; j++) listed[j] = scale * (double)c[few[j]];
    for (; begin < end; begin++) {
        int64_t d = rows->indices[begin];
        double x = (double)rows->values[begin] * (scaling ? (double)scaling[d] : 1), *w = job->w + d * line;
        if (begin + AHEAD < end) __builtin_prefetch(job->w + rows->indices[begin + AHEAD] * line + few[0], 1, 3);
        for (int64_t j = 0; count <= MG_FEW && j < count; j++) w[few[j]] += x * listed[j];
        for (int64_t k = 0; count > MG_FEW && k < classes; k++) w[k] += x * scale * (double)c[k];
    }
}

// W of an owner's range of features, from rows in order.
static void add_sparse_range(void *context, int64_t owner) {
    certificate *job = context;
    const mg_dual_state *dual = job->dual;
    for (int64_t i = 0; i < job->count; i++) {
        int64_t row = job->first + i, count = job->fews[i], begin, end;
        mg_dual_owned(dual, row, owner, &begin, &end);
        if (count > 0) add_entries(job, row, begin, end, job->coef + i * dual->lanes, count, job->few + i * MG_FEW);
    }
}

// Dense rows of a part, in float as in training; parts are then added in double, in their order.
static void sum_dense_part(void *context, int64_t part) {
    certificate *job = context;
    const mg_dual_state *dual = job->dual;
    int64_t line = dual->weights.line;
    float *grad = job->grad + part * dual->weights.size, *block = job->wide + part * MG_BLOCK_ROWS * line;
    const void *x[MG_BLOCK_ROWS];
    memset(grad, 0, (size_t)dual->weights.size * sizeof *grad);
    for (int64_t first = part * PART_ROWS, end = part_end(job, part); first < end; first += MG_BLOCK_ROWS) {
        int64_t count = end - first < MG_BLOCK_ROWS ? end - first : MG_BLOCK_ROWS;
        for (int64_t i = 0; i < count; i++) {
            x[i] = block + i * line;
            mg_dual_dense_row(dual, job->first + first + i, block + i * line);
            float *c = job->coef + (first + i) * dual->lanes, weight = (float)mg_dual_weight(dual, job->first + first + i);
            for (int64_t k = 0; weight != 1 && k < dual->lanes; k++) c[k] *= weight;
        }
        dual->problem->kernel->dense_accumulate(MG_CELL_F32, MG_SUM_ON, count, line, x, dual->problem->classes, job->coef + first * dual->lanes, dual->lanes, grad);
    }
}

static void add_dense_slice(void *context, int64_t slice) {
    certificate *job = context;
    const mg_dual_state *dual = job->dual;
    int64_t size = dual->weights.size, parts = mg_cut_items(job->count, PART_ROWS);
    for (int64_t j = mg_cut_begin(size, GRADIENT_SLICES, slice); j < mg_cut_begin(size, GRADIENT_SLICES, slice + 1); j++)
        for (int64_t p = 0; p < parts; p++) job->w[j] -= dual->scale * (double)job->grad[p * size + j];
}

static void add_bias(certificate *job) {
    const mg_dual_state *dual = job->dual;
    double constant = dual->problem->bias * dual->scale;
    for (int64_t i = 0; constant > 0 && i < job->count; i++) {
        const float *c = job->coef + i * dual->lanes;
        double weight = mg_dual_weight(dual, job->first + i);
        for (int64_t k = 0; k < dual->problem->classes; k++) job->bias[k] -= constant * weight * (double)c[k];
    }
}

// One chunk of rows into W; returns what it adds to the dual.
static double add_chunk(certificate *job) {
    mg_team *team = job->dual->problem->team;
    int64_t parts = mg_cut_items(job->count, PART_ROWS);
    double value = 0;
    mg_team_for(team, parts, take_part, job);
    add_bias(job);
    if (job->dual->sparse) {
        mg_team_for(team, job->dual->owners, add_sparse_range, job);
    } else {
        mg_team_for(team, parts, sum_dense_part, job);
        mg_team_for(team, GRADIENT_SLICES, add_dense_slice, job);
    }
    for (int64_t p = 0; p < parts; p++) value += job->part_dual[p];
    return value;
}

static mg_weights *raw_weights(certificate *job) {
    return job->dual->problem->scale ? &job->raw : &job->dual->weights;
}

static void clear_slice(void *context, int64_t slice) {
    certificate *job = context;
    int64_t line = job->dual->weights.line, from = job->dual->slice[slice] * line, to = job->dual->slice[slice + 1] * line;
    memset(job->w + from, 0, (size_t)(to - from) * sizeof *job->w);
}

// Training goes on from the rebuilt weights. A slice of their lines; their square in double, and as they are rounded and evaluated.
static void settle_slice(void *context, int64_t slice) {
    certificate *job = context;
    mg_dual_state *dual = job->dual;
    mg_weights *w = &dual->weights;
    int64_t from = dual->slice[slice], to = dual->slice[slice + 1];
    double square = 0;
    for (int64_t j = from * w->line; j < to * w->line; j++) {
        w->v[j] = (float)job->w[j];
        square += job->w[j] * job->w[j];
    }
    if (dual->problem->scale) mg_dual_raw_lines(dual, w, &job->raw, from, to);
    job->slice_square[slice] = square;
    job->slice_rounded[slice] = mg_weights_square_lines(raw_weights(job), dual->problem->scale, from, to);
}

// Returns ||W||^2 in double; *rounded: of the weights that are evaluated.
static double settle_weights(certificate *job, double *rounded) {
    mg_dual_state *dual = job->dual;
    mg_weights *w = &dual->weights;
    double square = 0;
    *rounded = 0;
    mg_team_for(dual->problem->team, dual->slices, settle_slice, job);
    for (int slice = 0; slice < dual->slices; slice++) {
        square += job->slice_square[slice];
        *rounded += job->slice_rounded[slice];
    }
    for (int64_t k = 0; k < w->classes; k++) {
        w->bias[k] = (float)job->bias[k];
        w->offset[k] = (float)dual->problem->bias * w->bias[k];
        square += job->bias[k] * job->bias[k];
        *rounded += (double)w->bias[k] * (double)w->bias[k];
    }
    if (dual->problem->scale) mg_dual_raw_bias(dual, w, &job->raw);
    return square;
}

// Losses of one part of the rows and their shares of the gap.
static void evaluate_part(void *context, int64_t part) {
    certificate *job = context;
    mg_dual_state *dual = job->dual;
    const mg_problem *problem = dual->problem;
    mg_pass *pass = &dual->pass[part];
    int64_t first = mg_cut_begin(problem->rows, dual->passes, part), end = mg_cut_begin(problem->rows, dual->passes, part + 1);
    double loss = 0, shares = 0;
    for (; first < end; first += pass->block_rows) {
        int64_t count = mg_cut_next(first, end, pass->block_rows);
        mg_pass_scores(pass, problem->kernel, job->scored, &dual->all.rows, first, count);
        for (int64_t i = 0; i < count; i++) {
            int64_t row = first + i, y = dual->all.label[row];
            float *s = pass->scores + i * pass->lanes, *c = pass->coef + i * pass->lanes;
            double weight = mg_dual_weight(dual, row), value = (double)problem->loss->row(pass->lanes, s, y, problem->delta, c);
            loss += weight * value;
            if (!job->shares) continue;
            mg_dual_rows_get(dual->rows, row, dual->lanes, c);
            mg_dual_terms t = problem->kernel->dual_terms(problem->loss->dual, dual->lanes, s, y, problem->delta, c);
            double share = weight * (value - t.linear + 0.5 * t.curve);
            dual->share[row] = share > 0 ? (float)share : 0;
            shares += share > 0 ? share : 0;
        }
    }
    job->part_loss[part] = loss;
    job->part_share[part] = shares;
}

typedef struct copy_job {
    const mg_dual_state *dual;
    const mg_weights *from;
    mg_weights *to;
} copy_job;

static void copy_slice(void *context, int64_t slice) {
    const copy_job *job = context;
    int64_t line = job->to->line, from = job->dual->slice[slice] * line, to = job->dual->slice[slice + 1] * line;
    memcpy(job->to->v + from, job->from->v + from, (size_t)(to - from) * sizeof *job->to->v);
}

double mg_dual_gap(const mg_dual_numbers *numbers) {
    if (!isfinite(numbers->best_primal)) return INFINITY; // no objective, no gap
    double gap = numbers->best_primal > 0 ? (numbers->best_primal - numbers->best_dual) / numbers->best_primal : 0;
    if (isnan(gap)) return INFINITY; // no objective is finite yet: nothing is known
    return fabs(gap) > ROUNDING ? fabs(gap) : ROUNDING; // a bound above an objective shows how coarse both are
}

void mg_dual_keep_best(mg_dual_state *dual, const mg_weights *raw, double primal, double lower) {
    mg_dual_numbers *numbers = &dual->numbers;
    if (primal < numbers->best_primal) {
        numbers->best_primal = primal;
        mg_weights *to = &dual->result;
        mg_team_for(dual->problem->team, dual->slices, copy_slice, &(copy_job){.dual = dual, .from = raw, .to = to});
        memcpy(to->bias, raw->bias, (size_t)to->lanes * sizeof *to->bias);
        memcpy(to->offset, raw->offset, (size_t)to->lanes * sizeof *to->offset);
    }
    if (lower > numbers->best_dual) numbers->best_dual = lower;
    numbers->last_gap = mg_dual_gap(numbers);
}

static mg_status create(mg_dual_state *dual, mg_error *error) {
    const mg_problem *problem = dual->problem;
    size_t lanes = (size_t)dual->lanes, size = (size_t)dual->weights.size;
    certificate *job;
    mg_status status = mg_memory_zeroed(&job, 1, sizeof *job, error);
    if (status) return status;
    dual->certificate = job;
    job->dual = dual;
    status = mg_memory_get(&job->w, size, sizeof(double), error);
    if (!status) status = mg_memory_get(&job->bias, lanes, sizeof(double), error);
    if (!status) status = mg_memory_get(&job->coef, CHUNK_ROWS, lanes * sizeof(float), error);
    if (!status) status = mg_memory_get(&job->few, CHUNK_ROWS, MG_FEW * sizeof *job->few, error);
    if (!status) status = mg_memory_get(&job->fews, CHUNK_ROWS, sizeof *job->fews, error);
    if (!status && !dual->sparse)
        status = mg_memory_get(&job->wide, PARTS * MG_BLOCK_ROWS, (size_t)dual->weights.line * sizeof(float), error);
    if (!status && !dual->sparse) status = mg_memory_get(&job->grad, PARTS, size * sizeof(float), error);
    if (!status && problem->scale) status = mg_weights_create(&job->raw, problem->layout, problem->classes, problem->features, error);
    if (status) mg_dual_certificate_destroy(dual);
    return status;
}

void mg_dual_certificate_destroy(mg_dual_state *dual) {
    certificate *job = dual->certificate;
    if (!job) return;
    void *const blocks[] = {job->w, job->bias, job->coef, job->few, job->fews, job->wide, job->grad};
    for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++) mg_memory_free(blocks[b]);
    mg_weights_destroy(&job->raw);
    mg_memory_free(job);
    dual->certificate = NULL;
}

// W from the dual variables, in job->w and job->bias; returns the sum of -l*.
static double rebuild(certificate *job) {
    const mg_problem *problem = job->dual->problem;
    double value = 0;
    mg_team_for(problem->team, job->dual->slices, clear_slice, job);
    memset(job->bias, 0, (size_t)job->dual->lanes * sizeof *job->bias);
    for (job->first = 0; job->first < problem->rows; job->first += CHUNK_ROWS) {
        job->count = problem->rows - job->first < CHUNK_ROWS ? problem->rows - job->first : CHUNK_ROWS;
        value += add_chunk(job);
    }
    return value;
}

// Mean loss with the weights of raw cells, and with `shares` what rows add to the gap.
static double evaluate(certificate *job, mg_weights *raw, bool shares) {
    mg_dual_state *dual = job->dual;
    double loss = 0, sum = 0;
    job->scored = raw;
    job->shares = shares;
    mg_team_for(dual->problem->team, dual->passes, evaluate_part, job);
    for (int p = 0; p < dual->passes; p++) {
        loss += job->part_loss[p];
        sum += job->part_share[p];
    }
    if (shares) dual->share_sum = sum;
    return loss / (double)dual->problem->rows;
}

static void square_slice(void *context, int64_t slice) {
    certificate *job = context;
    const int64_t *line = job->dual->slice + slice;
    job->slice_rounded[slice] = mg_weights_square_lines(job->scored, job->dual->problem->scale, line[0], line[1]);
}

// (M30) Any weights will do for the primal side; where single steps make them jump about, their average is the better choice.
static void evaluate_average(certificate *job) {
    mg_dual_state *dual = job->dual;
    const mg_problem *problem = dual->problem;
    mg_weights *raw = problem->scale ? &job->raw : &dual->mean;
    if (problem->scale) mg_dual_to_raw(dual, &dual->mean, raw);
    else mg_weights_fold_offset(raw, problem->bias, NULL);
    double loss = evaluate(job, raw, false), square = 0;
    mg_team_for(problem->team, dual->slices, square_slice, job);
    for (int slice = 0; slice < dual->slices; slice++) square += job->slice_rounded[slice];
    for (int64_t k = 0; k < raw->classes; k++) square += (double)raw->bias[k] * (double)raw->bias[k];
    mg_dual_keep_best(dual, raw, loss + 0.5 * problem->lambda * square, -INFINITY);
}

mg_status mg_dual_certify(mg_dual_state *dual, mg_error *error) {
    const mg_problem *problem = dual->problem;
    mg_status status = dual->certificate ? MG_OK : create(dual, error);
    if (status) return status;
    certificate *job = dual->certificate;
    double n = (double)problem->rows, rounded, value = rebuild(job), square = settle_weights(job, &rounded);
    double primal = evaluate(job, raw_weights(job), true) + 0.5 * problem->lambda * rounded;
    mg_dual_keep_best(dual, raw_weights(job), primal, value / n - 0.5 * problem->lambda * square);
    dual->numbers.share_gap = dual->share_sum / (n * primal);
    if (dual->clock.snapshots > 0 && dual->numbers.last_gap > dual->options->train->tolerance) evaluate_average(job);
    return MG_OK;
}
