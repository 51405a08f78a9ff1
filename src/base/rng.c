// rng.c - splitmix64 as a counter-based generator. It uses only integers, so all machines draw the same
// numbers.
#include "base/rng.h"

#include "base/hash.h"

#define GOLDEN_GAMMA UINT64_C(0x9e3779b97f4a7c15)

uint64_t mg_rng_key(uint64_t seed, uint64_t stream, uint64_t substream) {
    uint64_t key = mg_hash_mix(seed + GOLDEN_GAMMA);
    key = mg_hash_mix(key ^ (stream + UINT64_C(0xd1b54a32d192ed03)));
    return mg_hash_mix(key ^ (substream * GOLDEN_GAMMA + 1));
}

uint64_t mg_rng_at(uint64_t key, uint64_t i) { return mg_hash_mix(key + (i + 1) * GOLDEN_GAMMA); }

void mg_rng_permutation(uint64_t key, uint32_t n, uint32_t *order) {
    for (uint32_t i = 0; i < n; i++) order[i] = i;
    for (uint32_t i = n; i > 1; i--) {
        // Maps a 64-bit number to 0..i-1 by multiplication and shift. No result is more likely than another
        // by a factor above 1 + 2^-32.
        uint32_t j = (uint32_t)(((unsigned __int128)mg_rng_at(key, i) * i) >> 64);
        uint32_t swap = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swap;
    }
}
