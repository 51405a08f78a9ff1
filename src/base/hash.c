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

static const uint64_t keys[4] = {UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xd1b54a32d192ed03),
                                 UINT64_C(0x8bb84b93962eacc9), UINT64_C(0x2d358dccaa6c78a5)};

static void begin(uint64_t lane[4], uint64_t state) {
    for (int l = 0; l < 4; l++) lane[l] = mg_hash_mix(state + keys[l]);
}

static inline void add_block(uint64_t lane[4], const unsigned char *p) {
    for (int l = 0; l < 4; l++) lane[l] = fold(lane[l], word_at(p + 8 * l), keys[l]);
}

// Adds the last bytes, fewer than a block.
static uint64_t end(const uint64_t lanes[4], const unsigned char *p, size_t left, uint64_t size) {
    uint64_t lane[4];
    unsigned char tail[32] = {0};
    memcpy(lane, lanes, sizeof lane);
    if (left) memcpy(tail, p, left);
    add_block(lane, tail);
    uint64_t digest = mg_hash_mix(size);
    for (int l = 0; l < 4; l++) digest = mg_hash_mix(digest + lane[l] * 3 + keys[l]);
    return digest;
}

uint64_t mg_hash_bytes(uint64_t state, const void *bytes, size_t size) {
    uint64_t lane[4];
    const unsigned char *p = bytes;
    size_t left = size;
    begin(lane, state);
    for (; left >= 32; left -= 32, p += 32) add_block(lane, p);
    return end(lane, p, left, size);
}

void mg_hash_begin(mg_hash *hash, uint64_t state) {
    *hash = (mg_hash){0};
    begin(hash->lane, state);
}

void mg_hash_add(mg_hash *hash, const void *bytes, size_t size) {
    const unsigned char *p = bytes;
    size_t before = hash->size % 32;
    hash->size += size;
    if (before) {
        size_t fits = 32 - before < size ? 32 - before : size;
        if (fits) memcpy(hash->tail + before, p, fits);
        p += fits;
        size -= fits;
        if (before + fits < 32) return;
        add_block(hash->lane, hash->tail);
    }
    for (; size >= 32; size -= 32, p += 32) add_block(hash->lane, p);
    if (size) memcpy(hash->tail, p, size);
}

uint64_t mg_hash_end(const mg_hash *hash) { return end(hash->lane, hash->tail, hash->size % 32, hash->size); }
