// cut.h - how work is cut into parts, ranges, blocks and items (docs/terms.md). A cut depends on shapes and
// configuration, never on the number of threads, because the order of sums follows from it.
#ifndef MG_PARALLEL_CUT_H
#define MG_PARALLEL_CUT_H

#include "base/arithmetic.h"
#include "rows/rows.h"

#include <stdint.h>

// The first element of part p when `count` elements are cut into `parts` nearly equal parts. Part p ends
// where part p + 1 begins.
static inline int64_t mg_cut_begin(int64_t count, int64_t parts, int64_t p) { return count * p / parts; }

// Loops over the elements i of part p.
#define MG_EACH_OF_PART(i, count, parts, p)                                                                  \
    for (int64_t i = mg_cut_begin(count, parts, p), i##_end = mg_cut_begin(count, parts, (p) + 1);           \
         i < i##_end; i++)

// The length of the block at `first` when [first, end) is cut into blocks of `size` elements. If it is 0 or
// less, no elements are left.
static inline int64_t mg_cut_next(int64_t first, int64_t end, int64_t size) {
    return mg_min(end - first, size);
}

// Loops over the blocks of up to `size` elements of [from, end). In the loop, `first` is the first element of
// the block and `count` its length.
#define MG_EACH_BLOCK(first, count, from, end, size)                                                         \
    for (int64_t first = (from), count; (count = mg_cut_next(first, end, size)) > 0; first += count)

// Items of `size` elements: the number of items, and the end of item i.
static inline int64_t mg_cut_items(int64_t count, int64_t size) { return mg_divide_up(count, size); }

static inline int64_t mg_cut_end(int64_t count, int64_t size, int64_t i) {
    return mg_min((i + 1) * size, count);
}

// The number of parts of a minibatch when train.parts is 0.
int64_t mg_cut_parts(int64_t batch, int64_t classes, int64_t features, mg_layout layout);

// Cuts the features into ranges with about equally many stored values of these CSR rows, as estimated from a
// sample of the values. Range r is [begin[r], begin[r + 1]); it may be empty. begin: [ranges + 1].
void mg_cut_ranges(const mg_rows *rows, int64_t ranges, int64_t *begin);

#endif
