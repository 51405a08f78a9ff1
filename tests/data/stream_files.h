// stream_files.h - functions that tests of the stream share: they write files whose rows contain their own
// numbers, and read epochs from them.
#ifndef MG_TEST_STREAM_FILES_H
#define MG_TEST_STREAM_FILES_H

#include "data/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "h5_files.h"

enum { ROWS = 20000, COLUMNS = 4, WIDE = 16, MOST_ENTRIES = ROWS * COLUMNS };

// ---- files whose rows contain their number -------------------------------------------------------

typedef struct row_form {
    const char *name;
    bool sparse;
    hid_t type;
    storage how;
    int columns;   // 0: COLUMNS; columns after the first COLUMNS are zero
    bool in_place; // rows are used in place if they are not in memory and all are selected
    int shift;     // bytes before X in the file
} row_form;

enum { FORMS = 10 };

static inline void list_forms(row_form out[FORMS]) {
    const row_form forms[FORMS] = {
        {"floats", false, H5T_IEEE_F32LE, {.name = ""}},
        {"bytes", false, H5T_STD_U8LE, {.name = ""}},
        {"compressed doubles",
         false,
         H5T_IEEE_F64BE,
         {.chunk_rows = 700, .chunk_columns = 3, .deflate = 1, .shuffle = 1}},
        {"CSR", true, H5T_IEEE_F32LE, {.name = ""}},
        {"compressed CSR", true, H5T_STD_I16LE, {.chunk_rows = 5000, .deflate = 1, .fletcher32 = 1}},
        {"wide floats", false, H5T_IEEE_F32LE, {.name = ""}, WIDE, true},
        {"wide floats, not at a cache line", false, H5T_IEEE_F32LE, {.name = ""}, WIDE, true, .shift = 4},
        {"wide floats askew", false, H5T_IEEE_F32LE, {.name = ""}, WIDE, false, .shift = 5},
        {"wide bytes askew", false, H5T_STD_U8LE, {.name = ""}, WIDE, true, .shift = 5},
        {"wide floats of the other byte order", false, H5T_IEEE_F32BE, {.name = ""}, WIDE, false},
    };
    memcpy(out, forms, sizeof forms);
}

// Row i contains i as digits to the base 128. CSR rows do not store leading zeros, so they differ in length
// (row 0 is empty).
static inline double digit(int64_t row, int column) { return (double)(row >> (7 * column) & 127); }

static inline void write_form(const row_form *form) {
    static double x[ROWS * WIDE], values[MOST_ENTRIES];
    static int64_t indptr[ROWS + 1], indices[MOST_ENTRIES], y[ROWS];
    static double w[ROWS];
    int64_t e = 0, columns = form->columns ? form->columns : COLUMNS;
    memset(x, 0, sizeof x);
    for (int64_t i = 0; i < ROWS; i++) {
        for (int c = 0; c < COLUMNS; c++) {
            x[i * columns + c] = digit(i, c);
            if (digit(i, c) != 0) indices[e] = c, values[e++] = digit(i, c);
        }
        indptr[i + 1] = e;
        y[i] = i % 11;
        w[i] = 1 + (double)(i % 3);
    }
    hid_t file = create_file(test_file), access = H5Pcreate(H5P_FILE_ACCESS);
    // A user block of exactly this size, so that X follows directly.
    if (form->shift) {
        H5Fclose(file);
        H5Pset_small_data_block_size(access, 0);
        file = H5Fcreate(test_file, H5F_ACC_TRUNC, H5P_DEFAULT, access);
        put_vector(file, "before", H5T_STD_U8LE, (hsize_t)(4096 + form->shift), H5T_NATIVE_DOUBLE, x);
    }
    H5Pclose(access);
    if (form->sparse)
        put_csr(file, "X", (csr_rows){ROWS, COLUMNS, indptr, indices, values},
                (csr_types){form->type, H5T_STD_I32LE, H5T_STD_I64LE}, &form->how);
    else
        put(file, "X", form->type, 2, (hsize_t[]){ROWS, (hsize_t)columns},
            (memory_data){H5T_NATIVE_DOUBLE, x}, &form->how);
    put_vector(file, "y", H5T_STD_I32LE, ROWS, H5T_NATIVE_INT64, y);
    put_vector(file, "w", H5T_IEEE_F32LE, ROWS, H5T_NATIVE_DOUBLE, w);
    H5Fclose(file);
}

static inline mg_dataset *open_data(int64_t memory_limit, int64_t window_bytes, mg_selection side) {
    mg_dataset_request request = {
        .path = test_file,
        .features = "X",
        .labels = "y",
        .weights = "w",
        .selection = side,
        .held_out = 0.3,
        .seed = 3,
        .memory_limit = memory_limit,
        .window_bytes = window_bytes,
        .survey = true,
    };
    mg_dataset *dataset;
    mg_error error;
    if (mg_dataset_open(&request, &dataset, &error)) fail_msg("%s", error.text);
    return dataset;
}

