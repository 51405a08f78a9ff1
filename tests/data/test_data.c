// test_data.c - rows of every stored type and layout, their preparation, the fraction of held-out rows, and
// fingerprints.
#include "data/dataset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "h5_files.h"

#include <math.h>

static mg_dataset_request request_all(void) {
    return (mg_dataset_request){.path = test_file, .features = "X", .window_bytes = 1 << 20, .survey = true};
}

static mg_dataset *open_data(const mg_dataset_request *request) {
    mg_dataset *dataset;
    mg_error error = {0};
    if (mg_dataset_open(request, &dataset, &error)) fail_msg("%s", error.text);
    return dataset;
}

static float cell_at(const mg_store *store, int64_t i, int64_t d) {
    if (store->layout == MG_CSR) {
        for (int64_t e = store->indptr[i]; e < store->indptr[i + 1]; e++)
            if (store->indices[e] == d) return store->values[e];
        return 0;
    }
    int64_t at = i * store->stride + d;
    if (store->cell != MG_CELL_F32) return (double)mg_cell_at(store->cell, store->dense, at);
    return ((const float *)store->dense)[at];
}

// ---- stored types -------------------------------------------------------------------------------

enum { ROWS = 7, COLUMNS = 5 };

typedef struct stored_type {
    const char *name;
    hid_t type;
    double least, most; // range of the type, as far as floats are exact
    bool fractions;
    mg_cell cell;
} stored_type;

enum { TYPES = 22 };

static void list_types(stored_type out[TYPES]) {
    const stored_type types[TYPES] = {
        {"i8", H5T_STD_I8LE, -128, 127, false, MG_CELL_I8},
        {"i8 BE", H5T_STD_I8BE, -128, 127, false, MG_CELL_I8},
        {"u8", H5T_STD_U8LE, 0, 255, false, MG_CELL_U8},
        {"u8 BE", H5T_STD_U8BE, 0, 255, false, MG_CELL_U8},
        {"i16", H5T_STD_I16LE, -32768, 32767, false, MG_CELL_F32},
        {"i16 BE", H5T_STD_I16BE, -32768, 32767, false, MG_CELL_F32},
        {"u16", H5T_STD_U16LE, 0, 65535, false, MG_CELL_F32},
        {"u16 BE", H5T_STD_U16BE, 0, 65535, false, MG_CELL_F32},
        {"i32", H5T_STD_I32LE, -0x1p31, 0x1p30, false, MG_CELL_F32},
        {"i32 BE", H5T_STD_I32BE, -0x1p31, 0x1p30, false, MG_CELL_F32},
        {"u32", H5T_STD_U32LE, 0, 0x1p31, false, MG_CELL_F32},
        {"u32 BE", H5T_STD_U32BE, 0, 0x1p31, false, MG_CELL_F32},
        {"i64", H5T_STD_I64LE, -0x1p63, 0x1p62, false, MG_CELL_F32},
        {"i64 BE", H5T_STD_I64BE, -0x1p63, 0x1p62, false, MG_CELL_F32},
        {"u64", H5T_STD_U64LE, 0, 0x1p63, false, MG_CELL_F32},
        {"u64 BE", H5T_STD_U64BE, 0, 0x1p63, false, MG_CELL_F32},
        {"f16", half_precision(0), -65504, 65504, true, MG_CELL_F16},
        {"f16 BE", half_precision(1), -65504, 0x1p-24, true, MG_CELL_F16},
        {"f32", H5T_IEEE_F32LE, -3e38f, 1e-42f, true, MG_CELL_F32},
        {"f32 BE", H5T_IEEE_F32BE, -3e38f, 3e38f, true, MG_CELL_F32},
        {"f64", H5T_IEEE_F64LE, -3e38f, 3e38f, true, MG_CELL_F32},
        {"f64 BE", H5T_IEEE_F64BE, -3e38f, 1e-42f, true, MG_CELL_F32},
    };
    memcpy(out, types, sizeof types);
}

