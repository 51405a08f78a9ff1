// sum.c - the passes of the Newton phase over the data: scores for a vector of weights, sums over rows in
// double, and Hessian products. Rows are read as raw cells; scaling and centring are applied to the vectors
// (M19).
#include "solver/newton/newton.h"

#include <math.h>
#include <string.h>

typedef struct score_job {
    mg_newton *newton;
    float padding, *to;
} score_job;

// Converts a vector to weights of raw cells.
static void make_raw(mg_newton *newton, const float *vector) {
    mg_weights view = newton->iterate->weights;
    view.v = (float *)vector;
    view.bias = (float *)vector + view.size;
    mg_resident_to_raw(newton->resident, &view, &newton->raw);
}

static void score_part(void *context, int64_t part) {
    const score_job *job = context;
    const mg_resident *resident = job->newton->resident;
    mg_pass *pass = &resident->pass[part];
    int64_t rows = resident->rows, from = mg_cut_begin(rows, resident->passes, part),
            end = mg_cut_begin(rows, resident->passes, part + 1);
    MG_EACH_BLOCK (first, count, from, end, pass->block_rows) {
        mg_pass_scores(pass, resident->problem->kernel, &job->newton->raw, &resident->all.rows, first, count);
        float *to = job->to + first * resident->lanes;
        memcpy(to, pass->scores, (size_t)(count * resident->lanes) * sizeof *to);
        for (int64_t i = 0; i < count; i++)
            for (int64_t k = resident->problem->classes; k < resident->lanes; k++)
                to[i * resident->lanes + k] = job->padding;
    }
}

void mg_newton_scores(mg_newton *newton, const float *vector, float padding, float *to) {
    score_job job = {newton, padding, to};
    make_raw(newton, vector);
    mg_team_for(newton->resident->problem->team, newton->resident->passes, score_part, &job);
}

// ---- sums over rows -----------------------------------------------------------------------------

typedef struct sum_job {
    mg_newton *newton;
    mg_newton_fill *fill;
    mg_newton_done *done;
    int64_t first, count; // present batch of items
    double *to;           // [length] the means are added to it; used if `product` is NULL
    // If not NULL, `product` becomes lambda times `vector` plus the means. Sums in float are exact enough for
    // a Hessian product: those of sparse rows, and those of the shards, if there are several.
    const float *vector;
    float *product;
    float *rounded; // where the sums of a shard go as floats; `product` when all shards are added; or NULL
} sum_job;

static bool in_float(const sum_job *job) { return job->product && job->newton->resident->sparse; }

// Element j of the sums of the present shard or, at the end, of all shards.
static inline double sum_at(const sum_job *job, bool in_floats, int64_t j) {
    const mg_newton *newton = job->newton;
    if (in_floats && j < newton->resident->size) return (double)newton->parts.grad[j];
    return newton->parts.raw_sum[j];
}

float *mg_newton_take(mg_newton *newton, int64_t part, int64_t row) {
    int64_t at = part * MG_NEWTON_PART_ROWS + newton->parts.used[part]++;
    newton->parts.row[at] = (uint32_t)row;
    return newton->parts.coef + at * newton->resident->lanes;
}

void mg_newton_add_taken(mg_newton *newton, int64_t part) {
    const mg_resident *resident = newton->resident;
    if (resident->sparse) return;
    mg_pass *pass = &resident->pass[part];
    int64_t at = part * MG_NEWTON_PART_ROWS, lanes = resident->lanes;
    float *grad = newton->parts.grad + part * resident->size;
    mg_rows rows = resident->all.rows;
    rows.index = newton->parts.row + at;
    rows.count = newton->parts.used[part];
    MG_EACH_BLOCK (first, count, 0, rows.count, pass->block_rows) {
        mg_pass_take(pass, resident->problem->kernel, &rows, first, count);
        mg_pass_accumulate(pass, resident->problem->kernel, MG_SUM_ON, resident->problem->classes, count,
                           newton->parts.coef + (at + first) * lanes, grad);
    }
}

static void fill_part(void *context, int64_t part) {
    const sum_job *job = context;
    mg_newton *newton = job->newton;
    int64_t lanes = newton->resident->lanes, size = newton->resident->size,
            first = part * MG_NEWTON_PART_ROWS;
    double *constant = newton->parts.constant + part * lanes;
    newton->parts.used[part] = 0;
    memset(constant, 0, (size_t)lanes * sizeof *constant);
    if (!newton->resident->sparse)
        memset(newton->parts.grad + part * size, 0, (size_t)size * sizeof *newton->parts.grad);
    job->fill(newton, part, job->first + first,
              job->first + mg_cut_end(job->count, MG_NEWTON_PART_ROWS, part));
    for (int64_t i = 0; i < newton->parts.used[part]; i++) {
        const float *coef = newton->parts.coef + (first + i) * lanes;
        for (int64_t k = 0; k < lanes; k++) constant[k] += (double)coef[k];
    }
}

