// directions.c - principal directions by subspace iteration on a sample of the rows. They are those of the
// second moments about zero, not about the mean, so the first one is close to the mean row.
#include "solver/dual/directions.h"

#include "base/lanes.h"
#include "base/memory.h"
#include "base/rng.h"

#include <math.h>
#include <string.h>

enum {
    SAMPLE_ROWS = 1024,
    SAMPLE_FLOATS = 1 << 24, // most cells of the sample
    SPARE = 8,               // additional directions, so that the last ones that are used are exact enough
    ITERATIONS = 3,
    MOST = MG_DIRECTIONS_MOST + SPARE,
    SLICE = 256, // cells of one item
    PARTS = 16,
    SAMPLE_STREAM = 7,
    START_STREAM = 8
};

// The sample: rows x', with the constant feature as last cell.
typedef struct sample {
    const mg_resident *resident;
    int64_t rows, line, features; // cells of a row with padding; without padding
    int64_t found, lanes;         // number of directions; the same rounded up to 16
    const float **x;              // [rows]
    float *cells;                 // [rows][line]
    uint32_t *row;                // [rows] row numbers
    float *y;                     // [rows][lanes] coordinates of the sample
    float *across;                // [found][rows] y transposed
    float *v;                     // [found][line] directions
    float *slice;                 // [slices][found][SLICE] working memory
    float *zeros;                 // [lanes]
    double square[MOST];          // square of each direction before it was normalised
    mg_arena arena;
} sample;

// Takes one row from each of equally long ranges, so that a file that is sorted by class is sampled evenly.
static void choose_rows(sample *s) {
    const mg_resident *resident = s->resident;
    int64_t all = resident->problem->rows;
    uint64_t key = mg_rng_key((uint64_t)resident->options->train->seed, SAMPLE_STREAM, 0);
    for (int64_t i = 0; i < s->rows; i++) {
        int64_t from = mg_cut_begin(all, s->rows, i), count = mg_cut_begin(all, s->rows, i + 1) - from;
        s->row[i] = (uint32_t)(from + (int64_t)(mg_rng_at(key, (uint64_t)i) % (uint64_t)count));
    }
}

static void take_row(void *context, int64_t i) {
    sample *s = context;
    float *x = s->cells + i * s->line;
    if (mg_resident_weight(s->resident, s->row[i]) > 0) mg_resident_row(s->resident, s->row[i], x);
    x[s->features - 1] =
        s->resident->problem->bias > 0 ? (float)s->resident->problem->bias : x[s->features - 1];
}

// y = X v': coordinates of a block of rows.
static void project(void *context, int64_t block) {
    sample *s = context;
    int64_t first = block * MG_BLOCK_ROWS, end = mg_cut_end(s->rows, MG_BLOCK_ROWS, block);
    mg_dense_rows rows = mg_dense_floats(end - first, s->line, s->x + first);
    mg_kernel_weights weights = {s->found, s->v, s->zeros};
    s->resident->problem->kernel->dense_scores(&rows, &weights, s->y + first * s->lanes, s->lanes);
}

// v = y' X for the cells of one slice.
static void combine(void *context, int64_t item) {
    sample *s = context;
    const void *x[MG_BLOCK_ROWS];
    int64_t from = item * SLICE, cells = mg_min(s->line - from, SLICE);
    float *g = s->slice + item * SLICE * s->found;
    MG_EACH_BLOCK (first, count, 0, s->rows, MG_BLOCK_ROWS) {
        for (int64_t i = 0; i < count; i++) x[i] = s->x[first + i] + from;
        mg_dense_rows rows = {MG_CELL_F32, count, cells, x};
        s->resident->problem->kernel->dense_accumulate(&rows, first ? MG_SUM_ON : MG_SUM_NEW, s->found,
                                                       s->y + first * s->lanes, s->lanes, g);
    }
    for (int64_t k = 0; k < s->found; k++)
        memcpy(s->v + k * s->line + from, g + k * cells, (size_t)cells * sizeof *g);
}

