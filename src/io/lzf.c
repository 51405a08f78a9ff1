// lzf.c - the format of liblzf by Marc Lehmann: runs of literal bytes, and copies of bytes that were unpacked
// before.
#include "io/lzf.h"

#include <string.h>

enum { MOST_LITERALS = 32, LONG_COPY = 7 };

// A control byte below 32 is the number of literal bytes that follow, minus 1. Any other control byte begins
// a copy: its upper 3 bits are the length, its lower 5 bits the upper bits of the distance. If the length is
// 7, the next byte is added to it. The next byte has the lower 8 bits of the distance. A copy may overlap its
// source.
bool mg_lzf_unpack(const uint8_t *packed, size_t bytes, uint8_t *out, size_t size) {
    size_t in = 0, done = 0;
    while (in < bytes) {
        size_t control = packed[in++];
        if (control < MOST_LITERALS) {
            size_t count = control + 1;
            if (count > bytes - in || count > size - done) return false;
            memcpy(out + done, packed + in, count);
            in += count;
            done += count;
            continue;
        }
        size_t count = control >> 5, distance = (control & 31) << 8;
        if (count == LONG_COPY) {
            if (in == bytes) return false;
            count += packed[in++];
        }
        if (in == bytes) return false;
        distance += packed[in++];
        count += 2;
        distance += 1;
        if (distance > done || count > size - done) return false;
        for (; count; count--, done++) out[done] = out[done - distance];
    }
    return done == size;
}
