// gradsample.c - the rows of a gradient check, and their scores, computed in double from the definition.
#include "inspect/gradcheck.h"

#include "base/memory.h"
#include "base/rng.h"
#include "solver/pass.h"

#include <math.h>
#include <string.h>

enum { ROW_STREAM = 101, WEIGHT_STREAM, CHECK_STREAM };

// Draws one row from each of `count` equally long ranges of the training set, so the rows are distinct,
// ascending, and spread over the whole set.
static mg_status draw_rows(mg_dataset *train, uint64_t key, mg_gradsample *s, mg_error *error) {
    int64_t *place = NULL;
    size_t n = (size_t)s->count;
    mg_status status = mg_memory_get(&place, n, sizeof *place, error);
    if (!status) status = mg_memory_get(&s->label, n, sizeof *s->label, error);
    if (!status && train->weight) status = mg_memory_get(&s->weight, n, sizeof *s->weight, error);
    for (int64_t i = 0; !status && i < s->count; i++) {
        int64_t from = train->count * i / s->count, to = train->count * (i + 1) / s->count;
        int64_t row = from + (int64_t)(mg_rng_uniform(key, (uint64_t)i) * (double)(to - from));
        s->label[i] = train->label[row];
        if (train->weight) s->weight[i] = train->weight[row];
        place[i] = train->select ? train->select[row] : row;
    }
    int64_t stored = status ? 0 : mg_source_stored(train->source, place, 0, s->count);
    if (!status)
        status =
            mg_store_create(&s->store, train->layout, train->cell, train->features, s->count, stored, error);
    if (!status) status = mg_source_read(train->source, place, 0, s->count, &s->store, error);
    mg_memory_free(place);
    return status;
}

double mg_gradsample_cell(const mg_gradsample *s, int64_t i, int64_t d) {
    const mg_store *store = &s->store;
    if (store->layout == MG_DENSE) {
        return (double)mg_cell_at(store->cell, store->dense, i * store->stride + d);
    }
    int64_t low = store->indptr[i], high = store->indptr[i + 1];
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (store->indices[middle] < d) low = middle + 1;
        else high = middle;
    }
    return low < store->indptr[i + 1] && store->indices[low] == d ? (double)store->values[low] : 0;
}

double mg_gradsample_feature(const mg_gradsample *s, int64_t i, int64_t d) {
    const mg_problem *problem = s->problem;
    if (d == problem->features) return problem->bias;
    double scale = problem->scale ? (double)problem->scale[d] : 1,
           center = problem->center ? (double)problem->center[d] : 0;
    return scale * (mg_gradsample_cell(s, i, d) - center);
}

double mg_gradsample_weight(const mg_gradsample *s, const mg_weights *weights, int64_t k, int64_t d) {
    if (d == s->problem->features) return (double)weights->bias[k];
    double scale = s->problem->scale ? (double)s->problem->scale[d] : 1;
    return scale > 0 ? (double)*mg_weights_at(weights, k, d) / scale : 0;
}

// Computes the scores of all rows. For each row, also computes the sum of the magnitudes of the terms of a
// score, and takes the largest over the classes.
static void score(mg_gradsample *s, double *magnitude, double *terms) {
    const mg_problem *problem = s->problem;
    int64_t classes = problem->classes, features = problem->features;
    for (int64_t i = 0; i < s->count; i++) {
        double *scores = s->scores + i * classes;
        memset(scores, 0, (size_t)classes * sizeof *scores);
        memset(terms, 0, (size_t)classes * sizeof *terms);
        // The values that a sparse row does not store are zero, so they are skipped: a row may have millions
        // of features.
        bool stored = s->store.layout == MG_CSR && !problem->center;
        int64_t from = stored ? s->store.indptr[i] : 0, to = stored ? s->store.indptr[i + 1] : features;
        for (int64_t e = from; e <= to; e++) { // the last one is the constant feature
            int64_t d = e == to ? features : stored ? (int64_t)s->store.indices[e] : e;
            double x = mg_gradsample_feature(s, i, d),
                   cell = d < features ? fabs(mg_gradsample_cell(s, i, d)) : problem->bias;
            if (d < features && problem->center) cell += fabs((double)problem->center[d]);
            if (x == 0 && cell == 0) continue;
            for (int64_t k = 0; k < classes; k++) {
                double v =
                    d < features ? (double)*mg_weights_at(&s->weights, k, d) : (double)s->weights.bias[k];
                scores[k] += mg_gradsample_weight(s, &s->weights, k, d) * x;
                terms[k] += fabs(v) * cell;
            }
        }
        magnitude[i] = 0;
        for (int64_t k = 0; k < classes; k++) magnitude[i] = fmax(magnitude[i], terms[k]);
    }
}

