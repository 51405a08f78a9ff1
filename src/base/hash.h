// hash.h - a 64-bit digest of bytes, for seals of files and fingerprints of data and configurations. It is
// not cryptographic.
#ifndef MG_BASE_HASH_H
#define MG_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

// Digest of `size` bytes. To chain calls, pass the previous result as `state`; start with 0. The digest
// depends on how the bytes are split into calls, so a file format that uses it must fix the split.
// Little-endian machines only, like all of margin.
uint64_t mg_hash_bytes(uint64_t state, const void *bytes, size_t size);

// Mixes one integer (the finaliser of splitmix64). The counter-based generator in rng.c uses it too.
uint64_t mg_hash_mix(uint64_t value);

#endif