static double product(int64_t count, const float *a, const float *b) {
    mg_eight sum = {0};
    for (int64_t i = 0; i < count; i += 8) sum += mg_eight_widen(a + i) * mg_eight_widen(b + i);
    return mg_eight_fold(sum);
}

// Makes the vectors [count][length] orthonormal, in their order (Gram-Schmidt). square[k]: squared norm of
// what is left of vector k before it is normalised. A vector that depends linearly on earlier ones becomes
// zero.
static void orthonormalise(int64_t count, int64_t length, float *vectors, double *square) {
    for (int64_t k = 0; k < count; k++) {
        float *v = vectors + k * length;
        double whole = product(length, v, v);
        for (int64_t j = 0; j < k; j++) {
            const float *other = vectors + j * length;
            float share = (float)product(length, v, other);
            for (int64_t i = 0; i < length; i++) v[i] -= share * other[i];
        }
        square[k] = product(length, v, v);
        if (!(square[k] > 1e-10 * whole)) square[k] = 0;
        float scale = square[k] > 0 ? (float)(1 / sqrt(square[k])) : 0;
        for (int64_t i = 0; i < length; i++) v[i] *= scale;
    }
}

static void orthonormalise_coordinates(sample *s) {
    double square[MOST];
    int64_t length = mg_round_up(s->rows, MG_LANES);
    for (int64_t i = 0; i < s->rows; i++)
        for (int64_t k = 0; k < s->found; k++) s->across[k * length + i] = s->y[i * s->lanes + k];
    orthonormalise(s->found, length, s->across, square);
    for (int64_t i = 0; i < s->rows; i++)
        for (int64_t k = 0; k < s->found; k++) s->y[i * s->lanes + k] = s->across[k * length + i];
}

static void iterate(sample *s) {
    mg_team *team = s->resident->problem->team;
    uint64_t key = mg_rng_key((uint64_t)s->resident->options->train->seed, START_STREAM, 0);
    for (int64_t i = 0; i < s->rows; i++)
        for (int64_t k = 0; k < s->found; k++)
            s->y[i * s->lanes + k] = (float)(mg_rng_uniform(key, (uint64_t)(i * s->found + k)) - 0.5);
    for (int i = 0; i <= ITERATIONS; i++) {
        if (i > 0) mg_team_for(team, mg_cut_items(s->rows, MG_BLOCK_ROWS), project, s);
        orthonormalise_coordinates(s);
        mg_team_for(team, mg_cut_items(s->line, SLICE), combine, s);
    }
    orthonormalise(s->found, s->line, s->v, s->square);
}

static mg_status take_sample(sample *s, mg_error *error) {
    const mg_problem *problem = s->resident->problem;
    s->features = problem->features + (problem->bias > 0);
    s->line = mg_round_up(s->features, MG_LANES);
    s->rows = mg_clamp(SAMPLE_FLOATS / s->line, 1, mg_min(SAMPLE_ROWS, problem->rows));
    s->found = mg_min(mg_min(MOST, s->features), s->rows);
    s->lanes = mg_round_up(s->found, MG_LANES);
    int64_t slices = mg_cut_items(s->line, SLICE);
    const mg_buffer buffers[] = {
        MG_BUFFER(s->x, s->rows, 1),
        MG_BUFFER(s->cells, s->rows, s->line),
        MG_BUFFER(s->row, s->rows, 1),
        MG_BUFFER(s->y, s->rows, s->lanes),
        MG_BUFFER(s->across, s->found, mg_round_up(s->rows, MG_LANES)),
        MG_BUFFER(s->v, s->found, s->line),
        MG_BUFFER(s->slice, slices * SLICE, s->found),
        MG_BUFFER(s->zeros, s->lanes, 1),
    };
    mg_status status = MG_ARENA_FILL(&s->arena, buffers, error);
    if (status) return status;
    for (int64_t i = 0; i < s->rows; i++) s->x[i] = s->cells + i * s->line;
    choose_rows(s);
    mg_team_for(problem->team, s->rows, take_row, s);
    return MG_OK;
}

