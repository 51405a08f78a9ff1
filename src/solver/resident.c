// resident.c - owns what solvers that hold all rows know about them: norms, ranges of features, and rows as
// x'.
#include "solver/resident.h"

#include "base/lanes.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

enum { PASS_PARTS = 16 };
// stored values of an average row in each range; with fewer, ranges would cost more than they save
enum { RANGE_VALUES = 32 };
enum { FREE_BIAS = 100 }; // square of the constant feature of a free bias, relative to that of the rows

static mg_status create_buffers(mg_resident *resident, mg_error *error) {
    const mg_problem *problem = resident->problem;
    bool dense = !resident->sparse;
    resident->ranges = (int)mg_clamp_real(problem->values_per_row / RANGE_VALUES, 2, MG_FEATURE_RANGES);
    const mg_buffer buffers[] = {
        MG_BUFFER(resident->zeros, 1, mg_max(resident->lanes, MG_RESIDENT_ZEROS)),
        MG_BUFFER(resident->norm, mg_resident_has_duals(resident) ? resident->rows : 0, 1),
        MG_BUFFER(resident->cuts, dense ? 0 : resident->rows, resident->ranges - 1),
        MG_BUFFER(resident->column_scale, dense && problem->scale, resident->line),
        MG_BUFFER(resident->column_center, dense && problem->center, resident->line),
        MG_BUFFER(resident->pass, resident->certify ? PASS_PARTS : 0, 1),
    };
    mg_status status = MG_ARENA_FILL(&resident->arena, buffers, error);
    if (status) return status;
    size_t used = (size_t)problem->features * sizeof(float);
    if (resident->column_scale) memcpy(resident->column_scale, problem->scale, used);
    if (resident->column_center) memcpy(resident->column_center, problem->center, used);
    return MG_OK;
}

static mg_status create_passes(mg_resident *resident, mg_error *error) {
    const mg_problem *problem = resident->problem;
    mg_status status = MG_OK;
    for (int p = 0; !status && p < PASS_PARTS; p++) {
        status = mg_pass_create(&resident->pass[p], problem->layout, problem->cell, problem->classes,
                                problem->features, error);
        if (!status) status = mg_pass_widen(&resident->pass[p], problem->bare, error);
        resident->passes += !status;
    }
    return status;
}

// (M37) The value of the constant feature if the bias is not regularised.
static double constant_of_free_bias(const mg_problem *problem) {
    double square = problem->mean_square_norm - problem->bias * problem->bias;
    return square > 0 ? sqrt(FREE_BIAS * square) : problem->bias;
}

mg_status mg_resident_create(mg_resident *resident, const mg_problem *problem,
                             const mg_solver_options *options, const mg_weights *shape, mg_error *error) {
    *resident = (mg_resident){.own = *problem,
                              .options = options,
                              .certify = options->tolerance > 0,
                              .sparse = problem->layout == MG_CSR};
    resident->problem = &resident->own;
    if (problem->free_bias) resident->own.bias = constant_of_free_bias(problem);
    resident->lanes = shape->lanes;
    resident->line = shape->line;
    resident->size = shape->size;
    mg_resident_set_lambda(resident, problem->lambda);
    resident->comm = problem->comm;
    mg_status status = problem->comm ? MG_OK : mg_comm_create(NULL, 1, 0, &resident->alone, error);
    if (status) return status;
    if (!resident->comm) resident->comm = resident->alone;
    resident->rows = mg_resident_shard(resident, resident->comm->end);
    status = create_buffers(resident, error);
    if (!status && resident->certify) status = create_passes(resident, error);
    return status;
}

void mg_resident_destroy(mg_resident *resident) {
    for (int p = 0; p < resident->passes; p++) mg_pass_destroy(&resident->pass[p]);
    mg_arena_free(&resident->arena);
    mg_comm_destroy(resident->alone);
}

void mg_resident_set_lambda(mg_resident *resident, double lambda) {
    resident->own.lambda = lambda;
    resident->scale = 1 / (lambda * (double)resident->own.rows);
}

// ---- rows ---------------------------------------------------------------------------------------

static double row_square(const mg_resident *resident, int64_t row, float *x) {
    const mg_rows *rows = &resident->all.rows;
    double square = 0;
    if (!resident->sparse) {
        mg_resident_row(resident, row, x);
        mg_eight sum = {0};
        for (int64_t d = 0; d < resident->line; d += 8) {
            mg_eight cells = mg_eight_widen(x + d);
            sum += cells * cells;
        }
        return mg_eight_fold(sum);
    }
    for (int64_t e = rows->indptr[row]; e < rows->indptr[row + 1]; e++) {
        double scale = resident->problem->scale ? (double)resident->problem->scale[rows->indices[e]] : 1,
               cell = scale * (double)rows->values[e];
        square += cell * cell;
    }
    return square;
}

