// test_weights.c - weights of rows and of classes: which are accepted, which are refused, and how they are
// scaled.
#include "data/dataset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "h5_files.h"

#include <math.h>

static mg_dataset *open_data(const mg_dataset_request *request) {
    mg_dataset *dataset;
    mg_error error = {0};
    if (mg_dataset_open(request, &dataset, &error)) fail_msg("%s", error.text);
    return dataset;
}

static void put_weighted(hid_t type, const double *weights, hsize_t n) {
    const double x[] = {1, 2, 3, 4};
    const int64_t y[] = {0, 1, 1, 0};
    hid_t file = create_file(test_file);
    put_matrix(file, "X", H5T_IEEE_F32LE, 4, 1, H5T_NATIVE_DOUBLE, x);
    put_vector(file, "y", H5T_STD_I32LE, 4, H5T_NATIVE_INT64, y);
    put_vector(file, "w", type, n, H5T_NATIVE_DOUBLE, weights);
    H5Fclose(file);
}

static void test_weights(void **unused) {
    (void)unused;
    const hid_t types[] = {H5T_IEEE_F32LE, H5T_IEEE_F64LE, H5T_IEEE_F32BE, H5T_IEEE_F64BE};
    mg_dataset_request request = {.path = test_file,
                                  .features = "X",
                                  .labels = "y",
                                  .weights = "w",
                                  .window_bytes = 1 << 20,
                                  .survey = true};
    for (int t = 0; t < 4; t++) {
        put_weighted(types[t], (double[]){1, 2, 0, 5}, 4);
        mg_dataset *dataset = open_data(&request);
        assert_int_equal(mg_dataset_weigh(dataset, NULL, NULL), MG_OK);
        assert_true(dataset->total_weight == 8);
        const float expected[] = {0.5f, 1, 0, 2.5f};
        assert_memory_equal(dataset->weight, expected, sizeof expected);
        mg_dataset_close(dataset);
        dataset = open_data(&request);
        assert_int_equal(mg_dataset_weigh(dataset, (double[]){1, 3}, NULL), MG_OK); // class weights multiply
        const float both[] = {4 / 12.0f, 24 / 12.0f, 0, 20 / 12.0f};
        assert_true(dataset->total_weight == 12);
        for (int i = 0; i < 4; i++) assert_true(fabsf(dataset->weight[i] - both[i]) < 1e-6f);
        mg_dataset_close(dataset);
    }
    request.weights = NULL;
    mg_dataset *dataset = open_data(&request);
    assert_int_equal(mg_dataset_weigh(dataset, NULL, NULL), MG_OK);
    assert_true(!dataset->weight && dataset->total_weight == 4);
    mg_error error;
    assert_int_equal(mg_dataset_weigh(dataset, (double[]){0, 0}, &error), MG_DATA);
    assert_non_null(strstr(error.text, "all weights are zero"));
    mg_dataset_close(dataset);
}

static void test_refused(void **unused) {
    (void)unused;
    const struct {
        hid_t type;
        hsize_t n;
        double w[5];
        const char *message;
    } cases[] = {
        {H5T_IEEE_F32LE, 4, {1, 1, -0.5, 1}, "w[2] is -0.5; weights from 0 to 1e30 are allowed: store 0"},
        {H5T_IEEE_F64LE, 4, {1, 1, 1, NAN}, "w[3] is nan"},
        {H5T_IEEE_F64LE, 4, {INFINITY, 1, 1, 1}, "w[0] is inf"},
        {H5T_IEEE_F64LE, 4, {1e31, 1, 1, 1}, "w[0] is 1e+31"},
        {H5T_IEEE_F64LE,
         5,
         {1, 1, 1, 1, 1},
         "weights w are float64 of shape [5]; one number for each of the 4 rows"},
        {H5T_IEEE_F32LE, 3, {1, 1, 1}, "weights w are float32 of shape [3]"},
        {H5T_STD_I32LE, 4, {1, 1, -1, 1}, "w[2] is -1; weights from 0 to 1e30 are allowed: store 0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hid_t file = create_file(test_file);
        put_matrix(file, "X", H5T_IEEE_F32LE, 4, 1, H5T_NATIVE_DOUBLE, (double[]){1, 2, 3, 4});
        put_vector(file, "w", cases[i].type, cases[i].n, H5T_NATIVE_DOUBLE, cases[i].w);
        H5Fclose(file);
        mg_dataset_request request = {
            .path = test_file, .features = "X", .weights = "w", .window_bytes = 1 << 16, .survey = true};
        mg_dataset *dataset;
        mg_error error;
        assert_int_equal(mg_dataset_open(&request, &dataset, &error), MG_DATA);
        if (!strstr(error.text, cases[i].message))
            fail_msg("\"%s\" is not in: %s", cases[i].message, error.text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_weights), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
