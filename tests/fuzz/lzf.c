// lzf.c - the target for the lzf decoder. Bytes 0 and 1 of the input are the size of the unpacked chunk, the
// others the packed chunk. If it is accepted, it must have exactly that size, and must be the same after it
// is packed as literals and unpacked again.
#include "fuzz.h"

#include "base/memory.h"
#include "io/lzf.h"

#include <string.h>

enum { LITERALS = 32 };

// Both buffers have exactly the required size, so that sanitizers detect an access beyond them.
static bool unpack(const uint8_t *packed, size_t bytes, uint8_t **out, size_t size) {
    uint8_t *copy;
    fuzz_check(!mg_memory_get(&copy, bytes, 1, NULL) && !mg_memory_get(out, size, 1, NULL),
               "there is memory");
    if (bytes) memcpy(copy, packed, bytes);
    bool done = mg_lzf_unpack(copy, bytes, *out, size);
    mg_memory_free(copy);
    return done;
}

static void check_literals(const uint8_t *bytes, size_t size) {
    uint8_t *packed, *again;
    size_t used = 0;
    fuzz_check(!mg_memory_get(&packed, size + size / LITERALS + 1, 1, NULL), "there is memory");
    for (size_t at = 0, count; at < size; at += count) {
        count = size - at < LITERALS ? size - at : LITERALS;
        packed[used++] = (uint8_t)(count - 1);
        memcpy(packed + used, bytes + at, count);
        used += count;
    }
    fuzz_check(unpack(packed, used, &again, size), "literals are unpacked");
    fuzz_check(!size || !memcmp(again, bytes, size), "literals stay as they are");
    mg_memory_free(again);
    mg_memory_free(packed);
}

int fuzz_lzf(const uint8_t *bytes, size_t size) {
    uint8_t *out;
    if (size < 2) return 0;
    size_t wanted = bytes[0] | (size_t)bytes[1] << 8;
    if (unpack(bytes + 2, size - 2, &out, wanted)) {
        check_literals(out, wanted);
        mg_memory_free(out);
        fuzz_check(!unpack(bytes + 2, size - 2, &out, wanted + 1), "what is packed has one size");
    }
    mg_memory_free(out);
    return 0;
}
