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

// The digest of bytes that come in pieces: mg_hash_end returns that of mg_hash_bytes(state, all bytes). The
// struct may be copied to another machine in between.
typedef struct mg_hash {
    uint64_t lane[4], size;
    unsigned char tail[32]; // the last size % 32 bytes
} mg_hash;
void mg_hash_begin(mg_hash *hash, uint64_t state);
void mg_hash_add(mg_hash *hash, const void *bytes, size_t size);
uint64_t mg_hash_end(const mg_hash *hash);

// Mixes one integer (the finaliser of splitmix64). The counter-based generator in rng.c uses it too.
uint64_t mg_hash_mix(uint64_t value);

#endif
