// test_optim.c - every update rule and every schedule compared with its formula in double; the number of
// epochs that a solver chooses.
#include "optim/optim.h"
#include "rate/rate.h"
#include "solver/solver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

enum { N = 37, STEPS = 12 };

static uint64_t state = 5;

static float uniform(void) { // (-1, 1)
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (float)((double)(int64_t)(state >> 11) * 0x1p-52 - 1);
}

static void assert_close(double a, double b, double tolerance) {
    if (!(fabs(a - b) <= tolerance * (1 + fabs(b))))
        fail_msg("%.17g is not %.17g within %g", a, b, tolerance);
}

// ---- update rules -------------------------------------------------------------------------------

// Weights updated by one rule as the solver does it, compared with the same in double by the formulas of
// docs/math.md.
static void drive(const mg_optim *rule, bool shared) {
    const double mu = 0.875;
    float w[N], g[N], velocity[N] = {0}, memory[N] = {0}, rates[N], square[N];
    double w2[N], v2[N] = {0}, a2[N] = {0};
    for (int j = 0; j < N; j++) w2[j] = w[j] = uniform();
    for (int s = 0; s < STEPS; s++) {
        double eta = 0.25 / (1 + s), line = 0;
        mg_optim_step step = {.eta = (float)eta, .momentum = (float)mu};
        for (int j = 0; j < N; j++) g[j] = (j + s) % 5 ? uniform() : 0;
        for (int j = 0; j < N; j++) line += (double)g[j] * g[j];
        for (int j = 0; j < N; j++) square[j] = shared ? (float)line : g[j] * g[j];
        for (int j = 0; j < N; j++) rates[j] = step.eta;
        if (rule->rates) rule->rates(&step, shared ? 1 : N, square, memory, rates);
        rule->apply(&step, N, rates, shared, g, rule->velocity ? velocity : NULL, w);
        for (int j = 0; j < N; j++) {
            double rate = (double)step.eta, move = g[j];
            if (!strcmp(rule->name, "adagrad")) { // (M13)
                a2[j] += shared ? line : (double)g[j] * g[j];
                rate = a2[j] > 0 ? rate / sqrt(a2[j]) : 0;
            } else if (!strcmp(rule->name, "momentum")) { // (M14)
                v2[j] = mu * v2[j] + g[j];
                move = g[j] + mu * v2[j];
                assert_close(velocity[j], v2[j], 1e-6);
            } else if (strcmp(rule->name, "plain")) {
                fail_msg("this test has no formula for %s: add one in double here", rule->name);
            }
            w2[j] -= rate * move;
            assert_close(w[j], w2[j], 1e-5);
            if (!shared || j == 0) assert_close(rates[j], rate, 1e-6);
        }
    }
}

static void test_rules(void **unused) {
    (void)unused;
    int count = 0;
    for (; mg_optim_at(count); count++) {
        const mg_optim *rule = mg_optim_at(count);
        assert_ptr_equal(mg_optim_find(mg_optim_name(count)), rule);
        assert_true(rule->accumulates == (rule->rates != NULL));
        drive(rule, false);
        drive(rule, true);
    }
    assert_true(count >= 3);
    assert_null(mg_optim_at(-1));
    assert_null(mg_optim_at(count));
    assert_null(mg_optim_find("no-such-rule"));
}

// Updating weights in pieces, as threads do, gives the same result.
static void test_pieces(void **unused) {
    (void)unused;
    for (int i = 0; mg_optim_at(i); i++) {
        const mg_optim *rule = mg_optim_at(i);
        mg_optim_step step = {.eta = 0.1f, .momentum = 0.9f};
        float g[N], square[N], whole[N], pieces[N], rates[N], rates2[N], memory[N], memory2[N], v[N], v2[N];
        for (int j = 0; j < N; j++) {
            g[j] = uniform();
            square[j] = g[j] * g[j];
            whole[j] = pieces[j] = uniform();
            memory[j] = memory2[j] = 1;
            v[j] = v2[j] = uniform();
            rates[j] = rates2[j] = step.eta;
        }
        if (rule->rates) rule->rates(&step, N, square, memory, rates);
        rule->apply(&step, N, rates, false, g, v, whole);
        for (int from = 0, n; from < N; from += n) {
            n = from + 5 < N ? 5 : N - from;
            if (rule->rates) rule->rates(&step, n, square + from, memory2 + from, rates2 + from);
            rule->apply(&step, n, rates2 + from, false, g + from, v2 + from, pieces + from);
        }
        assert_memory_equal(whole, pieces, sizeof whole);
        assert_memory_equal(memory, memory2, sizeof memory);
        assert_memory_equal(v, v2, sizeof v);
    }
}

