// sum.c - the passes over the data of the Newton phase: scores of a vector, sums of rows in double, Hessian products. Cells stay
// raw; scaling and centring are in the vectors (M19).
#include "solver/newton/newton.h"

#include <math.h>
#include <string.h>

typedef struct score_job {
    mg_newton *newton;
    float padding, *to;
} score_job;

// A vector as weights of raw cells.
static void make_raw(mg_newton *newton, const float *vector) {
    mg_weights view = newton->dual->weights;
    view.v = (float *)vector;
    view.bias = (float *)vector + view.size;
    mg_dual_to_raw(newton->dual, &view, &newton->raw);
}

static void score_part(void *context, int64_t part) {
    const score_job *job = context;
    mg_dual_state *dual = job->newton->dual;
    mg_pass *pass = &dual->pass[part];
    int64_t rows = dual->problem->rows, first = mg_cut_begin(rows, dual->passes, part), end = mg_cut_begin(rows, dual->passes, part + 1);
    for (; first < end; first += pass->block_rows) {
        int64_t count = mg_cut_next(first, end, pass->block_rows);
        mg_pass_scores(pass, dual->problem->kernel, &job->newton->raw, &dual->all.rows, first, count);
        float *to = job->to + first * dual->lanes;
        memcpy(to, pass->scores, (size_t)(count * dual->lanes) * sizeof *to);
        for (int64_t i = 0; i < count; i++)
            for (int64_t k = dual->problem->classes; k < dual->lanes; k++) to[i * dual->lanes + k] = job->padding;
    }
}

void mg_newton_scores(mg_newton *newton, const float *vector, float padding, float *to) {
    score_job job = {newton, padding, to};
    make_raw(newton, vector);
    mg_team_for(newton->dual->problem->team, newton->dual->passes, score_part, &job);
}

// ---- sums over rows ----------------------------------------------------------------------------------------------------

typedef struct sum_job {
    mg_newton *newton;
    mg_newton_fill *fill;
    int64_t first, count; // items of the chunk
    double *to;           // [length] gets the means on top; or
    const float *vector;  // the product becomes lambda times this one and the means, for which sums of sparse rows in float will do
    float *product;
} sum_job;

static bool in_float(const sum_job *job) {
    return job->product && job->newton->dual->sparse;
}

float *mg_newton_take(mg_newton *newton, int64_t part, int64_t row) {
    int64_t at = part * MG_NEWTON_PART_ROWS + newton->used[part]++;
    newton->chunk_row[at] = (uint32_t)row;
    return newton->chunk_coef + at * newton->dual->lanes;
}

void mg_newton_add_taken(mg_newton *newton, int64_t part) {
    mg_dual_state *dual = newton->dual;
    if (dual->sparse) return;
    mg_pass *pass = &dual->pass[part];
    int64_t at = part * MG_NEWTON_PART_ROWS, lanes = dual->lanes;
    float *grad = newton->grad + part * dual->weights.size;
    mg_rows rows = dual->all.rows;
    rows.index = newton->chunk_row + at;
    rows.count = newton->used[part];
    for (int64_t first = 0; first < rows.count; first += pass->block_rows) {
        int64_t count = rows.count - first < pass->block_rows ? rows.count - first : pass->block_rows;
        mg_pass_take(pass, dual->problem->kernel, &rows, first, count);
        dual->problem->kernel->dense_accumulate(pass->cell, MG_SUM_ON, count, pass->line, pass->x, dual->problem->classes,
                                                newton->chunk_coef + (at + first) * lanes, lanes, grad);
    }
}

static void fill_part(void *context, int64_t part) {
    const sum_job *job = context;
    mg_newton *newton = job->newton;
    int64_t lanes = newton->dual->lanes, first = part * MG_NEWTON_PART_ROWS, end = first + MG_NEWTON_PART_ROWS;
    int64_t size = newton->dual->weights.size;
    double *constant = newton->constant + part * lanes;
    newton->used[part] = 0;
    memset(constant, 0, (size_t)lanes * sizeof *constant);
    if (!newton->dual->sparse) memset(newton->grad + part * size, 0, (size_t)size * sizeof *newton->grad);
    job->fill(newton, part, job->first + first, job->first + (end < job->count ? end : job->count));
    for (int64_t i = 0; i < newton->used[part]; i++) {
        const float *coef = newton->chunk_coef + (first + i) * lanes;
        for (int64_t k = 0; k < lanes; k++) constant[k] += (double)coef[k];
    }
}

