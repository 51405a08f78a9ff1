// test_loss.c - compares every loss of the registry with formulas in double and with central differences.
// Special cases: ties, margin violations of exactly 0, padding lanes, NaN.
#include "loss/loss.h"
#include "rows/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 40, LANES = 48 };

static const int sizes[] = {2, 3, 4, 5, 7, 8, 10, 15, 16, 17, 21, 31, 32, 33, 40};
enum { SIZES = sizeof sizes / sizeof *sizes };

// ---- the reference: loss, coefficients and active set from the formulas of docs/math.md ---------

static double hinge(double m) { return m > 0 ? m : 0; }

static int strongest(int classes, const double *s, int y) {
    int rival = -1;
    for (int j = 0; j < classes; j++)
        if (j != y && (rival < 0 || s[j] > s[rival])) rival = j;
    return rival;
}

// coef: d loss / d s. active[k]: class k is on that side of its kink on which it contributes.
static double reference(const char *name, int classes, const double *s, int y, double delta, double *coef,
                        int *active) {
    double loss = 0, sum = 0;
    int squared = strstr(name, "-squared") != NULL, ovr = !strncmp(name, "one-vs-rest", 11);
    for (int k = 0; k < classes; k++) coef[k] = active[k] = 0;
    if (!strcmp(name, "softmax")) {
        for (int k = 0; k < classes; k++) sum += exp(s[k] - s[y]);
        for (int k = 0; k < classes; k++) coef[k] = exp(s[k] - s[y]) / sum - (k == y);
        return log(sum);
    }
    bool crammer = !strncmp(name, "crammer-singer", 14);
    if (!ovr && !crammer && strncmp(name, "weston-watkins", 14))
        fail_msg("this test has no formula for %s: add one in double here", name);
    int rival = crammer ? strongest(classes, s, y) : -1;
    for (int j = 0; j < classes; j++) {
        double t = ovr && j == y ? 1 : -1, m = ovr ? delta - t * s[j] : s[j] - s[y] + delta;
        if ((!ovr && j == y) || (rival >= 0 && j != rival)) continue;
        double slope = m > 0 ? (squared ? 2 * m : 1) : 0;
        loss += squared ? hinge(m) * hinge(m) : hinge(m);
        coef[j] = ovr ? -t * slope : slope;
        active[j] = m > 0;
        sum += slope;
    }
    if (!ovr) coef[y] = -sum;
    return loss;
}

// ---- rows ---------------------------------------------------------------------------------------

static uint64_t state = 1;

static double uniform(void) { // uniform in (-1, 1)
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(int64_t)(state >> 11) * 0x1p-52 - 1;
}

// style 0: real numbers. style 1: multiples of 1/4, so that ties and margin violations of exactly 0 are
// frequent, and floats are exact.
static void draw(int style, int classes, double *s) {
    for (int k = 0; k < classes; k++)
        s[k] = style ? floor(uniform() * 8) / 4 : (double)(float)(uniform() * 2.5);
}

typedef struct answer {
    float loss, coef[LANES];
} answer;

static answer ask(const mg_loss *loss, int classes, const double *s, int y, double delta) {
    float scores[LANES] __attribute__((aligned(64))), before[LANES];
    float coef[LANES] __attribute__((aligned(64)));
    answer out;
    int lanes = (int)mg_round_up(classes, MG_LANES);
    for (int k = 0; k < lanes; k++) {
        scores[k] = k < classes ? (float)s[k] : -INFINITY;
        coef[k] = 77;
    }
    memcpy(before, scores, sizeof(float) * (size_t)lanes);
    out.loss = loss->row(lanes, scores, y, (float)delta, coef);
    assert_memory_equal(before, scores, sizeof(float) * (size_t)lanes);
    for (int k = classes; k < lanes; k++) assert_true(coef[k] == 0 || isnan(out.loss));
    memcpy(out.coef, coef, sizeof(float) * (size_t)lanes);
    return out;
}

