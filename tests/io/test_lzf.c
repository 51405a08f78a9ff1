// test_lzf.c - packed bytes are unpacked correctly; damaged ones are refused, without access outside of the
// buffers.
#include "io/lzf.h"

#include "base/memory.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define UNPACK(packed, size, out)                                                                            \
    mg_lzf_unpack((const uint8_t *)(packed), sizeof(packed) - 1, (uint8_t *)(out), size)

static void test_known(void **unused) {
    (void)unused;
    char out[64];
    assert_true(UNPACK("\x04hello", 5, out));
    assert_memory_equal(out, "hello", 5);
    assert_true(UNPACK("\x02"
                       "abc\x20\x02",
                       // 3 bytes from a distance of 3
                       6, out));
    assert_memory_equal(out, "abcabc", 6);
    assert_true(UNPACK("\x00x\xe0\x05\x00", 15, out)); // a long copy that overlaps its source
    assert_memory_equal(out, "xxxxxxxxxxxxxxx", 15);
    assert_true(UNPACK("", 0, out));
}

static void test_damaged(void **unused) {
    (void)unused;
    char out[64];
    assert_false(UNPACK("\x04hell", 5, out));  // literals are missing
    assert_false(UNPACK("\x04hello", 6, out)); // fewer bytes than required
    assert_false(UNPACK("\x04hello", 4, out)); // more bytes than required
    assert_false(UNPACK("\x02"
                        "abc\x20\x03",
                        6, out)); // a copy from before the first byte
    assert_false(UNPACK("\x02"
                        "abc\x20\x02",
                        5, out)); // a copy that is too long
    assert_false(UNPACK("\x02"
                        "abc\x20",
                        6, out)); // the distance is missing
    assert_false(UNPACK("\x02"
                        "abc\xe0",
                        6, out)); // the length is missing
    assert_false(UNPACK("\x02"
                        "abc\xe0\x01",
                        6, out));
}

// The buffers have exactly the required size, so that sanitizers detect an access beyond them.
static void test_random(void **unused) {
    (void)unused;
    uint64_t key = mg_rng_key(1, 2, 3), at = 0;
    int whole = 0;
    for (int i = 0; i < 200000; i++) {
        size_t bytes = mg_rng_at(key, at++) % 24, size = mg_rng_at(key, at++) % 40;
        uint8_t *packed, *out;
        assert_int_equal(mg_memory_get(&packed, bytes, 1, NULL), 0);
        assert_int_equal(mg_memory_get(&out, size, 1, NULL), 0);
        for (size_t b = 0; b < bytes; b++) {
            uint64_t draw = mg_rng_at(key, at++);
            packed[b] = (uint8_t)(draw & 256 ? draw & 7 : draw & 512 ? (draw & 0xe0) : draw);
        }
        whole += mg_lzf_unpack(packed, bytes, out, size);
        mg_memory_free(packed);
        mg_memory_free(out);
    }
    assert_true(whole > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_known), cmocka_unit_test(test_damaged),
                                       cmocka_unit_test(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
