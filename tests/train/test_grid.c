// test_grid.c - the values of a grid, and texts that are no grid.
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "train/grid.h"

#include <math.h>

static void test_grid(void **unused) {
    (void)unused;
    const struct {
        const char *text;
        int count;
        double first, last;
    } right[] = {{"1e-3:1:10", 4, 1e-3, 1},
                 {"1:1e-3:10", 4, 1, 1e-3},
                 {"1/256:4:4", 6, 1.0 / 256, 4},
                 {"2:2:3", 1, 2, 2},
                 {"7", 1, 7, 7},
                 {"0.5", 1, 0.5, 0.5},
                 {"1:5:2", 3, 1, 4},
                 {"0.1:0.3:1.1", 12, 0.1, 0.1 * 2.8531167061100},
                 {"1e-30:1e-20:10", 11, 1e-30, 1e-20}};
    const char *const wrong[] = {
        "",        "x",     "1:2",    "1:2:3:4",  "a:1:2",   "1:2:",        ":1:2",   "1:2:1",
        "1:2:nan", "0:1:2", "-1:1:2", "1:2e30:2", "1:2:0.5", "1:1e30:1.01", "1:2:3 ", "1::2"};
    mg_error error;
    mg_grid grid;
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        assert_int_equal(
            mg_grid_parse(i % 2 ? NULL : right[i].text, i % 2 ? right[i].text : NULL, &grid, &error), MG_OK);
        if (grid.count != right[i].count || fabs(grid.value[0] / right[i].first - 1) > 1e-15 ||
            fabs(grid.value[grid.count - 1] / right[i].last - 1) > 1e-12)
            fail_msg("%s: %d points from %.17g to %.17g", right[i].text, grid.count, grid.value[0],
                     grid.value[grid.count - 1]);
        assert_true(mg_grid_lambda(&grid, 0, 50) == (i % 2 ? right[i].first : 1 / (right[i].first * 50)));
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (mg_grid_parse(wrong[i], NULL, &grid, &error) != MG_USAGE)
            fail_msg("'%s' was accepted as %d points", wrong[i], grid.count);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_grid)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