static void assert_close(double a, double b, double tolerance) {
    if (!(fabs(a - b) <= tolerance * (1 + fabs(b))))
        fail_msg("%.17g is not %.17g within %g", a, b, tolerance);
}

typedef void visitor(const mg_loss *loss, int style, int classes, const double *s, int y, double delta);

// Calls `visit` for every loss, size, style and margin parameter, and for every true class (or some of them).
static void each(visitor *visit) {
    const double deltas[] = {1, 0.25};
    for (int i = 0; mg_loss_at(i); i++)
        for (int n = 0; n < SIZES; n++)
            for (int r = 0; r < 40; r++) {
                double s[MOST];
                draw(r % 2, sizes[n], s);
                visit(mg_loss_at(i), r % 2, sizes[n], s, r * 7 / 2 % sizes[n], deltas[r / 2 % 2]);
            }
}

// ---- tests --------------------------------------------------------------------------------------

static void check_reference(const mg_loss *loss, int style, int classes, const double *s, int y,
                            double delta) {
    double coef[MOST];
    int active[MOST];
    double expected = reference(loss->name, classes, s, y, delta, coef, active);
    answer got = ask(loss, classes, s, y, delta);
    bool exact = style && strcmp(loss->name, "softmax") != 0;
    assert_close(loss->value(classes, s, y, delta), expected, 1e-13);
    assert_close(got.loss, expected, exact ? 0 : 2e-6);
    // rounding might move the scores to the other side of the kink
    if (!style && loss->kink(classes, s, y, delta) < 1e-5) return;
    for (int k = 0; k < classes; k++) assert_close(got.coef[k], coef[k], exact ? 0 : 4e-6);
}

static void test_reference(void **unused) {
    (void)unused;
    each(check_reference);
}

static void check_differences(const mg_loss *loss, int style, int classes, const double *s, int y,
                              double delta) {
    const double h = 1e-5;
    if (style || loss->kink(classes, s, y, delta) < 1e-4) return;
    answer got = ask(loss, classes, s, y, delta);
    for (int k = 0; k < classes; k++) {
        double moved[MOST];
        memcpy(moved, s, sizeof moved);
        moved[k] = s[k] + h;
        double above = loss->value(classes, moved, y, delta);
        moved[k] = s[k] - h;
        double below = loss->value(classes, moved, y, delta);
        assert_close(got.coef[k], (above - below) / (2 * h), 1e-5);
    }
}

static void test_central_differences(void **unused) {
    (void)unused;
    each(check_differences);
}

// The active set does not change if any single score changes by less than the distance to the kink; if it
// changes a little more, for some score the set does change. Smooth losses have no kink where the margin is
// just met.
static void check_kink(const mg_loss *loss, int style, int classes, const double *s, int y, double delta) {
    (void)style;
    double coef[MOST], kink = loss->kink(classes, s, y, delta);
    int before[MOST], after[MOST], changes = 0;
    bool squared = strstr(loss->name, "-squared"), crammer = strstr(loss->name, "crammer");
    double value = reference(loss->name, classes, s, y, delta, coef, before);
    if (!strcmp(loss->name, "softmax") || (squared && (!crammer || classes == 2))) {
        if (!crammer) assert_true(isinf(kink) && kink > 0);
        return;
    }
    assert_true(kink >= 0 && isfinite(kink));
    for (int k = 0; k < classes; k++)
        for (int side = -1; side <= 1; side += 2)
            for (int far = 0; far < 2; far++) {
                double moved[MOST], after_coef[MOST], step = side * (far ? 1.001 : 0.999) * kink;
                memcpy(moved, s, sizeof moved);
                moved[k] += step;
                double after_value = reference(loss->name, classes, moved, y, delta, after_coef, after);
                if (far) {
                    changes += memcmp(before, after, sizeof(int) * (size_t)classes) != 0;
                } else if (kink > 1e-9 && !squared) {
                    assert_memory_equal(before, after, sizeof(int) * (size_t)classes);
                    assert_close(after_value - value, coef[k] * step,
                                 1e-12); // a straight line up to the kink
                    assert_close(loss->value(classes, moved, y, delta) - value, coef[k] * step, 1e-12);
                    // the rival is the same, whatever its margin violation is
                } else if (kink > 1e-9 && value > 0) {
                    assert_int_equal(strongest(classes, s, y), strongest(classes, moved, y));
                }
            }
    if (kink > 1e-9 && !squared) assert_true(changes > 0);
}

