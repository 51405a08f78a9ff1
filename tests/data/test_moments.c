// test_moments.c - compares means and deviations of columns with sums in long double, for columns far from
// zero, tiny, huge, constant or weighted.
#include "base/memory.h"
#include "data/moments.h"
#include "data/scale.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 1000, COLUMNS = 21 };

static double uniform(uint64_t i) { return (double)(mg_rng_at(mg_rng_key(7, 1, 0), i) >> 11) * 0x1p-53; }

// A store of all rows: dense, or CSR without the zeros.
static mg_store store_of(mg_layout layout, mg_cell cell, int64_t rows, const float *x) {
    mg_store store;
    assert_int_equal(mg_store_create(&store, layout, cell, COLUMNS, rows, rows * COLUMNS, NULL), MG_OK);
    if (layout == MG_CSR) {
        int64_t n = 0;
        for (int64_t i = 0; i < rows; i++) {
            store.indptr[i] = n;
            for (int64_t d = 0; d < COLUMNS; d++)
                if (x[i * COLUMNS + d] != 0)
                    store.indices[n] = (uint32_t)d, store.values[n++] = x[i * COLUMNS + d];
        }
        store.indptr[rows] = n;
    }
    for (int64_t i = 0; layout == MG_DENSE && i < rows; i++)
        for (int64_t d = 0; d < COLUMNS; d++) {
            float value = x[i * COLUMNS + d];
            int64_t at = i * store.stride + d;
            if (cell == MG_CELL_F32) ((float *)store.dense)[at] = value;
            else if (cell == MG_CELL_U8) ((uint8_t *)store.dense)[at] = (uint8_t)value;
            else if (cell == MG_CELL_I8) ((int8_t *)store.dense)[at] = (int8_t)value;
            else {
                int power = ilogbf(value); // whole numbers below 2^11 are exact
                ((uint16_t *)store.dense)[at] =
                    (uint16_t)((power + 15) << 10 | (int)((ldexpf(value, -power) - 1) * 1024));
            }
        }
    store.count = rows;
    return store;
}

// Adds `step` rows at a time.
static mg_moments moments_of(const mg_store *store, const float *weight, int64_t step) {
    mg_moments m;
    assert_int_equal(mg_moments_create(&m, store->layout, COLUMNS, NULL), MG_OK);
    for (int64_t first = 0; first < store->count; first += step) {
        int64_t count = store->count - first < step ? store->count - first : step;
        mg_moments_add(&m, store, first, count, weight ? weight + first : NULL);
    }
    mg_moments_finish(&m);
    return m;
}

// Compares the scale and the centre of every column with those of two passes in long double.
static void compare(const mg_moments *m, int64_t rows, const float *x, const float *weight) {
    mg_scale scale;
    mg_error error = {0};
    if (mg_scale_create("standard", m, &scale, &error)) fail_msg("%s", error.text);
    for (int64_t d = 0; d < COLUMNS; d++) {
        long double n = 0, mean = 0, square = 0;
        for (int64_t i = 0; i < rows; i++) n += weight ? (long double)weight[i] : 1;
        for (int64_t i = 0; i < rows; i++)
            mean += (weight ? (long double)weight[i] : 1) * (long double)x[i * COLUMNS + d];
        mean /= n;
        for (int64_t i = 0; i < rows; i++) {
            long double away = (long double)x[i * COLUMNS + d] - mean;
            square += (weight ? (long double)weight[i] : 1) * away * away;
        }
        double wanted = (double)(1 / sqrtl(square / n));
        if (fabs((double)scale.scale[d] - wanted) > 1e-6 * wanted)
            fail_msg("column %lld: scale %.9g, not %.9g", (long long)d, (double)scale.scale[d], wanted);
        assert_true(fabs((double)scale.center[d] - (double)mean) <=
                    1e-6 * fabs((double)mean) + 1e-6 / wanted);
    }
    mg_scale_destroy(&scale);
}

static void check(mg_layout layout, mg_cell cell, int64_t rows, const float *x, const float *weight) {
    mg_store store = store_of(layout, cell, rows, x);
    mg_moments m = moments_of(&store, weight, rows), pieces = moments_of(&store, weight, 7);
    compare(&m, rows, x, weight);
    // the bits do not depend on how many rows are added at a time
    assert_memory_equal(m.mean, pieces.mean, COLUMNS * sizeof(double));
    assert_memory_equal(m.squares, pieces.squares, COLUMNS * sizeof(double));
    if (!weight) { // weights of 1 have no effect
        float ones[ROWS];
        for (int64_t i = 0; i < rows; i++) ones[i] = 1;
        mg_moments weighted = moments_of(&store, ones, rows);
        assert_memory_equal(m.mean, weighted.mean, COLUMNS * sizeof(double));
        assert_memory_equal(m.squares, weighted.squares, COLUMNS * sizeof(double));
        mg_moments_destroy(&weighted);
    }
    mg_moments_destroy(&m);
    mg_moments_destroy(&pieces);
    mg_store_destroy(&store);
}

static void check_weighted(mg_layout layout, mg_cell cell, int64_t rows, const float *x) {
    float weight[ROWS];
    check(layout, cell, rows, x, NULL);
    for (int64_t i = 0; i < rows; i++) weight[i] = (float)(i % 5); // some weights are 0
    check(layout, cell, rows, x, weight);
    // The first row of a block has a tiny weight and may be far from the others.
    for (int64_t i = 0; i < rows; i++) weight[i] = i % 64 == 0 ? 1e-20f : 1 + (float)(i % 3);
    check(layout, cell, rows, x, weight);
}

