// clip.h - limits of the scaled values of a row (data.clip and data.clip_below, M39). The limits are those of
// the cells before scaling, so that rows can be clipped where they are read, and scaling stays part of the
// weights.
#ifndef MG_DATA_CLIP_H
#define MG_DATA_CLIP_H

#include "base/status.h"
#include "data/scale.h"
#include "data/used.h"

#include <stdint.h>

typedef struct mg_clip {
    int64_t count;     // columns of the file
    float *low, *high; // [count]; NULL until the scales are known: rows are then not clipped
} mg_clip;

// Scaled values stay within [-below, above]; 0: there is no such limit.
typedef struct mg_clip_limits {
    double above, below;
} mg_clip_limits;

// Computes the limits of the cells. `used`: the columns that `scale` is for; if its width is 0, all `count`.
// Errors: MG_MEMORY.
mg_status mg_clip_find(mg_clip *clip, mg_clip_limits limits, const mg_scale *scale, const mg_used *used,
                       int64_t count, mg_error *error);
void mg_clip_clear(mg_clip *clip);

// The first column whose zeros are outside of the limits; -1 if there is none. Sparse rows do not store
// zeros.
int64_t mg_clip_of_zeros(const mg_clip *clip);

// Clips a row: all columns, or those that `index` lists.
void mg_clip_dense(const mg_clip *clip, float *values);
void mg_clip_sparse(const mg_clip *clip, int64_t n, const uint32_t *index, float *values);

// Copies a sparse row of `n` values, whose indices ascend, and adds the zeros that clipping changes, as their
// limits. `to_index` and `to` have room for all columns. Returns the number of values.
int64_t mg_clip_fill(const mg_clip *clip, int64_t n, const uint32_t *index, const float *values,
                     uint32_t *to_index, float *to);

#endif
