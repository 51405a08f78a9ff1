// agreement.c - compares W with the dual variables without rebuilding it: along random directions R, W R must
// be the sum of the rows' scores for R times their dual variables. The scores of R are computed like those of
// a model with DIRECTIONS classes.
#include "solver/agreement.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/rng.h"

#include <math.h>

enum { DIRECTIONS = 16, PARTS = 16 };
// The largest allowed distance of W, relative to its size. That of runs of 400 epochs was below a hundredth
// of it.
#define SLACK 0x1p-10

typedef struct comparison {
    const mg_resident *resident;
    const mg_iterate *iterate;
    mg_weights along; // the directions as weights; all weights and biases are 1 or -1
    mg_pass pass[PARTS];
    int passes;
    float *coef;        // [PARTS][lanes]
    double *sum;        // [PARTS][classes][DIRECTIONS] sums of the rows of each part
    double size[PARTS]; // sum of the squares of the rows' terms, which W has if the terms are orthogonal
} comparison;

// The directions depend on W, so that nobody can choose a wrong W to suit them.
static void choose_directions(comparison *job) {
    const mg_weights *w = &job->iterate->weights;
    mg_weights *r = &job->along;
    uint64_t key = mg_hash_bytes(mg_hash_bytes(0, w->bias, (size_t)w->lanes * sizeof *w->bias), w->v,
                                 (size_t)w->size * sizeof *w->v);
    for (int64_t d = 0; d <= r->features; d++) {
        uint64_t bits = mg_rng_at(key, (uint64_t)d);
        for (int64_t p = 0; p < DIRECTIONS; p++)
            *(d < r->features ? mg_weights_at(r, p, d) : &r->bias[p]) = bits >> p & 1 ? 1 : -1;
    }
}

// Makes them weights of raw cells.
static void make_raw(comparison *job) {
    const mg_problem *problem = job->resident->problem;
    mg_weights *r = &job->along;
    for (int64_t d = 0; problem->scale && d < r->features; d++)
        for (int64_t p = 0; p < DIRECTIONS; p++) *mg_weights_at(r, p, d) *= problem->scale[d];
    mg_weights_fold_offset(r, problem->bias, problem->center);
}

static void sum_part(void *context, int64_t part) {
    comparison *job = context;
    const mg_resident *resident = job->resident;
    const mg_problem *problem = resident->problem;
    mg_pass *pass = &job->pass[part];
    float *c = job->coef + part * resident->lanes;
    double *sum = job->sum + part * problem->classes * DIRECTIONS, size = 0;
    int64_t from = mg_cut_begin(problem->rows, PARTS, part),
            to = mg_cut_begin(problem->rows, PARTS, part + 1);
    MG_EACH_BLOCK (first, count, from, to, pass->block_rows) {
        mg_pass_scores(pass, problem->kernel, &job->along, &resident->all.rows, first, count);
        for (int64_t i = 0; i < count; i++) {
            const float *score = pass->scores + i * pass->lanes;
            double factor = -mg_resident_weight(resident, first + i) * resident->scale, square = 0;
            mg_dual_rows_get(job->iterate->duals, first + i, resident->lanes, c);
            for (int64_t k = 0; k < problem->classes; k++) {
                double term = factor * (double)c[k];
                square += term * term;
                for (int64_t p = 0; term != 0 && p < DIRECTIONS; p++)
                    sum[k * DIRECTIONS + p] += term * (double)score[p];
            }
            size += square * (double)resident->norm[first + i];
        }
    }
    job->size[part] = size;
}

// Subtracts W along each direction from the sums.
static void subtract_weights(comparison *job) {
    const mg_weights *w = &job->iterate->weights, *r = &job->along;
    for (int64_t k = 0; k < w->classes; k++)
        for (int64_t p = 0; p < DIRECTIONS; p++) {
            double sum = (double)w->bias[k] * (double)r->bias[p];
            for (int64_t d = 0; d < w->features; d++)
                sum += (double)*mg_weights_at(w, k, d) * (double)*mg_weights_at(r, p, d);
            job->sum[k * DIRECTIONS + p] -= sum;
        }
}

// Returns an estimate of the squared distance of W from the sum of the rows' terms; *size becomes the square
// of its size.
static double compare(comparison *job, double *size) {
    int64_t classes = job->resident->problem->classes;
    double terms = 0, square = 0;
    choose_directions(job);
    subtract_weights(job);
    make_raw(job);
    mg_team_for(job->resident->problem->team, PARTS, sum_part, job);
    for (int64_t i = 0; i < classes * DIRECTIONS; i++) {
        double sum = 0;
        for (int64_t part = 0; part < PARTS; part++) sum += job->sum[part * classes * DIRECTIONS + i];
        square += sum * sum;
    }
    for (int64_t part = 0; part < PARTS; part++) terms += job->size[part];
    *size = mg_max_real(terms, mg_weights_square_norm(&job->iterate->weights, NULL, true));
    return square / DIRECTIONS;
}

static mg_status create(comparison *job, mg_arena *arena, mg_error *error) {
    const mg_problem *problem = job->resident->problem;
    const mg_buffer buffers[] = {MG_BUFFER(job->coef, PARTS, job->resident->lanes),
                                 MG_BUFFER(job->sum, PARTS * DIRECTIONS, problem->classes)};
    mg_status status = MG_ARENA_FILL(arena, buffers, error);
    if (!status)
        status = mg_weights_create(&job->along, problem->layout, DIRECTIONS, problem->features, error);
    for (; !status && job->passes < PARTS; job->passes += !status) {
        mg_pass *pass = &job->pass[job->passes];
        status = mg_pass_create(pass, problem->layout, problem->cell, DIRECTIONS, problem->features, error);
        if (!status) status = mg_pass_widen(pass, problem->bare, error);
    }
    return status;
}

mg_status mg_agreement_check(const mg_resident *resident, const mg_iterate *iterate, mg_error *error) {
    comparison job = {.resident = resident, .iterate = iterate};
    mg_arena arena = {0};
    double size = 0, distance = 0;
    mg_status status = create(&job, &arena, error);
    if (!status) distance = compare(&job, &size);
    if (!status && !(distance <= SLACK * SLACK * size))
        status = mg_fail(error, MG_DATA,
                         "state/weights are not the sum of the rows times their dual variables (relative "
                         "distance %.2g, at most %.2g is allowed)",
                         sqrt(distance / size), SLACK);
    for (int p = 0; p < job.passes; p++) mg_pass_destroy(&job.pass[p]);
    mg_weights_destroy(&job.along);
    mg_arena_free(&arena);
    return status;
}
