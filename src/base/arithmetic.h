// arithmetic.h - minimum, maximum, clamping, rounding up. If the arguments are equal or one is NaN, minimum
// and maximum return the first argument; fmin and fmax differ for NaN.
#ifndef MG_BASE_ARITHMETIC_H
#define MG_BASE_ARITHMETIC_H

#include <stdbool.h>
#include <stdint.h>

static inline int64_t mg_min(int64_t a, int64_t b) { return b < a ? b : a; }

static inline int64_t mg_max(int64_t a, int64_t b) { return b > a ? b : a; }

// Requires least <= most.
static inline int64_t mg_clamp(int64_t x, int64_t least, int64_t most) {
    return mg_max(least, mg_min(x, most));
}

static inline double mg_min_real(double a, double b) { return b < a ? b : a; }

static inline double mg_max_real(double a, double b) { return b > a ? b : a; }

// Returns NaN if x is NaN.
static inline double mg_clamp_real(double x, double least, double most) {
    return mg_max_real(mg_min_real(x, most), least);
}

// n / of, rounded up; n >= 0.
static inline int64_t mg_divide_up(int64_t n, int64_t of) { return (n + of - 1) / of; }

// n rounded up to a multiple of `of`; n >= 0.
static inline int64_t mg_round_up(int64_t n, int64_t of) { return mg_divide_up(n, of) * of; }

// Returns true if all values are zero. There is no early exit, so that the compiler can vectorise the loop.
static inline bool mg_all_zero(const float *values, int64_t count) {
    int any = 0;
    for (int64_t i = 0; i < count; i++) any |= values[i] != 0;
    return !any;
}

#endif
