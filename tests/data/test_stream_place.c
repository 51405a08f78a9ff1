// test_stream_place.c - streamed rows give the same minibatches whether they are used in place or copied.
// Also: truncated files, evicted pages, invalid rows, and failing allocations.
#include "stream_files.h"

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

// Makes the stream copy rows, as if they could not be used in place.
static void give_up_place(mg_dataset *dataset) {
    mg_map_destroy(dataset->map);
    dataset->map = NULL;
}

// Rows in place and copied rows are the same.
static void test_place_and_copies(void **unused) {
    (void)unused;
    row_form forms[FORMS];
    list_forms(forms);
    for (int f = 0; f < FORMS; f++) {
        if (!forms[f].in_place) continue;
        write_form(&forms[f]);
        mg_dataset *place = open_data(1, 100000, MG_SELECT_ALL),
                   *copied = open_data(1, 100000, MG_SELECT_ALL);
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

// If pages are evicted before they are used (here on purpose), rows are copied from then on; their order does
// not change.
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
    assert_int_equal(madvise((void *)base, length, MADV_RANDOM), 0); // one page per fault
    long before = waited_for_pages();
    bool end = false, copied = false;
    two.count = two.batches = 0;
    assert_int_equal(mg_stream_seek(s, 0, 0, NULL), MG_OK);
    usleep(100000); // waits until both windows have been read
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
    if (waited_for_pages() - before < 200)
        print_message("the file system did not let go of its pages: nothing was shown\n");
    else assert_true(copied);
    mg_stream_destroy(m);
    mg_stream_destroy(s);
    mg_dataset_close(memory);
    mg_dataset_close(file);
}

// A stream may be destroyed, or moved by mg_stream_seek, while its thread reads.
static void test_abandoned(void **unused) {
    (void)unused;
    row_form forms[FORMS];
    list_forms(forms);
    for (int f = 3; f < 6; f += 2) { // copied rows, and rows in place
        write_form(&forms[f]);
        mg_dataset *dataset = open_data(1, 20000, MG_SELECT_ALL);
        for (int n = 0; n < 20; n++) {
            mg_stream *stream = open_stream(dataset, 64, 1, true);
            mg_batch batch;
            if (n % 4) assert_int_equal(mg_stream_seek(stream, n, n, NULL), MG_OK);
            for (int b = 0; n % 4 && b < n; b++)
                assert_int_equal(mg_stream_next(stream, &batch, NULL), MG_OK);
            if (n % 3 == 2) assert_int_equal(mg_stream_seek(stream, n + 1, 0, NULL), MG_OK);
            mg_stream_destroy(stream);
        }
        mg_dataset_close(dataset);
    }
}

// If the file is truncated while it is read, no window that is read later is used.
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
    assert_int_equal(mg_stream_seek(stream, 0, 0, NULL), MG_OK);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(mg_stream_next(stream, &batch, &error), MG_DATA);
        assert_non_null(strstr(error.text, "was truncated while it was in use"));
    }
    mg_stream_destroy(stream);
    mg_dataset_close(dataset);
}

// Rows are used in place, and the file is truncated: at the boundary of a page or within one, before or after
// its pages were read.
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
            // truncates the file in the middle of this minibatch
            assert_int_equal(truncate(test_file, 40960 + within * 1000), 0);
            float sum = 0;
            for (int64_t r = 0; r < batch.rows.count; r++)
                sum += cell_at(&batch.rows, mg_rows_stored(&batch.rows, r), 0);
            assert_true(sum > 0 && sum < 1000 * 128); // no signal ends the program
            status = mg_stream_check(stream, &error);
        }
        assert_int_equal(status, MG_DATA);
        assert_non_null(strstr(error.text, "was truncated while it was in use"));
        assert_int_equal(mg_stream_check(stream, &error), MG_DATA); // it keeps failing
        mg_stream_destroy(stream);
        mg_dataset_close(dataset);
    }
}

// Rows that no survey has checked are checked when they are read, whether in place or copied.
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

// Each allocation of mg_dataset_open and mg_stream_create fails in turn: the result is MG_MEMORY, and nothing
// leaks.
static void test_out_of_memory(void **unused) {
    (void)unused;
    row_form forms[FORMS];
    list_forms(forms);
    for (int f = 2; f < 6; f++) {
        write_form(&forms[f]);
        mg_dataset_request request = {.path = test_file,
                                      .features = "X",
                                      .labels = "y",
                                      .weights = "w",
                                      .selection = f < 5 ? MG_SELECT_KEPT : MG_SELECT_ALL,
                                      .held_out = 0.1,
                                      .memory_limit = 1,
                                      .window_bytes = 100000,
                                      .survey = true};
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
        cmocka_unit_test(test_abandoned),       cmocka_unit_test(test_cut_under_way),
        cmocka_unit_test(test_out_of_memory),   cmocka_unit_test(test_place_and_copies),
        cmocka_unit_test(test_short_of_memory), cmocka_unit_test(test_cut_in_place),
        cmocka_unit_test(test_unchecked_rows),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
