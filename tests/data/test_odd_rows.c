// test_odd_rows.c - data at the limits of what can be trained with: each case has the result that
// docs/formats.md describes.
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

static support_run train(const support_rows *data, support_form form, int batch) {
    support_save(data, form, support_path("odd.h5"));
    support_run run = support_new(support_path("odd.h5"), support_path("run"));
    support_set(&run, "train.batch=%d", batch);
    support_set(&run, "train.epochs=3");
    support_train(&run);
    support_remove(support_path("run"));
    return run;
}

// The number of steps of an epoch: the last minibatch may be short, and one that is larger than the data has
// all rows.
static void test_batches(void **unused) {
    (void)unused;
    const struct {
        int rows, batch, steps;
    } cases[] = {{2, 256, 1}, {2, 1, 2}, {20, 16, 2}, {32, 16, 2}, {33, 16, 3}, {15, 16, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int form = 0; form < SUPPORT_FORMS; form++) {
            support_rows data = support_make(cases[i].rows, 5, 2, 3);
            for (int r = 0; r < cases[i].rows; r++) data.y[r] = r % 2;
            support_run run = train(&data, form, cases[i].batch);
            if (run.status || run.result.step != 3 * cases[i].steps || !isfinite(run.result.objective))
                fail_msg("%d rows in batches of %d: status %d, %lld steps (%s)", cases[i].rows,
                         cases[i].batch, (int)run.status, (long long)run.result.step, run.error.text);
            support_free(&data);
        }
}

static void test_labels(void **unused) {
    (void)unused;
    const struct {
        int64_t labels[4];
        int64_t classes;
        const char *message; // NULL: training succeeds
    } cases[] = {
        {{-1, 1, -1, 1}, 2, NULL},
        {{INT64_MIN, INT64_MAX, 0, 0}, 3, NULL},
        {{7, 1000000, 7, 7}, 2, NULL}, // labels need not be 0..K-1
        {{5, 5, 5, 5}, 0, "all 4 rows have the same label; at least 2 classes are needed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        support_rows data = support_make(4, 5, 2, 4);
        memcpy(data.y, cases[i].labels, sizeof cases[i].labels);
        support_run run = train(&data, SUPPORT_F32, 4);
        if (!cases[i].message) assert_true(run.status == MG_OK && run.plan.data.classes == cases[i].classes);
        else assert_true(run.status == MG_DATA && strstr(run.error.text, cases[i].message));
        support_free(&data);
    }
    support_rows one = support_make(1, 5, 1, 5);
    support_run run = train(&one, SUPPORT_U8, 4);
    assert_true(run.status == MG_DATA && strstr(run.error.text, "all 1 rows have the same label"));
    support_free(&one);
}

// Rows of zeros can be trained with every preparation, even if there are no other rows.
static void test_zeros(void **unused) {
    (void)unused;
    static const char *const ways[] = {"data.rows=none",       "data.rows=unit",      "data.rows=total",
                                       "data.transform=log1p", "data.scale=standard", "data.scale=max-abs"};
    for (int all = 0; all < 2; all++)
        for (int form = 0; form < SUPPORT_FORMS; form++)
            for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
                support_rows data = support_make(12, 5, 2, 6);
                for (int r = 0; r < 12; r++) data.y[r] = r % 2;
                memset(data.x, 0, (all ? 12 : 2) * 5 * sizeof *data.x);
                support_save(&data, form, support_path("odd.h5"));
                support_run run = support_new(support_path("odd.h5"), support_path("run"));
                support_set(&run, "train.epochs=2");
                support_set(&run, "%s", ways[w]);
                support_expect(&run, MG_OK);
                assert_true(isfinite(run.result.objective));
                support_remove(support_path("run"));
                support_free(&data);
            }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_batches), cmocka_unit_test(test_labels),
                                       cmocka_unit_test(test_zeros)};
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