// Small numbers that the type can hold, its smallest and largest value in two corners, and some zeros.
static void fill(const stored_type *type, double x[ROWS][COLUMNS]) {
    for (int i = 0; i < ROWS; i++)
        for (int d = 0; d < COLUMNS; d++) {
            int small = (i * 3 + d * 5) % 11 - (type->least < 0 ? 5 : 0);
            x[i][d] = type->fractions ? small / 8.0 : small;
        }
    x[1][2] = type->least;
    x[ROWS - 1][COLUMNS - 1] = type->most;
}

static void check_moments(const mg_dataset *dataset, double x[ROWS][COLUMNS]) {
    for (int d = 0; d < COLUMNS; d++) {
        double mean = 0, squares = 0, most = 0;
        for (int i = 0; i < ROWS; i++) {
            mean += x[i][d] / ROWS;
            most = fmax(most, fabs(x[i][d]));
        }
        for (int i = 0; i < ROWS; i++) squares += (x[i][d] - mean) * (x[i][d] - mean);
        assert_true(fabs(dataset->moments.mean[d] - mean) <= 1e-12 * most);
        assert_true(fabs(dataset->moments.squares[d] - squares) <= 1e-12 * squares);
        assert_true((double)dataset->moments.most[d] == most);
    }
    assert_true(dataset->moments.weight == ROWS);
}

static void check_rows(const char *name, const char *how, double x[ROWS][COLUMNS]) {
    mg_dataset_request request = request_all();
    mg_dataset *dataset = open_data(&request);
    assert_true(dataset->resident);
    assert_int_equal(dataset->count, ROWS);
    assert_int_equal(dataset->features, COLUMNS);
    for (int i = 0; i < ROWS; i++)
        for (int d = 0; d < COLUMNS; d++)
            if (cell_at(&dataset->store, i, d) != (float)x[i][d])
                fail_msg("%s, %s: [%d, %d] is %g, not %g", name, how, i, d,
                         (double)cell_at(&dataset->store, i, d), x[i][d]);
    for (int64_t i = 0; dataset->layout == MG_DENSE && i < ROWS; i++)
        for (int64_t d = COLUMNS; d < dataset->store.stride; d++)
            assert_true(cell_at(&dataset->store, i, d) == 0);
    check_moments(dataset, x);
    mg_dataset_close(dataset);
}

static void test_dense_types(void **unused) {
    (void)unused;
    stored_type types[TYPES];
    list_types(types);
    for (int t = 0; t < TYPES; t++)
        for (int s = 0; s < STORAGES; s++) {
            double x[ROWS][COLUMNS];
            fill(&types[t], x);
            hid_t file = create_file(test_file);
            put(file, "X", types[t].type, 2, (hsize_t[]){ROWS, COLUMNS}, (memory_data){H5T_NATIVE_DOUBLE, x},
                &storages[s]);
            H5Fclose(file);
            check_rows(types[t].name, storages[s].name, x);
            mg_dataset_request request = request_all();
            mg_dataset *dataset = open_data(&request);
            assert_int_equal(dataset->cell, types[t].cell);
            assert_int_equal(dataset->layout, MG_DENSE);
            mg_dataset_close(dataset);
        }
}

// Converts to CSR without the zeros; some rows are empty.
static int64_t to_csr(double x[ROWS][COLUMNS], int64_t *indptr, int64_t *indices, double *values) {
    int64_t e = 0;
    for (int i = 0; i < ROWS; i++) {
        indptr[i] = e;
        for (int d = 0; d < COLUMNS; d++) {
            if (i == 3) x[i][d] = 0;
            if (x[i][d] != 0) indices[e] = d, values[e++] = x[i][d];
        }
    }
    indptr[ROWS] = e;
    return e;
}

