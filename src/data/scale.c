// scale.c - turns moments into scales and centres, and notices columns that differ too much.
#include "data/scale.h"

#include "base/memory.h"
#include "base/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define UNEVEN_RATIO 100

static void standard(const mg_moments *moments, mg_scale *scale) {
    for (int64_t d = 0; d < moments->features; d++) {
        double n = moments->weight, mean = moments->sum[d] / n;
        double variance = moments->square[d] / n - mean * mean;
        // Rounding leaves a tiny variance in a constant column; scaling by its inverse would blow up noise.
        bool constant = variance <= 1e-12 * (moments->square[d] / n);
        scale->center[d] = (float)mean;
        scale->scale[d] = constant ? 0 : (float)(1 / sqrt(variance));
    }
}

mg_status mg_scale_create(const char *how, const mg_moments *moments, mg_scale *scale, mg_error *error) {
    *scale = (mg_scale){0};
    if (!strcmp(how, "none")) return MG_OK;
    size_t d = (size_t)moments->features;
    mg_status status = mg_memory_get(&scale->scale, d, sizeof(float), error);
    bool centred = !strcmp(how, "standard");
    if (!status && centred) status = mg_memory_get(&scale->center, d, sizeof(float), error);
    if (status) {
        mg_scale_destroy(scale);
        return status;
    }
    double factor = 1;
    mg_parse_real(how, &factor);
    if (centred) standard(moments, scale);
    for (int64_t j = 0; !centred && j < moments->features; j++) {
        float most = moments->most[j];
        scale->scale[j] = strcmp(how, "max-abs") ? (float)factor : most > 0 ? 1 / most : 0;
    }
    return MG_OK;
}

void mg_scale_destroy(mg_scale *scale) {
    mg_memory_free(scale->scale);
    mg_memory_free(scale->center);
    *scale = (mg_scale){0};
}

double mg_scale_mean_square_norm(const mg_scale *scale, const mg_moments *moments) {
    double sum = 0, n = moments->weight;
    for (int64_t d = 0; d < moments->features; d++) {
        double s = scale->scale ? (double)scale->scale[d] : 1, c = scale->center ? (double)scale->center[d] : 0;
        sum += s * s * (moments->square[d] / n - 2 * c * moments->sum[d] / n + c * c);
    }
    return sum > 0 ? sum : 0;
}

static int ascending(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

bool mg_scale_uneven(const mg_scale *scale, const mg_moments *moments, double *largest, double *median, int64_t *column) {
    float *magnitude;
    if (mg_memory_get(&magnitude, (size_t)moments->features, sizeof *magnitude, NULL)) return false;
    int64_t used = 0;
    *largest = 0;
    *column = 0;
    for (int64_t d = 0; d < moments->features; d++) {
        float size = moments->most[d] * (scale->scale ? scale->scale[d] : 1);
        if (size > 0) magnitude[used++] = size;
        if ((double)size > *largest) *largest = (double)size, *column = d;
    }
    qsort(magnitude, (size_t)used, sizeof *magnitude, ascending);
    *median = used ? (double)magnitude[used / 2] : 0;
    mg_memory_free(magnitude);
    return used > 1 && *largest > UNEVEN_RATIO * *median && !(scale->center);
}
