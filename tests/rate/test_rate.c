// test_rate.c - compares every schedule of the learning rate with its formula in double.
#include "rate/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

static void assert_close(double a, double b, double tolerance) {
    if (!(fabs(a - b) <= tolerance * (1 + fabs(b))))
        fail_msg("%.17g is not %.17g within %g", a, b, tolerance);
}

static double schedule(const char *name, double t, double total, double lambda, double eta) {
    if (!strcmp(name, "inverse-time")) return 1 / (1 + lambda * eta * t);
    if (!strcmp(name, "cosine")) return (1 + cos(3.14159265358979323846 * t / total)) / 2;
    if (strcmp(name, "constant")) fail_msg("this test has no formula for %s: add one in double here", name);
    return 1;
}

// A schedule is a pure function of the step: the order and the number of calls do not matter.
static void test_schedules(void **unused) {
    (void)unused;
    int count = 0;
    for (; mg_rate_at(count); count++) {
        const mg_rate *rate = mg_rate_at(count);
        assert_ptr_equal(mg_rate_find(mg_rate_name(count)), rate);
        double forward[101], before = INFINITY;
        for (int64_t t = 0; t <= 100; t++) {
            forward[t] = rate->factor(t, 100, 1e-3, 2);
            assert_close(forward[t], schedule(rate->name, (double)t, 100, 1e-3, 2), 1e-14);
            assert_true(forward[t] <= before && forward[t] >= 0);
            before = forward[t];
        }
        for (int64_t t = 100; t >= 0; t--) assert_true(rate->factor(t, 100, 1e-3, 2) == forward[t]);
        assert_true(rate->factor(0, 1, 1e-4, 0.5) == 1);
        assert_close(rate->factor(INT64_C(1) << 40, INT64_C(1) << 41, 1e-4, 0.5),
                     schedule(rate->name, 0x1p40, 0x1p41, 1e-4, 0.5), 1e-12);
    }
    assert_true(count >= 3);
    assert_null(mg_rate_at(count));
    assert_null(mg_rate_find("no-such-rate"));
    assert_true(mg_rate_find("cosine")->factor(100, 100, 0, 0) == 0);
    assert_close(mg_rate_find("cosine")->factor(50, 100, 0, 0), 0.5, 1e-15);
    assert_close(mg_rate_find("inverse-time")->factor(1500, 0, 1e-3, 2), 0.25, 1e-15);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_schedules)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
