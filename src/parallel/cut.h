// cut.h - how work is cut into parts, ranges, blocks and items (docs/terms.md). A cut depends on shapes and
// configuration, never on the number of threads: sums are added in an order that the cut fixes.
#ifndef MG_PARALLEL_CUT_H
#define MG_PARALLEL_CUT_H

#include "base/arithmetic.h"
#include "rows/rows.h"

#include <stdint.h>

// `count` elements in `parts` nearly equal parts: where part p begins. Part p ends where part p + 1 begins.
static inline int64_t mg_cut_begin(int64_t count, int64_t parts, int64_t p) { return count * p / parts; }

// For every element i of part p.
#define MG_EACH_OF_PART(i, count, parts, p)                                                                  \
    for (int64_t i = mg_cut_begin(count, parts, p), i##_end = mg_cut_begin(count, parts, (p) + 1);           \
         i < i##_end; i++)

// How many of the elements [first, end) the next block of `size` holds; 0 or less: none are left.
static inline int64_t mg_cut_next(int64_t first, int64_t end, int64_t size) {
    return mg_min(end - first, size);
}

// For every block of up to `size` elements of [from, end): `first` is its first element, `count` its length.
#define MG_EACH_BLOCK(first, count, from, end, size)                                                         \
    for (int64_t first = (from), count; (count = mg_cut_next(first, end, size)) > 0; first += count)

// Items of a fixed size: how many there are, and where item i ends.
static inline int64_t mg_cut_items(int64_t count, int64_t size) { return mg_divide_up(count, size); }

static inline int64_t mg_cut_end(int64_t count, int64_t size, int64_t i) {
    return mg_min((i + 1) * size, count);
}

// Parts of a minibatch when train.parts is 0.
int64_t mg_cut_parts(int64_t batch, int64_t classes, int64_t features, mg_layout layout);

// Ranges of features that hold about equally many stored values of these CSR rows; the numbers are estimated
// from a sample of the values. Range r is [begin[r], begin[r + 1]) and may be empty. begin: [ranges + 1].
void mg_cut_ranges(const mg_rows *rows, int64_t ranges, int64_t *begin);

#endif
