// test_arena.c - the buffers of a list are zeroed and aligned and do not overlap. If any allocation fails, or
// after mg_arena_free, no memory remains allocated. A size that cannot be addressed is refused.
#include "base/arena.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

typedef struct state {
    float *matrix;
    double *vector;
    char *absent, *empty, *large;
    mg_arena arena;
} state;

enum { ROWS = 7, LANES = 16, LENGTH = 3, LARGE = 5 << 20, ALLOCATIONS = 5 };

static mg_status fill(state *s, mg_error *error) {
    const mg_buffer rows[] = {
        MG_BUFFER(s->matrix, ROWS, LANES), MG_BUFFER(s->vector, LENGTH, 1), MG_BUFFER(s->absent, 0, 1),
        MG_BUFFER(s->empty, 1, 0),         MG_BUFFER(s->large, LARGE, 1),
    };
    return MG_ARENA_FILL(&s->arena, rows, error);
}

static void assert_zero(const void *buffer, size_t bytes) {
    assert_non_null(buffer);
    assert_int_equal((uintptr_t)buffer % 64, 0);
    for (size_t i = 0; i < bytes; i++) assert_int_equal(((const char *)buffer)[i], 0);
}

static void test_fill(void **unused) {
    (void)unused;
    int64_t before = mg_memory_live();
    mg_error error;
    for (int round = 0; round < 2; round++) { // the second round gets blocks that the first has written to
        state s = {0};
        assert_int_equal(fill(&s, &error), MG_OK);
        assert_zero(s.matrix, ROWS * LANES * sizeof *s.matrix);
        assert_zero(s.vector, LENGTH * sizeof *s.vector);
        assert_zero(s.large, LARGE);
        assert_null(s.absent);
        assert_non_null(s.empty);
        memset(s.matrix, 1, ROWS * LANES * sizeof *s.matrix);
        assert_zero(s.vector, LENGTH * sizeof *s.vector);
        memset(s.large, 1, LARGE);
        mg_arena_free(&s.arena);
        assert_int_equal(mg_memory_live(), before);
        assert_int_equal(s.arena.count, 0);
    }
}

static void test_fill_twice(void **unused) {
    (void)unused;
    int64_t before = mg_memory_live();
    mg_error error;
    state s = {0};
    int *more = NULL;
    assert_int_equal(fill(&s, &error), MG_OK);
    const mg_buffer rows[] = {MG_BUFFER(more, 9, 100)};
    for (int i = 0; i < 20; i++) assert_int_equal(MG_ARENA_FILL(&s.arena, rows, &error), MG_OK);
    assert_zero(more, 900 * sizeof *more);
    assert_zero(s.matrix, ROWS * LANES * sizeof *s.matrix);
    mg_arena_free(&s.arena);
    assert_int_equal(mg_memory_live(), before);
}

static void test_failure(void **unused) {
    (void)unused;
    int64_t before = mg_memory_live();
    mg_error error;
    for (int64_t k = 1; k <= ALLOCATIONS; k++) { // the list itself, and four buffers
        state s = {0};
        mg_memory_fail_at(k, false);
        assert_int_equal(fill(&s, &error), MG_MEMORY);
        assert_int_equal(mg_memory_fail_at(0, false), 1);
        assert_null(s.large);
        mg_arena_free(&s.arena);
        assert_int_equal(mg_memory_live(), before);
    }
    state s = {0};
    mg_memory_fail_at(ALLOCATIONS + 1, false);
    assert_int_equal(fill(&s, &error), MG_OK);
    assert_int_equal(mg_memory_fail_at(0, false), 0);
    mg_arena_free(&s.arena);
}

static void test_too_large(void **unused) {
    (void)unused;
    mg_error error;
    state s = {0};
    const mg_buffer wide[] = {MG_BUFFER(s.vector, 2, SIZE_MAX / 4)},
                    tall[] = {MG_BUFFER(s.vector, SIZE_MAX, 1)};
    assert_int_equal(MG_ARENA_FILL(&s.arena, wide, &error), MG_MEMORY);
    assert_non_null(strstr(error.text, "cannot be addressed"));
    assert_int_equal(MG_ARENA_FILL(&s.arena, tall, &error), MG_MEMORY);
    assert_null(s.vector);
    mg_arena_free(&s.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fill),
        cmocka_unit_test(test_fill_twice),
        cmocka_unit_test(test_failure),
        cmocka_unit_test(test_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
