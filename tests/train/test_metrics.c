// test_metrics.c - metrics.jsonl consists of complete lines of JSON, to which lines are appended. After a
// resumption it has the lines that the checkpoint counts, and no others, not even an incomplete one. Lines
// that cannot be written are tried again.
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/memory.h"
#include "train/metrics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char file[] = "metrics.jsonl";
static mg_directory *place;

static int begin(void **unused) {
    return support_begin(unused) || mg_directory_open(support_path("run"), true, &place, NULL);
}

static int end(void **unused) {
    mg_directory_close(place);
    return support_end(unused);
}

static mg_metrics open_metrics(int64_t keep, double *seconds) {
    mg_metrics metrics;
    mg_error error;
    if (mg_metrics_open(place, keep, &metrics, seconds, &error)) fail_msg("%s", error.text);
    return metrics;
}

static void put(mg_metrics *metrics, const char *event, int64_t step, double seconds, int counted) {
    mg_writer line = {0};
    mg_metrics_begin(&line, event, step, 1, seconds);
    mg_metrics_end(metrics, &line, counted);
    assert_int_equal(line.length, 0);
}

static void put_text(const char *text) { support_write(support_path("run/%s", file), text, strlen(text)); }

static void expect(const char *text) {
    size_t size;
    unsigned char *bytes = support_read(support_path("run/%s", file), &size);
    assert_string_equal((const char *)bytes, text);
    free(bytes);
}

#define LINE(event, step, seconds)                                                                           \
    "{\"event\": \"" event "\", \"step\": " #step ", \"epoch\": 1, \"seconds\": " #seconds "}\n"
#define WHOLE                                                                                                \
    LINE("start", 0, 0)                                                                                      \
    LINE("epoch", 10, 1.5) LINE("eval", 10, 1.5) LINE("checkpoint", 10, 2) LINE("epoch", 20, 3)

static void write_whole(void) {
    double seconds = 0;
    mg_metrics metrics = open_metrics(-1, &seconds);
    put(&metrics, "start", 0, 0, 0);
    put(&metrics, "epoch", 10, 1.5, 1);
    put(&metrics, "eval", 10, 1.5, 1);
    put(&metrics, "checkpoint", 10, 2, 0);
    put(&metrics, "epoch", 20, 3, 1);
    assert_int_equal(metrics.events, 3);
    assert_int_equal(metrics.failure.status, MG_OK);
    mg_metrics_close(&metrics);
}

static void test_lines(void **unused) {
    (void)unused;
    put_text("of a run before\n");
    write_whole();
    expect(WHOLE); // a new file
}

// `keep` counted lines remain, with the lines between them and those after them up to the next counted one.
static void test_kept(void **unused) {
    (void)unused;
    static const struct {
        int64_t keep;
        const char *text;
        double seconds;
    } rows[] = {
        {0, LINE("start", 0, 0), 0},
        {1, LINE("start", 0, 0) LINE("epoch", 10, 1.5), 1.5},
        {2, LINE("start", 0, 0) LINE("epoch", 10, 1.5) LINE("eval", 10, 1.5) LINE("checkpoint", 10, 2), 2},
        {3, WHOLE, 3},
        {9, WHOLE, 3}, // fewer counted lines than in the checkpoint: all remain
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double seconds = 0;
        write_whole();
        mg_metrics metrics = open_metrics(rows[i].keep, &seconds);
        assert_int_equal(metrics.events, rows[i].keep);
        assert_true(seconds == rows[i].seconds);
        mg_metrics_close(&metrics);
        expect(rows[i].text);
    }
}

// Truncated at any byte: an incomplete line is removed, and the next line starts on a new line.
static void test_cut(void **unused) {
    (void)unused;
    for (size_t length = 0; length <= strlen(WHOLE); length++) {
        char text[1000], expected[2000];
        double seconds = 0;
        snprintf(text, sizeof text, "%.*s", (int)length, WHOLE);
        put_text(text);
        char *last = strrchr(text, '\n');
        *(last ? last + 1 : text) = 0;
        mg_metrics metrics = open_metrics(3, &seconds);
        put(&metrics, "resume", 7, 4, 0);
        mg_metrics_close(&metrics);
        snprintf(expected, sizeof expected, "%s%s", text, LINE("resume", 7, 4));
        expect(expected);
    }
}

static bool find_end(mg_metrics_ending *out) {
    bool found;
    assert_int_equal(mg_metrics_find_end(place, out, &found, NULL), MG_OK);
    return found;
}

