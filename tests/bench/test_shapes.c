// test_shapes.c - the random rows that `margin bench` measures are valid, and do not depend on threads.
#include "bench/bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support.h"

#include <math.h>
#include <string.h>

enum { ROWS = 600 };

static void make(const mg_bench_shape *shape, int threads, mg_bench_data *data) {
    char warning[256];
    mg_team team = {0};
    mg_error error = {0};
    mg_team_open(&team, threads, 0, warning, sizeof warning);
    if (mg_bench_data_create(shape, ROWS, &team, data, &error)) fail_msg("%s", error.text);
}

// Indices ascend and are below the number of features; values are finite, and each row has the length 1.
static void check_csr(const mg_bench_shape *shape, const mg_store *store) {
    for (int64_t i = 0; i < store->count; i++) {
        double square = 0;
        assert_true(store->indptr[i + 1] > store->indptr[i]);
        for (int64_t e = store->indptr[i]; e < store->indptr[i + 1]; e++) {
            assert_true(store->indices[e] < shape->features);
            if (e > store->indptr[i]) assert_true(store->indices[e] > store->indices[e - 1]);
            square += (double)store->values[e] * (double)store->values[e];
        }
        assert_true(fabs(square - 1) < 1e-5);
    }
}

// The padding is zero, and no 32-bit cell leaves [0, 1).
static void check_dense(const mg_bench_shape *shape, const mg_store *store) {
    size_t size = mg_cell_size(store->cell), padding = (size_t)(store->stride - shape->features) * size;
    for (int64_t i = 0; i < store->count; i++) {
        const char *row = (const char *)store->dense + (size_t)(i * store->stride) * size;
        for (size_t byte = 0; byte < padding; byte++)
            assert_int_equal(row[(size_t)shape->features * size + byte], 0);
        for (int64_t d = 0; store->cell == MG_CELL_F32 && d < shape->features; d++) {
            float cell;
            memcpy(&cell, row + (size_t)d * size, sizeof cell);
            assert_true(cell >= 0 && cell < 1);
        }
    }
}

static void assert_same(const mg_bench_data *a, const mg_bench_data *b) {
    size_t rows = ROWS, stored = a->store.layout == MG_CSR ? (size_t)a->store.indptr[ROWS] : 0;
    assert_memory_equal(a->label, b->label, rows * sizeof *a->label);
    if (a->store.layout == MG_DENSE) {
        size_t bytes = rows * (size_t)a->store.stride * mg_cell_size(a->store.cell);
        assert_int_equal(memcmp(a->store.dense, b->store.dense, bytes), 0);
        return;
    }
    assert_memory_equal(a->store.indptr, b->store.indptr, (rows + 1) * sizeof *a->store.indptr);
    assert_memory_equal(a->store.indices, b->store.indices, stored * sizeof *a->store.indices);
    assert_memory_equal(a->store.values, b->store.values, stored * sizeof *a->store.values);
}

static void test_rows(void **unused) {
    (void)unused;
    int count = 0;
    for (const mg_bench_shape *shape; (shape = mg_bench_shape_row(count)); count++) {
        mg_bench_data one, three;
        make(shape, 1, &one);
        make(shape, 3, &three);
        assert_string_equal(mg_bench_shape_at(count), shape->name);
        assert_true(shape->quick_rows <= shape->rows);
        for (int i = 0; i < ROWS; i++) assert_in_range(one.label[i], 0, shape->classes - 1);
        if (shape->layout == MG_CSR) check_csr(shape, &one.store);
        else check_dense(shape, &one.store);
        assert_same(&one, &three);
        mg_bench_data_destroy(&one);
        mg_bench_data_destroy(&three);
    }
    assert_true(count > 0);
    assert_null(mg_bench_shape_row(-1));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