static void add_dense_range(void *context, int64_t range) {
    const mg_newton *newton = ((const sum_job *)context)->newton;
    int64_t size = newton->resident->size;
    for (int64_t p = 0; p < MG_NEWTON_PARTS; p++) {
        const float *grad = newton->parts.grad + p * size;
        if (newton->parts.used[p] == 0) continue;
        MG_EACH_OF_PART (j, size, MG_NEWTON_RANGES, range) newton->parts.raw_sum[j] += (double)grad[j];
    }
}

// Adds the stored values of a row in a range of features. Rows usually have few nonzero coefficients, so
// these are listed first.
static void add_sparse_row(const mg_newton *newton, const float *coef, int64_t begin, int64_t end) {
    const mg_resident *resident = newton->resident;
    const mg_rows *rows = &resident->all.rows;
    int64_t few[MG_FEW], count = 0, classes = resident->problem->classes;
    for (int64_t k = 0; k < classes && count <= MG_FEW; k++) {
        if (coef[k] == 0) continue;
        if (count < MG_FEW) few[count] = k;
        count++;
    }
    for (; begin < end; begin++) {
        double *restrict sum = newton->parts.raw_sum + (int64_t)rows->indices[begin] * resident->line,
                         x = (double)rows->values[begin];
        for (int64_t j = 0; count <= MG_FEW && j < count; j++) sum[few[j]] += x * (double)coef[few[j]];
        for (int64_t k = 0; count > MG_FEW && k < classes; k++) sum[k] += x * (double)coef[k];
    }
}

// Adds the rows taken by all parts to one range of features, in their order.
static void add_sparse_range(void *context, int64_t range) {
    const sum_job *job = context;
    const mg_newton *newton = job->newton;
    const mg_resident *resident = newton->resident;
    const mg_rows *rows = &resident->all.rows;
    for (int64_t p = 0; p < MG_NEWTON_PARTS; p++)
        for (int64_t i = p * MG_NEWTON_PART_ROWS, last = i + newton->parts.used[p]; i < last; i++) {
            int64_t row = newton->parts.row[i], begin, end;
            const float *coef = newton->parts.coef + i * resident->lanes;
            mg_resident_values(resident, row, range, &begin, &end);
            mg_csr_row values = {end - begin, rows->indices + begin, rows->values + begin};
            if (!in_float(job)) add_sparse_row(newton, coef, begin, end);
            else resident->problem->kernel->csr_accumulate(&values, resident->line, coef, newton->parts.grad);
        }
}

static void clear_range(void *context, int64_t range) {
    const sum_job *job = context;
    int64_t size = job->newton->resident->size, from = mg_cut_begin(size, MG_NEWTON_RANGES, range),
            to = mg_cut_begin(size, MG_NEWTON_RANGES, range + 1);
    if (in_float(job))
        memset(job->newton->parts.grad + from, 0, (size_t)(to - from) * sizeof *job->newton->parts.grad);
    else
        memset(job->newton->parts.raw_sum + from, 0,
               (size_t)(to - from) * sizeof *job->newton->parts.raw_sum);
}

// Sums raw cells of a shard: in float in newton->parts.grad if that is exact enough, because it is faster;
// otherwise in double in newton->parts.raw_sum. The sums of the coefficients go to the second half of raw_sum
// in both cases.
static void sum_shard(sum_job *job, int64_t from, int64_t end) {
    mg_newton *newton = job->newton;
    const mg_resident *resident = newton->resident;
    mg_team *team = resident->problem->team;
    double *constant = newton->parts.raw_sum + resident->size;
    mg_team_for(team, MG_NEWTON_RANGES, clear_range, job);
    memset(constant, 0, (size_t)resident->lanes * sizeof *constant);
    MG_EACH_BLOCK (first, count, from, end, MG_NEWTON_ROWS) {
        job->first = first;
        job->count = count;
        int64_t parts = mg_cut_items(job->count, MG_NEWTON_PART_ROWS);
        memset(newton->parts.used, 0, sizeof newton->parts.used);
        mg_team_for(team, parts, fill_part, job);
        if (resident->sparse) mg_team_for(team, resident->ranges, add_sparse_range, job);
        else mg_team_for(team, MG_NEWTON_RANGES, add_dense_range, job);
        for (int64_t p = 0; p < parts; p++)
            for (int64_t k = 0; k < resident->lanes; k++)
                constant[k] += newton->parts.constant[p * resident->lanes + k];
    }
}

