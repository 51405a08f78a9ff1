// test_optim.c - compares every update rule with its formula in double.
#include "optim/optim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

enum { N = 37, STEPS = 12 };

static uint64_t state = 5;

static float uniform(void) { // uniform in (-1, 1)
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (float)((double)(int64_t)(state >> 11) * 0x1p-52 - 1);
}

static void assert_close(double a, double b, double tolerance) {
    if (!(fabs(a - b) <= tolerance * (1 + fabs(b))))
        fail_msg("%.17g is not %.17g within %g", a, b, tolerance);
}

// usual: no two powers of the decay factors are equal. largest: the largest values that are allowed.
static const mg_optim_options usual = {.momentum = 0.875, .beta1 = 0.75, .beta2 = 0.9375, .epsilon = 1e-3};
static const mg_optim_options largest = {
    .momentum = 0.999999, .beta1 = 0.999999, .beta2 = 0.999999, .epsilon = 1e-8};
static mg_optim_options options;

enum { MOST_ARRAYS = 8 };

// The arrays of a rule, for N weights that are features of one class, or classes of one feature.
typedef struct arrays {
    float of_weight[MOST_ARRAYS][N], of_feature[MOST_ARRAYS][N];
    float *weight[MOST_ARRAYS], *feature[MOST_ARRAYS];
} arrays;

static void arrays_make(arrays *m, const mg_optim *rule, float fill) {
    assert_true(rule->weight_count <= MOST_ARRAYS && rule->feature_count <= MOST_ARRAYS);
    for (int i = 0; i < MOST_ARRAYS; i++) {
        for (int j = 0; j < N; j++) m->of_weight[i][j] = m->of_feature[i][j] = fill;
        m->weight[i] = i < rule->weight_count ? m->of_weight[i] : NULL;
        m->feature[i] = i < rule->feature_count ? m->of_feature[i] : NULL;
    }
}

static mg_optim_step step_of(const mg_optim *rule, double eta, int64_t number) {
    mg_optim_step step = {.eta = (float)eta, .number = number, .options = &options};
    if (rule->begin) rule->begin(&step);
    return step;
}

// The state in double. Each weight has two numbers, whose meaning depends on the rule.
typedef struct model {
    double w[N], a[N], b[N];
} model;

// Takes one step for weight j by the formulas of docs/math.md. g: its gradient; line: the squared norm of the
// feature's gradient. Returns the rate at which the weight decays.
static double drive(const char *name, model *m, int j, double eta, int64_t t, double g, double line) {
    double rate = eta, move = g;
    if (!strcmp(name, "adagrad")) { // (M13)
        m->a[j] += line;
        rate = m->a[j] > 0 ? rate / sqrt(m->a[j]) : 0;
    } else if (!strcmp(name, "momentum")) { // (M14)
        m->a[j] = options.momentum * m->a[j] + g;
        move = g + options.momentum * m->a[j];
    } else if (!strcmp(name, "adam")) { // (M32)
        m->a[j] = options.beta1 * m->a[j] + (1 - options.beta1) * g;
        m->b[j] = options.beta2 * m->b[j] + (1 - options.beta2) * g * g;
        move = m->a[j] / (1 - pow(options.beta1, (double)t));
        double root = sqrt(m->b[j] / (1 - pow(options.beta2, (double)t)));
        rate = m->b[j] > 0 ? eta / (root + options.epsilon) : 0;
    } else if (strcmp(name, "plain")) {
        fail_msg("this test has no formula for %s: add one in double here", name);
    }
    m->w[j] -= rate * move;
    return rate;
}

// Updates weights by one rule as the solver does, and compares them with the same in double. If the column is
// scaled, weights and gradients contain the scale (M19); those in double do not.
static void check_rule(const mg_optim *rule, bool shared, bool scaled) {
    float w[N], g[N], rates[N], square[N], scale[N], decay[N];
    arrays own;
    model m = {.w = {0}};
    arrays_make(&own, rule, 0);
    for (int j = 0; j < N; j++) scale[j] = scaled ? 0.25f + (float)(shared ? 1 : j % 7) : 1;
    for (int j = 0; j < N; j++) m.w[j] = (w[j] = uniform()) / scale[j];
    for (int s = 0; s < STEPS; s++) {
        double eta = 0.25 / (1 + s), line = 0, gradient[N];
        mg_optim_step step = step_of(rule, eta, s + 1);
        for (int j = 0; j < N; j++) gradient[j] = (j + s) % 5 && j % 11 ? (double)uniform() : 0;
        for (int j = 0; j < N; j++) line += gradient[j] * gradient[j];
        for (int j = 0; j < N; j++) g[j] = (float)gradient[j] * scale[j];
        for (int j = 0; j < N; j++) square[j] = (float)(shared ? line : gradient[j] * gradient[j]);
        for (int j = 0; j < N; j++) rates[j] = step.eta;
        mg_optim_line all = {N, shared, rates, scaled ? scale : NULL, g, {own.weight, 0}, w};
        if (rule->rates) rule->rates(&step, shared ? 1 : N, square, (mg_optim_memory){own.feature, 0}, rates);
        rule->apply(&step, &all);
        for (int j = 0; j < N; j++) decay[j] = rates[shared ? 0 : j];
        if (rule->weight_rates) rule->weight_rates(&step, &all, decay);
        for (int j = 0; j < N; j++) {
            double alone = gradient[j] * gradient[j], rate = drive(rule->name, &m, j, (double)step.eta, s + 1,
                                                                   gradient[j], shared ? line : alone);
            assert_close(w[j] / scale[j], m.w[j], 1e-5);
            assert_close(decay[j], rate, 1e-5);
        }
    }
}

