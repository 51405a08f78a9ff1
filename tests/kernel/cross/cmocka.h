// cmocka.h - the part of cmocka's interface that test_kernel.c needs, for processors for which Debian has no
// libcmocka.
#ifndef MG_TEST_CROSS_CMOCKA_H
#define MG_TEST_CROSS_CMOCKA_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*test)(void **state);
};

#define cmocka_unit_test(function)                                                                           \
    { #function, function }
#define cmocka_run_group_tests(tests, setup, teardown) cross_run(tests, sizeof tests / sizeof *tests)

#define fail_msg(...)                                                                                        \
    (fprintf(stderr, __VA_ARGS__), fprintf(stderr, " (%s:%d)\n", __FILE__, __LINE__), exit(1))
#define assert_true(condition) ((condition) ? (void)0 : fail_msg("%s", #condition))
#define assert_false(condition) assert_true(!(condition))
#define assert_null(pointer) assert_true((pointer) == NULL)
#define assert_non_null(pointer) assert_true((pointer) != NULL)
#define assert_int_equal(a, b) assert_true((a) == (b))
#define assert_ptr_equal(a, b) assert_true((a) == (b))
#define assert_string_equal(a, b) assert_true(strcmp(a, b) == 0)
#define skip() fail_msg("there is no kernel to compare with the reference")

static inline int cross_run(const struct CMUnitTest *tests, size_t count) {
    for (size_t t = 0; t < count; t++) {
        void *state = NULL;
        tests[t].test(&state);
        printf("%s: passed\n", tests[t].name);
    }
    return 0;
}

#endif
