// test_store.c - rows in memory: their size, padding and views; columns that lose their differences in
// float32.
#include "rows/rounding.h"
#include "rows/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

// Dense rows are padded to whole vectors; a view refers to the memory of the store, in its order or by an
// index.
static void test_dense(void **unused) {
    (void)unused;
    for (mg_cell cell = MG_CELL_U8; cell <= MG_CELL_F32; cell++) {
        mg_store store;
        assert_int_equal(mg_store_create(&store, MG_DENSE, cell, 21, 5, 0, NULL), MG_OK);
        assert_int_equal(store.stride, 32);
        assert_true(mg_store_bytes(MG_DENSE, cell, 21, 5, 0) == (double)(5 * 32 * mg_cell_size(cell)));
        memset(store.dense, 0, 5 * 32 * mg_cell_size(cell));
        store.count = 4;
        mg_rows rows = mg_store_rows(&store);
        assert_int_equal(rows.count, 4);
        assert_null(rows.index);
        assert_int_equal(mg_rows_stored(&rows, 3), 3);
        rows.index = (uint32_t[]){2, 0, 3, 1};
        assert_int_equal(mg_rows_stored(&rows, 2), 3);
        size_t offset = (size_t)((const char *)mg_rows_dense(&rows, 3) - (const char *)store.dense);
        assert_int_equal(offset, 3 * 32 * mg_cell_size(cell));
        mg_store_destroy(&store);
        assert_null(store.dense);
    }
}

static void test_csr(void **unused) {
    (void)unused;
    mg_store store;
    assert_int_equal(mg_store_create(&store, MG_CSR, MG_CELL_F32, 100, 3, 7, NULL), MG_OK);
    assert_true(mg_store_bytes(MG_CSR, MG_CELL_F32, 100, 3, 7) == 8 * (3 + 7));
    for (int i = 0; i <= 3; i++) assert_int_equal(store.indptr[i], 0);
    store.count = 3;
    mg_rows rows = mg_store_rows(&store);
    assert_ptr_equal(rows.indices, store.indices);
    assert_ptr_equal(rows.values, store.values);
    mg_store_destroy(&store);
}

// Borrowed arrays are not freed.
static void test_borrowed(void **unused) {
    (void)unused;
    static float cells[2][16];
    mg_store store = {.dense = cells, .cell = MG_CELL_F32, .features = 16, .stride = 16, .borrowed = true};
    mg_store_destroy(&store);
    assert_null(store.dense);
}

// Column 0 is exact, column 1 loses a little, column 2 all of its differences, column 3 is constant.
static void test_rounding(void **unused) {
    (void)unused;
    mg_rounding rounding = {0};
    char text[MG_ROUNDING_TEXT];
    int64_t column = -1;
    assert_int_equal(mg_rounding_begin(&rounding, 4, NULL), MG_OK);
    assert_int_equal(mg_rounding_worst(&rounding, &column), 0); // no rows
    for (int i = 0; i < 10; i++) {
        double value[4] = {i, 1 + 0.1 * i, 1.7e9 + i, 1.7e9 + 1};
        float rounded[4];
        for (int j = 0; j < 4; j++) rounded[j] = (float)value[j];
        mg_rounding_look(&rounding, value, rounded);
    }
    assert_int_equal(mg_rounding_worst(&rounding, &column), 1);
    assert_int_equal(column, 2);
    mg_rounding_text(&rounding, column, 1, text);
    assert_non_null(strstr(text, "from 1700000000 to 1700000009"));
    assert_non_null(strstr(text, "subtract 1700000000 from the column"));
    mg_rounding_clear(&rounding);
    assert_int_equal(mg_rounding_worst(&rounding, &column), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_dense), cmocka_unit_test(test_csr),
                                       cmocka_unit_test(test_borrowed), cmocka_unit_test(test_rounding)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