static void test_csr_types(void **unused) {
    (void)unused;
    stored_type types[TYPES];
    list_types(types);
    const hid_t index_types[] = {H5T_STD_I32LE, H5T_STD_I64LE, H5T_STD_I64BE, H5T_STD_U8LE,
                                 H5T_STD_U16BE, H5T_STD_U32LE, H5T_STD_U64LE};
    for (int t = 0; t < TYPES; t++)
        for (int s = 0; s < STORAGES; s++) {
            double x[ROWS][COLUMNS], values[ROWS * COLUMNS];
            int64_t indptr[ROWS + 1], indices[ROWS * COLUMNS];
            fill(&types[t], x);
            to_csr(x, indptr, indices, values);
            csr_types stored = {types[t].type, index_types[(t + s) % 7],
                                t % 2 ? H5T_STD_I32LE : H5T_STD_I64LE};
            hid_t file = create_file(test_file);
            put_csr(file, "X", (csr_rows){ROWS, COLUMNS, indptr, indices, values}, stored, &storages[s]);
            H5Fclose(file);
            check_rows(types[t].name, storages[s].name, x);
        }
}

// Names with slashes, the older name of the shape attribute, and a missing encoding attribute.
static void test_names(void **unused) {
    (void)unused;
    const int64_t indptr[] = {0, 1, 2}, indices[] = {0, 2};
    hid_t file = create_file(test_file);
    put_group(file, "layers");
    put_csr(file, "layers/counts", (csr_rows){2, 3, indptr, indices, (double[]){4, 5}},
            (csr_types){H5T_IEEE_F32LE, H5T_STD_I32LE, H5T_STD_I32LE}, &storages[0]);
    H5Adelete_by_name(file, "layers/counts", "shape", H5P_DEFAULT);
    H5Adelete_by_name(file, "layers/counts", "encoding-type", H5P_DEFAULT);
    put_attribute_int64(file, "layers/counts", "h5sparse_shape", 2, (int64_t[]){2, 3});
    H5Fclose(file);
    mg_dataset_request request = request_all();
    request.features = "layers/counts";
    mg_dataset *dataset = open_data(&request);
    assert_true(dataset->layout == MG_CSR && dataset->features == 3 && cell_at(&dataset->store, 1, 2) == 5);
    mg_dataset_close(dataset);
}

// ---- preparation --------------------------------------------------------------------------------

// Prepares a row by the formulas, in double.
static void prepare(const char *rows, const char *transform, double *x) {
    double sum = 0, square = 0;
    for (int d = 0; d < COLUMNS; d++) sum += x[d], square += x[d] * x[d];
    for (int d = 0; d < COLUMNS; d++) {
        if (!strcmp(rows, "unit") && square > 0) x[d] /= sqrt(square);
        if (!strcmp(rows, "total") && sum > 0) x[d] *= 10000 / sum;
        if (!strcmp(transform, "log1p")) x[d] = log(1 + x[d]);
    }
}

static void check_preparation(const char *rows, const char *transform, double x[ROWS][COLUMNS]) {
    mg_dataset_request request = request_all();
    request.preparation = mg_preparation_of(rows, transform);
    mg_dataset *dataset = open_data(&request);
    assert_int_equal(dataset->cell,
                     strcmp(rows, "none") || strcmp(transform, "none") ? MG_CELL_F32 : dataset->cell);
    for (int i = 0; i < ROWS; i++) {
        double expected[COLUMNS];
        memcpy(expected, x[i], sizeof expected);
        prepare(rows, transform, expected);
        for (int d = 0; d < COLUMNS; d++) {
            double got = (double)cell_at(&dataset->store, i, d);
            if (!(fabs(got - expected[d]) <= 2e-7 * fabs(expected[d])))
                fail_msg("%s, %s: [%d, %d] is %.9g, not %.9g", rows, transform, i, d, got, expected[d]);
        }
    }
    mg_dataset_close(dataset);
}

