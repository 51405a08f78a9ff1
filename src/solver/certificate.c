// certificate.c - owns the certificate (M27): W rebuilt from the dual variables in double, both objectives of it, and what every row
// adds to the gap. A gap from the weights training drifted to would prove nothing.
#include "solver/dual.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

enum { CHUNK_ROWS = 4096, PART_ROWS = 256, PARTS = CHUNK_ROWS / PART_ROWS, SLICES = 16, RANGES = 4, AHEAD = 8 };

typedef struct certificate {
    mg_dual_state *dual;
    double *w;        // as weights.v, in double
    double *bias;     // [lanes]
    float *coef;      // [CHUNK_ROWS][lanes] coefficients of the chunk's rows
    uint16_t *few;    // [CHUNK_ROWS][MG_FEW] their classes that are not zero
    int *fews;        // [CHUNK_ROWS] how many; above MG_FEW they are not listed
    float *wide;      // dense: [CHUNK_ROWS / PARTS ...][line] rows x'
    int64_t first, count;
    double part_loss[PARTS], part_dual[PARTS], part_share[PARTS];
    mg_weights raw; // rebuilt weights, of raw cells
} certificate;

double mg_dual_value(const mg_dual_state *dual, const float *c, int64_t y) {
    const mg_prox *prox = dual->problem->loss->dual;
    double delta = (double)dual->problem->delta, value = 0;
    for (int64_t k = 0; k < dual->problem->classes; k++) {
        double x = (double)c[k], h = (double)(k == y ? prox->own_curve : prox->rival_curve);
        double linear = k != y ? delta : prox->joint ? 0 : -delta;
        value += linear * x - 0.5 * h * x * x;
    }
    return value;
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
        for (int64_t k = 0; k < dual->problem->classes; k++)
            if (c[k] != 0 && job->fews[i]++ < MG_FEW) job->few[i * MG_FEW + job->fews[i] - 1] = (uint16_t)k;
    }
    job->part_dual[part] = value;
}

// W of a range of features, from rows in order.
static void add_sparse(certificate *job, int64_t from, int64_t to) {
    const mg_dual_state *dual = job->dual;
    const mg_rows *rows = &dual->all.rows;
    int64_t line = dual->weights.line, classes = dual->problem->classes;
    for (int64_t i = 0; i < job->count; i++) {
        int64_t row = job->first + i, count = job->fews[i];
        const float *c = job->coef + i * dual->lanes;
        const uint16_t *few = job->few + i * MG_FEW;
        if (count == 0) continue;
        int64_t begin = mg_rows_lower_bound(rows->indices, rows->indptr[row], rows->indptr[row + 1], from);
        int64_t end = mg_rows_lower_bound(rows->indices, begin, rows->indptr[row + 1], to);
        double scale = -mg_dual_weight(dual, row) * dual->scale;
        for (; begin < end; begin++) {
            int64_t d = rows->indices[begin];
            double x = scale * (double)rows->values[begin] * (dual->problem->scale ? (double)dual->problem->scale[d] : 1);
            double *w = job->w + d * line;
            if (begin + AHEAD < end) __builtin_prefetch(job->w + rows->indices[begin + AHEAD] * line + few[0], 1, 3);
            for (int64_t j = 0; count <= MG_FEW && j < count; j++) w[few[j]] += x * (double)c[few[j]];
            for (int64_t k = 0; count > MG_FEW && k < classes; k++) w[k] += x * (double)c[k];
        }
    }
}

static void add_sparse_range(void *context, int64_t range) {
    certificate *job = context;
    int64_t features = job->dual->problem->features;
    add_sparse(job, features * range / RANGES, features * (range + 1) / RANGES);
}

// Dense rows of a part: sums of PART_ROWS in float, as in training, then added in double, in the order of the parts.
typedef struct dense_sum {
    certificate *job;
    float *grad; // [PARTS][classes][line]
} dense_sum;

