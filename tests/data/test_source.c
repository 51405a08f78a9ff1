// test_source.c - rows of one file as kernels read them: any selection, dense and sparse, prepared, compared
// with numbers computed by hand. The error for an unusable value says where it is.
#include "base/memory.h"
#include "data/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "h5_files.h"

#include <math.h>

enum { ROWS = 5, COLUMNS = 4, ENTRIES = 7 };

static const double cells[ROWS][COLUMNS] = {
    {0, 1, 0, 2}, {0, 0, 0, 0}, {3, 4, 0, 0}, {0, 0, 0, 5}, {6, 0, 7, 0}};
static const int64_t indptr[ROWS + 1] = {0, 2, 2, 4, 5, 7}, indices[ENTRIES] = {1, 3, 0, 1, 3, 0, 2};
static const double values[ENTRIES] = {1, 2, 3, 4, 5, 6, 7};

static mg_h5 *file;

static void write_rows(bool sparse, const double *x, const double *data, const storage *how) {
    hid_t made = create_file(test_file);
    const csr_types types = {H5T_IEEE_F64LE, H5T_STD_I32LE, H5T_STD_I64LE};
    if (sparse) put_csr(made, "X", (csr_rows){ROWS, COLUMNS, indptr, indices, data}, types, &storages[0]);
    else
        put(made, "X", H5T_IEEE_F64LE, 2, (hsize_t[]){ROWS, COLUMNS}, (memory_data){H5T_NATIVE_DOUBLE, x},
            how);
    H5Fclose(made);
}

static mg_source *open_source(mg_preparation preparation) {
    mg_source *source = NULL;
    mg_error error;
    if (mg_h5_open(test_file, &file, &error) || mg_source_open(file, "X", preparation, &source, &error))
        fail_msg("%s", error.text);
    return source;
}

static void close_source(mg_source *source) {
    mg_source_close(source);
    mg_h5_close(file);
}

static float cell_of(const mg_rows *rows, int64_t r, int c) {
    if (rows->layout == MG_DENSE) return ((const float *)rows->dense)[r * rows->stride + c];
    for (int64_t e = rows->indptr[r]; e < rows->indptr[r + 1]; e++)
        if (rows->indices[e] == (uint32_t)c) return rows->values[e];
    return 0;
}

// Reads rows select[first..first+count) with two calls, the second of which appends.
static void expect_rows(mg_source *source, const int64_t *select, int64_t first, int64_t count) {
    mg_store store;
    mg_error error;
    mg_layout layout = mg_source_layout(source);
    int64_t stored = layout == MG_CSR ? mg_source_stored(source, select, first, count) : 0, expected = 0,
            half = count / 2;
    if (mg_store_create(&store, layout, mg_source_cell(source), COLUMNS, count, stored, &error))
        fail_msg("%s", error.text);
    if (mg_source_read(source, select, first, half, &store, &error)) fail_msg("%s", error.text);
    if (mg_source_read(source, select, first + half, count - half, &store, &error))
        fail_msg("%s", error.text);
    mg_rows rows = mg_store_rows(&store);
    assert_int_equal(rows.count, count);
    for (int64_t i = 0; i < count; i++) {
        int64_t row = select ? select[first + i] : first + i;
        expected += indptr[row + 1] - indptr[row];
        for (int c = 0; c < COLUMNS; c++) assert_true(cell_of(&rows, i, c) == (float)cells[row][c]);
    }
    if (layout == MG_CSR) assert_int_equal(stored, expected);
    mg_store_destroy(&store);
}

static void expect_selections(mg_source *source) {
    static const int64_t some[] = {0, 1, 3, 4}, last[] = {4};
    assert_int_equal(mg_source_rows(source), ROWS);
    assert_int_equal(mg_source_features(source), COLUMNS);
    for (int64_t first = 0; first <= ROWS; first++)
        for (int64_t count = 0; first + count <= ROWS; count++) expect_rows(source, NULL, first, count);
    expect_rows(source, some, 0, 4);
    expect_rows(source, some, 1, 2);
    expect_rows(source, last, 0, 1);
}

