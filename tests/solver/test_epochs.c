// test_epochs.c - how many epochs a solver makes.
#include "solver/solver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// The number of epochs agrees with what docs/options.md says about train.epochs = 0.
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
        {"dual", MG_CSR, 100, 10, 60},           {"dual", MG_DENSE, 400, 4, 25},
        {"dual", MG_DENSE, 500, 4, 20},
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_epochs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