static void test_preparation(void **unused) {
    (void)unused;
    const char *const rows[] = {"none", "unit", "total"}, *const transforms[] = {"none", "log1p"};
    stored_type types[TYPES];
    list_types(types);
    for (int form = 0; form < 3; form++) { // 8-bit cells, floats, CSR
        double x[ROWS][COLUMNS], values[ROWS * COLUMNS];
        int64_t indptr[ROWS + 1], indices[ROWS * COLUMNS];
        fill(&types[2], x);
        to_csr(x, indptr, indices, values); // row 3 becomes empty: it has length 0 and must not change
        for (int d = 0; form && d < COLUMNS; d++) x[0][d] += x[0][d] > 0 ? 0.125 : 0;
        to_csr(x, indptr, indices, values);
        hid_t file = create_file(test_file);
        if (form < 2)
            put_matrix(file, "X", form ? H5T_IEEE_F32LE : H5T_STD_U8LE, ROWS, COLUMNS, H5T_NATIVE_DOUBLE, x);
        else
            put_csr(file, "X", (csr_rows){ROWS, COLUMNS, indptr, indices, values},
                    (csr_types){H5T_IEEE_F64LE, H5T_STD_I32LE, H5T_STD_I64LE}, &storages[0]);
        H5Fclose(file);
        for (int r = 0; r < 3; r++)
            for (int t = 0; t < 2; t++) check_preparation(rows[r], transforms[t], x);
    }
}

// ---- held-out fraction --------------------------------------------------------------------------

enum { MANY = 3000 };

// Writes a file whose row i has i in its only column and the label i % 7.
static void put_numbered(bool sparse) {
    static double x[MANY];
    static int64_t indptr[MANY + 1], indices[MANY], y[MANY];
    for (int i = 0; i < MANY; i++) x[i] = i + 1, indptr[i + 1] = i + 1, indices[i] = i % 3, y[i] = i % 7;
    hid_t file = create_file(test_file);
    if (sparse)
        put_csr(file, "X", (csr_rows){MANY, 3, indptr, indices, x},
                (csr_types){H5T_IEEE_F32LE, H5T_STD_I32LE, H5T_STD_I64LE}, &storages[0]);
    else put_matrix(file, "X", H5T_IEEE_F32LE, MANY, 1, H5T_NATIVE_DOUBLE, x);
    put_vector(file, "y", H5T_STD_I32LE, MANY, H5T_NATIVE_INT64, y);
    H5Fclose(file);
}

// Marks the rows of a selection in `seen`; returns their number.
static int64_t mark_side(mg_selection side, double fraction, uint64_t seed, char *seen) {
    mg_dataset_request request = request_all();
    request.labels = "y";
    request.selection = side;
    request.held_out = fraction;
    request.seed = seed;
    mg_dataset *dataset = open_data(&request);
    for (int64_t i = 0; i < dataset->count; i++) {
        int64_t row = dataset->select[i];
        float value = dataset->layout == MG_DENSE ? cell_at(&dataset->store, i, 0)
                                                  : cell_at(&dataset->store, i, row % 3);
        assert_true(value == (float)(row + 1) && dataset->label[i] == row % 7);
        assert_true(i == 0 || row > dataset->select[i - 1]);
        seen[row]++;
    }
    int64_t count = dataset->count;
    mg_dataset_close(dataset);
    return count;
}

static void test_held_out(void **unused) {
    (void)unused;
    static char kept[MANY], held[MANY], again[MANY], other[MANY];
    for (int sparse = 0; sparse < 2; sparse++) {
        put_numbered(sparse);
        const double fractions[] = {0.01, 0.1, 0.5, 0.9};
        for (int f = 0; f < 4; f++) {
            memset(kept, 0, MANY), memset(held, 0, MANY), memset(again, 0, MANY), memset(other, 0, MANY);
            int64_t n = mark_side(MG_SELECT_KEPT, fractions[f], 11, kept),
                    m = mark_side(MG_SELECT_HELD_OUT, fractions[f], 11, held);
            assert_int_equal(n + m, MANY);
            for (int i = 0; i < MANY; i++) assert_int_equal(kept[i] + held[i], 1);
            double expected = fractions[f] * MANY, deviation = sqrt(expected * (1 - fractions[f]));
            assert_true(fabs((double)m - expected) < 4 * deviation);
            mark_side(MG_SELECT_HELD_OUT, fractions[f], 11, again);
            assert_memory_equal(held, again, MANY);
            mark_side(MG_SELECT_HELD_OUT, fractions[f], 12, other);
            assert_memory_not_equal(held, other, MANY);
        }
    }
    mg_dataset_request request = request_all();
    request.selection = MG_SELECT_HELD_OUT;
    request.held_out = 1e-9;
    mg_dataset *dataset;
    mg_error error;
    assert_int_equal(mg_dataset_open(&request, &dataset, &error), MG_CONFIG);
    assert_non_null(strstr(error.text, "data.validation"));
    assert_null(dataset);
}