static void add_dense_slice(void *context, int64_t slice) {
    const mg_newton *newton = ((const sum_job *)context)->newton;
    int64_t size = newton->dual->weights.size, end = mg_cut_begin(size, MG_NEWTON_SLICES, slice + 1);
    for (int64_t p = 0; p < MG_NEWTON_PARTS; p++) {
        const float *grad = newton->grad + p * size;
        for (int64_t j = mg_cut_begin(size, MG_NEWTON_SLICES, slice); newton->used[p] > 0 && j < end; j++) newton->raw_sum[j] += (double)grad[j];
    }
}

// One row's entries of an owner's range of features. Most rows have a few coefficients.
static void add_sparse_row(const mg_newton *newton, const float *coef, int64_t begin, int64_t end) {
    const mg_dual_state *dual = newton->dual;
    const mg_rows *rows = &dual->all.rows;
    int64_t few[MG_FEW], count = 0, classes = dual->problem->classes;
    for (int64_t k = 0; k < classes && count <= MG_FEW; k++) {
        if (coef[k] == 0) continue;
        if (count < MG_FEW) few[count] = k;
        count++;
    }
    for (; begin < end; begin++) {
        double *restrict sum = newton->raw_sum + (int64_t)rows->indices[begin] * dual->weights.line, x = (double)rows->values[begin];
        for (int64_t j = 0; count <= MG_FEW && j < count; j++) sum[few[j]] += x * (double)coef[few[j]];
        for (int64_t k = 0; count > MG_FEW && k < classes; k++) sum[k] += x * (double)coef[k];
    }
}

// The chunk's rows, as far as they are an owner's, in their order.
static void add_sparse_owner(void *context, int64_t owner) {
    const sum_job *job = context;
    const mg_newton *newton = job->newton;
    const mg_dual_state *dual = newton->dual;
    const mg_rows *rows = &dual->all.rows;
    for (int64_t p = 0; p < MG_NEWTON_PARTS; p++)
        for (int64_t i = p * MG_NEWTON_PART_ROWS, last = i + newton->used[p]; i < last; i++) {
            int64_t row = newton->chunk_row[i], begin, end;
            const float *coef = newton->chunk_coef + i * dual->lanes;
            mg_dual_owned(dual, row, owner, &begin, &end);
            if (!in_float(job)) add_sparse_row(newton, coef, begin, end);
            else
                dual->problem->kernel->csr_accumulate(end - begin, rows->indices + begin, rows->values + begin, dual->weights.line, coef,
                                                      newton->grad);
        }
}

static void clear_slice(void *context, int64_t slice) {
    const sum_job *job = context;
    int64_t size = job->newton->dual->weights.size, from = mg_cut_begin(size, MG_NEWTON_SLICES, slice), to = mg_cut_begin(size, MG_NEWTON_SLICES, slice + 1);
    if (in_float(job)) memset(job->newton->grad + from, 0, (size_t)(to - from) * sizeof *job->newton->grad);
    else memset(job->newton->raw_sum + from, 0, (size_t)(to - from) * sizeof *job->newton->raw_sum);
}

