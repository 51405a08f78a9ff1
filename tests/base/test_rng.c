// test_rng.c - random numbers, permutations and digests: their quality, on which training relies, and known
// values. If they changed unnoticed, every resumed run would have another order of rows, and every checkpoint
// would be refused.
#include "base/hash.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { MOST = 1000 };

static void assert_is_permutation(const uint32_t *order, uint32_t n) {
    unsigned char seen[MOST] = {0};
    for (uint32_t i = 0; i < n; i++) {
        assert_true(order[i] < n);
        assert_false(seen[order[i]]++);
    }
}

static void test_permutation(void **unused) {
    (void)unused;
    uint32_t order[MOST + 1];
    for (uint32_t n = 0; n <= 70; n++)
        for (uint64_t key = 0; key < 20; key++) {
            order[n] = 0xabcdef01;
            mg_rng_permutation(key, n, order);
            assert_is_permutation(order, n);
            assert_int_equal(order[n], 0xabcdef01);
        }
    mg_rng_permutation(7, MOST, order);
    assert_is_permutation(order, MOST);
}

// The number of positions at which two orders of n rows agree; it is about 1 if they are independent.
static int agreements(const uint32_t *a, const uint32_t *b, uint32_t n) {
    int same = 0;
    for (uint32_t i = 0; i < n; i++) same += a[i] == b[i];
    return same;
}

static void test_keyed(void **unused) {
    (void)unused;
    uint32_t first[MOST], again[MOST], other[MOST];
    for (uint64_t seed = 0; seed < 5; seed++)
        for (uint64_t epoch = 0; epoch < 5; epoch++) {
            mg_rng_permutation(mg_rng_key(seed, 2, epoch), MOST, first);
            mg_rng_permutation(mg_rng_key(seed, 2, epoch), MOST, again);
            assert_memory_equal(first, again, sizeof first);
            const uint64_t keys[] = {mg_rng_key(seed + 1, 2, epoch), mg_rng_key(seed, 2, epoch + 1),
                                     mg_rng_key(seed, 3, epoch), mg_rng_key(seed + 1, 2, epoch + 1),
                                     mg_rng_key(seed ^ (UINT64_C(1) << 63), 2, epoch)};
            for (int k = 0; k < 5; k++) {
                mg_rng_permutation(keys[k], MOST, other);
                assert_true(agreements(first, other, MOST) < 12);
            }
        }
}

// The three arguments of a key cannot be exchanged, and no two of many keys are equal.
static void test_keys_differ(void **unused) {
    (void)unused;
    uint64_t keys[8 * 8 * 8];
    int n = 0;
    for (uint64_t a = 0; a < 8; a++)
        for (uint64_t b = 0; b < 8; b++)
            for (uint64_t c = 0; c < 8; c++) keys[n++] = mg_rng_key(a, b, c);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++) assert_true(keys[i] != keys[j]);
}

// All orders of four rows occur about equally often.
static void test_even(void **unused) {
    (void)unused;
    enum { DRAWS = 24000 };
    int count[256] = {0};
    for (uint64_t epoch = 0; epoch < DRAWS; epoch++) {
        uint32_t order[4];
        mg_rng_permutation(mg_rng_key(1, 2, epoch), 4, order);
        count[order[0] | order[1] << 2 | order[2] << 4 | order[3] << 6]++;
    }
    int orders = 0;
    for (int i = 0; i < 256; i++)
        if (count[i]) {
            orders++;
            assert_in_range(count[i], 850, 1150); // expected: 1000, with deviation 31
        }
    assert_int_equal(orders, 24);
}

static void test_known_numbers(void **unused) {
    (void)unused;
    // published values of splitmix64, for the seeds 0 and 1234567
    assert_true(mg_rng_at(0, 0) == UINT64_C(0xe220a8397b1dcdaf));
    assert_true(mg_rng_at(0, 1) == UINT64_C(0x6e789e6aa1b965f4));
    assert_true(mg_rng_at(0, 2) == UINT64_C(0x06c45d188009454f));
    assert_true(mg_rng_at(1234567, 0) == UINT64_C(6457827717110365317));
    assert_true(mg_rng_at(1234567, 1) == UINT64_C(3203168211198807973));
    assert_true(mg_rng_at(1234567, 2) == UINT64_C(9817491932198370423));
    assert_true(mg_rng_key(0, 0, 0) == UINT64_C(0x0a11538d49a02884));
    assert_true(mg_rng_key(1, 2, 3) == UINT64_C(0x2ae33c06302148a5));
    assert_true(mg_hash_mix(1) == UINT64_C(0x5692161d100b05e5));
    const uint32_t orders[3][10] = {
        {4, 9, 2, 0, 6, 7, 5, 1, 8, 3}, {3, 8, 1, 9, 7, 2, 5, 6, 4, 0}, {6, 4, 2, 1, 0, 5, 7, 9, 3, 8}};
    const uint64_t keys[3] = {0, mg_rng_key(1, 2, 0), mg_rng_key(1, 2, 1)};
    for (int k = 0; k < 3; k++) {
        uint32_t order[10];
        mg_rng_permutation(keys[k], 10, order);
        assert_memory_equal(order, orders[k], sizeof order);
    }
}

