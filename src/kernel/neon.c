// neon.c - the vectors of 64-bit ARM: 32 registers of 4 floats, so that a vector of 16 is four of them.
#if defined(__aarch64__)

#include "base/cpu.h"
#include "kernel/template.h"

#include <arm_neon.h>
#include <string.h>

typedef struct v16 {
    float32x4_t q[4];
} v16;
typedef struct v8 {
    float32x4_t low, high;
} v8;
typedef float32x4_t part;
enum { PARTS = 4 };

static bool usable(void) {
    return true; // every 64-bit ARM processor has NEON
}

INLINE v8 v8_zero(void) { return (v8){vdupq_n_f32(0), vdupq_n_f32(0)}; }

INLINE v8 v8_set(float x) { return (v8){vdupq_n_f32(x), vdupq_n_f32(x)}; }

INLINE v8 v8_load(const float *from) { return (v8){vld1q_f32(from), vld1q_f32(from + 4)}; }

INLINE void v8_store(float *to, v8 a) {
    vst1q_f32(to, a.low);
    vst1q_f32(to + 4, a.high);
}

// ARM's multiply-add takes the addend as its first argument.
INLINE part part_fma(part a, part b, part c) { return vfmaq_f32(c, a, b); }

INLINE v8 v8_fma(v8 a, v8 b, v8 c) {
    return (v8){part_fma(a.low, b.low, c.low), part_fma(a.high, b.high, c.high)};
}

INLINE v16 v16_set(float x) {
    part all = vdupq_n_f32(x);
    return (v16){{all, all, all, all}};
}

INLINE v16 v16_zero(void) { return v16_set(0); }

INLINE v16 v16_load(const float *from) {
    return (v16){{vld1q_f32(from), vld1q_f32(from + 4), vld1q_f32(from + 8), vld1q_f32(from + 12)}};
}

INLINE void v16_store(float *to, v16 a) {
    UNROLL
    for (int p = 0; p < PARTS; p++) vst1q_f32(to + 4 * p, a.q[p]);
}

INLINE v16 v16_fma(v16 a, v16 b, v16 c) {
    UNROLL
    for (int p = 0; p < PARTS; p++) c.q[p] = part_fma(a.q[p], b.q[p], c.q[p]);
    return c;
}

INLINE v16 v16_add(v16 a, v16 b) {
    UNROLL
    for (int p = 0; p < PARTS; p++) a.q[p] = vaddq_f32(a.q[p], b.q[p]);
    return a;
}

INLINE part v16_part(v16 a, int p) { return a.q[p]; }

INLINE void v16_put(v16 *a, int p, part b) { a->q[p] = b; }

INLINE part part_load(const float *from) { return vld1q_f32(from); }

INLINE part part_hold(const float *from) {
    part a = part_load(from);
    __asm__("" : "+w"(a));
    return a;
}

INLINE void part_store(float *to, part a) { vst1q_f32(to, a); }

// Loads four bytes into the low half of a register, without reading beyond them.
INLINE uint8x8_t four_bytes(const void *from) {
    uint32_t bytes;
    memcpy(&bytes, from, sizeof bytes);
    return vreinterpret_u8_u32(vdup_n_u32(bytes));
}

INLINE part part_from_u8(const uint8_t *from) {
    return vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(four_bytes(from)))));
}

INLINE part part_from_i8(const int8_t *from) {
    return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_u8(four_bytes(from))))));
}

INLINE part part_from_f16(const uint16_t *from) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(from))); }

INLINE uint32_t nonzero_bits(const float *from, int n) {
    uint32_t bits = 0;
    for (int j = 0; j < n; j++) bits |= (uint32_t)(from[j] != 0) << j;
    return bits;
}

// The first two halvings of a fold: the lanes l, l + 4, l + 8 and l + 12 of the vector are added in lane l.
INLINE part fold_to_four(v16 a) { return vaddq_f32(vaddq_f32(a.q[0], a.q[2]), vaddq_f32(a.q[1], a.q[3])); }

INLINE float fold(part four) {
    float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}

INLINE void v16_fold_store(v16 *a, int count, const float *offset, float *out) {
    UNROLL
    for (int j = 0; j < count; j++) out[j] = fold(fold_to_four(a[j])) + offset[j];
}

enum {
    ROWS_MOST = 4,
    CLASSES_MOST = 5,
    MANY_CLASSES = 5,
    VECTORS_MOST = 6,
    SHARED_CLASSES_MOST = 5,
    SHARED_VECTORS_MOST = 1
};

#define UP_TO_5(X, R) X(R, 1) X(R, 2) X(R, 3) X(R, 4) X(R, 5)
#define SCORE_TILES(X) UP_TO_5(X, 1) UP_TO_5(X, 2) UP_TO_5(X, 3) UP_TO_5(X, 4)
#define SHARED_TILES(X) X(1, 1) X(2, 1) X(3, 1) X(4, 1) X(5, 1)
#define CLASS_TILES(X) X(1) X(2) X(3) X(4) X(5) X(6)

#define KERNEL_SYMBOL mg_kernel_neon
#define KERNEL_NAME "neon"
#define KERNEL_HELP "NEON of 64-bit ARM"
#define KERNEL_USABLE usable
#include "kernel/template_scores.h"
#include "kernel/template_gradient.h"
#include "kernel/template_csr.h"
#include "kernel/template_table.h"

#endif