// Sums of raw cells, in newton->raw_sum or, where that is enough and it is faster, in float in newton->grad; those of the coefficients
// in any case behind the former.
static void sum_rows(sum_job *job, int64_t items) {
    mg_newton *newton = job->newton;
    const mg_dual_state *dual = newton->dual;
    mg_team *team = dual->problem->team;
    double *constant = newton->raw_sum + dual->weights.size;
    mg_team_for(team, MG_NEWTON_SLICES, clear_slice, job);
    memset(constant, 0, (size_t)dual->lanes * sizeof *constant);
    for (job->first = 0; job->first < items; job->first += MG_NEWTON_CHUNK) {
        job->count = items - job->first < MG_NEWTON_CHUNK ? items - job->first : MG_NEWTON_CHUNK;
        int64_t parts = mg_cut_items(job->count, MG_NEWTON_PART_ROWS);
        memset(newton->used, 0, sizeof newton->used);
        mg_team_for(team, parts, fill_part, job);
        if (dual->sparse) mg_team_for(team, dual->owners, add_sparse_owner, job);
        else mg_team_for(team, MG_NEWTON_SLICES, add_dense_slice, job);
        for (int64_t p = 0; p < parts; p++)
            for (int64_t k = 0; k < dual->lanes; k++) constant[k] += newton->constant[p * dual->lanes + k];
    }
}

// Sums of raw cells become means of x' = scale (x - center).
static void scale_slice(void *context, int64_t slice) {
    const sum_job *job = context;
    const mg_newton *newton = job->newton;
    const mg_dual_state *dual = newton->dual;
    const mg_problem *problem = dual->problem;
    const double *raw = newton->raw_sum, *constant = raw + dual->weights.size;
    int64_t line = dual->weights.line, size = dual->weights.size, end = mg_cut_begin(size, MG_NEWTON_SLICES, slice + 1);
    bool dense = !dual->sparse, in_floats = in_float(job);
    double part = 1 / (double)problem->rows, lambda = problem->lambda;
    for (int64_t j = mg_cut_begin(size, MG_NEWTON_SLICES, slice), l = j / line, r = j % line; j < end; j++) {
        int64_t d = dense ? r : l, k = dense ? l : r;
        double sum = in_floats ? (double)newton->grad[j] : raw[j], scale = problem->scale && d < problem->features ? (double)problem->scale[d] : 1;
        if (problem->center && d < problem->features) sum -= (double)problem->center[d] * constant[k];
        if (job->product) job->product[j] = (float)(lambda * (double)job->vector[j] + part * (scale * sum));
        else job->to[j] += part * (scale * sum);
        if (++r == line) r = 0, l++;
    }
}

// The same of the coefficients, which belong to the constant feature.
static void scale_constant(const sum_job *job) {
    const mg_dual_state *dual = job->newton->dual;
    int64_t size = dual->weights.size;
    const double *constant = job->newton->raw_sum + size;
    double part = dual->problem->bias / (double)dual->problem->rows, lambda = dual->problem->lambda;
    for (int64_t k = 0; k < dual->lanes; k++) {
        double mean = part * constant[k];
        if (job->product) job->product[size + k] = (float)(lambda * (double)job->vector[size + k] + mean);
        else job->to[size + k] += mean;
    }
}

void mg_newton_sum(mg_newton *newton, int64_t items, mg_newton_fill *fill, double *to) {
    sum_job job = {.newton = newton, .fill = fill, .to = to};
    sum_rows(&job, items);
    mg_team_for(newton->dual->problem->team, MG_NEWTON_SLICES, scale_slice, &job);
    scale_constant(&job);
}

// ---- Hessian -----------------------------------------------------------------------------------------------------------

// v (D_F u - D_F 1 (1' D_F u) / (1' D_F 1)) of one free row (M28).
static void apply_slope(const mg_newton *newton, int64_t row, const float *u, float *to) {
    const mg_dual_state *dual = newton->dual;
    const float *slope = newton->slope + row * dual->lanes;
    float inner = 0, weight = (float)mg_dual_weight(dual, row);
    for (int64_t k = 0; k < dual->problem->classes; k++) inner += slope[k] * u[k];
    float mean = mg_newton_joint(newton) ? inner / newton->total[row] : 0;
    for (int64_t k = 0; k < dual->problem->classes; k++) to[k] = slope[k] != 0 ? weight * slope[k] * (u[k] - mean) : 0;
    for (int64_t k = dual->problem->classes; k < dual->lanes; k++) to[k] = 0;
}

enum { PACK_ITEMS = 64 };

