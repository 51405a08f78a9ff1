// arithmetic.h - smaller, larger, within limits, rounded up. The first argument when neither is smaller, or
// when one is a NaN: the results of a < b ? a : b are not those of fmin.
#ifndef MG_BASE_ARITHMETIC_H
#define MG_BASE_ARITHMETIC_H

#include <stdint.h>

static inline int64_t mg_min(int64_t a, int64_t b) { return b < a ? b : a; }

static inline int64_t mg_max(int64_t a, int64_t b) { return b > a ? b : a; }

// least <= most.
static inline int64_t mg_clamp(int64_t x, int64_t least, int64_t most) {
    return mg_max(least, mg_min(x, most));
}

static inline double mg_min_real(double a, double b) { return b < a ? b : a; }

static inline double mg_max_real(double a, double b) { return b > a ? b : a; }

// A NaN stays one.
static inline double mg_clamp_real(double x, double least, double most) {
    return mg_max_real(mg_min_real(x, most), least);
}

// How many portions of `of` hold n >= 0.
static inline int64_t mg_divide_up(int64_t n, int64_t of) { return (n + of - 1) / of; }

// n >= 0 up to a multiple of `of`.
static inline int64_t mg_round_up(int64_t n, int64_t of) { return mg_divide_up(n, of) * of; }

#endif
