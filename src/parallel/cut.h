// cut.h - how work is cut. One vocabulary:
//   part    a share of a minibatch or of all rows that has sums of its own; how many there are follows from
//   shapes and configuration range   features or cells that one thread owns: it alone writes their weights
//   block   rows that stay in cache between scores and gradient
//   window  rows of the stream that are shuffled together
//   item    what a thread of the team takes at a time; no sum depends on which thread takes which
//   round   dual steps between two merges
// No cut depends on the number of threads where a sum depends on the cut.
#ifndef MG_PARALLEL_CUT_H
#define MG_PARALLEL_CUT_H

#include "rows/rows.h"

#include <stdint.h>

// Equal shares: share s of `shares` holds [mg_cut_begin(count, shares, s), mg_cut_begin(count, shares, s +
// 1)).
static inline int64_t mg_cut_begin(int64_t count, int64_t shares, int64_t s) { return count * s / shares; }

// Items of a fixed size: how many there are, and where item i ends.
static inline int64_t mg_cut_items(int64_t count, int64_t size) { return mg_divide_up(count, size); }

static inline int64_t mg_cut_end(int64_t count, int64_t size, int64_t i) {
    return mg_min(count, (i + 1) * size);
}

// The next item from `first` on: its size, or what is left.
static inline int64_t mg_cut_next(int64_t first, int64_t end, int64_t size) {
    return mg_min(end - first, size);
}

// Parts of a minibatch when the configuration leaves them open.
int64_t mg_cut_parts(int64_t batch, int64_t classes, int64_t features, mg_layout layout);

// Ranges of features that hold about as many stored values of these CSR rows each, judged by a sample of
// them. Range r is begin[r] .. begin[r+1]-1, and may be empty. begin: [ranges + 1].
void mg_cut_ranges(const mg_rows *rows, int64_t ranges, int64_t *begin);

#endif
