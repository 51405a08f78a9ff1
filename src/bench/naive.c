// naive.c - the pass over CSR rows in plain loops. Weights are stored class by class, as in models, or
// feature by feature, which suits such rows best.
#include "bench/bench.h"

#include "base/memory.h"
#include "parallel/cut.h"

#include <string.h>

mg_status mg_bench_naive_create(mg_bench_naive *naive, const mg_rows *rows, const int32_t *label,
                                const mg_weights *weights, bool by_class, mg_team *team, mg_error *error) {
    int64_t classes = weights->classes, features = weights->features;
    *naive = (mg_bench_naive){.rows = rows,
                              .label = label,
                              .classes = classes,
                              .features = features,
                              .team = team,
                              .parts = team->threads};
    naive->feature_step = by_class ? 1 : classes;
    naive->class_step = by_class ? features : 1;
    size_t size = (size_t)(classes * features);
    mg_status status = mg_memory_get(&naive->w, size, sizeof(float), error);
    if (!status) status = mg_memory_zeroed(&naive->grad, size * (size_t)naive->parts, sizeof(float), error);
    if (!status)
        status =
            mg_memory_zeroed(&naive->score, (size_t)classes * (size_t)naive->parts, sizeof(float), error);
    if (status) mg_bench_naive_destroy(naive);
    for (int64_t f = 0; !status && f < features; f++)
        for (int64_t k = 0; k < classes; k++)
            naive->w[f * naive->feature_step + k * naive->class_step] = weights->v[f * weights->line + k];
    return status;
}

void mg_bench_naive_destroy(mg_bench_naive *naive) {
    mg_memory_free(naive->w);
    mg_memory_free(naive->grad);
    mg_memory_free(naive->score);
    *naive = (mg_bench_naive){0};
}

static void naive_scores(const mg_bench_naive *naive, int64_t i, float *s) {
    const mg_rows *rows = naive->rows;
    int64_t classes = naive->classes, from = rows->indptr[i], to = rows->indptr[i + 1];
    for (int64_t k = 0; k < classes; k++) s[k] = 0;
    if (naive->feature_step == 1)
        for (int64_t k = 0; k < classes; k++)
            for (int64_t e = from; e < to; e++)
                s[k] += rows->values[e] * naive->w[k * naive->class_step + rows->indices[e]];
    else
        for (int64_t e = from; e < to; e++)
            for (int64_t k = 0; k < classes; k++)
                s[k] += rows->values[e] * naive->w[rows->indices[e] * classes + k];
}

// Computes scores, the best rival and the gradient of the Crammer-Singer loss, row by row.
static void naive_part(void *context, int64_t p) {
    mg_bench_naive *naive = context;
    const mg_rows *rows = naive->rows;
    int64_t classes = naive->classes, size = classes * naive->features;
    float *g = naive->grad + p * size, *s = naive->score + p * classes;
    memset(g, 0, (size_t)size * sizeof *g);
    for (int64_t i = rows->count * p / naive->parts; i < rows->count * (p + 1) / naive->parts; i++) {
        int64_t y = naive->label[i], rival = y == 0 && classes > 1;
        naive_scores(naive, i, s);
        for (int64_t k = 0; k < classes; k++)
            if (k != y && s[k] > s[rival]) rival = k;
        if (!(s[rival] - s[y] + naive->delta > 0)) continue;
        for (int64_t e = rows->indptr[i]; e < rows->indptr[i + 1]; e++) {
            float *at = g + rows->indices[e] * naive->feature_step;
            at[rival * naive->class_step] += rows->values[e];
            at[y * naive->class_step] -= rows->values[e];
        }
    }
}

static void merge_range(void *context, int64_t range) {
    mg_bench_naive *naive = context;
    int64_t size = naive->classes * naive->features, from = range * MG_BENCH_RANGE;
    int64_t to = mg_cut_end(size, MG_BENCH_RANGE, range);
    for (int64_t p = 1; p < naive->parts; p++)
        for (int64_t j = from; j < to; j++) naive->grad[j] += naive->grad[p * size + j];
}

void mg_bench_naive_pass(mg_bench_naive *naive) {
    mg_team_for(naive->team, naive->parts, naive_part, naive);
    mg_team_for(naive->team, (naive->classes * naive->features + MG_BENCH_RANGE - 1) / MG_BENCH_RANGE,
                merge_range, naive);
}