static void pack_item(void *context, int64_t item) {
    mg_newton *newton = context;
    const mg_rows *rows = &newton->dual->all.rows;
    size_t bytes = (size_t)rows->stride * mg_cell_size(rows->cell);
    for (int64_t f = mg_cut_begin(newton->free_count, PACK_ITEMS, item); f < mg_cut_begin(newton->free_count, PACK_ITEMS, item + 1); f++)
        memcpy((char *)newton->packed + (size_t)f * bytes, (const char *)rows->dense + newton->free[f] * bytes, bytes);
}

void mg_newton_pack(mg_newton *newton) {
    newton->is_packed = newton->packed && newton->free_count <= newton->dual->problem->rows / MG_NEWTON_PACK;
    if (newton->is_packed) mg_team_for(newton->dual->problem->team, PACK_ITEMS, pack_item, newton);
}

static mg_rows free_rows(const mg_newton *newton) {
    mg_rows rows = newton->dual->all.rows;
    rows.count = newton->free_count;
    if (newton->is_packed) rows.dense = newton->packed;
    else rows.index = newton->free;
    return rows;
}

// Scores and coefficients of the free rows from `first`, in the part's place of the chunk; dense ones are added to its gradient while
// they are in cache.
static void fill_product(mg_newton *newton, int64_t part, int64_t first, int64_t end) {
    mg_dual_state *dual = newton->dual;
    mg_pass *pass = &dual->pass[part];
    mg_rows rows = free_rows(newton);
    for (; first < end; first += pass->block_rows) {
        int64_t count = mg_cut_next(first, end, pass->block_rows);
        float *coef = NULL;
        mg_pass_scores(pass, dual->problem->kernel, &newton->raw, &rows, first, count);
        for (int64_t i = 0; i < count; i++) {
            int64_t row = newton->free[first + i];
            float *to = mg_newton_take(newton, part, row);
            if (i == 0) coef = to;
            apply_slope(newton, row, pass->scores + i * pass->lanes, to);
        }
        if (!dual->sparse)
            dual->problem->kernel->dense_accumulate(pass->cell, MG_SUM_ON, count, pass->line, pass->x, dual->problem->classes, coef, dual->lanes,
                                                    newton->grad + part * dual->weights.size);
    }
}

void mg_newton_product(mg_newton *newton, const float *vector, float *product) {
    sum_job job = {.newton = newton, .fill = fill_product, .vector = vector, .product = product};
    make_raw(newton, vector);
    sum_rows(&job, newton->free_count);
    mg_team_for(newton->dual->problem->team, MG_NEWTON_SLICES, scale_slice, &job);
    scale_constant(&job);
}

enum { DOT_LANES = 8 }; // sums side by side: one alone would wait for every addition

typedef struct dot_job {
    const mg_newton *newton;
    const float *a, *b;
    double part[MG_NEWTON_SLICES];
} dot_job;

static void dot_slice(void *context, int64_t slice) {
    dot_job *job = context;
    int64_t length = job->newton->length, end = mg_cut_begin(length, MG_NEWTON_SLICES, slice + 1);
    double lane[DOT_LANES] = {0};
    int64_t j = mg_cut_begin(length, MG_NEWTON_SLICES, slice);
    for (; j + DOT_LANES <= end; j += DOT_LANES)
        for (int l = 0; l < DOT_LANES; l++) lane[l] += (double)job->a[j + l] * (double)job->b[j + l];
    for (int l = 0; j < end; l++, j++) lane[l] += (double)job->a[j] * (double)job->b[j];
    for (int l = 1; l < DOT_LANES; l++) lane[0] += lane[l];
    job->part[slice] = lane[0];
}

double mg_newton_dot(const mg_newton *newton, const float *a, const float *b) {
    dot_job job = {.newton = newton, .a = a, .b = b};
    double sum = 0;
    mg_team_for(newton->dual->problem->team, MG_NEWTON_SLICES, dot_slice, &job);
    for (int s = 0; s < MG_NEWTON_SLICES; s++) sum += job.part[s];
    return sum;
}