// The sum of the coefficients of class k.
static inline double constant_at(const sum_job *job, int64_t k) {
    int64_t j = job->newton->resident->size + k;
    return job->rounded ? (double)job->rounded[j] : job->newton->parts.raw_sum[j];
}

static void round_range(void *context, int64_t range) {
    const sum_job *job = context;
    bool in_floats = in_float(job);
    MG_EACH_OF_PART (j, job->newton->length, MG_NEWTON_RANGES, range)
        job->rounded[j] = (float)sum_at(job, in_floats, j);
}

// Sums the items of all shards; those of own shard s are begin[s] to begin[s + 1].
static void sum_rows(sum_job *job, const int64_t *begin) {
    mg_newton *newton = job->newton;
    bool rounds = job->product && newton->resident->comm->shards > 1;
    mg_comm_sum *sum = rounds ? newton->shards.vector : newton->shards.sum;
    mg_comm_sum_begin(sum, rounds ? (void *)job->product : newton->parts.total);
    for (int64_t s = 0; s < mg_newton_own_shards(newton); s++) {
        void *to = mg_comm_sum_next(sum);
        newton->parts.raw_sum = rounds ? newton->parts.total : to;
        sum_shard(job, begin[s], begin[s + 1]);
        job->rounded = to;
        if (rounds) mg_team_for(newton->resident->problem->team, MG_NEWTON_RANGES, round_range, job);
        mg_newton_add_shard(newton, sum);
        if (job->done) job->done(newton, s);
    }
    mg_newton_end_sum(newton, sum);
    newton->parts.raw_sum = newton->parts.total;
    job->rounded = rounds ? job->product : NULL;
}

// Converts sums of raw cells to means of x' = scale (x - center).
static void scale_range(void *context, int64_t range) {
    const sum_job *job = context;
    const mg_newton *newton = job->newton;
    const mg_resident *resident = newton->resident;
    const mg_problem *problem = resident->problem;
    int64_t line = resident->line, size = resident->size,
            end = mg_cut_begin(size, MG_NEWTON_RANGES, range + 1);
    bool dense = !resident->sparse, in_floats = in_float(job);
    double part = 1 / (double)problem->rows, lambda = problem->lambda;
    for (int64_t j = mg_cut_begin(size, MG_NEWTON_RANGES, range), l = j / line, r = j % line; j < end; j++) {
        int64_t d = dense ? r : l, k = dense ? l : r;
        double sum = job->rounded ? (double)job->rounded[j] : sum_at(job, in_floats, j),
               scale = problem->scale && d < problem->features ? (double)problem->scale[d] : 1;
        if (problem->center && d < problem->features) sum -= (double)problem->center[d] * constant_at(job, k);
        if (job->product) job->product[j] = (float)(lambda * (double)job->vector[j] + part * (scale * sum));
        else job->to[j] += part * (scale * sum);
        if (++r == line) r = 0, l++;
    }
}

// Converts the sums of the coefficients to means for the constant feature. Call it after scale_range,
// which needs the sums.
static void scale_constant(const sum_job *job) {
    const mg_resident *resident = job->newton->resident;
    int64_t size = resident->size;
    double part = resident->problem->bias / (double)resident->problem->rows,
           lambda = resident->problem->lambda;
    for (int64_t k = 0; k < resident->lanes; k++) {
        double mean = part * constant_at(job, k);
        if (job->product) job->product[size + k] = (float)(lambda * (double)job->vector[size + k] + mean);
        else job->to[size + k] += mean;
    }
}

void mg_newton_sum(mg_newton *newton, mg_newton_fill *fill, mg_newton_done *done, double *to) {
    sum_job job = {.newton = newton, .fill = fill, .done = done, .to = to};
    sum_rows(&job, newton->shards.row);
    mg_team_for(newton->resident->problem->team, MG_NEWTON_RANGES, scale_range, &job);
    scale_constant(&job);
}

// ---- Hessian ------------------------------------------------------------------------------------

// (M28) Computes v (D_F u - D_F 1 (1' D_F u) / (1' D_F 1)) for one free row.
static void apply_slope(const mg_newton *newton, int64_t row, const float *u, float *to) {
    const mg_resident *resident = newton->resident;
    const float *slope = newton->rows.slope + row * resident->lanes;
    float inner = 0, weight = (float)mg_resident_weight(resident, row);
    for (int64_t k = 0; k < resident->problem->classes; k++) inner += slope[k] * u[k];
    float mean = mg_newton_joint(newton) ? inner / newton->rows.total[row] : 0;
    for (int64_t k = 0; k < resident->problem->classes; k++)
        to[k] = slope[k] != 0 ? weight * slope[k] * (u[k] - mean) : 0;
    for (int64_t k = resident->problem->classes; k < resident->lanes; k++) to[k] = 0;
}