// ---- fingerprints -------------------------------------------------------------------------------

typedef struct content {
    double x[ROWS][COLUMNS];
    int64_t y[ROWS];
    double w[ROWS];
} content;

static uint64_t fingerprint(const content *c, hid_t type, const storage *how, bool sparse,
                            int64_t memory_limit) {
    double x[ROWS][COLUMNS], values[ROWS * COLUMNS];
    int64_t indptr[ROWS + 1], indices[ROWS * COLUMNS];
    memcpy(x, c->x, sizeof x);
    hid_t file = create_file(test_file);
    if (sparse) {
        to_csr(x, indptr, indices, values);
        put_csr(file, "X", (csr_rows){ROWS, COLUMNS, indptr, indices, values},
                (csr_types){type, H5T_STD_I32LE, H5T_STD_I64LE}, how);
    } else {
        put(file, "X", type, 2, (hsize_t[]){ROWS, COLUMNS}, (memory_data){H5T_NATIVE_DOUBLE, x}, how);
    }
    put_vector(file, "y", H5T_STD_I64LE, ROWS, H5T_NATIVE_INT64, c->y);
    put_vector(file, "w", H5T_IEEE_F64LE, ROWS, H5T_NATIVE_DOUBLE, c->w);
    H5Fclose(file);
    mg_dataset_request request = request_all();
    request.labels = "y";
    request.weights = "w";
    request.memory_limit = memory_limit;
    mg_dataset *dataset = open_data(&request);
    assert_true(dataset->resident == (memory_limit == 0));
    uint64_t result = dataset->fingerprint;
    mg_dataset_close(dataset);
    return result;
}

static void test_fingerprint(void **unused) {
    (void)unused;
    const hid_t types[] = {H5T_IEEE_F32LE, H5T_STD_U8LE};
    stored_type all[TYPES];
    list_types(all);
    for (int form = 0; form < 4; form++) {
        hid_t type = types[form % 2];
        bool sparse = form >= 2;
        content c = {.y = {0, 1, 2, 0, 1, 2, 0}, .w = {1, 1, 1, 1, 1, 1, 1}};
        fill(&all[2], c.x);
        uint64_t original = fingerprint(&c, type, &storages[0], sparse, 0);
        assert_true(original == fingerprint(&c, type, &storages[0], sparse, 0));
        assert_true(original ==
                    // the same rows, stored in another layout
                    fingerprint(&c, type, &storages[3], sparse, 0));
        assert_true(original == fingerprint(&c, type, &storages[2], sparse, 1)); // the same rows, streamed
        if (!(form % 2)) assert_true(original == fingerprint(&c, H5T_IEEE_F32BE, &storages[0], sparse, 0));
        for (int i = 0; i < ROWS; i++)
            for (int d = 0; d < COLUMNS; d++) {
                if (sparse && i == 3) continue; // this row stays empty
                content changed = c;
                changed.x[i][d] += c.x[i][d] < 9 ? 1 : -1;
                assert_true(original != fingerprint(&changed, type, &storages[0], sparse, 0));
            }
        for (int i = 0; i < ROWS; i++) {
            content changed = c;
            changed.y[i] = (c.y[i] + 1) % 3;
            assert_true(original != fingerprint(&changed, type, &storages[0], sparse, 0));
            changed = c;
            changed.w[i] = 1.5;
            assert_true(original != fingerprint(&changed, type, &storages[0], sparse, 0));
        }
        content renamed = c; // the same classes under other names
        for (int i = 0; i < ROWS; i++) renamed.y[i] = c.y[i] == 2 ? 3 : c.y[i];
        assert_true(original != fingerprint(&renamed, type, &storages[0], sparse, 0));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dense_types), cmocka_unit_test(test_csr_types),
        cmocka_unit_test(test_names),       cmocka_unit_test(test_preparation),
        cmocka_unit_test(test_held_out),    cmocka_unit_test(test_fingerprint),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
