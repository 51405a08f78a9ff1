// test_naive.c - the plain loops with which `margin bench` compares a pass compute the gradient of the
// Crammer-Singer loss (M4), whatever the layout of the weights and the number of threads.
#include "bench/bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 200, FEATURES = 300, CLASSES = 5 };

static const mg_bench_shape shape = {.name = "small",
                                     .layout = MG_CSR,
                                     .cell = MG_CELL_F32,
                                     .features = FEATURES,
                                     .classes = CLASSES,
                                     .median_values = 20,
                                     .spread = 0.5};

// Adds the gradient of each row, as the formula says, in double.
static void expect(const mg_rows *rows, const int32_t *label, const mg_weights *weights, double *grad) {
    for (int64_t i = 0; i < rows->count; i++) {
        double score[CLASSES] = {0};
        int own = label[i], rival = -1;
        for (int64_t e = rows->indptr[i]; e < rows->indptr[i + 1]; e++)
            for (int k = 0; k < CLASSES; k++)
                score[k] += (double)rows->values[e] * (double)*mg_weights_at(weights, k, rows->indices[e]);
        for (int k = 0; k < CLASSES; k++)
            if (k != own && (rival < 0 || score[k] > score[rival])) rival = k;
        if (score[rival] - score[own] + 1 <= 0) continue;
        for (int64_t e = rows->indptr[i]; e < rows->indptr[i + 1]; e++) {
            grad[rows->indices[e] * CLASSES + rival] += (double)rows->values[e];
            grad[rows->indices[e] * CLASSES + own] -= (double)rows->values[e];
        }
    }
}

static void compare(const mg_rows *rows, const int32_t *label, const mg_weights *weights, const double *grad,
                    bool by_class, mg_team *team) {
    mg_bench_naive naive;
    mg_error error = {0};
    if (mg_bench_naive_create(&naive, rows, label, weights, by_class, team, &error))
        fail_msg("%s", error.text);
    naive.delta = 1;
    mg_bench_naive_pass(&naive);
    for (int64_t d = 0; d < FEATURES; d++)
        for (int k = 0; k < CLASSES; k++) {
            double found = (double)naive.grad[d * naive.feature_step + k * naive.class_step];
            if (fabs(found - grad[d * CLASSES + k]) > 1e-4)
                fail_msg("feature %d, class %d: %g is not %g", (int)d, k, found, grad[d * CLASSES + k]);
        }
    mg_bench_naive_destroy(&naive);
}

static void test_gradient(void **unused) {
    (void)unused;
    static double grad[FEATURES * CLASSES];
    double largest = 0;
    for (int threads = 1; threads <= 3; threads += 2) {
        char warning[256];
        mg_team team = {0};
        mg_error error = {0};
        mg_bench_data data;
        mg_weights weights;
        mg_team_open(&team, threads, 0, warning, sizeof warning);
        if (mg_bench_data_create(&shape, ROWS, &team, &data, &error)) fail_msg("%s", error.text);
        if (mg_weights_create(&weights, MG_CSR, CLASSES, FEATURES, &error)) fail_msg("%s", error.text);
        // whole numbers of eighths, so that scores that differ are not equal after rounding
        for (int64_t d = 0; d < FEATURES; d++)
            for (int k = 0; k < CLASSES; k++)
                *mg_weights_at(&weights, k, d) = (float)((d * 7 + k * 13) % 17 - 8) / 8;
        mg_rows rows = mg_store_rows(&data.store);
        memset(grad, 0, sizeof grad);
        expect(&rows, data.label, &weights, grad);
        for (size_t i = 0; i < sizeof grad / sizeof *grad; i++) largest = fmax(largest, fabs(grad[i]));
        compare(&rows, data.label, &weights, grad, true, &team);
        compare(&rows, data.label, &weights, grad, false, &team);
        mg_weights_destroy(&weights);
        mg_bench_data_destroy(&data);
    }
    assert_true(largest > 1); // several rows contribute
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_gradient)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