enum { PACK_ITEMS = 64 };

static void pack_item(void *context, int64_t item) {
    mg_newton *newton = context;
    const mg_rows *rows = &newton->resident->all.rows;
    size_t line = (size_t)newton->resident->line * mg_cell_size(rows->cell),
           bytes = (size_t)rows->features * mg_cell_size(rows->cell);
    MG_EACH_OF_PART (f, newton->free.count, PACK_ITEMS, item) {
        char *to = (char *)newton->free.packed + (size_t)f * line;
        memcpy(to, mg_rows_dense(rows, newton->free.row[f]), bytes);
        memset(to + bytes, 0, line - bytes);
    }
}

void mg_newton_pack(mg_newton *newton) {
    newton->free.is_packed =
        newton->free.packed && newton->free.count <= newton->resident->rows / MG_NEWTON_PACK;
    if (newton->free.is_packed) mg_team_for(newton->resident->problem->team, PACK_ITEMS, pack_item, newton);
}

static mg_rows free_rows(const mg_newton *newton) {
    mg_rows rows = newton->resident->all.rows;
    rows.count = newton->free.count;
    if (newton->free.is_packed) {
        rows.dense = newton->free.packed;
        rows.stride = newton->resident->line;
        rows.bare = false;
    } else {
        rows.index = newton->free.row;
    }
    return rows;
}

// Scores the free rows [from, end) and turns the scores into coefficients. Dense rows are then added to the
// gradient of the part while they are in cache.
static void fill_product(mg_newton *newton, int64_t part, int64_t from, int64_t end) {
    const mg_resident *resident = newton->resident;
    mg_pass *pass = &resident->pass[part];
    mg_rows rows = free_rows(newton);
    MG_EACH_BLOCK (first, count, from, end, pass->block_rows) {
        if (mg_newton_stopped(newton)) return; // the product will not be used
        float *coef = NULL;
        mg_pass_scores(pass, resident->problem->kernel, &newton->raw, &rows, first, count);
        for (int64_t i = 0; i < count; i++) {
            int64_t row = newton->free.row[first + i];
            float *to = mg_newton_take(newton, part, row);
            if (i == 0) coef = to;
            apply_slope(newton, row, pass->scores + i * pass->lanes, to);
        }
        if (!resident->sparse)
            mg_pass_accumulate(pass, resident->problem->kernel, MG_SUM_ON, resident->problem->classes, count,
                               coef, newton->parts.grad + part * resident->size);
    }
}

void mg_newton_product(mg_newton *newton, const float *vector, float *product) {
    sum_job job = {.newton = newton, .fill = fill_product, .vector = vector, .product = product};
    make_raw(newton, vector);
    sum_rows(&job, newton->shards.free);
    mg_team_for(newton->resident->problem->team, MG_NEWTON_RANGES, scale_range, &job);
    scale_constant(&job);
}

enum { DOT_LANES = 8 }; // independent sums, because each addition would otherwise wait for the one before

typedef struct dot_job {
    const mg_newton *newton;
    const float *a, *b;
    double part[MG_NEWTON_RANGES];
} dot_job;

static void dot_range(void *context, int64_t range) {
    dot_job *job = context;
    int64_t length = job->newton->length, end = mg_cut_begin(length, MG_NEWTON_RANGES, range + 1);
    double lane[DOT_LANES] = {0};
    int64_t j = mg_cut_begin(length, MG_NEWTON_RANGES, range);
    for (; j + DOT_LANES <= end; j += DOT_LANES)
        for (int l = 0; l < DOT_LANES; l++) lane[l] += (double)job->a[j + l] * (double)job->b[j + l];
    for (int l = 0; j < end; l++, j++) lane[l] += (double)job->a[j] * (double)job->b[j];
    for (int l = 1; l < DOT_LANES; l++) lane[0] += lane[l];
    job->part[range] = lane[0];
}

double mg_newton_dot(const mg_newton *newton, const float *a, const float *b) {
    dot_job job = {.newton = newton, .a = a, .b = b};
    double sum = 0;
    mg_team_for(newton->resident->problem->team, MG_NEWTON_RANGES, dot_range, &job);
    for (int s = 0; s < MG_NEWTON_RANGES; s++) sum += job.part[s];
    return sum;
}
