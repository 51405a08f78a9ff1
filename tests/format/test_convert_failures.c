// test_convert_failures.c - a conversion leaves no files behind if it fails, runs out of memory or is
// stopped. Its progress never decreases.
#include "convert_files.h"

#include <margin/convert.h>

#include "base/memory.h"
#include "format/ngram.h"
#include "io/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// File calls fail: the k-th call of one kind.

static mg_file_ops real_calls;
static int calls_left;
static int failing_errno;

static bool fails(void) {
    if (--calls_left != 0) return false;
    errno = failing_errno;
    return true;
}

static int failing_open(int directory, const char *name, int flags, mode_t mode) {
    return fails() ? -1 : real_calls.open(directory, name, flags, mode);
}
static ssize_t failing_write(int fd, const void *bytes, size_t size) {
    return fails() ? -1 : real_calls.write(fd, bytes, size);
}
static ssize_t short_write(int fd, const void *bytes, size_t size) {
    return real_calls.write(fd, bytes, size > 7 ? 7 : size);
}
static int failing_fsync(int fd) { return fails() ? -1 : real_calls.fsync(fd); }
static int failing_close(int fd) {
    real_calls.close(fd);
    return fails() ? -1 : 0;
}
static int failing_rename(int directory, const char *from, const char *to, mg_rename how) {
    return fails() ? -1 : real_calls.rename(directory, from, to, how);
}

static void failed_writes_leave_nothing(void **state) {
    (void)state;
    static const char *const text = "x\tone two three\ny\ttwo\n";
    real_calls = mg_file_calls;
    const mg_file_ops failing = {failing_open,  failing_write,  failing_fsync,
                                 failing_close, failing_rename, real_calls.unlink};
    const int reasons[] = {ENOSPC, EIO, EDQUOT};
    put_text(0, text);
    mg_file_calls = failing;
    int failures = 0;
    for (size_t r = 0; r < 3; r++) {
        for (int k = 1; k < 60; k++) {
            mg_error error = {.text = ""};
            unlink(output);
            int before = entries();
            calls_left = k;
            failing_errno = reasons[r];
            mg_status status = convert(1, "weighting=tf-idf bits=8", NULL, &error);
            if (calls_left > 0) {
                assert_int_equal(status, MG_OK);
                break;
            }
            failures++;
            // After the file has its name, only the sync of the directory can fail.
            if (access(output, F_OK) == 0) assert_true(status == MG_OK || strstr(error.text, "directory"));
            else assert_int_equal(status, MG_IO);
            assert_int_equal(entries(), before + (access(output, F_OK) == 0));
        }
    }
    assert_true(failures > 20);
    mg_file_calls = real_calls;
    mg_file_calls.write = short_write;
    unlink(output);
    mg_error error;
    assert_int_equal(convert(1, "weighting=tf-idf bits=8", NULL, &error), MG_OK);
    mg_file_calls = real_calls;
    const char *const labels[] = {"x", "y"};
    expect_texts(2, labels);
}

static void failed_allocations_leave_nothing(void **state) {
    (void)state;
    unsigned char bytes[256];
    const float cells[4] = {1, 2, 3, 4};
    static const char *const inputs[][2] = {
        {"x\tone two three\ny\ttwo\n", "weighting=tf-idf bits=8 ngrams=char:1:3"},
        {"1 3:1 2:3\n", ""},
        {"a,b,\"la\"\"bel\"\n1,2,\"a\"\"b\"\n", ""},
        {NULL, ""}};
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        if (inputs[i][0]) put_text(0, inputs[i][0]);
        else put_gzip(0, bytes, npy(bytes, "<f4", false, "(2, 2)", cells, sizeof cells));
        bool failed = true;
        for (int k = 2; failed; k++) { // each call fails alone, then together with all later ones
            mg_error error = {.text = ""};
            unlink(output);
            int before = entries();
            mg_memory_fail_at(k / 2, k % 2);
            mg_status status = convert(1, inputs[i][1], NULL, &error);
            failed = mg_memory_fail_at(0, false) > 0;
            assert_int_equal(status, failed ? MG_MEMORY : MG_OK);
            if (!failed) break;
            assert_non_null(strstr(error.text, "memory"));
            assert_int_equal(entries(), before);
            assert_true(k < 1000);
        }
    }
}

static volatile sig_atomic_t stop_now;
static double told;

static void never_back(void *context, int64_t rows, double fraction) {
    (void)context, (void)rows;
    assert_true(fraction >= told && fraction <= 1);
    told = fraction;
}