static void test_rules(void **unused) {
    (void)unused;
    int count = 0;
    for (; mg_optim_at(count); count++) {
        const mg_optim *rule = mg_optim_at(count);
        assert_ptr_equal(mg_optim_find(mg_optim_name(count)), rule);
        assert_true(rule->feature_count == 0 || rule->rates);
        for (int kind = 0; kind < 8; kind++) {
            options = kind & 4 ? largest : usual;
            check_rule(rule, kind & 1, kind & 2);
        }
        options = usual;
    }
    assert_true(count >= 3);
    assert_null(mg_optim_at(-1));
    assert_null(mg_optim_at(count));
    assert_null(mg_optim_find("no-such-rule"));
}

// The result is the same if weights are updated in pieces, as threads do.
static void test_pieces(void **unused) {
    (void)unused;
    for (int i = 0; mg_optim_at(i); i++) {
        const mg_optim *rule = mg_optim_at(i);
        mg_optim_step step = step_of(rule, 0.1, 3);
        float g[N], square[N], whole[N], pieces[N], rates[N], rates2[N];
        arrays m, m2;
        arrays_make(&m, rule, 0.5f);
        arrays_make(&m2, rule, 0.5f);
        for (int j = 0; j < N; j++) {
            g[j] = uniform();
            square[j] = g[j] * g[j];
            whole[j] = pieces[j] = uniform();
            rates[j] = rates2[j] = step.eta;
        }
        if (rule->rates) rule->rates(&step, N, square, (mg_optim_memory){m.feature, 0}, rates);
        rule->apply(&step, &(mg_optim_line){N, false, rates, NULL, g, {m.weight, 0}, whole});
        for (int from = 0, n; from < N; from += n) {
            n = from + 5 < N ? 5 : N - from;
            if (rule->rates)
                rule->rates(&step, n, square + from, (mg_optim_memory){m2.feature, from}, rates2 + from);
            mg_optim_line piece = {n, false, rates2 + from, NULL, g + from, {m2.weight, from}, pieces + from};
            rule->apply(&step, &piece);
        }
        assert_memory_equal(whole, pieces, sizeof whole);
        assert_memory_equal(m.of_weight, m2.of_weight, sizeof m.of_weight);
        assert_memory_equal(m.of_feature, m2.of_feature, sizeof m.of_feature);
    }
}

// The velocity, computed by hand for mu 0.5, eta 0.25, gradients 1, 2, 0.
static void test_velocity(void **unused) {
    (void)unused;
    const mg_optim *rule = mg_optim_find("momentum");
    const mg_optim_options half = {.momentum = 0.5};
    mg_optim_step step = {.eta = 0.25f, .options = &half};
    const float gradient[] = {1, 2, 0}, velocity[] = {1, 2.5f, 1.25f},
                weight[] = {0.625f, -0.1875f, -0.34375f};
    float w = 1, v = 0, *array[] = {&v};
    for (int s = 0; s < 3; s++) {
        rule->apply(&step, &(mg_optim_line){1, true, &step.eta, NULL, &gradient[s], {array, 0}, &w});
        assert_true(v == velocity[s] && w == weight[s]);
    }
    float plain = 1;
    mg_optim_find("plain")->apply(
        &step, &(mg_optim_line){1, true, &step.eta, NULL, &gradient[1], {NULL, 0}, &plain});
    assert_true(plain == 0.5f);
}

// A feature without a gradient does not move, nothing is divided by zero, and its rate depends only on
// earlier gradients.
static void test_adagrad_memory(void **unused) {
    (void)unused;
    const mg_optim *rule = mg_optim_find("adagrad");
    mg_optim_step step = {.eta = 2};
    float square[2] = {0, 16}, memory[2] = {0, 9}, rates[2] = {7, 7}, *array[] = {memory};
    rule->rates(&step, 2, square, (mg_optim_memory){array, 0}, rates);
    assert_true(rates[0] == 0 && memory[0] == 0 && rates[1] == 0.4f && memory[1] == 25);
    square[1] = 0;
    rule->rates(&step, 2, square, (mg_optim_memory){array, 0}, rates);
    assert_true(rates[1] == 0.4f && memory[1] == 25);
}

// (M22) The first guess of the rate is finite and positive, and changes as it should with the unit of x.
static void test_default_eta(void **unused) {
    (void)unused;
    assert_close(mg_optim_find("adagrad")->eta(16), 0.25, 1e-15);
    assert_close(mg_optim_find("plain")->eta(16), 0.03125, 1e-15);
    assert_close(mg_optim_find("momentum")->eta(16), 0.003125, 1e-15);
    for (int i = 0; mg_optim_at(i); i++) {
        const mg_optim *rule = mg_optim_at(i);
        for (double norm = 1e-12; norm < 1e13; norm *= 10)
            assert_true(rule->eta(norm) > 0 && isfinite(rule->eta(norm)));
        assert_true(rule->eta(0) > 0 && isfinite(rule->eta(0)));
        // A step changes w by eta G (by eta alone, if the rule divides by the size of G), and a score by x
        // times that. If x is twice as large, scores must change by the same amount.
        double expected = rule->rates || rule->weight_rates ? 0.5 : 0.25;
        assert_close(rule->eta(4 * 3.7) / rule->eta(3.7), expected, 1e-12);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),       cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_velocity),    cmocka_unit_test(test_adagrad_memory),
        cmocka_unit_test(test_default_eta),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
