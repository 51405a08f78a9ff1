// hash.c - the digest. Four independent lanes are multiplied and folded, so that hashing takes no longer than
// reading the data.
#include "base/hash.h"

#include <string.h>

uint64_t mg_hash_mix(uint64_t value) {
    value ^= value >> 30;
    value *= UINT64_C(0xbf58476d1ce4e5b9);
    value ^= value >> 27;
    value *= UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

static inline uint64_t fold(uint64_t state, uint64_t word, uint64_t key) {
    // The state is also added after the multiplication, so that a product of zero does not erase it.
    unsigned __int128 product = (unsigned __int128)(word ^ key) * (state | 1);
    return ((uint64_t)product ^ (uint64_t)(product >> 64)) + (state << 23 | state >> 41);
}

static inline uint64_t word_at(const unsigned char *p) {
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

uint64_t mg_hash_bytes(uint64_t state, const void *bytes, size_t size) {
    static const uint64_t keys[4] = {UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xd1b54a32d192ed03),
                                     UINT64_C(0x8bb84b93962eacc9), UINT64_C(0x2d358dccaa6c78a5)};
    uint64_t lane[4];
    for (int l = 0; l < 4; l++) lane[l] = mg_hash_mix(state + keys[l]);
    const unsigned char *p = bytes;
    size_t left = size;
    for (; left >= 32; left -= 32, p += 32)
        for (int l = 0; l < 4; l++) lane[l] = fold(lane[l], word_at(p + 8 * l), keys[l]);
    unsigned char tail[32] = {0};
    if (left) memcpy(tail, p, left);
    for (int l = 0; l < 4; l++) lane[l] = fold(lane[l], word_at(tail + 8 * l), keys[l]);
    uint64_t digest = mg_hash_mix(size);
    for (int l = 0; l < 4; l++) digest = mg_hash_mix(digest + lane[l] * 3 + keys[l]);
    return digest;
}