// Means of 1 to 1e6 deviations, magnitudes of 1e-30 to 1e30.
static void test_far_and_large(void **unused) {
    (void)unused;
    static float x[ROWS * COLUMNS];
    for (int64_t d = 0; d < COLUMNS; d++) {
        double size = pow(10, -30 + 10 * (double)(d / 3 % 7)), ratio = d % 3 == 0   ? 1
                                                                       : d % 3 == 1 ? 1e3
                                                                                    : 1e6;
        for (int64_t i = 0; i < ROWS; i++)
            x[i * COLUMNS + d] =
                (float)(size * (1 + 2 * (uniform((uint64_t)(i * COLUMNS + d)) - 0.5) / ratio));
    }
    check_weighted(MG_DENSE, MG_CELL_F32, ROWS, x);
    check_weighted(MG_CSR, MG_CELL_F32, ROWS, x);
    for (int64_t i = 0; i < ROWS * COLUMNS; i++)
        if (uniform((uint64_t)i + 1000000) < 0.8) x[i] = 0; // mostly zeros, which CSR rows do not store
    for (int64_t d = 0; d < COLUMNS; d++) x[d] = (float)pow(10, -30 + 10 * (double)(d / 3 % 7));
    check_weighted(MG_DENSE, MG_CELL_F32, ROWS, x);
    check_weighted(MG_CSR, MG_CELL_F32, ROWS, x);
}

static void test_narrow(void **unused) {
    (void)unused;
    static float x[ROWS * COLUMNS];
    for (int64_t i = 0; i < ROWS * COLUMNS; i++) x[i] = (float)(int)(100 + 28 * uniform((uint64_t)i));
    for (int64_t i = 0; i < ROWS; i++) x[i * COLUMNS] = i == 700 ? 126 : 127; // one cell differs
    check_weighted(MG_DENSE, MG_CELL_U8, ROWS, x);
    check_weighted(MG_DENSE, MG_CELL_I8, ROWS, x);
    check_weighted(MG_DENSE, MG_CELL_F16, ROWS, x);
    for (int64_t i = 0; i < ROWS * COLUMNS; i += 2) x[i] = -x[i];
    check_weighted(MG_DENSE, MG_CELL_I8, ROWS, x);
    for (int64_t i = 0; i < ROWS * COLUMNS; i++) x[i] = (float)(int)(128 + 127.99 * uniform((uint64_t)i));
    check_weighted(MG_DENSE, MG_CELL_U8, ROWS, x);
}

// A constant column has a deviation of exactly 0, and scale 0, whatever its value and the weights are.
static void test_constant(void **unused) {
    (void)unused;
    static float x[ROWS * COLUMNS], weight[ROWS];
    const float values[COLUMNS] = {0.1f, -0.1f, 1e30f,    1e-30f,      3.4e38f, 1e-42f,
                                   7,    0,     1.0f / 3, 16777217.0f, 1e18f};
    for (int64_t i = 0; i < ROWS; i++) {
        memcpy(x + i * COLUMNS, values, sizeof values);
        weight[i] = (float)(uniform((uint64_t)i) * 3);
    }
    for (int w = 0; w < 2; w++)
        for (int l = 0; l < 2; l++) {
            mg_store store = store_of(l ? MG_CSR : MG_DENSE, MG_CELL_F32, ROWS, x);
            mg_moments m = moments_of(&store, w ? weight : NULL, ROWS);
            mg_scale scale;
            assert_int_equal(mg_scale_create("standard", &m, &scale, NULL), MG_OK);
            for (int64_t d = 0; d < COLUMNS; d++) {
                assert_true(m.squares[d] == 0 && scale.scale[d] == 0);
                assert_true(m.mean[d] == (double)values[d]);
            }
            mg_scale_destroy(&scale);
            mg_moments_destroy(&m);
            mg_store_destroy(&store);
        }
}

// A column that float32 cannot scale is refused; the message has its number. A mean that is much larger than
// the deviation is detected.
static void test_limits(void **unused) {
    (void)unused;
    static float x[4 * COLUMNS];
    mg_scale scale;
    mg_error error = {0};
    const char *const ways[] = {"standard", "max-abs"};
    for (int w = 0; w < 2; w++)
        for (int large = 0; large < 2; large++) {
            for (int64_t i = 0; i < 4; i++) x[i * COLUMNS + 5] = (float)(i % 2) * (large ? 3e38f : 1e-40f);
            mg_store store = store_of(MG_DENSE, MG_CELL_F32, 4, x);
            mg_moments m = moments_of(&store, NULL, 4);
            assert_int_equal(mg_scale_create(ways[w], &m, &scale, &error), MG_DATA);
            assert_non_null(strstr(error.text, "column 5"));
            assert_int_equal(mg_scale_create("1e-30", &m, &scale, &error), large ? MG_OK : MG_DATA);
            mg_scale_destroy(&scale);
            mg_moments_destroy(&m);
            mg_store_destroy(&store);
        }
    for (int ratio = 0; ratio < 2; ratio++) {
        double most;
        int64_t column;
        for (int64_t i = 0; i < 4; i++)
            x[i * COLUMNS + 5] = (float)((ratio ? 1e6 : 1e4) + (double)(i % 2) * 2);
        mg_store store = store_of(MG_DENSE, MG_CELL_F32, 4, x);
        mg_moments m = moments_of(&store, NULL, 4);
        assert_int_equal(mg_scale_create("standard", &m, &scale, NULL), MG_OK);
        assert_true(mg_scale_far(&scale, &m, &most, &column) == (ratio == 1) && column == 5);
        mg_scale_destroy(&scale);
        mg_moments_destroy(&m);
        mg_store_destroy(&store);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_far_and_large), cmocka_unit_test(test_narrow),
                                       cmocka_unit_test(test_constant), cmocka_unit_test(test_limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