// ---- coordinates of all rows --------------------------------------------------------------------

typedef struct coordinates_job {
    const mg_resident *resident;
    mg_directions *directions;
    const mg_weights *weights;
    mg_pass pass[PARTS];
    int passes;
} coordinates_job;

static void find_part(void *context, int64_t part) {
    coordinates_job *job = context;
    const mg_problem *problem = job->resident->problem;
    mg_pass *pass = &job->pass[part];
    int64_t r = job->directions->count, from = mg_cut_begin(problem->rows, PARTS, part),
            to = mg_cut_begin(problem->rows, PARTS, part + 1);
    MG_EACH_BLOCK (first, count, from, to, pass->block_rows) {
        mg_pass_scores(pass, problem->kernel, job->weights, &job->resident->all.rows, first, count);
        for (int64_t i = 0; i < count; i++)
            memcpy(job->directions->z + (first + i) * r, pass->scores + i * pass->lanes,
                   (size_t)r * sizeof(float));
    }
}

// Converts the directions to weights of raw cells, so that the scores of a row are its coordinates.
static mg_status directions_as_weights(const sample *s, int64_t count, mg_weights *raw, mg_error *error) {
    const mg_resident *resident = s->resident;
    mg_weights w;
    mg_status status = mg_weights_create(&w, MG_DENSE, count, resident->problem->features, error);
    if (!status) status = mg_weights_create(raw, MG_DENSE, count, resident->problem->features, error);
    for (int64_t k = 0; !status && k < count; k++) {
        memcpy(w.v + k * w.line, s->v + k * s->line, (size_t)w.features * sizeof *w.v);
        if (resident->problem->bias > 0) w.bias[k] = s->v[k * s->line + s->features - 1];
    }
    if (!status) mg_resident_to_raw(resident, &w, raw);
    mg_weights_destroy(&w);
    return status;
}

static mg_status find_coordinates(mg_directions *directions, const sample *s, mg_error *error) {
    const mg_problem *problem = s->resident->problem;
    mg_weights raw = {0};
    coordinates_job job = {.resident = s->resident, .directions = directions, .weights = &raw};
    mg_status status = mg_memory_get(&directions->z, (size_t)problem->rows * (size_t)directions->count,
                                     sizeof *directions->z, error);
    if (!status) status = directions_as_weights(s, directions->count, &raw, error);
    for (; !status && job.passes < PARTS; job.passes += !status) {
        mg_pass *pass = &job.pass[job.passes];
        status =
            mg_pass_create(pass, problem->layout, problem->cell, directions->count, problem->features, error);
        if (!status) status = mg_pass_widen(pass, problem->bare, error);
    }
    if (!status) mg_team_for(problem->team, PARTS, find_part, &job);
    for (int p = 0; p < job.passes; p++) mg_pass_destroy(&job.pass[p]);
    mg_weights_destroy(&raw);
    return status;
}

static void find_shares(mg_directions *directions, const sample *s, mg_directions_choose *choose) {
    double all = 0, share[MOST + 1] = {0};
    for (int64_t i = 0; i < s->rows; i++) all += product(s->line, s->x[i], s->x[i]);
    for (int64_t k = 0; k < s->found && all > 0; k++) share[k] = s->square[k] / all;
    directions->count = mg_min(choose(share, s->found), mg_min(s->found, MG_DIRECTIONS_MOST));
    memcpy(directions->share, share, (size_t)(directions->count + 1) * sizeof *share);
}

mg_status mg_directions_find(mg_directions *directions, const mg_resident *resident,
                             mg_directions_choose *choose, mg_error *error) {
    sample s = {.resident = resident};
    mg_status status = take_sample(&s, error);
    if (!status) {
        iterate(&s);
        find_shares(directions, &s, choose);
        if (directions->count > 0) status = find_coordinates(directions, &s, error);
    }
    mg_arena_free(&s.arena);
    return status;
}

void mg_directions_destroy(mg_directions *directions) {
    mg_memory_free(directions->z);
    *directions = (mg_directions){0};
}
