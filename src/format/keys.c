// keys.c - insertion sort for short rows, which most data consist of; radix sort for long ones.
#include "format/keys.h"

#include <string.h>

enum { SHORT = 48 };

static void insert(uint64_t *keys, size_t count, uint64_t mask) {
    for (size_t i = 1; i < count; i++) {
        uint64_t key = keys[i];
        size_t j = i;
        for (; j > 0 && (keys[j - 1] & mask) > (key & mask); j--) keys[j] = keys[j - 1];
        keys[j] = key;
    }
}

void mg_keys_sort(uint64_t *keys, uint64_t *spare, size_t count, int low, int high) {
    uint64_t mask = (high < 64 ? (UINT64_C(1) << high) - 1 : UINT64_MAX) & ~((UINT64_C(1) << low) - 1);
    if (count <= SHORT) {
        insert(keys, count, mask);
        return;
    }
    uint64_t *from = keys, *to = spare;
    for (int shift = low; shift < high; shift += 8) {
        size_t place[256] = {0}, sum = 0;
        for (size_t i = 0; i < count; i++) place[(from[i] & mask) >> shift & 0xff]++;
        for (size_t d = 0; d < 256; d++) {
            size_t n = place[d];
            place[d] = sum;
            sum += n;
        }
        for (size_t i = 0; i < count; i++) to[place[(from[i] & mask) >> shift & 0xff]++] = from[i];
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != keys) memcpy(keys, from, count * sizeof *keys);
}
