// weights.c - owns the memory of weights and the sums over all of them.
#include "solver/weights.h"

#include "base/memory.h"

#include <float.h>
#include <math.h>

#define OFFSET_SLACK 1e-3 // of the sum of the magnitudes of its terms

mg_status mg_weights_create(mg_weights *weights, mg_layout layout, int64_t classes, int64_t features,
                            mg_error *error) {
    *weights = (mg_weights){.layout = layout, .classes = classes, .features = features};
    weights->lanes = mg_round_up(classes, MG_LANES);
    weights->line = layout == MG_DENSE ? mg_round_up(features, MG_LANES) : mg_round_up(classes, 8);
    int64_t lines = layout == MG_DENSE ? classes : features;
    mg_status status = MG_OK;
    if (__builtin_mul_overflow(lines, weights->line, &weights->size))
        status = mg_fail(error, MG_MEMORY, "out of memory: %lld classes of %lld features cannot be addressed",
                         (long long)classes, (long long)features);
    if (!status) status = mg_memory_zeroed(&weights->v, (size_t)weights->size, sizeof(float), error);
    if (!status) status = mg_memory_zeroed(&weights->bias, (size_t)weights->lanes, sizeof(float), error);
    if (!status) status = mg_memory_zeroed(&weights->offset, (size_t)weights->lanes, sizeof(float), error);
    if (status) mg_weights_destroy(weights);
    return status;
}

void mg_weights_destroy(mg_weights *weights) {
    if (!weights) return;
    mg_memory_free(weights->v);
    mg_memory_free(weights->bias);
    mg_memory_free(weights->offset);
    *weights = (mg_weights){0};
}

mg_status mg_weights_convert(const mg_weights *from, mg_layout layout, mg_weights *to, mg_error *error) {
    mg_status status = mg_weights_create(to, layout, from->classes, from->features, error);
    if (status) return status;
    for (int64_t k = 0; k < from->classes; k++) {
        for (int64_t d = 0; d < from->features; d++) *mg_weights_at(to, k, d) = *mg_weights_at(from, k, d);
        to->bias[k] = from->bias[k];
        to->offset[k] = from->offset[k];
    }
    return MG_OK;
}

void mg_weights_fold_offset(mg_weights *weights, double bias, const float *center) {
    for (int64_t k = 0; k < weights->classes; k++) {
        double dot = 0;
        for (int64_t d = 0; center && d < weights->features; d++)
            dot += (double)*mg_weights_at(weights, k, d) * (double)center[d];
        weights->offset[k] = (float)(bias * (double)weights->bias[k] - dot);
    }
}

mg_status mg_weights_check_offset(const mg_weights *weights, double bias, const float *center,
                                  const char *name, mg_error *error) {
    for (int64_t k = 0; k < weights->classes; k++) {
        double sum = bias * (double)weights->bias[k], size = fabs(sum), offset = (double)weights->offset[k];
        for (int64_t d = 0; center && d < weights->features; d++) {
            double term = (double)*mg_weights_at(weights, k, d) * (double)center[d];
            sum -= term;
            size += fabs(term);
        }
        if (!(fabs(offset - sum) <= OFFSET_SLACK * size + (double)FLT_MIN))
            return mg_fail(error, MG_DATA, "%s[%lld] is %g, but bias and weights of that class give %g", name,
                           (long long)k, offset, sum);
    }
    return MG_OK;
}

double mg_weights_square_lines(const mg_weights *weights, const float *scale, int64_t from, int64_t to) {
    double sum = 0;
    int64_t used = weights->layout == MG_DENSE ? weights->features : weights->classes;
    for (int64_t l = from; l < to; l++) {
        const float *line = weights->v + l * weights->line;
        for (int64_t j = 0; j < used; j++) {
            double s = scale ? (double)scale[weights->layout == MG_DENSE ? j : l] : 1;
            // a constant column has scale 0; its weight counts as 0
            double w = s > 0 ? (double)line[j] / s : 0;
            sum += w * w;
        }
    }
    return sum;
}

double mg_weights_square_norm(const mg_weights *weights, const float *scale, bool constant) {
    double sum = mg_weights_square_lines(weights, scale, 0,
                                         weights->layout == MG_DENSE ? weights->classes : weights->features);
    for (int64_t k = 0; constant && k < weights->classes; k++)
        sum += (double)weights->bias[k] * (double)weights->bias[k];
    return sum;
}

bool mg_weights_finite(const mg_weights *weights) {
    for (int64_t j = 0; j < weights->size; j++)
        if (!isfinite(weights->v[j])) return false;
    for (int64_t k = 0; k < weights->classes; k++)
        if (!isfinite(weights->bias[k]) || !isfinite(weights->offset[k])) return false;
    return true;
}