static inline float cell_at(const mg_rows *rows, int64_t stored, int column) {
    if (rows->layout == MG_CSR) {
        for (int64_t e = rows->indptr[stored]; e < rows->indptr[stored + 1]; e++)
            if (rows->indices[e] == (uint32_t)column) return rows->values[e];
        return 0;
    }
    int64_t at = stored * rows->stride + column;
    return rows->cell == MG_CELL_U8 ? ((const uint8_t *)rows->dense)[at] : ((const float *)rows->dense)[at];
}

// The number of the row, computed from its cells. Also checks that label and weight belong to this row.
static inline int64_t number_of(const mg_batch *batch, int64_t r) {
    int64_t stored = mg_rows_stored(&batch->rows, r), number = 0;
    for (int c = 0; c < COLUMNS; c++) number |= (int64_t)cell_at(&batch->rows, stored, c) << (7 * c);
    assert_true(number >= 0 && number < ROWS);
    assert_int_equal(batch->label[stored], number % 11);
    assert_true(batch->weight[stored] == (float)(1 + number % 3));
    return number;
}

// ---- epochs -------------------------------------------------------------------------------------

typedef struct epoch_order {
    int64_t count, batches;
    int32_t row[ROWS];
} epoch_order;

static inline mg_stream *open_stream(mg_dataset *dataset, int64_t batch, uint64_t seed, bool shuffle) {
    mg_stream *stream;
    mg_error error;
    if (mg_stream_create(dataset, batch, seed, shuffle, 0, &stream, &error)) fail_msg("%s", error.text);
    return stream;
}

static inline void read_batch(mg_stream *stream, int64_t batch, epoch_order *order, bool *end) {
    mg_batch got;
    mg_error error;
    if (mg_stream_next(stream, &got, &error)) fail_msg("%s", error.text);
    *end = got.rows.count == 0;
    if (*end) return;
    assert_int_equal(got.first, order->count);
    assert_true(got.rows.count == batch || got.first + got.rows.count > order->count);
    for (int64_t r = 0; r < got.rows.count; r++) order->row[order->count++] = (int32_t)number_of(&got, r);
    order->batches++;
}

// Reads an epoch, and checks that every row occurs exactly once and that all minibatches but the last are
// full.
static inline void read_epoch(mg_stream *stream, const mg_dataset *dataset, int64_t batch, int64_t epoch,
                              epoch_order *order) {
    static char seen[ROWS];
    bool end = false;
    order->count = order->batches = 0;
    memset(seen, 0, sizeof seen);
    assert_int_equal(mg_stream_seek(stream, epoch, 0, NULL), MG_OK);
    while (!end) {
        int64_t before = order->count;
        read_batch(stream, batch, order, &end);
        if (!end && order->count < dataset->count) assert_int_equal(order->count - before, batch);
    }
    assert_int_equal(order->count, dataset->count);
    assert_int_equal(order->batches, (dataset->count + batch - 1) / batch);
    for (int64_t i = 0; i < order->count; i++) assert_false(seen[order->row[i]]++);
    for (int64_t i = 0; i < order->count; i++) assert_true(seen[dataset->select ? dataset->select[i] : i]);
    mg_batch after;
    assert_int_equal(mg_stream_next(stream, &after, NULL), MG_OK); // it stays at the end
    assert_int_equal(after.rows.count, 0);
}

static inline int64_t agreements(const epoch_order *a, const epoch_order *b) {
    int64_t same = 0;
    for (int64_t i = 0; i < a->count; i++) same += a->row[i] == b->row[i];
    return same;
}

static epoch_order one;
static epoch_order two __attribute__((unused)); // for tests that compare epochs

// Opens a file of this form twice: with all rows in memory, and streamed with two small windows.
static inline void open_both(const row_form *form, mg_selection side, mg_dataset **memory,
                             mg_dataset **file) {
    write_form(form);
    mg_dataset *whole = open_data(0, 1 << 20, side);
    int64_t bytes =
        (int64_t)mg_store_bytes(whole->layout, whole->cell, whole->features, whole->count, whole->stored);
    mg_dataset_close(whole);
    *memory = open_data(0, bytes / 6, side);
    *file = open_data(bytes / 2, bytes / 6, side);
    assert_true((*memory)->resident && !(*file)->resident);
    assert_true((*memory)->fingerprint == (*file)->fingerprint);
    assert_null((*memory)->map);
    if (!(*file)->map == (form->in_place && side == MG_SELECT_ALL))
        fail_msg("%s: %s", form->name, (*file)->map ? "in place" : "copied");
}

#endif
