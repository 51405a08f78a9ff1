// test_fit_refused.c - what mg_fit refuses: values, arrays, and options that name files.
#include "fit_arrays.h"

#include <math.h>

enum { ROWS = 240, CLASSES = 4 };

static void expect(const mg_data *data, mg_status status, const char *text) {
    mg_model *model;
    mg_error error = {0};
    const mg_fit_request request = {.train = data};
    mg_status found = fit_with(&request, short_run, &model, NULL, &error);
    if (found != status || !strstr(error.text, text))
        fail_msg("status %d, '%s', not %d, '%s'", (int)found, error.text, (int)status, text);
    assert_null(strchr(error.text, '\n'));
}

static void test_refusals(void **unused) {
    (void)unused;
    arrays a;
    make_arrays(&a, &array_forms[FORM_F32], ROWS, 48, CLASSES);
    float *cells = a.cells, before = cells[5 * 48 + 7];
    cells[5 * 48 + 7] = NAN;
    expect(&a.data, MG_DATA, "data: X[5, 7] is nan; only finite float32 values are allowed");
    a.data.name = "my rows";
    expect(&a.data, MG_DATA, "my rows: X[5, 7] is nan");
    cells[5 * 48 + 7] = before;
    a.weights[3] = -1;
    expect(&a.data, MG_DATA, "my rows: weights[3] is -1; weights from 0 to 1e30 are allowed");
    a.weights[3] = 1;
    a.dense.row_bytes = 40;
    expect(&a.data, MG_USAGE, "my rows: dense.row_bytes is 40 (0, or at least 192, is allowed)");
    a.dense = (mg_data_dense){MG_DATA_INT64, cells, 0};
    expect(&a.data, MG_USAGE, "my rows: dense cells of type 3 are not read");
    a.dense = (mg_data_dense){MG_DATA_FLOAT32, NULL, 0};
    expect(&a.data, MG_USAGE, "my rows: dense.cells is NULL, but must hold 11520 values");
    a.dense.cells = cells;
    a.data.labels = NULL;
    expect(&a.data, MG_USAGE, "my rows: exactly one of labels and text_labels must be given");
    a.data.labels = a.labels;
    for (int i = 0; i < ROWS; i++) a.labels[i] = 3;
    expect(&a.data, MG_DATA, "my rows: all 240 rows have the same label");
    a.data.dense = NULL;
    expect(&a.data, MG_USAGE, "my rows: exactly one of dense and csr must be given");
    free_arrays(&a);
}

// Data without rows are refused; the message has their name.
static void test_empty(void **unused) {
    (void)unused;
    arrays a;
    mg_model *model;
    mg_error error = {0};
    const char *const sets[] = {"train.tolerance=1e-2", NULL};
    make_arrays(&a, &array_forms[FORM_F32], ROWS, 48, CLASSES);
    mg_data empty = a.data;
    empty.rows = 0;
    const mg_fit_request no_rows = {.train = &empty},
                         no_validation = {.train = &a.data, .validation = &empty};
    assert_int_equal(fit_with(&no_rows, sets, &model, NULL, &error), MG_USAGE);
    assert_string_equal(error.text, "data: is empty: it has no rows, but at least one is needed");
    assert_int_equal(fit_with(&no_validation, sets, &model, NULL, &error), MG_USAGE);
    assert_string_equal(error.text, "validation data: is empty: it has no rows, but at least one is needed");
    free_arrays(&a);
}

static void test_csr_refusals(void **unused) {
    (void)unused;
    arrays a;
    make_arrays(&a, &array_forms[FORM_CSR], ROWS, 48, CLASSES);
    int32_t *indices = a.indices, *indptr = a.indptr;
    float *values = a.values;
    float value = values[11];
    values[11] = INFINITY;
    char text[100];
    snprintf(text, sizeof text, "data: X[0, %d] is inf", (int)indices[11]);
    expect(&a.data, MG_DATA, text);
    values[11] = value;
    int32_t index = indices[4];
    indices[4] = 48;
    expect(&a.data, MG_DATA, "data: X/indices[4] (row 0) is 48; indices must be from 0");
    indices[4] = -1;
    expect(&a.data, MG_DATA, "data: X/indices[4] (row 0) is -1; indices must be from 0");
    indices[4] = indices[3];
    expect(&a.data, MG_DATA, "twice in row 0");
    indices[4] = index;
    indptr[0] = 1;
    expect(&a.data, MG_DATA, "data: X/indptr[0] is 1, but must be 0");
    indptr[0] = 0;
    indptr[7] = indptr[6] - 1;
    expect(&a.data, MG_DATA, "data: X/indptr[7] is ");
    free_arrays(&a);
}

// Options that name files are refused; the message says where they were set.
static void test_file_options(void **unused) {
    (void)unused;
    static const char *const options[][2] = {
        {"data.train=x.h5", "--set: data.train"},      {"data.test=x.h5", "--set: data.test"},
        {"data.weights=w", "--set: data.weights"},     {"data.names=n", "--set: data.names"},
        {"data.validation=x.h5", "data.validation: "}, {"data.labels=weights", "data.labels: weights"},
    };
    arrays a;
    mg_model *model;
    make_arrays(&a, &array_forms[FORM_F32], ROWS, 48, CLASSES);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        mg_error error = {0};
        const mg_fit_request request = {.train = &a.data};
        assert_int_equal(fit_with(&request, (const char *const[]){options[i][0], NULL}, &model, NULL, &error),
                         MG_CONFIG);
        if (!strstr(error.text, options[i][1])) fail_msg("%s", error.text);
    }
    mg_error error = {0};
    const mg_fit_request resume = {.train = &a.data, .resume = true};
    assert_int_equal(fit_with(&resume, short_run, &model, NULL, &error), MG_USAGE);
    free_arrays(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_csr_refusals),
        cmocka_unit_test(test_file_options),
    };
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