static void test_find_end(void **unused) {
    (void)unused;
    mg_metrics_ending end;
    support_remove(support_path("run/%s", file));
    assert_false(find_end(&end));
    put_text("");
    assert_false(find_end(&end));
    put_text(WHOLE);
    assert_false(find_end(&end));
    put_text(WHOLE LINE("end", 25, 3.5));
    assert_true(find_end(&end) && end.step == 25);
    assert_true(end.seconds == 3.5 && end.events == 3);
    put_text(LINE("end", 26, 4)); // the only line
    assert_true(find_end(&end) && end.step == 26);
    put_text(WHOLE
             // truncated before its line feed
             "{\"event\": \"end\", \"step\": 25, \"epoch\": 1, \"seconds\": 3.5}");
    assert_false(find_end(&end));
    put_text(LINE("end", 25, 3.5) LINE("resume", 25, 3.5));
    assert_false(find_end(&end));
    // What cannot be read is not taken for a run that has not ended.
    mg_error error;
    bool found;
    support_remove(support_path("run/%s", file));
    assert_int_equal(mkdir(support_path("run/%s", file), 0777), 0);
    assert_int_equal(mg_metrics_find_end(place, &end, &found, &error), MG_IO);
    assert_non_null(strstr(error.text, "metrics.jsonl: is a directory"));
    assert_int_equal(rmdir(support_path("run/%s", file)), 0);
}

// A file longer than the block that is read at a time, with a line longer than margin writes. The memory
// needed does not grow with the file.
static void test_long_file(void **unused) {
    (void)unused;
    enum { LINES = 4000, LONG = 100000 };
    for (int linked = 0; linked < 2; linked++) {
        double seconds = 0;
        mg_metrics_ending last;
        support_remove(support_path("run/%s", file));
        mg_metrics metrics = open_metrics(-1, &seconds);
        for (int i = 1; i <= LINES; i++) put(&metrics, "epoch", i, i, 1);
        put(&metrics, "end", LINES, LINES, 0);
        mg_metrics_close(&metrics);
        size_t size, now;
        char *text = (char *)support_read(support_path("run/%s", file), &size), *more = malloc(size + LONG);
        memset(more, 'x', LONG);
        more[LONG - 1] = '\n';
        memcpy(more + LONG, text, size);
        support_write(support_path("run/%s", file), more, size + LONG);
        support_remove(support_path("backup"));
        if (linked) assert_int_equal(link(support_path("run/%s", file), support_path("backup")), 0);
        mg_memory_fail_at(2, true); // the first allocation is for its path
        assert_true(find_end(&last));
        mg_memory_fail_at(0, false);
        assert_true(last.step == LINES && last.events == LINES && last.seconds == LINES);
        mg_memory_fail_at(2, true);
        metrics = open_metrics(LINES - 1, &seconds);
        mg_memory_fail_at(0, false);
        assert_true(seconds == LINES - 1);
        put(&metrics, "epoch", LINES, LINES, 1);
        put(&metrics, "end", LINES, LINES, 0);
        mg_metrics_close(&metrics);
        char *after = (char *)support_read(support_path("run/%s", file), &now);
        assert_true(now == size + LONG && !memcmp(after, more, now));
        free(text);
        free(more);
        free(after);
    }
}

static mg_file_ops real;
static size_t room; // bytes that still fit on the disk

static ssize_t write_while_room(int fd, const void *bytes, size_t size) {
    if (!room) {
        errno = ENOSPC;
        return -1;
    }
    size_t taken = size < room ? size : room;
    room -= taken;
    return real.write(fd, bytes, taken);
}

// The disk is full at some place in a line; every place is tried. When there is space again, the rest is
// written first, and nothing is written twice.
static void test_full_disk(void **unused) {
    (void)unused;
    real = mg_file_calls;
    static const char text[] = LINE("epoch", 1, 1) LINE("eval", 1, 1) LINE("epoch", 2, 2);
    for (size_t before = 0; before < sizeof text; before++) {
        double seconds = 0;
        mg_metrics metrics = open_metrics(-1, &seconds);
        mg_file_calls.write = write_while_room;
        room = before;
        put(&metrics, "epoch", 1, 1, 1);
        put(&metrics, "eval", 1, 1, 1);
        mg_status full = metrics.failure.status;
        room = SIZE_MAX;
        put(&metrics, "epoch", 2, 2, 1);
        mg_file_calls = real;
        assert_int_equal(full, before < strlen(LINE("epoch", 1, 1) LINE("eval", 1, 1)) ? MG_IO : MG_OK);
        assert_int_equal(metrics.failure.status, MG_OK);
        assert_int_equal(metrics.events, 3);
        mg_metrics_close(&metrics);
        expect(text);
    }
}

static void test_no_file(void **unused) {
    (void)unused;
    mg_metrics metrics;
    mg_error error;
    double seconds = 0;
    support_remove(support_path("run/%s", file));
    assert_int_equal(mkfifo(support_path("run/%s", file), 0600), 0);
    assert_int_equal(mg_metrics_open(place, -1, &metrics, &seconds, &error), MG_IO);
    assert_non_null(strstr(error.text, "is not a regular file"));
    assert_int_equal(metrics.fd, -1);
    put(&metrics, "epoch", 1, 1, 1); // if the run has no such file, nothing happens
    mg_metrics_close(&metrics);
    support_remove(support_path("run/%s", file));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),     cmocka_unit_test(test_kept),      cmocka_unit_test(test_cut),
        cmocka_unit_test(test_find_end),  cmocka_unit_test(test_full_disk), cmocka_unit_test(test_no_file),
        cmocka_unit_test(test_long_file),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
