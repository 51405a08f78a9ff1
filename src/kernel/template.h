// template.h - what the templates of a kernel share. The file of an instruction set includes it, then defines
// these operations and sizes, and then includes the templates.
//
// Vectors (every operation is the IEEE one, lane by lane):
// - v16, v8: vectors of 16 and of 8 floats, with v16_zero, _set, _load, _store, _fma, _add. v8 has no _add.
// - part, PARTS: one register of a v16, and how many registers a v16 has.
// - v16_part, v16_put: read and write the p-th register of a v16.
// - part_load, part_store, part_fma: the same operations on one register.
// - part_hold: part_load into a register that several operations use; gcc would load again for each of them.
// - part_from_u8, part_from_i8, part_from_f16: one register of cells, converted to floats.
// - v16_fold_store: folds `count` vectors in the order of kernel.h, adds offset[], and writes out[0..count-1]
//   and nothing more.
// - nonzero_bits: bit j is set if the j-th of n <= 16 floats is not zero. Reads no more than n floats.
//
// Tiles, as large as the registers allow:
// - scores: ROWS_MOST, CLASSES_MOST, SCORE_TILES(X). With more than CLASSES_MOST classes, a tile has
//   MANY_CLASSES of them.
// - gradient: VECTORS_MOST, CLASS_TILES(X), SHARED_CLASSES_MOST, SHARED_VECTORS_MOST, SHARED_TILES(X).
//
// The table: KERNEL_SYMBOL, KERNEL_NAME, KERNEL_HELP, KERNEL_USABLE.
#ifndef MG_KERNEL_TEMPLATE_H
#define MG_KERNEL_TEMPLATE_H

#include "kernel/kernel.h"

#define INLINE static inline __attribute__((always_inline))
// The loops over a tile must be unrolled: otherwise its sums are kept in memory, which is five times slower.
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

// Hides from the compiler how a pointer was computed. Otherwise gcc keeps one pointer for each class during
// the whole loop and runs out of registers.
#define OPAQUE(pointer) __asm__("" : "+r"(pointer))

// Prefetches into the second-level cache: these cells are needed soon, but the first-level cache is too small
// to keep them until then.
INLINE void prefetch(const void *cells) { __builtin_prefetch(cells, 0, 2); }

#endif