static void progress_never_goes_back(void **state) {
    (void)state;
    enum { ROWS = 3 << 20 };
    unsigned char *bytes = calloc(ROWS + 1024, 1);
    char shape[32];
    const char *const inputs[] = {names[0], names[1]};
    mg_convert_options options = {
        .inputs = inputs, .input_count = 2, .output = output, .progress = never_back};
    mg_error error;
    snprintf(shape, sizeof shape, "(%d, 1)", ROWS);
    put(0, bytes, npy(bytes, "|u1", false, shape, bytes + 1024, 0) + ROWS);
    put(1, bytes, npy(bytes, "|u1", false, shape, bytes + 1024, 0) + ROWS);
    free(bytes);
    unlink(output);
    told = 0;
    assert_int_equal(mg_convert(&options, NULL, &error), MG_OK);
    assert_true(told == 1);
    told = 0;
}

static void stop_after_half(void *context, int64_t rows, double fraction) {
    (void)context, (void)rows;
    assert_true(fraction >= told && fraction <= 1);
    told = fraction;
    stop_now = fraction > 0.5;
}

static void a_signal_ends_the_work(void **state) {
    (void)state;
    enum { SIZE = 8 << 20 };
    char *text = malloc(SIZE);
    size_t bytes = 0;
    while (bytes + 16 < SIZE) bytes += (size_t)sprintf(text + bytes, "%zu,2,3\n", bytes);
    put(0, text, bytes);
    free(text);
    unlink(output);
    const char *const inputs[] = {names[0]};
    mg_convert_options options = {
        .inputs = inputs, .input_count = 1, .output = output, .progress = stop_after_half, .stop = &stop_now};
    mg_error error;
    int before = entries();
    assert_int_equal(mg_convert(&options, NULL, &error), MG_STOPPED);
    assert_true(told > 0.5);
    assert_int_equal(entries(), before);
}

// At this call of `progress`, input 1 is written over input 0.
static int calls_until_write;
static bool wrote;

static void write_over(void *context, int64_t rows, double fraction) {
    (void)context, (void)rows, (void)fraction;
    if (calls_until_write-- != 0) return;
    wrote = true;
    FILE *from = fopen(names[1], "rb"), *to = fopen(names[0], "r+b");
    for (int c; (c = fgetc(from)) != EOF;) fputc(c, to);
    fclose(from);
    fclose(to);
}

static double first_value(void) {
    float row[2];
    hid_t file = H5Fopen(output, H5F_ACC_RDONLY, H5P_DEFAULT), set = H5Dopen2(file, "X", H5P_DEFAULT),
          space = H5Dget_space(set), memory;
    const hsize_t from[2] = {0, 0}, count[2] = {1, 2};
    memory = H5Screate_simple(2, count, NULL);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, from, NULL, count, NULL);
    assert_true(H5Dread(set, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, row) >= 0);
    H5Sclose(memory);
    H5Sclose(space);
    H5Dclose(set);
    H5Fclose(file);
    return (double)row[0];
}

// Another program may write to the input at any moment, even without changing its length. No output may
// contain rows of both versions.
static void an_input_that_changes_is_refused(void **state) {
    (void)state;
    enum { SIZE = 3 << 20 };
    const struct timespec early[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    const char *const inputs[] = {names[0]};
    const mg_convert_setting settings[] = {{"label", "last"}, {"header", "no"}};
    const mg_convert_options options = {.format = "csv",
                                        .inputs = inputs,
                                        .input_count = 1,
                                        .output = output,
                                        .settings = settings,
                                        .setting_count = 2,
                                        .progress = write_over};
    int refused = 0;
    for (int call = 0;; call++) {
        for (int i = 0; i < 2; i++) {
            FILE *file = fopen(names[i], "wb");
            for (int row = 0; row < SIZE / 6; row++) fprintf(file, "%d,2,%d\n", i ? 7 : 1, row % 3);
            fclose(file);
            assert_int_equal(utimensat(AT_FDCWD, names[i], early, 0), 0);
        }
        mg_error error = {0};
        unlink(output);
        calls_until_write = call;
        wrote = false;
        mg_status status = mg_convert(&options, NULL, &error);
        if (!wrote) break;
        if (status == MG_OK) { // the write came after the last byte had been read
            assert_true(first_value() == 1);
            continue;
        }
        assert_int_equal(status, MG_DATA);
        if (!strstr(error.text, "in0: was written to while it was read")) fail_msg("%s", error.text);
        assert_int_not_equal(access(output, F_OK), 0);
        refused++;
    }
    assert_true(refused >= 6); // three megabytes, read twice
}

int main(void) {
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failed_writes_leave_nothing),
        cmocka_unit_test(failed_allocations_leave_nothing),
        cmocka_unit_test(progress_never_goes_back),
        cmocka_unit_test(a_signal_ends_the_work),
        cmocka_unit_test(an_input_that_changes_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
