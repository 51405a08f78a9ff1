// avx512.c - the vectors of AVX-512 (F, BW, DQ, VL): 32 registers of 16 floats.
#if defined(__x86_64__)

#include "base/cpu.h"
#include "kernel/template.h"

#include <immintrin.h>

typedef __m512 v16;
typedef __m256 v8;
typedef v16 part;
enum { PARTS = 1 };

INLINE v16 v16_zero(void) { return _mm512_setzero_ps(); }

INLINE v16 v16_set(float x) { return _mm512_set1_ps(x); }

INLINE v16 v16_load(const float *from) { return _mm512_loadu_ps(from); }

INLINE void v16_store(float *to, v16 a) { _mm512_storeu_ps(to, a); }

INLINE v16 v16_fma(v16 a, v16 b, v16 c) { return _mm512_fmadd_ps(a, b, c); }

INLINE v16 v16_add(v16 a, v16 b) { return _mm512_add_ps(a, b); }

INLINE part v16_part(v16 a, int p) {
    (void)p;
    return a;
}

INLINE void v16_put(v16 *a, int p, part b) {
    (void)p;
    *a = b;
}

INLINE part part_load(const float *from) { return v16_load(from); }

INLINE part part_hold(const float *from) {
    part a = part_load(from);
    __asm__("" : "+v"(a));
    return a;
}

INLINE part part_fma(part a, part b, part c) { return v16_fma(a, b, c); }

INLINE void part_store(float *to, part a) { v16_store(to, a); }

INLINE part part_from_u8(const uint8_t *from) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)from)));
}

INLINE part part_from_i8(const int8_t *from) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)from)));
}

INLINE part part_from_f16(const uint16_t *from) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)from));
}

INLINE v8 v8_zero(void) { return _mm256_setzero_ps(); }

INLINE v8 v8_set(float x) { return _mm256_set1_ps(x); }

INLINE v8 v8_load(const float *from) { return _mm256_loadu_ps(from); }

INLINE void v8_store(float *to, v8 a) { _mm256_storeu_ps(to, a); }

INLINE v8 v8_fma(v8 a, v8 b, v8 c) { return _mm256_fmadd_ps(a, b, c); }

INLINE __mmask16 first_lanes(int n) { return (__mmask16)((1u << n) - 1); }

INLINE uint32_t nonzero_bits(const float *from, int n) {
    uint16_t bits =
        _mm512_cmp_ps_mask(_mm512_maskz_loadu_ps(first_lanes(n), from), _mm512_setzero_ps(), _CMP_NEQ_UQ);
    // gcc 12 may spill the mask as 16 bits and read it back as 32 bits. Passing it through a general register
    // forces the correct widening.
    __asm__("" : "+r"(bits));
    return bits;
}

// Folds two vectors by one half at once: the partial sums of `a` end in the lanes whose number does not have
// the bit `step`, those of `b` in the lanes that have it. One operand of the addition is a blend of a and b,
// the other a permutation.
INLINE v16 halve_two(v16 a, v16 b, int step) {
    __m512i ai = _mm512_castps_si512(a), bi = _mm512_castps_si512(b);
    switch (step) {
    case 8:
        return _mm512_add_ps(_mm512_mask_blend_ps(0xff00, a, b),
                             _mm512_castsi512_ps(_mm512_alignr_epi32(bi, ai, 8)));
    case 4:
        return _mm512_add_ps(_mm512_mask_blend_ps(0xf0f0, a, b),
                             _mm512_castsi512_ps(_mm512_permutex2var_epi64(
                                 ai, _mm512_setr_epi64(2, 3, 8, 9, 6, 7, 12, 13), bi)));
    case 2: return _mm512_add_ps(_mm512_mask_blend_ps(0xcccc, a, b), _mm512_shuffle_ps(a, b, 0x4e));
    default:
        return _mm512_add_ps(
            _mm512_mask_blend_ps(0xaaaa, a, b),
            _mm512_permutex2var_ps(
                a, _mm512_setr_epi32(1, 16, 3, 18, 5, 20, 7, 22, 9, 24, 11, 26, 13, 28, 15, 30), b));
    }
}

// Folds one vector by half; both halves of the result hold the same sums.
INLINE v16 halve_one(v16 a, int step) {
    switch (step) {
    case 8: return _mm512_add_ps(a, _mm512_shuffle_f32x4(a, a, 0x4e));
    case 4: return _mm512_add_ps(a, _mm512_shuffle_f32x4(a, a, 0xb1));
    case 2: return _mm512_add_ps(a, _mm512_permute_ps(a, 0x4e));
    default: return _mm512_add_ps(a, _mm512_permute_ps(a, 0xb1));
    }
}

INLINE int halve_all(v16 *a, int count, int step) {
    UNROLL
    for (int j = 0; j < count / 2; j++) a[j] = halve_two(a[2 * j], a[2 * j + 1], step);
    if (count & 1) a[count / 2] = halve_one(a[count - 1], step);
    return (count + 1) / 2;
}

// Folds vectors in pairs, so that two of them share each addition. Folding each vector alone would take a
// seventh of the time that the sums themselves take.
INLINE void v16_fold_store(v16 *a, int count, const float *offset, float *out) {
    int left = halve_all(a, count, 8);
    left = halve_all(a, left, 4);
    left = halve_all(a, left, 2);
    halve_all(a, left, 1);
    // Halving pairs has left the sum of the j-th vector in the lane whose four bits are those of j in
    // reverse.
    __m512i order = _mm512_setr_epi32(0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15);
    v16 sums = _mm512_permutexvar_ps(order, a[0]);
    __mmask16 lanes = first_lanes(count);
    _mm512_mask_storeu_ps(out, lanes, _mm512_add_ps(sums, _mm512_maskz_loadu_ps(lanes, offset)));
}

enum {
    ROWS_MOST = 4,
    CLASSES_MOST = 10,
    MANY_CLASSES = 6,
    VECTORS_MOST = 8,
    SHARED_CLASSES_MOST = 5,
    SHARED_VECTORS_MOST = 5
};

#define UP_TO_5(X, R) X(R, 1) X(R, 2) X(R, 3) X(R, 4) X(R, 5)
#define UP_TO_8(X, R) UP_TO_5(X, R) X(R, 6) X(R, 7) X(R, 8)
#define UP_TO_10(X, R) UP_TO_8(X, R) X(R, 9) X(R, 10)
#define SCORE_TILES(X) UP_TO_10(X, 1) UP_TO_10(X, 2) UP_TO_8(X, 3) X(3, 9) UP_TO_5(X, 4) X(4, 6)
#define SHARED_TILES(X) UP_TO_5(X, 1) UP_TO_5(X, 2) UP_TO_5(X, 3) UP_TO_5(X, 4) UP_TO_5(X, 5)
#define CLASS_TILES(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8)

#define KERNEL_SYMBOL mg_kernel_avx512
#define KERNEL_NAME "avx512"
#define KERNEL_HELP "AVX-512 F, BW, DQ and VL"
#define KERNEL_USABLE mg_cpu_has_avx512
#include "kernel/template_scores.h"
#include "kernel/template_gradient.h"
#include "kernel/template_csr.h"
#include "kernel/template_table.h"

#endif