// The velocity by hand: mu 0.5, eta 0.25, gradients 1, 2, 0.
static void test_velocity(void **unused) {
    (void)unused;
    const mg_optim *rule = mg_optim_find("momentum");
    mg_optim_step step = {.eta = 0.25f, .momentum = 0.5f};
    const float gradient[] = {1, 2, 0}, velocity[] = {1, 2.5f, 1.25f},
                weight[] = {0.625f, -0.1875f, -0.34375f};
    float w = 1, v = 0;
    for (int s = 0; s < 3; s++) {
        rule->apply(&step, 1, &step.eta, true, &gradient[s], &v, &w);
        assert_true(v == velocity[s] && w == weight[s]);
    }
    float plain = 1;
    mg_optim_find("plain")->apply(&step, 1, &step.eta, true, &gradient[1], NULL, &plain);
    assert_true(plain == 0.5f);
}

// A feature without a gradient neither moves nor divides by zero, and its rate depends only on earlier
// gradients.
static void test_adagrad_memory(void **unused) {
    (void)unused;
    const mg_optim *rule = mg_optim_find("adagrad");
    mg_optim_step step = {.eta = 2};
    float square[2] = {0, 16}, memory[2] = {0, 9}, rates[2] = {7, 7};
    rule->rates(&step, 2, square, memory, rates);
    assert_true(rates[0] == 0 && memory[0] == 0 && rates[1] == 0.4f && memory[1] == 25);
    square[1] = 0;
    rule->rates(&step, 2, square, memory, rates);
    assert_true(rates[1] == 0.4f && memory[1] == 25);
}

// (M22) The default rate: finite and positive, and a change of the unit of x changes eta accordingly.
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
        // w changes by eta G (adagrad: by eta), and scores by x times that. If x is twice as large, the
        // scores must change by the same amount.
        double expected = rule->accumulates ? 0.5 : 0.25;
        assert_close(rule->eta(4 * 3.7) / rule->eta(3.7), expected, 1e-12);
    }
}

// ---- schedules ----------------------------------------------------------------------------------

static double schedule(const char *name, double t, double total, double lambda, double eta) {
    if (!strcmp(name, "inverse-time")) return 1 / (1 + lambda * eta * t);
    if (!strcmp(name, "cosine")) return (1 + cos(3.14159265358979323846 * t / total)) / 2;
    if (strcmp(name, "constant")) fail_msg("this test has no formula for %s: add one in double here", name);
    return 1;
}

// Schedules are pure functions of the step: called in any order, and repeatedly, they return the same.
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

// What docs/options.md says about train.epochs = 0.
static void test_epochs(void **context) {
    (void)context;
    static const struct {
        const char *solver;
        mg_layout layout;
        int64_t rows;
        double entries;
        int64_t epochs;
    } cases[] = {
        {"sgd", MG_DENSE, 100, 784, 20},         {"sgd", MG_CSR, 256000, 10, 20},
        {"sgd", MG_DENSE, 512000, 784, 10},      {"sgd", MG_CSR, 1741269, 20, 4},
        {"sgd", MG_CSR, INT64_C(1) << 40, 1, 4}, {"dual", MG_DENSE, 60000, 784, 10},
        {"dual", MG_DENSE, 1000000, 784, 3},     {"dual", MG_CSR, 1741269, 60, 2},
        {"dual", MG_CSR, 100, 10, 20},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mg_problem problem = {
            .layout = cases[i].layout, .rows = cases[i].rows, .values_per_row = cases[i].entries};
        mg_train_options train = {0};
        const mg_solver *solver = mg_solver_find(cases[i].solver);
        assert_int_equal(mg_solver_epochs(solver, &train, &problem), cases[i].epochs);
        train.epochs = 7;
        assert_int_equal(mg_solver_epochs(solver, &train, &problem), 7);
    }
    assert_true(mg_solver_epochs(mg_solver_find("dual"), &(mg_train_options){.tolerance = 1e-3},
                                 &(mg_problem){.rows = 10, .values_per_row = 1}) > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),       cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_velocity),    cmocka_unit_test(test_adagrad_memory),
        cmocka_unit_test(test_default_eta), cmocka_unit_test(test_schedules),
        cmocka_unit_test(test_epochs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
