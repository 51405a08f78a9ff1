// clip.c - limits of cells.
#include "data/clip.h"

#include "base/arithmetic.h"
#include "base/memory.h"

#include <float.h>
#include <math.h>

// The distance from the centre of a column to the cell that is scaled to `limit`; 0: there is no limit.
static double reach_of(double limit, double factor) {
    return limit > 0 && factor > 0 ? limit / factor : INFINITY;
}

mg_status mg_clip_find(mg_clip *clip, mg_clip_limits limits, const mg_scale *scale, const mg_used *used,
                       int64_t count, mg_error *error) {
    float *low, *high = NULL;
    mg_status status = mg_memory_get(&low, (size_t)count, sizeof *low, error);
    if (!status) status = mg_memory_get(&high, (size_t)count, sizeof *high, error);
    for (int64_t d = 0; !status && d < count; d++) {
        int64_t at = used->width ? mg_used_place(used, d) : d;
        double factor = at < 0         ? 0
                        : scale->scale ? (double)scale->scale[at]
                                       : 1,
               center = at >= 0 && scale->center ? (double)scale->center[at] : 0;
        low[d] = (float)mg_max_real(center - reach_of(limits.below, factor), -(double)FLT_MAX);
        high[d] = (float)mg_min_real(center + reach_of(limits.above, factor), (double)FLT_MAX);
    }
    if (status) {
        mg_memory_free(low);
        return status;
    }
    *clip = (mg_clip){count, low, high};
    return MG_OK;
}

void mg_clip_clear(mg_clip *clip) {
    mg_memory_free(clip->low);
    mg_memory_free(clip->high);
    *clip = (mg_clip){0};
}

int64_t mg_clip_of_zeros(const mg_clip *clip) {
    for (int64_t d = 0; d < clip->count; d++)
        if (clip->low[d] > 0 || clip->high[d] < 0) return d;
    return -1;
}

static inline float clipped(const mg_clip *clip, int64_t d, float value) {
    if (value < clip->low[d]) return clip->low[d];
    return value > clip->high[d] ? clip->high[d] : value;
}

void mg_clip_dense(const mg_clip *clip, float *values) {
    for (int64_t d = 0; clip->low && d < clip->count; d++) values[d] = clipped(clip, d, values[d]);
}

void mg_clip_sparse(const mg_clip *clip, int64_t n, const uint32_t *index, float *values) {
    for (int64_t e = 0; clip->low && e < n; e++) values[e] = clipped(clip, index[e], values[e]);
}

int64_t mg_clip_fill(const mg_clip *clip, int64_t n, const uint32_t *index, const float *values,
                     uint32_t *to_index, float *to) {
    int64_t e = 0, kept = 0;
    for (int64_t d = 0; d < clip->count; d++) {
        bool stored = e < n && index[e] == d;
        float value = stored ? values[e++] : clipped(clip, d, 0);
        if (!stored && value == 0) continue;
        to_index[kept] = (uint32_t)d;
        to[kept++] = value;
    }
    return kept;
}
