// test_used.c - compares a set of used columns with a plain table, and rows that are renumbered by it.
#include "data/used.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"

#include <stdlib.h>

static mg_used set_of(int64_t width, int64_t count, const uint32_t *columns) {
    mg_used used;
    assert_int_equal(mg_used_create(&used, width, NULL), MG_OK);
    mg_used_mark(&used, count, columns);
    mg_used_mark(&used, count, columns); // marking twice has no effect
    mg_used_finish(&used);
    return used;
}

// Checks a random set with a fraction of about `share` of the columns.
static void expect_set(int64_t width, double share) {
    uint32_t *column = malloc((size_t)width * sizeof *column), *list = malloc((size_t)width * sizeof *list);
    int64_t count = 0;
    for (int64_t d = 0; d < width; d++)
        if (mg_rng_uniform(mg_rng_key(7, (uint64_t)width, 0), (uint64_t)d) < share)
            column[count++] = (uint32_t)d;
    mg_used used = set_of(width, count, column), copy;
    assert_int_equal(used.count, count);
    assert_int_equal(mg_used_copy(&used, &copy, NULL), MG_OK);
    assert_true(mg_used_same(&used, &copy));
    mg_used_list(&copy, list);
    for (int64_t d = 0, next = 0; d < width; d++) {
        bool is = next < count && column[next] == d;
        assert_int_equal(mg_used_place(&used, d), is ? next : -1);
        if (is) assert_int_equal(mg_used_column(&copy, next), d);
        if (is) assert_int_equal(list[next++], d);
    }
    if (count > 0) {
        mg_used_clear(&copy);
        copy = set_of(width, count - 1, column);
        assert_false(mg_used_same(&used, &copy));
    }
    mg_used_clear(&copy);
    mg_used_clear(&used);
    free(column);
    free(list);
}

static void sets_of_all_sizes(void **unused) {
    (void)unused;
    static const int64_t widths[] = {1, 63, 64, 65, 127, 128, 1000, 70001};
    static const double shares[] = {0, 0.01, 0.3, 0.9, 1.1};
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
        for (size_t s = 0; s < sizeof shares / sizeof *shares; s++) expect_set(widths[w], shares[s]);
}

static void nothing_is_renumbered_when_all_are_used(void **unused) {
    (void)unused;
    mg_used all = {0}, copy;
    uint32_t columns[] = {3, 9};
    float values[] = {1, 2};
    assert_int_equal(mg_used_copy(&all, &copy, NULL), MG_OK);
    assert_true(mg_used_same(&all, &copy));
    assert_int_equal(mg_used_place(&all, 12345), 12345);
    assert_int_equal(mg_used_column(&all, 12345), 12345);
    assert_int_equal(mg_used_renumber(&all, 2, columns, values), 2);
    assert_int_equal(columns[1], 9);
}

static void rows_lose_unused_columns(void **unused) {
    (void)unused;
    mg_used used = set_of(200, 3, (const uint32_t[]){5, 64, 199});
    uint32_t columns[] = {0, 5, 6, 63, 64, 198, 199};
    float values[] = {1, 2, 3, 4, 5, 6, 7};
    assert_int_equal(mg_used_renumber(&used, 7, columns, values), 3);
    for (uint32_t i = 0; i < 3; i++) assert_int_equal(columns[i], i);
    assert_true(values[0] == 2 && values[1] == 5 && values[2] == 7);
    assert_int_equal(mg_used_renumber(&used, 0, columns, values), 0);
    mg_used_clear(&used);
}

static void expect_pays(int64_t width, int64_t count, bool pays) {
    mg_used used = {.width = width, .count = count};
    assert_true(mg_used_pays(&used) == pays);
}

static void small_and_full_files_stay_as_they_are(void **unused) {
    (void)unused;
    expect_pays(4096, 2048, true);
    expect_pays(4096, 2049, false);
    expect_pays(4095, 10, false);
    expect_pays(1 << 20, 0, false); // weights need at least one feature
    expect_pays(1 << 20, 1, true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_of_all_sizes),
        cmocka_unit_test(nothing_is_renumbered_when_all_are_used),
        cmocka_unit_test(rows_lose_unused_columns),
        cmocka_unit_test(small_and_full_files_stay_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
