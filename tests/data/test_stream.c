// test_stream.c - minibatches are the same from memory and from the file, contain every row once per epoch,
// and can be reached in any order by seeking.
#include "stream_files.h"

#include "data/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "h5_files.h"

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
                if (memcmp(one.row, two.row, sizeof *one.row * (size_t)one.count))
                    fail_msg("%s: orders differ", forms[f].name);
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
            for (int s = 0; s < 2; s++) // forwards, backwards, to the last one, twice to the same
                for (int64_t at = 0; at < 9; at++) {
                    static const int64_t places[] = {7, 11, 0, 66, 40, 40, 1, 65, 8};
                    bool end;
                    two.count = places[at] * batch;
                    two.batches = 0;
                    assert_int_equal(mg_stream_seek(streams[s], epoch, places[at], NULL), MG_OK);
                    for (int64_t n = 0; n < 3; n++)
                        read_batch(streams[s], batch, &two, &end); // may reach the end
                    for (int64_t i = places[at] * batch; i < two.count; i++)
                        assert_int_equal(two.row[i], one.row[i]);
                    assert_true(two.count == (places[at] + 3) * batch || two.count == ROWS);
                }
        }
        for (int s = 0; s < 2; s++) { // after the last minibatch there are no rows, which is no error
            mg_batch none;
            assert_int_equal(mg_stream_seek(streams[s], 1, (ROWS + batch - 1) / batch, NULL), MG_OK);
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
    assert_true(agreements(&one, &two) < 60); // by chance, fewer than 10 are expected
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
            for (int64_t i = 0; i < one.count; i++)
                assert_int_equal(one.row[i], data[s]->select ? data[s]->select[i] : i);
            mg_stream_destroy(stream);
            mg_dataset_close(data[s]);
        }
    }
}

// Minibatches of one row, larger than a window, or larger than the data; windows larger than the data.
static void test_sizes(void **unused) {
    (void)unused;
    row_form forms[FORMS];
    list_forms(forms);
    write_form(&forms[1]);
    const int64_t batches[] = {1, 19999, 20000, 20001, 1 << 20}, windows[] = {1, 100000, 1 << 24};
    for (int w = 0; w < 3; w++)
        for (int b = 0; b < 5; b++) {
            mg_dataset *memory = open_data(0, windows[w], MG_SELECT_ALL),
                       *file = open_data(1, windows[w], MG_SELECT_ALL);
            mg_stream *m = open_stream(memory, batches[b], 1, true),
                      *s = open_stream(file, batches[b], 1, true);
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
    assert_non_null(strstr(error.text, "data.memory_limit: 1000 bytes cannot hold 2 windows"));
    mg_dataset_close(dataset);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_batches),  cmocka_unit_test(test_seek),
        cmocka_unit_test(test_orders_differ), cmocka_unit_test(test_file_order),
        cmocka_unit_test(test_sizes),         cmocka_unit_test(test_limit),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
