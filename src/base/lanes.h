// lanes.h - the project's vectors. It defines operations on 16 lanes (sums, maxima, choices) and the order in
// which lanes are added. There are three types, with the same operations:
//   mg_four    4 floats, one register of every processor; four of them make 16 lanes
//   mg_sixteen 16 floats, which the compiler splits into registers of the file's instruction set
//   mg_eight   8 doubles, split likewise
// Every operation is the IEEE 754 operation in each lane, and lanes are added in a fixed order. So all
// compilers and instruction sets give the same bits. Only the kernels' own operations (kernel/template.h) use
// intrinsics, in the file of each instruction set; no other file needs a header of the processor.
#ifndef MG_BASE_LANES_H
#define MG_BASE_LANES_H

#include <math.h>
#include <stdint.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

// Functions with vectors of 64 bytes must be inlined: the calling convention of such vectors depends on the
// instruction set.
#define MG_LANES_INLINE static inline __attribute__((always_inline))

// ---- 4 floats -----------------------------------------------------------------------------------

typedef float mg_four __attribute__((vector_size(16)));
// result of a comparison: -1 (true) or 0 in each lane
typedef int32_t mg_four_mask __attribute__((vector_size(16)));

enum { MG_FOURS = 4 }; // number of mg_four in 16 lanes

static inline mg_four mg_four_load(const float *from) {
    mg_four four;
    memcpy(&four, from, sizeof four);
    return four;
}

static inline void mg_four_store(float *to, mg_four four) { memcpy(to, &four, sizeof four); }

static inline mg_four mg_four_all(float x) { return (mg_four){x, x, x, x}; }

// x where the mask is set, 0 elsewhere.
static inline mg_four mg_four_keep(mg_four_mask mask, mg_four x) { return (mg_four)(mask & (mg_four_mask)x); }

#if defined(__SSE2__)
// a > b ? a : b in each lane, so the result is b if either is NaN; the minimum likewise.
static inline mg_four mg_four_max(mg_four a, mg_four b) { return (mg_four)_mm_max_ps((__m128)a, (__m128)b); }

static inline mg_four mg_four_min(mg_four a, mg_four b) { return (mg_four)_mm_min_ps((__m128)a, (__m128)b); }

// Bit l of the result is set if lane l of the 16 masks is set.
static inline unsigned mg_fours_bits(const mg_four_mask *mask) {
    __m128i low = _mm_packs_epi32((__m128i)mask[0], (__m128i)mask[1]),
            high = _mm_packs_epi32((__m128i)mask[2], (__m128i)mask[3]);
    return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(low, high));
}
#else
static inline mg_four mg_four_max(mg_four a, mg_four b) {
    mg_four_mask larger = a > b;
    return (mg_four)((larger & (mg_four_mask)a) | (~larger & (mg_four_mask)b));
}

static inline mg_four mg_four_min(mg_four a, mg_four b) {
    mg_four_mask smaller = a < b;
    return (mg_four)((smaller & (mg_four_mask)a) | (~smaller & (mg_four_mask)b));
}

static inline unsigned mg_fours_bits(const mg_four_mask *mask) {
    unsigned bits = 0;
    for (int l = 0; l < 4 * MG_FOURS; l++) bits |= mask[l / 4][l % 4] ? 1u << l : 0;
    return bits;
}
#endif

// Sum of the lanes.
static inline float mg_fours_fold(const mg_four *lane) {
    mg_four sum = (lane[0] + lane[2]) + (lane[1] + lane[3]);
    return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

// ---- 16 floats ----------------------------------------------------------------------------------

typedef float mg_sixteen __attribute__((vector_size(64), aligned(4), may_alias));
typedef int32_t mg_sixteen_mask __attribute__((vector_size(64)));

MG_LANES_INLINE mg_sixteen mg_sixteen_all(float x) {
    return (mg_sixteen){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x};
}

MG_LANES_INLINE mg_sixteen mg_sixteen_keep(mg_sixteen_mask mask, mg_sixteen x) {
    return (mg_sixteen)(mask & (mg_sixteen_mask)x);
}

MG_LANES_INLINE mg_sixteen mg_sixteen_choose(mg_sixteen_mask mask, mg_sixteen a, mg_sixteen b) {
    return (mg_sixteen)((mask & (mg_sixteen_mask)a) | (~mask & (mg_sixteen_mask)b));
}

// Sum of the lanes, in the order in which dense scores are folded (kernel/kernel.h).
MG_LANES_INLINE float mg_sixteen_fold(mg_sixteen a) {
    a += __builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
    a += __builtin_shufflevector(a, a, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
    a += __builtin_shufflevector(a, a, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
    return a[0] + a[1];
}

// The largest lane.
MG_LANES_INLINE float mg_sixteen_largest(mg_sixteen a) {
    mg_sixteen b = __builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
    a = mg_sixteen_choose(b > a, b, a);
    b = __builtin_shufflevector(a, a, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
    a = mg_sixteen_choose(b > a, b, a);
    b = __builtin_shufflevector(a, a, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
    a = mg_sixteen_choose(b > a, b, a);
    return a[1] > a[0] ? a[1] : a[0];
}

// ---- 8 doubles ----------------------------------------------------------------------------------

typedef double mg_eight __attribute__((vector_size(64)));
typedef int64_t mg_eight_mask __attribute__((vector_size(64)));
typedef float mg_eight_floats __attribute__((vector_size(32), aligned(4), may_alias));

MG_LANES_INLINE mg_eight mg_eight_widen(const float *from) {
    return __builtin_convertvector(*(const mg_eight_floats *)from, mg_eight);
}

MG_LANES_INLINE mg_eight mg_eight_keep(mg_eight_mask mask, mg_eight x) {
    return (mg_eight)(mask & (mg_eight_mask)x);
}

MG_LANES_INLINE mg_eight mg_eight_choose(mg_eight_mask mask, mg_eight a, mg_eight b) {
    return (mg_eight)((mask & (mg_eight_mask)a) | (~mask & (mg_eight_mask)b));
}

MG_LANES_INLINE double mg_eight_largest(mg_eight a) {
    mg_eight b = __builtin_shufflevector(a, a, 4, 5, 6, 7, 0, 1, 2, 3);
    a = mg_eight_choose(b > a, b, a);
    b = __builtin_shufflevector(a, a, 2, 3, 0, 1, 6, 7, 4, 5);
    a = mg_eight_choose(b > a, b, a);
    return a[1] > a[0] ? a[1] : a[0];
}

MG_LANES_INLINE double mg_eight_fold(mg_eight a) {
    a += __builtin_shufflevector(a, a, 4, 5, 6, 7, 0, 1, 2, 3);
    a += __builtin_shufflevector(a, a, 2, 3, 0, 1, 6, 7, 4, 5);
    return a[0] + a[1];
}

#endif
