// test_gaps.c - close rows: where the limit is, and that scaling or shifting all scores does not change which
// rows are close.
#include "train/gaps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

static int64_t close_of(int64_t rows, int64_t classes, const float *scores, float factor, float offset) {
    mg_gaps gaps;
    float changed[64];
    assert_int_equal(mg_gaps_create(&gaps, rows, NULL), MG_OK);
    for (int64_t i = 0; i < rows; i++) {
        int64_t best = 0;
        double square;
        for (int64_t k = 0; k < classes; k++) {
            changed[k] = factor * (scores[i * classes + k] + offset * (float)(i + 1));
            if (changed[k] > changed[best]) best = k;
        }
        float gap = mg_gaps_of(classes, changed, best, &square);
        mg_gaps_add(&gaps, gap, square);
    }
    int64_t close = mg_gaps_close(&gaps, classes);
    mg_gaps_clear(&gaps);
    return close;
}

static void expect(int64_t rows, int64_t classes, const float *scores, int64_t close) {
    static const float factors[] = {1, 0x1p-40f, 0x1p30f};
    for (int f = 0; f < 3; f++) {
        assert_int_equal(close_of(rows, classes, scores, factors[f], 0), close);
        assert_int_equal(close_of(rows, classes, scores, factors[f], 4), close);
    }
}

static void counts_by_the_spread_of_all_scores(void **unused) {
    (void)unused;
    const float two[] = {1, -1};
    double square;
    assert_true(mg_gaps_of(2, two, 0, &square) == 2 && square == 2);
    // Four rows of two classes; the spread is sqrt((2 + 2) / 8) = 0.71.
    expect(4, 2, (const float[]){1, -1, -1, 1, 0.001f, 0, 0, 0.0005f}, 1);
    // Three classes: only the two highest scores of a row decide.
    expect(2, 3, (const float[]){2, 2.0005f, -7, 3, 1, 0}, 1);
    expect(2, 3, (const float[]){2, 2.5f, -7, 3, 1, 0}, 0);
}

static void ties_and_constant_scores_are_close(void **unused) {
    (void)unused;
    expect(3, 3, (const float[]){1, 1, 0, 0, 0, 0, 3, 0, 1}, 2);
    expect(2, 2, (const float[]){0, 0, 0, 0}, 2);
}

static void the_boundary_is_a_thousandth(void **unused) {
    (void)unused;
    float gap[] = {0.00099f, 0.00101f, 5};
    mg_gaps gaps = {.gap = gap, .squares = 3 * 4 * 1.0, .count = 3}; // the spread is 1; four classes
    assert_int_equal(mg_gaps_close(&gaps, 4), 1);
    gaps.squares *= 4; // the spread is 2
    assert_int_equal(mg_gaps_close(&gaps, 4), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_by_the_spread_of_all_scores),
        cmocka_unit_test(ties_and_constant_scores_are_close),
        cmocka_unit_test(the_boundary_is_a_thousandth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
