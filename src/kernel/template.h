// template.h - a whole kernel written over 16 lanes. The including file gives the lanes of its instruction
// set:
//   v16, v8            vectors of 16 and of 8 floats; every operation is the IEEE one, lane by lane
//   v16_zero v16_set v16_load v16_store v16_fma v16_add, v8_zero v8_set v8_load v8_store v8_fma
//   part, PARTS        one register of a v16, and how many make it up
//   v16_part v16_put   the p-th part of a v16, and the way back
//   part_load part_store part_fma   the same operations on a part
//   part_hold          part_load into a register that several operations use; gcc would load again for each
//   of them part_from_u8 part_from_i8 part_from_f16    a register of cells to floats v16_fold_store     folds
//   `count` vectors in the order of kernel.h, adds offset[], writes out[0..count-1] and nothing more
//   nonzero_bits       bit j is set when the j-th of n <= 16 floats is not zero; reads no more than n
// and its register tiles: ROWS_MOST, CLASSES_MOST, SCORE_TILES(X) for scores (MANY_CLASSES: classes of a tile
// where there are more than CLASSES_MOST), VECTORS_MOST, CLASS_TILES(X), SHARED_CLASSES_MOST,
// SHARED_VECTORS_MOST, SHARED_TILES(X) for the gradient; then KERNEL_SYMBOL, KERNEL_NAME, KERNEL_HELP and
// KERNEL_USABLE.
#ifndef MG_KERNEL_TEMPLATE_H
#define MG_KERNEL_TEMPLATE_H

#include "kernel/kernel.h"

#define INLINE static inline __attribute__((always_inline))
// The loops over a tile must vanish, or its sums live in memory: five times slower.
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

// Hides where a pointer comes from: gcc would keep one register per class for the whole loop, and run out of
// them.
#define OPAQUE(pointer) __asm__("" : "+r"(pointer))

// Into the second-level cache: what is asked for is needed soon, not next.
INLINE void prefetch(const void *cells) { __builtin_prefetch(cells, 0, 2); }

#endif