static void test_kink(void **unused) {
    (void)unused;
    each(check_kink);
}

// The squared Crammer-Singer loss has a kink where two rivals outside the margin are equally strong.
static void test_squared_ridge(void **unused) {
    (void)unused;
    const mg_loss *loss = mg_loss_find("crammer-singer-squared");
    assert_true(loss->kink(3, (double[]){0, 2, 1.5}, 0, 1) == 0.5);
    assert_true(loss->kink(3, (double[]){0, 2, 2}, 0, 1) == 0);
    assert_true(loss->kink(3, (double[]){4, 2, 2}, 0, 1) ==
                1); // the true score can fall by 1 before the tie has an effect
    assert_true(loss->kink(3, (double[]){4, 2, -3}, 0, 1) == 5);
    assert_true(isinf(loss->kink(2, (double[]){0, 2}, 0, 1)));
}

// With two classes there is only one rival, so the joint losses are equal.
static void check_two_classes(const mg_loss *loss, int style, int classes, const double *s, int y,
                              double delta) {
    (void)style;
    const char *twin = !strcmp(loss->name, "weston-watkins")           ? "crammer-singer"
                       : !strcmp(loss->name, "weston-watkins-squared") ? "crammer-singer-squared"
                                                                       : NULL;
    if (!twin || classes != 2) return;
    const mg_loss *other = mg_loss_find(twin);
    answer a = ask(loss, 2, s, y, delta), b = ask(other, 2, s, y, delta);
    assert_true(loss->value(2, s, y, delta) == other->value(2, s, y, delta));
    assert_close(a.loss, b.loss, 1e-6);
    assert_close(a.coef[0], b.coef[0], 1e-6);
    assert_close(a.coef[1], b.coef[1], 1e-6);
}

static void check_zero_sum(const mg_loss *loss, int style, int classes, const double *s, int y,
                           double delta) {
    if (!strncmp(loss->name, "one-vs-rest", 11)) return;
    answer got = ask(loss, classes, s, y, delta);
    double sum = 0, size = 0;
    for (int k = 0; k < classes; k++) sum += (double)got.coef[k], size += fabs((double)got.coef[k]);
    bool exact = !strcmp(loss->name, "weston-watkins") || !strncmp(loss->name, "crammer", 7) || style;
    assert_true(fabs(sum) <= (exact && strcmp(loss->name, "softmax") ? 0 : 1e-6 * (1 + size)));
}

static void test_coefficients(void **unused) {
    (void)unused;
    each(check_two_classes);
    each(check_zero_sum);
}

static const char *const hinges[] = {"weston-watkins", "crammer-singer", "weston-watkins-squared",
                                     "crammer-singer-squared"};

