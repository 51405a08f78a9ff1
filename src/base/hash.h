// hash.h - 64-bit digest of bytes: seals of files, fingerprints of data and configurations. Not
// cryptographic.
#ifndef MG_BASE_HASH_H
#define MG_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

// Digest of `size` bytes, chained: pass the previous result as `state`, 0 to begin. Chaining in other pieces
// gives another digest, so a format that uses it fixes its pieces. Little-endian machines only, as the whole
// of margin.
uint64_t mg_hash_bytes(uint64_t state, const void *bytes, size_t size);

// Mixes one integer (splitmix64's finaliser): also the counter-based generator's core.
uint64_t mg_hash_mix(uint64_t value);

#endif
