// rng.h - counter-based random numbers and keyed permutations. The whole state is (key, counter), so a
// checkpoint stores no generator state.
#ifndef MG_BASE_RNG_H
#define MG_BASE_RNG_H

#include <stdint.h>

// Makes a key from a seed and up to two stream numbers (epoch, window).
uint64_t mg_rng_key(uint64_t seed, uint64_t stream, uint64_t substream);

// Returns the i-th 64-bit number of the key's sequence.
uint64_t mg_rng_at(uint64_t key, uint64_t i);

// The same as a number in [0, 1) with 53 random bits.
static inline double mg_rng_uniform(uint64_t key, uint64_t i) {
    return (double)(mg_rng_at(key, i) >> 11) * 0x1p-53;
}

// order[0..n-1] becomes a random permutation of 0..n-1 keyed by `key` (Fisher-Yates, n < 2^32).
void mg_rng_permutation(uint64_t key, uint32_t n, uint32_t *order);

#endif