// If a margin violation is exactly 0, the subgradient is 0. Among equal rivals, the lowest class has the
// coefficient. Padding lanes are never rivals.
static void test_corners(void **unused) {
    (void)unused;
    for (int i = 0; i < 4; i++) {
        answer got = ask(mg_loss_find(hinges[i]), 3, (double[]){1, 2, 0}, 1, 1);
        assert_true(got.loss == 0 && got.coef[0] == 0 && got.coef[1] == 0 && got.coef[2] == 0);
    }
    answer tie = ask(mg_loss_find("crammer-singer"), 4, (double[]){0, 2, 1, 2}, 2, 1);
    assert_true(tie.loss == 2 && tie.coef[1] == 1 && tie.coef[2] == -1 && tie.coef[3] == 0 &&
                tie.coef[0] == 0);
    tie = ask(mg_loss_find("crammer-singer-squared"), 4, (double[]){0, 2, 1, 2}, 2, 1);
    assert_true(tie.loss == 4 && tie.coef[1] == 4 && tie.coef[2] == -4 && tie.coef[3] == 0);
    answer own = ask(mg_loss_find("one-vs-rest"), 2, (double[]){1, -1}, 0, 1);
    assert_true(own.loss == 0 && own.coef[0] == 0 && own.coef[1] == 0);
    // The -INFINITY in padding lanes must have no effect, even if all scores are far below 0.
    for (int i = 0; i < 4; i++) {
        answer got = ask(mg_loss_find(hinges[i]), 2, (double[]){-1e30, -3e30}, 0, 1);
        assert_true(got.loss == 0 && got.coef[0] == 0);
    }
}

// If any score is NaN, the loss must be NaN, because that is how training detects it and stops.
static void test_nan(void **unused) {
    (void)unused;
    for (int i = 0; mg_loss_at(i); i++)
        for (int n = 0; n < SIZES; n++)
            for (int k = 0; k < sizes[n]; k++)
                for (int style = 0; style < 4; style++) {
                    double s[MOST];
                    draw(0, sizes[n], s);
                    int y = style & 1 ? k : (k + 1) % sizes[n];
                    if (style & 2) s[y] = 50; // apart from the NaN, no rival violates the margin
                    s[k] = NAN;
                    if (!isnan(ask(mg_loss_at(i), sizes[n], s, y, 1).loss))
                        fail_msg("%s: a NaN of class %d of %d is lost, y %d", mg_loss_at(i)->name, k,
                                 sizes[n], y);
                    assert_true(isnan(mg_loss_at(i)->value(sizes[n], s, y, 1)));
                }
}

static void test_infinite(void **unused) {
    (void)unused;
    for (int i = 0; mg_loss_at(i); i++) {
        assert_false(isfinite(ask(mg_loss_at(i), 3, (double[]){0, INFINITY, 1}, 0, 1).loss));
        assert_false(isfinite(ask(mg_loss_at(i), 3, (double[]){0, -INFINITY, 1}, 1, 1).loss));
    }
}

// Scores that are far apart cause no overflow if the result is small.
static void test_softmax_range(void **unused) {
    (void)unused;
    const mg_loss *softmax = mg_loss_find("softmax");
    answer got = ask(softmax, 3, (double[]){1000, -1000, 0}, 0, 1);
    assert_true(got.loss == 0 && got.coef[0] == 0 && got.coef[1] == 0 && got.coef[2] == 0);
    got = ask(softmax, 3, (double[]){1000, -1000, 0}, 1, 1);
    assert_true(got.loss == 2000 && got.coef[0] == 1 && got.coef[1] == -1);
}

static void test_registry(void **unused) {
    (void)unused;
    int count = 0;
    for (; mg_loss_at(count); count++) {
        assert_ptr_equal(mg_loss_find(mg_loss_name(count)), mg_loss_at(count));
        assert_non_null(mg_loss_at(count)->help);
    }
    assert_true(count >= 7);
    assert_null(mg_loss_at(-1));
    assert_null(mg_loss_name(count));
    assert_null(mg_loss_find("no-such-loss"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference),     cmocka_unit_test(test_central_differences),
        cmocka_unit_test(test_kink),          cmocka_unit_test(test_squared_ridge),
        cmocka_unit_test(test_coefficients),  cmocka_unit_test(test_corners),
        cmocka_unit_test(test_nan),           cmocka_unit_test(test_infinite),
        cmocka_unit_test(test_softmax_range), cmocka_unit_test(test_registry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