static void test_rows(void **unused) {
    (void)unused;
    for (int s = 0; s < STORAGES; s++) {
        write_rows(false, &cells[0][0], NULL, &storages[s]);
        mg_source *source = open_source((mg_preparation){MG_ROW_AS_IS, false});
        assert_int_equal(mg_source_layout(source), MG_DENSE);
        assert_int_equal(mg_source_most_entries(source), COLUMNS);
        expect_selections(source);
        close_source(source);
    }
    write_rows(true, NULL, values, NULL);
    mg_source *source = open_source((mg_preparation){MG_ROW_AS_IS, false});
    assert_int_equal(mg_source_layout(source), MG_CSR);
    assert_int_equal(mg_source_most_entries(source), 2);
    expect_selections(source);
    close_source(source);
}

static void expect_named(bool sparse, double bad) {
    double x[ROWS * COLUMNS], data[ENTRIES];
    mg_store store;
    mg_error error = {0};
    memcpy(x, cells, sizeof x);
    memcpy(data, values, sizeof data);
    x[2 * COLUMNS + 1] = data[3] = bad;
    write_rows(sparse, x, data, &storages[0]);
    mg_source *source = open_source((mg_preparation){MG_ROW_AS_IS, false});
    mg_layout layout = mg_source_layout(source);
    assert_int_equal(mg_store_create(&store, layout, mg_source_cell(source), COLUMNS, ROWS, ENTRIES, &error),
                     MG_OK);
    // there are rows before it in the store
    assert_int_equal(mg_source_read(source, NULL, 0, 2, &store, &error), MG_OK);
    assert_int_equal(mg_source_read(source, NULL, 2, 1, &store, &error), MG_DATA);
    if (!strstr(error.text, "X[2, 1]")) fail_msg("'X[2, 1]' is not in: %s", error.text);
    mg_store_destroy(&store);
    close_source(source);
}

static void test_bad_values(void **unused) {
    (void)unused;
    static const double bad[] = {NAN, INFINITY, -INFINITY, 1e39};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        expect_named(false, bad[i]);
        expect_named(true, bad[i]);
    }
}

static void expect_prepared(mg_preparation how, const float *row, const float *wanted) {
    float got[3] = {row[0], row[1], row[2]};
    int64_t bad = -2;
    assert_null(mg_prepare_row(how, 3, got, &bad));
    for (int i = 0; i < 3; i++)
        if (fabsf(got[i] - wanted[i]) > 1e-6f * fabsf(wanted[i]))
            fail_msg("cell %d is %.9g, not %.9g", i, (double)got[i], (double)wanted[i]);
}

static void expect_unprepared(mg_preparation how, const float *row, int64_t wanted) {
    float got[3] = {row[0], row[1], row[2]};
    int64_t bad = -2;
    assert_non_null(mg_prepare_row(how, 3, got, &bad));
    assert_int_equal(bad, wanted);
}

#define ROW(a, b, c) ((const float[]){a, b, c})

static void test_preparation(void **unused) {
    (void)unused;
    const mg_preparation none = {MG_ROW_AS_IS, false}, unit = {MG_ROW_UNIT, false},
                         total = {MG_ROW_TOTAL, false}, logs = {MG_ROW_AS_IS, true},
                         both = {MG_ROW_TOTAL, true};
    expect_prepared(none, ROW(3, -4, 0), ROW(3, -4, 0));
    expect_prepared(unit, ROW(3, -4, 0), ROW(0.6f, -0.8f, 0));
    expect_prepared(unit, ROW(3e30f, -4e30f, 0), ROW(0.6f, -0.8f, 0)); // squares exceed float32
    expect_prepared(unit, ROW(3e-30f, -4e-30f, 0), ROW(0.6f, -0.8f, 0));
    expect_prepared(total, ROW(1, 3, 0), ROW(2500, 7500, 0));
    expect_prepared(logs, ROW(0, 1, 1e-8f), ROW(0, 0.69314718f, 1e-8f));   // log1p is exact for small values
    expect_prepared(both, ROW(1, 3, 0), ROW(7.82444593f, 8.92279156f, 0)); // first the length, then the cells
    for (int i = 0; i < 2; i++) expect_prepared(i ? total : unit, ROW(0, 0, 0), ROW(0, 0, 0));
    expect_unprepared(total, ROW(1, -3, 0), -1);
    expect_unprepared(logs, ROW(0, 1, -1), 2);
    assert_int_equal(mg_preparation_of("unit", "none").length, MG_ROW_UNIT);
    assert_int_equal(mg_preparation_of("total", "log1p").length, MG_ROW_TOTAL);
    assert_true(mg_preparation_of("total", "log1p").log1p);
    assert_false(mg_preparation_of("none", "none").log1p);
    assert_int_equal(mg_preparation_of("none", "none").length, MG_ROW_AS_IS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_preparation),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
