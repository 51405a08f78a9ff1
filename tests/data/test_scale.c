// test_scale.c - column scaling, computed from the moments of the rows, and the warning that scaling is
// needed.
#include "data/dataset.h"
#include "data/scale.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "h5_files.h"

#include <math.h>

static mg_dataset *open_weighted(const char *features, const char *weights) {
    mg_dataset_request request = {
        .path = test_file, .features = features, .weights = weights, .window_bytes = 1 << 20, .survey = true};
    mg_dataset *dataset;
    mg_error error = {0};
    if (mg_dataset_open(&request, &dataset, &error)) fail_msg("%s", error.text);
    return dataset;
}

static mg_dataset *open_data(void) { return open_weighted("X", NULL); }

// x' = scale (x - center) for each column, computed from the moments.
static void test_scale(void **unused) {
    (void)unused;
    double x[4][3] = {{1, 0, 7}, {3, -4, 7}, {5, 0, 7}, {7, 8, 7}};
    hid_t file = create_file(test_file);
    put_matrix(file, "X", H5T_IEEE_F32LE, 4, 3, H5T_NATIVE_DOUBLE, x);
    H5Fclose(file);
    mg_dataset *dataset = open_data();
    mg_scale scale;
    assert_int_equal(mg_scale_create("standard", &dataset->moments, &scale, NULL), MG_OK);
    assert_true(scale.center[0] == 4 && scale.scale[0] == (float)(1 / sqrt(5)));
    assert_true(scale.center[1] == 1 && scale.scale[1] == (float)(1 / sqrt(19)));
    assert_true(scale.center[2] == 7 && scale.scale[2] == 0); // a constant column has scale 0
    assert_true(fabs(mg_scale_mean_square_norm(&scale, &dataset->moments) - 2) < 1e-6);
    mg_scale_destroy(&scale);
    assert_int_equal(mg_scale_create("max-abs", &dataset->moments, &scale, NULL), MG_OK);
    assert_true(!scale.center && scale.scale[0] == 1 / 7.0f && scale.scale[1] == 0.125f);
    mg_scale_destroy(&scale);
    assert_int_equal(mg_scale_create("1/4", &dataset->moments, &scale, NULL), MG_OK);
    assert_true(!scale.center && scale.scale[0] == 0.25f && scale.scale[2] == 0.25f);
    assert_true(fabs(mg_scale_mean_square_norm(&scale, &dataset->moments) - (84 + 80 + 196) / 64.0) < 1e-6);
    mg_scale_destroy(&scale);
    assert_int_equal(mg_scale_create("none", &dataset->moments, &scale, NULL), MG_OK);
    assert_true(!scale.center && !scale.scale);
    mg_dataset_close(dataset);
}

// Columns that are a thousand times as large as others are detected, unless scaling corrects them.
static void test_uneven(void **unused) {
    (void)unused;
    double x[2][4] = {{1, 2, -3000, 0}, {2, 1, 1000, 0}};
    hid_t file = create_file(test_file);
    put_matrix(file, "X", H5T_IEEE_F32LE, 2, 4, H5T_NATIVE_DOUBLE, x);
    H5Fclose(file);
    mg_dataset *dataset = open_data();
    const char *const ways[] = {"none", "1/4", "max-abs", "standard"};
    for (int w = 0; w < 4; w++) {
        mg_scale scale;
        assert_int_equal(mg_scale_create(ways[w], &dataset->moments, &scale, NULL), MG_OK);
        mg_spread spread;
        bool several = mg_scale_spread(&scale, &dataset->moments, &spread);
        assert_true((several && mg_spread_uneven(&spread)) == (w < 2));
        if (w < 2)
            assert_true(spread.column == 2 && spread.largest == (w ? 750 : 3000) &&
                        spread.median == (w ? 0.5 : 2));
        mg_scale_destroy(&scale);
    }
    mg_dataset_close(dataset);
}

// A row of weight 2 counts twice, and a row of weight 0 does not count, for every type of cell.
static void test_weights(void **unused) {
    (void)unused;
    double x[4][2] = {{1, 100}, {3, -4}, {2, 50}, {7, 8}},
           repeated[5][2] = {{1, 0}, {3, -4}, {3, -4}, {7, 8}, {7, 8}};
    const float weights[4] = {1, 2, 0, 2};
    const int64_t indptr[] = {0, 1, 3, 5, 7}, again[] = {0, 1, 3, 5, 7, 9},
                  indices[] = {0, 0, 1, 0, 1, 0, 1, 0, 1};
    const double values[] = {1, 3, -4, 2, 50, 7, 8}, more[] = {1, 3, -4, 3, -4, 7, 8, 7, 8};
    x[0][1] = 0; // sparse rows do not store this zero
    const hid_t types[] = {H5T_IEEE_F32LE, H5T_STD_I8LE};
    const csr_types types_of_csr = {H5T_IEEE_F32LE, H5T_STD_I32LE, H5T_STD_I64LE};
    hid_t file = create_file(test_file);
    put_matrix(file, "f", types[0], 4, 2, H5T_NATIVE_DOUBLE, x);
    put_matrix(file, "f2", types[0], 5, 2, H5T_NATIVE_DOUBLE, repeated);
    put_matrix(file, "i", types[1], 4, 2, H5T_NATIVE_DOUBLE, x);
    put_matrix(file, "i2", types[1], 5, 2, H5T_NATIVE_DOUBLE, repeated);
    put_csr(file, "s", (csr_rows){4, 2, indptr, indices, values}, types_of_csr, &storages[0]);
    put_csr(file, "s2", (csr_rows){5, 2, again, indices, more}, types_of_csr, &storages[0]);
    x[1][1] = repeated[1][1] = repeated[2][1] = 4; // bytes are not negative
    put_matrix(file, "u", H5T_STD_U8LE, 4, 2, H5T_NATIVE_DOUBLE, x);
    put_matrix(file, "u2", H5T_STD_U8LE, 5, 2, H5T_NATIVE_DOUBLE, repeated);
    put_vector(file, "w", H5T_IEEE_F32LE, 4, H5T_NATIVE_FLOAT, weights);
    H5Fclose(file);
    const char *const kinds[][2] = {{"f", "f2"}, {"i", "i2"}, {"s", "s2"}, {"u", "u2"}};
    for (int k = 0; k < 4; k++) {
        mg_dataset *weighted = open_weighted(kinds[k][0], "w"), *twice = open_weighted(kinds[k][1], NULL);
        assert_true(weighted->moments.weight == twice->moments.weight);
        for (int d = 0; d < 2; d++) {
            assert_true(fabs(weighted->moments.mean[d] - twice->moments.mean[d]) < 1e-14);
            assert_true(fabs(weighted->moments.squares[d] - twice->moments.squares[d]) < 1e-12);
            assert_true(weighted->moments.most[d] == twice->moments.most[d]);
        }
        mg_dataset_close(weighted);
        mg_dataset_close(twice);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_scale), cmocka_unit_test(test_uneven),
                                       cmocka_unit_test(test_weights)};
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
