// kernel_cells.h - cells for tests of kernels: random inputs, and outputs between guard cells.
#ifndef MG_TEST_KERNEL_CELLS_H
#define MG_TEST_KERNEL_CELLS_H

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { GUARD = 64 }; // cells before and after every output
static const float CANARY = -12345.5f;

static uint64_t state = 1;

static inline uint32_t draw(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33);
}

// A number between -1 and 1. Some are zeros of either sign, and magnitudes vary, so that adding in a wrong
// order changes a sum.
static inline float draw_cell(void) {
    switch (draw() % 16) {
    case 0: return 0.0f;
    case 1: return -0.0f;
    case 2: return 1000.0f * (float)((int)(draw() % 2001) - 1000);
    case 3: return 1e-20f * (float)((int)(draw() % 2001) - 1000);
    default: return (float)((int)(draw() % 2000001) - 1000000) * 1e-6f;
    }
}

static inline float *floats(int64_t n) {
    void *out;
    assert_int_equal(mg_memory_get(&out, (size_t)(n + 16), sizeof(float), NULL), MG_OK);
    return out;
}

static inline float *drawn(int64_t n) {
    float *out = floats(n);
    for (int64_t j = 0; j < n; j++) out[j] = draw_cell();
    return out;
}

// Allocates an output with guard cells on both sides; the output is 64-byte aligned.
static inline float *guarded(int64_t n, float fill) {
    float *out = floats(n + 2 * GUARD);
    for (int64_t j = 0; j < n + 2 * GUARD; j++) out[j] = j < GUARD || j >= GUARD + n ? CANARY : fill;
    return out + GUARD;
}

static inline void drop(float *a) { mg_memory_free(a - GUARD); }

// Checks that cells and guard cells of `a` and `b` have the same bits.
static inline void check_same(const char *what, const float *a, const float *b, int64_t n,
                              const int64_t *shape) {
    for (int64_t j = -GUARD; j < n + GUARD; j++) {
        uint32_t p, q;
        memcpy(&p, a + j, 4);
        memcpy(&q, b + j, 4);
        if (p == q) continue;
        fail_msg("%s, shape %lld %lld %lld: cell %lld is %a, the reference has %a", what, (long long)shape[0],
                 (long long)shape[1], (long long)shape[2], (long long)j, (double)a[j], (double)b[j]);
    }
}

#endif
