// cut.c - owns the number of parts of a minibatch, and the ranges of features. All ranges have about equally
// many stored values. Ranges of equal length would give one thread most of the work, because many files put
// frequent features first. In news20, half of the features have nine tenths of the stored values.
#include "parallel/cut.h"

#include "base/order.h"

#include <stdlib.h>

enum { SAMPLED_ROWS = 1024, SAMPLE = 8192 };
enum { PART_ROWS = 32, MOST_PARTS = 16, FEWEST_PARTS = 4 }; // limits for parts of a minibatch
// limit for the gradients of all parts together: 64 MiB
enum { GRADIENT_FLOATS = 16 << 20 };

static int64_t length(const mg_rows *rows, int64_t r) {
    int64_t row = mg_rows_stored(rows, r);
    return rows->indptr[row + 1] - rows->indptr[row];
}

// Takes a sample of the features of stored values: evenly spaced values of evenly spaced rows. Returns its
// size.
static size_t take_sample(const mg_rows *rows, uint32_t *sample) {
    int64_t step = mg_divide_up(rows->count, SAMPLED_ROWS), values = 0, at = 0;
    size_t count = 0;
    for (int64_t r = 0; r < rows->count; r += step) values += length(rows, r);
    int64_t stride = values / SAMPLE + 1;
    for (int64_t r = 0; r < rows->count; r += step) {
        const uint32_t *indices = rows->indices + rows->indptr[mg_rows_stored(rows, r)];
        for (; at < length(rows, r); at += stride) sample[count++] = indices[at];
        at -= length(rows, r);
    }
    return count;
}

void mg_cut_ranges(const mg_rows *rows, int64_t ranges, int64_t *begin) {
    uint32_t sample[SAMPLE];
    size_t count = take_sample(rows, sample);
    qsort(sample, count, sizeof *sample, mg_order_uint32);
    begin[0] = 0;
    begin[ranges] = rows->features;
    for (int64_t r = 1; r < ranges; r++)
        begin[r] = count > 0 ? sample[(size_t)mg_cut_begin((int64_t)count, ranges, r)]
                             : mg_cut_begin(rows->features, ranges, r);
}

int64_t mg_cut_parts(int64_t batch, int64_t classes, int64_t features, mg_layout layout) {
    int64_t parts = mg_min(batch / PART_ROWS, MOST_PARTS);
    if (layout == MG_DENSE) { // each part needs a gradient of its own
        int64_t most = GRADIENT_FLOATS / (classes * mg_round_up(features, MG_LANES));
        if (parts > most) parts = mg_max(most, FEWEST_PARTS);
    }
    return mg_max(parts, 1);
}