// Sets every weight to `factor` times a random number (`first`), or multiplies it by `factor`.
static void set_weights(mg_gradsample *s, double factor, bool first) {
    const mg_problem *problem = s->problem;
    uint64_t key = mg_rng_key(s->key, WEIGHT_STREAM, 0);
    double square = 0;
    for (int64_t k = 0; k < problem->classes; k++) {
        for (int64_t d = 0; d <= problem->features; d++) {
            bool constant = d == problem->features;
            double scale = constant || !problem->scale ? 1 : (double)problem->scale[d];
            float *v = constant ? &s->weights.bias[k] : mg_weights_at(&s->weights, k, d);
            double random = 2 * mg_rng_uniform(key, (uint64_t)(k * (problem->features + 1) + d)) - 1;
            if (constant && !(problem->bias > 0)) random = 0;
            *v = (float)(first ? random * scale * factor : (double)*v * factor);
            double w = mg_gradsample_weight(s, &s->weights, k, d);
            square += w * w;
        }
    }
    s->weight_size = sqrt(square / ((double)problem->classes * (double)(problem->features + 1)));
    mg_weights_fold_offset(&s->weights, problem->bias, problem->center);
}

// Compares the scores with the kernel's scores for the same rows and weights.
static mg_status compare_forward(mg_gradsample *s, const double *magnitude, mg_error *error) {
    const mg_problem *problem = s->problem;
    mg_pass pass;
    mg_rows rows = mg_store_rows(&s->store);
    mg_status status =
        mg_pass_create(&pass, problem->layout, problem->cell, problem->classes, problem->features, error);
    for (int64_t first = 0; !status && first < s->count; first += pass.block_rows) {
        int64_t count = mg_cut_next(first, s->count, pass.block_rows);
        mg_pass_scores(&pass, problem->kernel, &s->weights, &rows, first, count);
        for (int64_t i = 0; i < count; i++) {
            double worst = 0;
            for (int64_t k = 0; k < problem->classes; k++) {
                double off = fabs((double)pass.scores[i * pass.lanes + k] -
                                  s->scores[(first + i) * problem->classes + k]);
                if (off > worst) worst = off; // not fmax: gcc 12 for ARM crashes on fmax of widened floats
            }
            s->noise[first + i] = worst;
            if (magnitude[first + i] > 0)
                s->forward_error = fmax(s->forward_error, worst / magnitude[first + i]);
        }
    }
    if (!status) mg_pass_destroy(&pass);
    return status;
}

mg_status mg_gradsample_create(mg_dataset *train, const mg_problem *problem, int64_t rows, uint64_t seed,
                               mg_gradsample *s, mg_error *error) {
    *s = (mg_gradsample){.problem = problem, .count = mg_min(rows, train->count)};
    s->key = mg_rng_key(seed, CHECK_STREAM, 0);
    double *magnitude = NULL, *terms = NULL;
    size_t n = (size_t)s->count, classes = (size_t)problem->classes;
    mg_status status = draw_rows(train, mg_rng_key(seed, ROW_STREAM, 0), s, error);
    if (!status) status = mg_problem_weights(problem, &s->weights, error);
    if (!status) status = mg_memory_get(&s->scores, n, classes * sizeof *s->scores, error);
    if (!status) status = mg_memory_get(&s->noise, n, sizeof *s->noise, error);
    if (!status) status = mg_memory_get(&magnitude, n, sizeof *magnitude, error);
    if (!status) status = mg_memory_get(&terms, classes, sizeof *terms, error);
    if (status) goto done;
    set_weights(s, 1 / sqrt(fmax(problem->mean_square_norm, 1e-300)) * (double)problem->delta, true);
    score(s, magnitude, terms);
    double square = 0;
    for (size_t j = 0; j < n * classes; j++) square += s->scores[j] * s->scores[j];
    double size = sqrt(square / (double)(n * classes));
    if (size > 0 && isfinite(size)) {
        set_weights(s, (double)problem->delta / size, false);
        score(s, magnitude, terms);
    }
    status = compare_forward(s, magnitude, error);
done:
    mg_memory_free(magnitude);
    mg_memory_free(terms);
    if (status) mg_gradsample_destroy(s);
    return status;
}

void mg_gradsample_destroy(mg_gradsample *s) {
    if (!s) return;
    mg_store_destroy(&s->store);
    mg_weights_destroy(&s->weights);
    mg_memory_free(s->label);
    mg_memory_free(s->weight);
    mg_memory_free(s->scores);
    mg_memory_free(s->noise);
    *s = (mg_gradsample){0};
}