// ---- digests ------------------------------------------------------------------------------------

static void fill(unsigned char *bytes, int n) {
    for (int i = 0; i < n; i++) bytes[i] = (unsigned char)(i * 7);
}

static void test_known_digests(void **unused) {
    (void)unused;
    static const struct {
        size_t size;
        uint64_t digest;
    } known[] = {
        {0, UINT64_C(0xd2657bef606e7847)},   {1, UINT64_C(0xc8312d25c9909b6c)},
        {31, UINT64_C(0x05399751bb47e655)},  {32, UINT64_C(0x9c20034197411d76)},
        {33, UINT64_C(0xd8eaa8ed62fea290)},  {64, UINT64_C(0x004fb68263603e20)},
        {200, UINT64_C(0xb54deb73741001ef)},
    };
    unsigned char bytes[200];
    fill(bytes, 200);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_true(mg_hash_bytes(0, bytes, known[i].size) == known[i].digest);
    assert_true(mg_hash_bytes(mg_hash_bytes(0, bytes, 100), bytes + 100, 100) ==
                UINT64_C(0x37bd9bee33a43fac));
}

// Flips every single bit, in buffers of every length and with three contents (weak digests fail on zeros).
// About half of the bits of the digest must change.
static void test_flipped_bits(void **unused) {
    (void)unused;
    int64_t changed = 0, flips = 0;
    for (int content = 0; content < 3; content++)
        for (size_t n = 0; n <= 200; n++) {
            unsigned char bytes[200];
            if (content == 2) fill(bytes, 200);
            else memset(bytes, content ? 255 : 0, sizeof bytes);
            uint64_t before = mg_hash_bytes(0, bytes, n);
            for (size_t bit = 0; bit < 8 * n; bit++) {
                bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
                uint64_t after = mg_hash_bytes(0, bytes, n);
                bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
                assert_true(after != before);
                changed += __builtin_popcountll(after ^ before);
                flips++;
            }
        }
    assert_in_range(changed / flips, 31, 32);
}

static void test_lengths_differ(void **unused) {
    (void)unused;
    static const unsigned char zeros[201];
    uint64_t digests[201];
    for (size_t n = 0; n <= 200; n++) {
        digests[n] = mg_hash_bytes(0, zeros, n);
        for (size_t m = 0; m < n; m++) assert_true(digests[m] != digests[n]);
    }
}

static void test_chaining(void **unused) {
    (void)unused;
    unsigned char a[40], b[40];
    fill(a, 40);
    memset(b, 9, sizeof b);
    uint64_t ab = mg_hash_bytes(mg_hash_bytes(0, a, 40), b, 40),
             ba = mg_hash_bytes(mg_hash_bytes(0, b, 40), a, 40);
    assert_true(ab != ba);
    assert_true(ab == mg_hash_bytes(mg_hash_bytes(0, a, 40), b, 40));
    // a change in the first piece must still have an effect after the second
    for (int bit = 0; bit < 320; bit++) {
        a[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_true(mg_hash_bytes(mg_hash_bytes(0, a, 40), b, 40) != ab);
        a[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    for (int bit = 0; bit < 64; bit++)
        assert_true(mg_hash_bytes(UINT64_C(1) << bit, b, 40) != mg_hash_bytes(0, b, 40));
    // an empty piece does not change the state
    assert_true(mg_hash_bytes(5, NULL, 0) != mg_hash_bytes(6, NULL, 0));
}

// The digest does not depend on the alignment of the bytes.
static void test_alignment(void **unused) {
    (void)unused;
    unsigned char bytes[128], shifted[128 + 8];
    fill(bytes, 128);
    for (int by = 0; by < 8; by++) {
        memcpy(shifted + by, bytes, 128);
        assert_true(mg_hash_bytes(1, shifted + by, 128) == mg_hash_bytes(1, bytes, 128));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_permutation),   cmocka_unit_test(test_keyed),
        cmocka_unit_test(test_keys_differ),   cmocka_unit_test(test_even),
        cmocka_unit_test(test_known_numbers), cmocka_unit_test(test_known_digests),
        cmocka_unit_test(test_flipped_bits),  cmocka_unit_test(test_lengths_differ),
        cmocka_unit_test(test_chaining),      cmocka_unit_test(test_alignment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
