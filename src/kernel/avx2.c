// avx2.c - the vectors of AVX2 with FMA: 16 registers of 8 floats, so that a vector of 16 is two of them.
#if defined(__x86_64__)

#include "base/cpu.h"
#include "kernel/template.h"

#include <immintrin.h>

typedef struct v16 {
    __m256 low, high;
} v16;
typedef __m256 v8;
typedef v8 part;
enum { PARTS = 2 };

INLINE v8 v8_zero(void) { return _mm256_setzero_ps(); }

INLINE v8 v8_set(float x) { return _mm256_set1_ps(x); }

INLINE v8 v8_load(const float *from) { return _mm256_loadu_ps(from); }

INLINE void v8_store(float *to, v8 a) { _mm256_storeu_ps(to, a); }

INLINE v8 v8_fma(v8 a, v8 b, v8 c) { return _mm256_fmadd_ps(a, b, c); }

INLINE v16 v16_zero(void) { return (v16){v8_zero(), v8_zero()}; }

INLINE v16 v16_set(float x) { return (v16){v8_set(x), v8_set(x)}; }

INLINE v16 v16_load(const float *from) { return (v16){v8_load(from), v8_load(from + 8)}; }

INLINE void v16_store(float *to, v16 a) {
    v8_store(to, a.low);
    v8_store(to + 8, a.high);
}

INLINE v16 v16_fma(v16 a, v16 b, v16 c) {
    return (v16){v8_fma(a.low, b.low, c.low), v8_fma(a.high, b.high, c.high)};
}

INLINE v16 v16_add(v16 a, v16 b) { return (v16){_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)}; }

INLINE part v16_part(v16 a, int p) { return p ? a.high : a.low; }

INLINE void v16_put(v16 *a, int p, part b) { *(p ? &a->high : &a->low) = b; }

INLINE part part_load(const float *from) { return v8_load(from); }

INLINE part part_hold(const float *from) {
    part a = part_load(from);
    __asm__("" : "+x"(a));
    return a;
}

INLINE part part_fma(part a, part b, part c) { return v8_fma(a, b, c); }

INLINE void part_store(float *to, part a) { v8_store(to, a); }

INLINE part part_from_u8(const uint8_t *from) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)from)));
}

INLINE part part_from_i8(const int8_t *from) {
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)from)));
}

INLINE part part_from_f16(const uint16_t *from) {
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)from));
}

// nonzero_bits for at most 8 floats.
INLINE uint32_t nonzero_bits_8(const float *from, int n) {
    __m256i present = _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    v8 a = _mm256_maskload_ps(from, present);
    return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(a, v8_zero(), _CMP_NEQ_UQ));
}

INLINE uint32_t nonzero_bits(const float *from, int n) {
    return n <= 8 ? nonzero_bits_8(from, n) : nonzero_bits_8(from, 8) | nonzero_bits_8(from + 8, n - 8) << 8;
}

INLINE float fold(v16 a) {
    v8 eight = _mm256_add_ps(a.low, a.high);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

INLINE void v16_fold_store(v16 *a, int count, const float *offset, float *out) {
    UNROLL
    for (int j = 0; j < count; j++) out[j] = fold(a[j]) + offset[j];
}

enum {
    ROWS_MOST = 3,
    CLASSES_MOST = 4,
    MANY_CLASSES = 4,
    VECTORS_MOST = 6,
    SHARED_CLASSES_MOST = 6,
    SHARED_VECTORS_MOST = 1
};

#define UP_TO_4(X, R) X(R, 1) X(R, 2) X(R, 3) X(R, 4)
#define SCORE_TILES(X) UP_TO_4(X, 1) UP_TO_4(X, 2) UP_TO_4(X, 3)
#define SHARED_TILES(X) X(1, 1) X(2, 1) X(3, 1) X(4, 1) X(5, 1) X(6, 1)
#define CLASS_TILES(X) X(1) X(2) X(3) X(4) X(5) X(6)

#define KERNEL_SYMBOL mg_kernel_avx2
#define KERNEL_NAME "avx2"
#define KERNEL_HELP "AVX2 and FMA"
#define KERNEL_USABLE mg_cpu_has_avx2
#include "kernel/template_scores.h"
#include "kernel/template_gradient.h"
#include "kernel/template_csr.h"
#include "kernel/template_table.h"

#endif
