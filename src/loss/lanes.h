// lanes.h - sums, maxima and searches over a padded row in a fixed order: 16 lanes as four vectors of four,
// then a fixed fold. Every processor has such vectors, and compilers do not find them by themselves; the bits
// are the same with any compiler.
#ifndef MG_LOSS_LANES_H
#define MG_LOSS_LANES_H

#include <math.h>
#include <stdint.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum { MG_LOSS_LANES = 16 };

typedef float mg_four __attribute__((vector_size(16)));
typedef int32_t mg_four_mask __attribute__((vector_size(16))); // what a comparison gives: -1 or 0

enum { MG_FOURS = MG_LOSS_LANES / 4 };

static inline mg_four mg_four_load(const float *from) {
    mg_four four;
    memcpy(&four, from, sizeof four);
    return four;
}

static inline void mg_four_store(float *to, mg_four four) { memcpy(to, &four, sizeof four); }

static inline mg_four mg_four_all(float x) { return (mg_four){x, x, x, x}; }

// x where the mask is set, 0 elsewhere.
static inline mg_four mg_four_keep(mg_four_mask mask, mg_four x) { return (mg_four)(mask & (mg_four_mask)x); }

// [margin]_+ that does not pass a NaN for a margin kept, as a maximum would.
static inline mg_four mg_four_hinge(mg_four margin) { return mg_four_keep(~(margin <= 0), margin); }

// The same for one margin.
static inline double mg_hinge(double margin) { return margin <= 0 ? 0 : margin; }

#if defined(__SSE2__)
// a > b ? a : b in each lane, hence b when one of them is NaN; the smaller one likewise.
static inline mg_four mg_four_max(mg_four a, mg_four b) { return (mg_four)_mm_max_ps((__m128)a, (__m128)b); }

static inline mg_four mg_four_min(mg_four a, mg_four b) { return (mg_four)_mm_min_ps((__m128)a, (__m128)b); }

// Bit l is set when lane l of the 16 masks is.
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
    for (int l = 0; l < MG_LOSS_LANES; l++) bits |= mask[l / 4][l % 4] ? 1u << l : 0;
    return bits;
}
#endif

// Sum of the lanes.
static inline float mg_fours_fold(const mg_four *lane) {
    mg_four sum = (lane[0] + lane[2]) + (lane[1] + lane[3]);
    return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

#define MG_FOUR_TIMES(x) x, x, x, x
#define MG_SIXTEEN_TIMES(x) MG_FOUR_TIMES(x), MG_FOUR_TIMES(x), MG_FOUR_TIMES(x), MG_FOUR_TIMES(x)

// The scores of classes j to j + 15, -INFINITY in place of class y, which is no rival of itself (y < 0: none
// is left out). Writing that into the row and reading it back as a vector would wait for the write to leave
// the processor's store buffer; the smaller of a score and of what lies in a window around one -INFINITY is
// the same in one operation.
static inline void mg_rivals(const float *scores, int64_t j, int64_t y, mg_four *to) {
    static const float but_one[2 * MG_LOSS_LANES + 1] = {MG_SIXTEEN_TIMES(INFINITY), -INFINITY,
                                                         MG_SIXTEEN_TIMES(INFINITY)};
    const float *window =
        but_one + (y >= j && y < j + MG_LOSS_LANES ? MG_LOSS_LANES - (y - j) : MG_LOSS_LANES + 1);
    for (int v = 0; v < MG_FOURS; v++)
        to[v] = mg_four_min(mg_four_load(window + 4 * v), mg_four_load(scores + j + 4 * v));
}

// Largest of the scores with y left out; NaN when there is one among them.
static inline float mg_fours_max(int64_t lanes, const float *scores, int64_t y) {
    mg_four most[MG_FOURS], four[MG_FOURS];
    mg_four_mask nan = {0};
    for (int v = 0; v < MG_FOURS; v++) most[v] = mg_four_all(-INFINITY);
    for (int64_t j = 0; j < lanes; j += MG_LOSS_LANES) {
        mg_rivals(scores, j, y, four);
        for (int v = 0; v < MG_FOURS; v++) {
            most[v] = mg_four_max(four[v], most[v]);
            nan |= four[v] != four[v];
        }
    }
    if (mg_fours_bits((mg_four_mask[MG_FOURS]){nan})) return NAN;
    mg_four all = mg_four_max(mg_four_max(most[0], most[2]), mg_four_max(most[1], most[3]));
    all = mg_four_max(all, __builtin_shufflevector(all, all, 2, 3, 0, 1));
    return mg_four_max(all, __builtin_shufflevector(all, all, 1, 0, 3, 2))[0];
}

// Strongest rival of y: the lowest class among equals, so that repeated runs agree; the last lane when a
// score is NaN. Returns its score; *rival its class.
static inline float mg_strongest_rival(int64_t lanes, const float *scores, int64_t y, int64_t *rival) {
    float most = mg_fours_max(lanes, scores, y);
    *rival = lanes - 1;
    for (int64_t j = 0; j < lanes; j += MG_LOSS_LANES) {
        mg_four four[MG_FOURS];
        mg_four_mask equal[MG_FOURS];
        mg_rivals(scores, j, y, four);
        for (int v = 0; v < MG_FOURS; v++) equal[v] = four[v] == mg_four_all(most);
        unsigned bits = mg_fours_bits(equal);
        if (!bits) continue;
        *rival = j + __builtin_ctz(bits);
        break;
    }
    return most;
}

static inline void mg_fours_zero(int64_t lanes, float *x) {
    for (int64_t j = 0; j < lanes; j += MG_LOSS_LANES)
        for (int v = 0; v < MG_FOURS; v++) mg_four_store(x + j + 4 * v, mg_four_all(0));
}

#endif
