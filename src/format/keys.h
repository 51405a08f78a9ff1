// keys.h - sorts 64-bit keys: the indices of a sparse row, with or without a value in the low bits.
#ifndef MG_FORMAT_KEYS_H
#define MG_FORMAT_KEYS_H

#include <stddef.h>
#include <stdint.h>

// Sorts keys[count] in ascending order of their bits low .. high - 1; `low` is a multiple of 8. Equal keys
// keep their order. spare[count]: scratch memory.
void mg_keys_sort(uint64_t *keys, uint64_t *spare, size_t count, int low, int high);

#endif
