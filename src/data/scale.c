// scale.c - computes scales and centres from moments, and detects columns of very different size.
#include "data/scale.h"

#include "base/memory.h"
#include "base/number.h"
#include "base/order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define UNEVEN_RATIO 100
// Sizes of columns that can be scaled. Weights for raw cells contain the factor 1 / size, and must fit in
// float32.
#define LEAST_SIZE 1e-37
#define MOST_SIZE MG_SCALE_MOST
// Scores of raw cells are sums of terms as large as mean / deviation, each rounded to 24 bits. From this
// ratio on, the error of a score reaches 0.01.
#define FAR_RATIO 1e5
enum { FEW_COLUMNS = 50 }; // one in this many columns may be smaller than mg_spread.smallest

static double deviation_of(const mg_moments *moments, int64_t d) {
    return sqrt(moments->squares[d] / moments->weight);
}

// The factor for a column of this size. If the size is out of range, the factor times a weight, or its
// inverse, would not fit in float32.
static mg_status factor_of(long long column, const char *what, double size, float *out, mg_error *error) {
    *out = size > 0 ? (float)(1 / size) : 0;
    if (size == 0 || (size >= LEAST_SIZE && size <= MOST_SIZE)) return MG_OK;
    return mg_fail(error, MG_DATA,
                   "data.scale: the %s of column %lld is %.4g (0 or %g to %g are allowed in float32): change "
                   "the column's unit",
                   what, column, size, LEAST_SIZE, MOST_SIZE);
}

static mg_status standard(const mg_moments *moments, mg_scale *scale, mg_error *error) {
    mg_status status = MG_OK;
    for (int64_t d = 0; !status && d < moments->features; d++) {
        double mean = moments->mean[d], deviation = deviation_of(moments, d);
        scale->center[d] = (float)mean;
        // A deviation as small as the rounding errors of the preparation means that the column is constant.
        // Dividing by it would amplify these errors.
        if (deviation <= moments->noise * fabs(mean)) deviation = 0;
        status = factor_of(mg_moments_column(moments, d), "deviation", deviation, &scale->scale[d], error);
    }
    return status;
}

static mg_status max_abs(const mg_moments *moments, mg_scale *scale, mg_error *error) {
    mg_status status = MG_OK;
    for (int64_t d = 0; !status && d < moments->features; d++)
        status = factor_of(mg_moments_column(moments, d), "largest |x|", (double)moments->most[d],
                           &scale->scale[d], error);
    return status;
}

// Uses the same factor for all columns. Some columns may become too small for float32, but not all of them,
// and none may overflow.
static mg_status same(const mg_moments *moments, double factor, mg_scale *scale, mg_error *error) {
    double most = 0;
    int64_t column = 0;
    for (int64_t d = 0; d < moments->features; d++) {
        scale->scale[d] = (float)factor;
        if ((double)moments->most[d] > most) most = (double)moments->most[d], column = d;
    }
    double size = most * factor;
    if (most == 0 || (size >= LEAST_SIZE && size <= MOST_SIZE)) return MG_OK;
    return mg_fail(error, MG_DATA,
                   "data.scale: %g scales the largest |x|, %.4g in column %lld, to %.4g (%g to %g are "
                   "allowed): choose another factor",
                   factor, most, mg_moments_column(moments, column), size, LEAST_SIZE, MOST_SIZE);
}

mg_status mg_scale_create(const char *how, const mg_moments *moments, mg_scale *scale, mg_error *error) {
    *scale = (mg_scale){0};
    if (!strcmp(how, "none")) return MG_OK;
    size_t d = (size_t)moments->features;
    mg_status status = mg_memory_get(&scale->scale, d, sizeof(float), error);
    bool centred = !strcmp(how, "standard");
    if (!status && centred) status = mg_memory_get(&scale->center, d, sizeof(float), error);
    double factor = 1;
    mg_parse_real(how, &factor);
    if (!status && centred) status = standard(moments, scale, error);
    else if (!status && !strcmp(how, "max-abs")) status = max_abs(moments, scale, error);
    else if (!status) status = same(moments, factor, scale, error);
    if (status) mg_scale_destroy(scale);
    return status;
}

void mg_scale_destroy(mg_scale *scale) {
    mg_memory_free(scale->scale);
    mg_memory_free(scale->center);
    *scale = (mg_scale){0};
}

double mg_scale_mean_square_norm(const mg_scale *scale, const mg_moments *moments) {
    double sum = 0, n = moments->weight;
    for (int64_t d = 0; d < moments->features; d++) {
        double s = scale->scale ? (double)scale->scale[d] : 1,
               c = scale->center ? (double)scale->center[d] : 0;
        double away = moments->mean[d] - c;
        sum += s * s * (moments->squares[d] / n + away * away);
    }
    return sum > 0 ? sum : 0;
}

bool mg_scale_spread(const mg_scale *scale, const mg_moments *moments, mg_spread *out) {
    float *magnitude;
    *out = (mg_spread){0};
    if (mg_memory_get(&magnitude, (size_t)moments->features, sizeof *magnitude, NULL)) return false;
    int64_t used = 0;
    for (int64_t d = 0; d < moments->features; d++) {
        float size = moments->most[d] * (scale->scale ? scale->scale[d] : 1);
        if (size > 0) magnitude[used++] = size;
        if ((double)size > out->largest)
            out->largest = (double)size, out->column = mg_moments_column(moments, d);
    }
    qsort(magnitude, (size_t)used, sizeof *magnitude, mg_order_float);
    out->median = used ? (double)magnitude[used / 2] : 0;
    out->smallest = used ? (double)magnitude[used / FEW_COLUMNS] : 0;
    mg_memory_free(magnitude);
    return used > 1 && !scale->center;
}

bool mg_spread_uneven(const mg_spread *spread) { return spread->largest > UNEVEN_RATIO * spread->median; }

bool mg_scale_far(const mg_scale *scale, const mg_moments *moments, double *ratio, int64_t *column) {
    double sum = 0;
    *ratio = 0;
    *column = 0;
    for (int64_t d = 0; scale->center && d < moments->features; d++) {
        double away = scale->scale[d] > 0 ? fabs(moments->mean[d]) / deviation_of(moments, d) : 0;
        sum += away * away;
        if (away > *ratio) *ratio = away, *column = mg_moments_column(moments, d);
    }
    return sum > FAR_RATIO * FAR_RATIO;
}
