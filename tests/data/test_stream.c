// test_stream.c - minibatches: the same from memory and from the file, every row once an epoch, any batch by a seek.
#include "base/memory.h"
#include "data/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "h5_files.h"

#include <fcntl.h>
#include <math.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { ROWS = 20000, COLUMNS = 4, WIDE = 16, MOST_ENTRIES = ROWS * COLUMNS };

// ---- files whose rows tell their number --------------------------------------------------------------------------------

typedef struct row_form {
    const char *name;
    bool sparse;
    hid_t type;
    storage how;
    int columns;   // 0: COLUMNS; more are zeros
    bool in_place; // used where they lie in the file when they are not in memory and nothing is selected
    int shift;     // bytes that lie before X
} row_form;

enum { FORMS = 10 };

static void list_forms(row_form out[FORMS]) {
    const row_form forms[FORMS] = {
        {"floats", false, H5T_IEEE_F32LE, {.name = ""}},
        {"bytes", false, H5T_STD_U8LE, {.name = ""}},
        {"compressed doubles", false, H5T_IEEE_F64BE, {.chunk_rows = 700, .chunk_columns = 3, .deflate = 1, .shuffle = 1}},
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

// Row i in digits to the base 128; leading zeros are left out of CSR rows, which so differ in length (row 0 is empty).
static double digit(int64_t row, int column) {
    return (double)(row >> (7 * column) & 127);
}

static void write_form(const row_form *form) {
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
    if (form->shift) { // a block of their own size and no more, so that X comes right behind these bytes
        H5Fclose(file);
        H5Pset_small_data_block_size(access, 0);
        file = H5Fcreate(test_file, H5F_ACC_TRUNC, H5P_DEFAULT, access);
        put_vector(file, "before", H5T_STD_U8LE, (hsize_t)(4096 + form->shift), H5T_NATIVE_DOUBLE, x);
    }
    H5Pclose(access);
    if (form->sparse) put_csr(file, "X", ROWS, COLUMNS, indptr, indices, values, (csr_types){form->type, H5T_STD_I32LE, H5T_STD_I64LE}, &form->how);
    else put(file, "X", form->type, 2, (hsize_t[]){ROWS, (hsize_t)columns}, H5T_NATIVE_DOUBLE, x, &form->how);
    put_vector(file, "y", H5T_STD_I32LE, ROWS, H5T_NATIVE_INT64, y);
    put_vector(file, "w", H5T_IEEE_F32LE, ROWS, H5T_NATIVE_DOUBLE, w);
    H5Fclose(file);
}

static mg_dataset *open_data(int64_t memory_limit, int64_t window_bytes, mg_selection side) {
    mg_dataset_request request = {
        .path = test_file, .features = "X", .labels = "y", .weights = "w", .selection = side, .held_out = 0.3, .seed = 3,
        .memory_limit = memory_limit, .window_bytes = window_bytes, .survey = true,
    };
    mg_dataset *dataset;
    mg_error error;
    if (mg_dataset_open(&request, &dataset, &error)) fail_msg("%s", error.text);
    return dataset;
}

static float cell_at(const mg_rows *rows, int64_t stored, int column) {
    if (rows->layout == MG_CSR) {
        for (int64_t e = rows->indptr[stored]; e < rows->indptr[stored + 1]; e++)
            if (rows->indices[e] == (uint32_t)column) return rows->values[e];
        return 0;
    }
    int64_t at = stored * rows->stride + column;
    return rows->cell == MG_CELL_U8 ? ((const uint8_t *)rows->dense)[at] : ((const float *)rows->dense)[at];
}

// Number of the row in the file, from its cells; its label and weight must be that row's.
static int64_t number_of(const mg_batch *batch, int64_t r) {
    int64_t stored = mg_rows_stored(&batch->rows, r), number = 0;
    for (int c = 0; c < COLUMNS; c++) number |= (int64_t)cell_at(&batch->rows, stored, c) << (7 * c);
    assert_true(number >= 0 && number < ROWS);
    assert_int_equal(batch->label[stored], number % 11);
    assert_true(batch->weight[stored] == (float)(1 + number % 3));
    return number;
}

// ---- epochs ------------------------------------------------------------------------------------------------------------

typedef struct epoch_order {
    int64_t count, batches;
    int32_t row[ROWS];
} epoch_order;

static mg_stream *open_stream(mg_dataset *dataset, int64_t batch, uint64_t seed, bool shuffle) {
    mg_stream *stream;
    mg_error error;
    if (mg_stream_create(dataset, batch, seed, shuffle, 0, &stream, &error)) fail_msg("%s", error.text);
    return stream;
}

static void read_batch(mg_stream *stream, int64_t batch, epoch_order *order, bool *end) {
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

// The epoch's rows in their order; every row of the data set exactly once, in whole batches but for the last.
static void read_epoch(mg_stream *stream, const mg_dataset *dataset, int64_t batch, int64_t epoch, epoch_order *order) {
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
    assert_int_equal(order->batches, mg_stream_batches(stream));
    for (int64_t i = 0; i < order->count; i++) assert_false(seen[order->row[i]]++);
    for (int64_t i = 0; i < order->count; i++) assert_true(seen[dataset->select ? dataset->select[i] : i]);
    mg_batch after;
    assert_int_equal(mg_stream_next(stream, &after, NULL), MG_OK); // and the end stays the end
    assert_int_equal(after.rows.count, 0);
}

static int64_t agreements(const epoch_order *a, const epoch_order *b) {
    int64_t same = 0;
    for (int64_t i = 0; i < a->count; i++) same += a->row[i] == b->row[i];
    return same;
}

static epoch_order one, two;

// The file of a form, open with all rows in memory and with two small windows of them.
static void open_both(const row_form *form, mg_selection side, mg_dataset **memory, mg_dataset **file) {
    write_form(form);
    mg_dataset *whole = open_data(0, 1 << 20, side);
    int64_t bytes = (int64_t)mg_store_bytes(whole->layout, whole->cell, whole->features, whole->count, whole->entries);
    mg_dataset_close(whole);
    *memory = open_data(0, bytes / 6, side);
    *file = open_data(bytes / 2, bytes / 6, side);
    assert_true((*memory)->resident && !(*file)->resident);
    assert_true((*memory)->fingerprint == (*file)->fingerprint);
    assert_null((*memory)->map);
    if (!(*file)->map == (form->in_place && side == MG_SELECT_ALL)) fail_msg("%s: %s", form->name, (*file)->map ? "in place" : "copied");
}

static void test_same_batches(void **unused) {
    (void)unused;
    row_form forms[FORMS];
    list_forms(forms);
    const int64_t batches[] = {256, 999, 5000};
    for (int f = 0; f < FORMS; f++)
        for (int side = MG_SELECT_ALL; side <= MG_SELECT_HELD_OUT; side++) {
            mg_dataset *memory, *file;
            open_both(&forms[f], side, &memory, &file);
            int64_t batch = batches[(f + side) % 3];
            mg_stream *a = open_stream(memory, batch, 5, true), *b = open_stream(file, batch, 5, true);
            for (int64_t epoch = 0; epoch < 3; epoch++) {
                read_epoch(a, memory, batch, epoch, &one);
                read_epoch(b, file, batch, epoch, &two);
                if (memcmp(one.row, two.row, sizeof *one.row * (size_t)one.count)) fail_msg("%s: orders differ", forms[f].name);
            }
            mg_stream_destroy(a);
            mg_stream_destroy(b);
            mg_dataset_close(memory);
            mg_dataset_close(file);
        }
}

static void test_seek(void **unused) {
    (void)unused;
    row_form forms[FORMS];
    list_forms(forms);
    for (int f = 0; f < FORMS; f++) {
        const int64_t batch = 300;
        mg_dataset *memory, *file;
        open_both(&forms[f], MG_SELECT_ALL, &memory, &file);
        mg_stream *streams[] = {open_stream(memory, batch, 5, true), open_stream(file, batch, 5, true)};
        for (int64_t epoch = 0; epoch < 2; epoch++) {
            read_epoch(streams[0], memory, batch, epoch, &one);
            for (int s = 0; s < 2; s++) // forwards, backwards, to the last batch, and twice to the same
                for (int64_t at = 0; at < 9; at++) {
                    static const int64_t places[] = {7, 11, 0, 66, 40, 40, 1, 65, 8};
                    bool end;
                    two.count = places[at] * batch;
                    two.batches = 0;
                    assert_int_equal(mg_stream_seek(streams[s], epoch, places[at], NULL), MG_OK);
                    for (int64_t n = 0; n < 3; n++) read_batch(streams[s], batch, &two, &end); // may run past the end
                    for (int64_t i = places[at] * batch; i < two.count; i++) assert_int_equal(two.row[i], one.row[i]);
                    assert_true(two.count == (places[at] + 3) * batch || two.count == ROWS);
                }
        }
        for (int s = 0; s < 2; s++) { // past the last batch there is nothing, and that is no fault
            mg_batch none;
            assert_int_equal(mg_stream_seek(streams[s], 1, mg_stream_batches(streams[s]), NULL), MG_OK);
            assert_int_equal(mg_stream_next(streams[s], &none, NULL), MG_OK);
            assert_int_equal(none.rows.count, 0);
            mg_stream_destroy(streams[s]);
        }
        mg_dataset_close(memory);
        mg_dataset_close(file);
    }
}

static void test_orders_differ(void **unused) {
    (void)unused;
    row_form forms[FORMS];
    list_forms(forms);
    mg_dataset *memory, *file;
    open_both(&forms[0], MG_SELECT_ALL, &memory, &file);
    mg_stream *first = open_stream(memory, 256, 5, true), *other = open_stream(memory, 256, 6, true);
    read_epoch(first, memory, 256, 0, &one);
    read_epoch(first, memory, 256, 1, &two);
    assert_true(agreements(&one, &two) < 60); // expected: one for each row shared by the two windows, below 10
    read_epoch(other, memory, 256, 0, &two);
    assert_true(agreements(&one, &two) < 60);
    read_epoch(first, memory, 256, 0, &two);
    assert_int_equal(agreements(&one, &two), ROWS);
    int64_t ascents = 0;
    for (int64_t i = 1; i < ROWS; i++) ascents += one.row[i] == one.row[i - 1] + 1;
    assert_true(ascents < 60);
    mg_stream_destroy(first);
    mg_stream_destroy(other);
    mg_dataset_close(memory);
    mg_dataset_close(file);
}

static void test_file_order(void **unused) {
    (void)unused;
    row_form forms[FORMS];
    list_forms(forms);
    for (int f = 0; f < FORMS; f++) {
        mg_dataset *data[2];
        open_both(&forms[f], f % 2 ? MG_SELECT_KEPT : MG_SELECT_ALL, &data[0], &data[1]);
        for (int s = 0; s < 2; s++) {
            mg_stream *stream = open_stream(data[s], 512, 0, false);
            read_epoch(stream, data[s], 512, 0, &one);
            for (int64_t i = 0; i < one.count; i++) assert_int_equal(one.row[i], data[s]->select ? data[s]->select[i] : i);
            mg_stream_destroy(stream);
            mg_dataset_close(data[s]);
        }
    }
}

// Batches larger than a window, than the data, of one row; windows larger than the data.
static void test_sizes(void **unused) {
    (void)unused;
    row_form forms[FORMS];
    list_forms(forms);
    write_form(&forms[1]);
    const int64_t batches[] = {1, 19999, 20000, 20001, 1 << 20}, windows[] = {1, 100000, 1 << 24};
    for (int w = 0; w < 3; w++)
        for (int b = 0; b < 5; b++) {
            mg_dataset *memory = open_data(0, windows[w], MG_SELECT_ALL), *file = open_data(1, windows[w], MG_SELECT_ALL);
            mg_stream *m = open_stream(memory, batches[b], 1, true), *s = open_stream(file, batches[b], 1, true);
            read_epoch(m, memory, batches[b], 4, &one);
            read_epoch(s, file, batches[b], 4, &two);
            assert_int_equal(agreements(&one, &two), ROWS);
            mg_stream_destroy(m);
            mg_stream_destroy(s);
            mg_dataset_close(memory);
            mg_dataset_close(file);
        }
}

static void test_limit(void **unused) {
    (void)unused;
    row_form forms[FORMS];
    list_forms(forms);
    write_form(&forms[0]);
    mg_dataset *dataset = open_data(1000, 1 << 20, MG_SELECT_ALL);
    mg_stream *stream;
    mg_error error;
    assert_int_equal(mg_stream_create(dataset, 256, 1, true, 1000, &stream, &error), MG_CONFIG);
    assert_null(stream);
    assert_non_null(strstr(error.text, "data.memory_limit: 1000 bytes do not hold 2 windows"));
    mg_dataset_close(dataset);
}

// What is done where rows cannot be used in place.
static void give_up_place(mg_dataset *dataset) {
    mg_map_destroy(dataset->map);
    dataset->map = NULL;
}

// Rows in place and the same rows copied.
static void test_place_and_copies(void **unused) {
    (void)unused;
    row_form forms[FORMS];
    list_forms(forms);
    for (int f = 0; f < FORMS; f++) {
        if (!forms[f].in_place) continue;
        write_form(&forms[f]);
        mg_dataset *place = open_data(1, 100000, MG_SELECT_ALL), *copied = open_data(1, 100000, MG_SELECT_ALL);
        assert_non_null(place->map);
        give_up_place(copied);
        mg_stream *a = open_stream(place, 200, 5, true), *b = open_stream(copied, 200, 5, true);
        for (int64_t epoch = 0; epoch < 3; epoch++) {
            read_epoch(a, place, 200, epoch, &one);
            read_epoch(b, copied, 200, epoch, &two);
            assert_int_equal(agreements(&one, &two), ROWS);
            assert_int_equal(mg_stream_check(a, NULL), MG_OK);
        }
        mg_stream_destroy(a);
        mg_stream_destroy(b);
        mg_dataset_close(place);
        mg_dataset_close(copied);
    }
}

static long waited_for_pages(void) {
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_THREAD, &usage), 0);
    return usage.ru_majflt;
}

// Pages that go before they are used (here they are thrown out) end the use in place; the order stays.
static void test_short_of_memory(void **unused) {
    (void)unused;
    row_form forms[FORMS];
    list_forms(forms);
    write_form(&forms[5]);
    mg_dataset *memory = open_data(0, 600000, MG_SELECT_ALL), *file = open_data(1, 600000, MG_SELECT_ALL);
    mg_stream *m = open_stream(memory, 100, 5, true), *s = open_stream(file, 100, 5, true);
    read_epoch(m, memory, 100, 0, &one);
    const char *rows = mg_map_rows(file->map), *base = rows - (uintptr_t)rows % 4096;
    size_t length = (size_t)(rows - base) + (size_t)ROWS * WIDE * sizeof(float);
    assert_int_equal(madvise((void *)base, length, MADV_RANDOM), 0); // one page a fault
    long before = waited_for_pages();
    bool end = false, copied = false;
    two.count = two.batches = 0;
    assert_int_equal(mg_stream_seek(s, 0, 0, NULL), MG_OK);
    usleep(100000); // both windows are brought in
    int fd = open(test_file, O_RDONLY);
    assert_int_equal(fdatasync(fd), 0);
    assert_int_equal(madvise((void *)base, length, MADV_DONTNEED), 0);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
    while (!end) {
        mg_batch got;
        assert_int_equal(mg_stream_next(s, &got, NULL), MG_OK);
        end = got.rows.count == 0;
        copied = copied || (!end && got.rows.dense != rows);
        for (int64_t r = 0; r < got.rows.count; r++) two.row[two.count++] = (int32_t)number_of(&got, r);
    }
    assert_int_equal(two.count, ROWS);
    assert_int_equal(agreements(&one, &two), ROWS);
    if (waited_for_pages() - before < 200) print_message("the file system did not let go of its pages: nothing was shown\n");
    else assert_true(copied);
    mg_stream_destroy(m);
    mg_stream_destroy(s);
    mg_dataset_close(memory);
    mg_dataset_close(file);
}

// A stream may be destroyed, or sent elsewhere, while its thread reads.
static void test_abandoned(void **unused) {
    (void)unused;
    row_form forms[FORMS];
    list_forms(forms);
    for (int f = 3; f < 6; f += 2) { // copied, in place
        write_form(&forms[f]);
        mg_dataset *dataset = open_data(1, 20000, MG_SELECT_ALL);
        for (int n = 0; n < 20; n++) {
            mg_stream *stream = open_stream(dataset, 64, 1, true);
            mg_batch batch;
            if (n % 4) assert_int_equal(mg_stream_seek(stream, n, n, NULL), MG_OK);
            for (int b = 0; n % 4 && b < n; b++) assert_int_equal(mg_stream_next(stream, &batch, NULL), MG_OK);
            if (n % 3 == 2) assert_int_equal(mg_stream_seek(stream, n + 1, 0, NULL), MG_OK);
            mg_stream_destroy(stream);
        }
        mg_dataset_close(dataset);
    }
}

// The file is cut while it is read: the step that needs the lost rows fails with a message, those before it do not.
static void test_cut_under_way(void **unused) {
    (void)unused;
    row_form forms[FORMS];
    list_forms(forms);
    write_form(&forms[0]);
    mg_dataset *dataset = open_data(1, 100000, MG_SELECT_ALL);
    assert_int_equal(truncate(test_file, 200000), 0);
    mg_stream *stream = open_stream(dataset, 256, 1, false);
    mg_error error = {0};
    mg_batch batch = {0};
    int64_t rows = 0;
    assert_int_equal(mg_stream_seek(stream, 0, 0, NULL), MG_OK);
    mg_status status = MG_OK;
    while (!(status = mg_stream_next(stream, &batch, &error)) && batch.rows.count) rows += batch.rows.count;
    assert_int_equal(status, MG_DATA);
    assert_true(rows > 256 && rows < ROWS);
    assert_non_null(strstr(error.text, "data set X"));
    assert_non_null(strstr(error.text, "cut"));
    assert_int_equal(mg_stream_next(stream, &batch, &error), MG_DATA); // it stays failed
    mg_stream_destroy(stream);
    mg_dataset_close(dataset);
}

// Rows in place of a file that is cut, at a page's border or within one: before they are brought in, or when they were.
static void test_cut_in_place(void **unused) {
    (void)unused;
    row_form forms[FORMS];
    list_forms(forms);
    for (int n = 0; n < 4; n++) {
        bool late = n % 2, within = n / 2;
        write_form(&forms[5]);
        mg_dataset *dataset = open_data(1, 400000, MG_SELECT_ALL);
        mg_stream *stream = open_stream(dataset, 1000, 1, false);
        mg_error error = {0};
        mg_batch batch = {0};
        assert_non_null(dataset->map);
        if (!late) assert_int_equal(truncate(test_file, 81920 + within * 1000), 0);
        mg_status status = mg_stream_seek(stream, 0, 0, &error);
        if (!status) status = mg_stream_next(stream, &batch, &error);
        if (late) {
            assert_int_equal(status, MG_OK);
            assert_int_equal(mg_stream_check(stream, &error), MG_OK);
            assert_int_equal(truncate(test_file, 40960 + within * 1000), 0); // in the midst of this batch
            float sum = 0;
            for (int64_t r = 0; r < batch.rows.count; r++) sum += cell_at(&batch.rows, mg_rows_stored(&batch.rows, r), 0);
            assert_true(sum > 0 && sum < 1000 * 128); // no signal ends the program
            status = mg_stream_check(stream, &error);
        }
        assert_int_equal(status, MG_DATA);
        assert_non_null(strstr(error.text, "data set X: the file ends too early: it was cut"));
        assert_int_equal(mg_stream_check(stream, &error), MG_DATA); // it stays failed
        mg_stream_destroy(stream);
        mg_dataset_close(dataset);
    }
}

// Rows no survey has read are looked at as they come, in place as in copies.
static void test_unchecked_rows(void **unused) {
    (void)unused;
    static float x[ROWS][WIDE];
    static int64_t y[ROWS];
    hid_t file = create_file(test_file);
    x[ROWS - 1][3] = INFINITY;
    put_matrix(file, "X", H5T_IEEE_F32LE, ROWS, WIDE, H5T_NATIVE_FLOAT, x);
    put_vector(file, "y", H5T_STD_I32LE, ROWS, H5T_NATIVE_INT64, y);
    H5Fclose(file);
    mg_dataset_request request = {.path = test_file, .features = "X", .window_bytes = 100000};
    for (int copied = 0; copied < 2; copied++) {
        mg_dataset *dataset;
        mg_error error;
        assert_int_equal(mg_dataset_open(&request, &dataset, &error), MG_OK);
        assert_non_null(dataset->map);
        if (copied) give_up_place(dataset);
        mg_stream *stream = open_stream(dataset, 100, 0, false);
        mg_batch batch = {0};
        mg_status status = mg_stream_seek(stream, 0, 0, &error);
        while (!status) {
            status = mg_stream_next(stream, &batch, &error);
            assert_true(status || batch.rows.count);
        }
        assert_int_equal(status, MG_DATA);
        assert_non_null(strstr(error.text, "X[19999, 3] is inf; only finite"));
        mg_stream_destroy(stream);
        mg_dataset_close(dataset);
    }
    request.survey = true;
    request.memory_limit = 1;
    mg_dataset *dataset;
    mg_error error;
    assert_int_equal(mg_dataset_open(&request, &dataset, &error), MG_DATA);
    assert_non_null(strstr(error.text, "X[19999, 3] is inf; only finite"));
}

// Every allocation of opening and creating may fail: MG_MEMORY, nothing kept, nothing lost.
static void test_out_of_memory(void **unused) {
    (void)unused;
    row_form forms[FORMS];
    list_forms(forms);
    for (int f = 2; f < 6; f++) {
        write_form(&forms[f]);
        mg_dataset_request request = {.path = test_file, .features = "X", .labels = "y", .weights = "w", .selection = f < 5 ? MG_SELECT_KEPT : MG_SELECT_ALL,
                                      .held_out = 0.1, .memory_limit = 1, .window_bytes = 100000, .survey = true};
        mg_status status = MG_MEMORY;
        for (int64_t k = 1; status == MG_MEMORY; k++) {
            mg_dataset *dataset = NULL;
            mg_stream *stream = NULL;
            mg_error error;
            mg_memory_fail_at(k, false);
            status = mg_dataset_open(&request, &dataset, &error);
            if (!status) status = mg_stream_create(dataset, 256, 1, true, 0, &stream, &error);
            mg_memory_fail_at(0, false);
            assert_true(status == MG_OK || (status == MG_MEMORY && !stream));
            mg_stream_destroy(stream);
            mg_dataset_close(dataset);
            assert_true(k < 200);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_batches), cmocka_unit_test(test_seek),      cmocka_unit_test(test_orders_differ),
        cmocka_unit_test(test_file_order),   cmocka_unit_test(test_sizes),     cmocka_unit_test(test_limit),
        cmocka_unit_test(test_abandoned),    cmocka_unit_test(test_cut_under_way), cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_place_and_copies), cmocka_unit_test(test_short_of_memory), cmocka_unit_test(test_cut_in_place),
        cmocka_unit_test(test_unchecked_rows),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