static void sum_dense_part(void *context, int64_t part) {
    dense_sum *sum = context;
    certificate *job = sum->job;
    const mg_dual_state *dual = job->dual;
    int64_t line = dual->weights.line;
    float *grad = sum->grad + part * dual->weights.size, *block = job->wide + part * MG_BLOCK_ROWS * line;
    const float *x[MG_BLOCK_ROWS];
    memset(grad, 0, (size_t)dual->weights.size * sizeof *grad);
    for (int64_t first = part * PART_ROWS, end = part_end(job, part); first < end; first += MG_BLOCK_ROWS) {
        int64_t count = end - first < MG_BLOCK_ROWS ? end - first : MG_BLOCK_ROWS;
        for (int64_t i = 0; i < count; i++) {
            x[i] = block + i * line;
            mg_dual_dense_row(dual, job->first + first + i, block + i * line);
            float *c = job->coef + (first + i) * dual->lanes, weight = (float)mg_dual_weight(dual, job->first + first + i);
            for (int64_t k = 0; weight != 1 && k < dual->lanes; k++) c[k] *= weight;
        }
        dual->problem->kernel->dense_accumulate(count, line, x, dual->problem->classes, job->coef + first * dual->lanes, dual->lanes, grad);
    }
}

static void add_dense_slice(void *context, int64_t slice) {
    dense_sum *sum = context;
    certificate *job = sum->job;
    const mg_dual_state *dual = job->dual;
    int64_t size = dual->weights.size, parts = (job->count + PART_ROWS - 1) / PART_ROWS;
    for (int64_t j = size * slice / SLICES; j < size * (slice + 1) / SLICES; j++)
        for (int64_t p = 0; p < parts; p++) job->w[j] -= dual->scale * (double)sum->grad[p * size + j];
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
static double add_chunk(certificate *job, dense_sum *sum) {
    mg_team *team = job->dual->problem->team;
    int64_t parts = (job->count + PART_ROWS - 1) / PART_ROWS;
    double value = 0;
    mg_team_for(team, parts, take_part, job);
    add_bias(job);
    if (job->dual->sparse) {
        mg_team_for(team, RANGES, add_sparse_range, job);
    } else {
        mg_team_for(team, parts, sum_dense_part, sum);
        mg_team_for(team, SLICES, add_dense_slice, sum);
    }
    for (int64_t p = 0; p < parts; p++) value += job->part_dual[p];
    return value;
}

// Training goes on from the rebuilt weights. Returns ||W||^2 in double.
static double settle_weights(certificate *job) {
    mg_dual_state *dual = job->dual;
    mg_weights *w = &dual->weights;
    double square = 0;
    for (int64_t j = 0; j < w->size; j++) {
        w->v[j] = (float)job->w[j];
        square += job->w[j] * job->w[j];
    }
    for (int64_t k = 0; k < w->classes; k++) {
        w->bias[k] = (float)job->bias[k];
        w->offset[k] = (float)dual->problem->bias * w->bias[k];
        square += job->bias[k] * job->bias[k];
    }
    mg_dual_to_raw(dual, w, &job->raw);
    return square;
}

// Losses of one part of the rows and their shares of the gap.
static void evaluate_part(void *context, int64_t part) {
    certificate *job = context;
    mg_dual_state *dual = job->dual;
    const mg_problem *problem = dual->problem;
    mg_pass *pass = &dual->pass[part];
    int64_t first = problem->rows * part / dual->passes, end = problem->rows * (part + 1) / dual->passes;
    double loss = 0, shares = 0;
    for (; first < end; first += pass->block_rows) {
        int64_t count = end - first < pass->block_rows ? end - first : pass->block_rows;
        mg_pass_scores(pass, problem->kernel, &job->raw, &dual->all.rows, first, count);
        for (int64_t i = 0; i < count; i++) {
            int64_t row = first + i, y = dual->all.label[row];
            float *s = pass->scores + i * pass->lanes, *c = pass->coef + i * pass->lanes;
            double weight = mg_dual_weight(dual, row), value = (double)problem->loss->row(pass->lanes, s, y, problem->delta, c), inner = 0;
            mg_dual_rows_get(dual->rows, row, dual->lanes, c);
            for (int64_t k = 0; k < problem->classes; k++) inner += (double)c[k] * (double)s[k];
            double share = weight * (value - mg_dual_value(dual, c, y) - inner);
            dual->share[row] = share > 0 ? (float)share : 0;
            loss += weight * value;
            shares += share > 0 ? share : 0;
        }
    }
    job->part_loss[part] = loss;
    job->part_share[part] = shares;
}

void mg_dual_keep_best(mg_dual_state *dual, const mg_weights *raw, double primal, double lower) {
    mg_dual_numbers *numbers = &dual->numbers;
    if (primal < numbers->best_primal) {
        numbers->best_primal = primal;
        mg_weights *to = &dual->result;
        memcpy(to->v, raw->v, (size_t)to->size * sizeof *to->v);
        memcpy(to->bias, raw->bias, (size_t)to->lanes * sizeof *to->bias);
        memcpy(to->offset, raw->offset, (size_t)to->lanes * sizeof *to->offset);
    }
    if (lower > numbers->best_dual) numbers->best_dual = lower;
    double gap = numbers->best_primal - numbers->best_dual;
    numbers->last_gap = numbers->best_primal > 0 ? (gap > 0 ? gap : 0) / numbers->best_primal : 0;
}

static mg_status create(certificate *job, dense_sum *sum, mg_error *error) {
    mg_dual_state *dual = job->dual;
    const mg_problem *problem = dual->problem;
    size_t lanes = (size_t)dual->lanes;
    mg_status status = mg_memory_zeroed(&job->w, (size_t)dual->weights.size, sizeof(double), error);
    if (!status) status = mg_memory_zeroed(&job->bias, lanes, sizeof(double), error);
    if (!status) status = mg_memory_get(&job->coef, CHUNK_ROWS, lanes * sizeof(float), error);
    if (!status) status = mg_memory_get(&job->few, CHUNK_ROWS, MG_FEW * sizeof *job->few, error);
    if (!status) status = mg_memory_get(&job->fews, CHUNK_ROWS, sizeof *job->fews, error);
    if (!status && !dual->sparse)
        status = mg_memory_get(&job->wide, PARTS * MG_BLOCK_ROWS, (size_t)dual->weights.line * sizeof(float), error);
    if (!status && !dual->sparse) status = mg_memory_get(&sum->grad, PARTS, (size_t)dual->weights.size * sizeof(float), error);
    if (!status) status = mg_weights_create(&job->raw, problem->layout, problem->classes, problem->features, error);
    return status;
}

static void destroy(certificate *job, dense_sum *sum) {
    mg_memory_free(job->w);
    mg_memory_free(job->bias);
    mg_memory_free(job->coef);
    mg_memory_free(job->few);
    mg_memory_free(job->fews);
    mg_memory_free(job->wide);
    mg_memory_free(sum->grad);
    mg_weights_destroy(&job->raw);
}

mg_status mg_dual_certify(mg_dual_state *dual, mg_error *error) {
    const mg_problem *problem = dual->problem;
    certificate job = {.dual = dual};
    dense_sum sum = {.job = &job};
    double lower = 0, loss = 0, n = (double)problem->rows;
    mg_status status = create(&job, &sum, error);
    for (job.first = 0; !status && job.first < problem->rows; job.first += CHUNK_ROWS) {
        job.count = problem->rows - job.first < CHUNK_ROWS ? problem->rows - job.first : CHUNK_ROWS;
        lower += add_chunk(&job, &sum);
    }
    if (!status) {
        double square = settle_weights(&job);
        mg_team_for(problem->team, dual->passes, evaluate_part, &job);
        dual->share_sum = 0;
        for (int p = 0; p < dual->passes; p++) {
            loss += job.part_loss[p];
            dual->share_sum += job.part_share[p];
        }
        double primal = loss / n + 0.5 * problem->lambda * mg_weights_square_norm(&job.raw, problem->scale);
        mg_dual_keep_best(dual, &job.raw, primal, lower / n - 0.5 * problem->lambda * square);
    }
    destroy(&job, &sum);
    return status;
}