typedef struct norm_job {
    mg_resident *resident;
    float *x; // [items][line]
} norm_job;

static void norm_rows(void *context, int64_t item) {
    norm_job *job = context;
    mg_resident *resident = job->resident;
    int64_t end = mg_cut_end(resident->rows, MG_RESIDENT_ITEM_ROWS, item);
    float *x = job->x ? job->x + item * resident->line : NULL;
    double constant = resident->problem->bias * resident->problem->bias;
    for (int64_t row = item * MG_RESIDENT_ITEM_ROWS; row < end; row++)
        resident->norm[row] = (float)(row_square(resident, row, x) + constant);
}

static mg_status find_norms(mg_resident *resident, int64_t items, mg_error *error) {
    norm_job job = {.resident = resident};
    mg_status status = MG_OK;
    if (!resident->sparse)
        status = mg_memory_get(&job.x, (size_t)items, (size_t)resident->line * sizeof(float), error);
    if (!status) mg_team_for(resident->problem->team, items, norm_rows, &job);
    mg_memory_free(job.x);
    return status;
}

static void cut_rows(void *context, int64_t item) {
    mg_resident *resident = context;
    const mg_rows *rows = &resident->all.rows;
    int64_t others = resident->ranges - 1, end = mg_cut_end(resident->rows, MG_RESIDENT_ITEM_ROWS, item);
    for (int64_t row = item * MG_RESIDENT_ITEM_ROWS; row < end; row++) {
        int64_t first = rows->indptr[row], at = first;
        for (int o = 1; o < resident->ranges; o++) {
            at = mg_rows_lower_bound(rows->indices, at, rows->indptr[row + 1], resident->range_begin[o]);
            resident->cuts[row * others + o - 1] = (uint32_t)(at - first);
        }
    }
}

static void cut_weights(mg_resident *resident) {
    int64_t lines = resident->size / resident->line, whole[] = {0, lines};
    const int64_t *begin = resident->sparse ? resident->range_begin : whole;
    int ranges = resident->sparse ? resident->ranges : 1, each = MG_WEIGHT_RANGES / ranges;
    resident->weight_ranges = ranges * each;
    for (int s = 0; s <= resident->weight_ranges; s++) {
        int r = s / each, part = s % each;
        resident->weight_range[s] = r == ranges ? lines : begin[r] + (begin[r + 1] - begin[r]) * part / each;
    }
}

mg_status mg_resident_attach(mg_resident *resident, const mg_batch *all, mg_error *error) {
    int64_t items = mg_cut_items(resident->rows, MG_RESIDENT_ITEM_ROWS);
    resident->all = *all;
    mg_status status = resident->norm ? find_norms(resident, items, error) : MG_OK;
    if (status) return status;
    if (resident->sparse) mg_cut_ranges(&all->rows, resident->ranges, resident->range_begin);
    if (resident->sparse) mg_team_for(resident->problem->team, items, cut_rows, resident);
    cut_weights(resident);
    return MG_OK;
}

void mg_resident_row(const mg_resident *resident, int64_t row, float *x) {
    const mg_kernel *kernel = resident->problem->kernel;
    mg_pass_cells(kernel, &resident->all.rows, row, resident->line, x);
    const float *scale = resident->column_scale;
    if (scale) kernel->scale_columns(resident->line, resident->column_center, scale, x);
}

// ---- weights ------------------------------------------------------------------------------------

void mg_resident_raw_lines(const mg_resident *resident, const mg_weights *w, mg_weights *to, int64_t from,
                           int64_t end) {
    const float *scale = resident->problem->scale;
    memcpy(to->v + from * w->line, w->v + from * w->line, (size_t)((end - from) * w->line) * sizeof *w->v);
    for (int64_t l = from; scale && l < end; l++)
        for (int64_t j = 0; j < (w->layout == MG_DENSE ? w->features : w->classes); j++)
            to->v[l * w->line + j] *= scale[w->layout == MG_DENSE ? j : l];
}

void mg_resident_raw_bias(const mg_resident *resident, const mg_weights *w, mg_weights *to) {
    memcpy(to->bias, w->bias, (size_t)w->lanes * sizeof *w->bias);
    mg_weights_fold_offset(to, resident->problem->bias, resident->problem->center);
}

void mg_resident_to_raw(const mg_resident *resident, const mg_weights *w, mg_weights *to) {
    mg_resident_raw_lines(resident, w, to, 0, w->size / w->line);
    mg_resident_raw_bias(resident, w, to);
}

double mg_resident_dual_value(const mg_resident *resident, const float *c, int64_t y) {
    const mg_problem *problem = resident->problem;
    mg_dual_row dual = {problem->loss->dual, resident->lanes, resident->zeros, y, problem->delta};
    mg_dual_terms t = problem->kernel->dual_terms(&dual, c);
    return t.linear - 0.5 * t.curve;
}
