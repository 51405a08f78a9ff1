// test_hash.c - a digest of pieces is that of all bytes at once, however they are cut.
#include "base/hash.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { MOST = 200 };

static void test_pieces(void **unused) {
    (void)unused;
    unsigned char bytes[MOST];
    for (int i = 0; i < MOST; i++) bytes[i] = (unsigned char)(i * 37 + 11);
    for (size_t size = 0; size <= MOST; size++)
        for (uint64_t seed = 0; seed < 20; seed++) {
            mg_hash hash;
            mg_hash_begin(&hash, seed);
            for (size_t at = 0, cut = 0; at < size; cut++) {
                size_t piece = mg_rng_at(seed * 1000 + size, cut) % 70;
                piece = piece < size - at ? piece : size - at;
                mg_hash_add(&hash, bytes + at, piece);
                at += piece;
            }
            assert_true(mg_hash_end(&hash) == mg_hash_bytes(seed, bytes, size));
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pieces)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
