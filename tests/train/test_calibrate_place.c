// test_calibrate_place.c - margin calibrate replaces the file that it has read, also if the name is a link to
// it, or if its directory is renamed meanwhile. A model that is replaced or changed meanwhile is not written.
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <fcntl.h>
#include <margin/calibrate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static char model[600], other[600], data[600];

static int begin(void **unused) {
    if (support_begin(unused)) return 1;
    snprintf(data, sizeof data, "%s", support_path("d.h5"));
    support_data(data, SUPPORT_F32, 120, 7, 3, 1);
    for (int i = 0; i < 2; i++) {
        support_run run = support_new(data, support_path("run%d", i));
        support_set(&run, "train.epochs=%d", 4 + i);
        support_expect(&run, MG_OK);
    }
    snprintf(model, sizeof model, "%s", support_path("m.h5"));
    snprintf(other, sizeof other, "%s", support_path("run1/model.h5"));
    return 0;
}

// The warning about training rows comes when everything is read and nothing is written. Then this happens:
static void (*meanwhile)(void);
static char said[2000];

static void hear(void *unused, const char *line) {
    (void)unused;
    if (meanwhile) meanwhile();
    meanwhile = NULL;
    snprintf(said + strlen(said), sizeof said - strlen(said), "%s\n", line);
}

static mg_status calibrate(const char *path, void (*then)(void), mg_error *error) {
    const mg_calibrate_request request = {
        .model = path, .data = data, .threads = 1, .notices = {.message = hear}};
    *error = (mg_error){0};
    *said = 0;
    meanwhile = then;
    mg_status status = mg_calibrate(&request, NULL, error);
    assert_null(meanwhile);
    return status;
}

// A message has one line, whatever the path contains.
static void test_one_line(void **unused) {
    (void)unused;
    char odd[600], kept[600];
    mg_error error;
    snprintf(kept, sizeof kept, "%s", data);
    snprintf(odd, sizeof odd, "%s", support_path("odd\rname.h5"));
    support_copy(data, odd);
    snprintf(data, sizeof data, "%s", odd);
    support_copy(support_path("run0/model.h5"), model);
    assert_int_equal(calibrate(model, NULL, &error), MG_OK);
    snprintf(data, sizeof data, "%s", kept);
    assert_non_null(strstr(said, "odd\\rname.h5 seems to be the training data"));
    assert_true(strchr(said, '\n') == said + strlen(said) - 1);
}

static void replace(void) {
    char copy[600];
    snprintf(copy, sizeof copy, "%s", support_path("copy.h5"));
    support_copy(other, copy);
    assert_int_equal(rename(copy, model), 0);
}

static void change(void) { support_copy(other, model); }

static void delete (void) { support_remove(model); }

static void calibrate_too(void) {
    mg_error error;
    char before[sizeof said];
    memcpy(before, said, sizeof said);
    assert_int_equal(calibrate(model, NULL, &error), MG_OK);
    support_copy(model, other);
    memcpy(said, before, sizeof said);
}

static int held = -1;

static void hold(void) {
    held = open(model, O_RDONLY | O_CLOEXEC);
    assert_true(held >= 0 && !flock(held, LOCK_EX));
}

static void test_replaced(void **unused) {
    (void)unused;
    static void (*const events[])(void) = {replace, change, calibrate_too, delete, hold};
    mg_error error;
    for (size_t e = 0; e < sizeof events / sizeof *events; e++) {
        support_copy(support_path("run0/model.h5"), model);
        if (events[e] == calibrate_too) support_copy(support_path("run1/model.h5"), support_path("kept.h5"));
        assert_int_equal(calibrate(model, events[e], &error), MG_CONFIG);
        if (!strstr(error.text, "m.h5: was replaced, changed or deleted while it was calibrated"))
            fail_msg("%zu: %s", e, error.text);
        if (events[e] == delete) assert_false(support_exists(model));
        else if (events[e] == hold) support_expect_same(model, support_path("run0/model.h5"), "held");
        else support_expect_same(model, other, "replaced");
        if (events[e] == calibrate_too) support_copy(support_path("kept.h5"), other);
    }
    close(held);
    assert_int_equal(support_count(support_path("."), ".tmp"), 0);
}

// A link stays a link; the model that it leads to is calibrated.
static void test_link(void **unused) {
    (void)unused;
    mg_error error;
    char link[600];
    snprintf(link, sizeof link, "%s", support_path("link.h5"));
    support_copy(support_path("run0/model.h5"), model);
    assert_int_equal(symlink("m.h5", link), 0);
    if (calibrate(link, NULL, &error)) fail_msg("%s", error.text);
    assert_true(readlink(link, (char[8]){0}, 8) == 4);
    assert_false(support_same(model, support_path("run0/model.h5")));
}

// A link into the directory of a run is refused as the model itself is.
static void test_link_into_run(void **unused) {
    (void)unused;
    mg_error error;
    char link[600];
    support_run run = support_new(data, support_path("unfinished"));
    run.stop_after = 3;
    support_expect(&run, MG_STOPPED);
    support_copy(support_path("run0/model.h5"), support_path("unfinished/model.h5"));
    snprintf(link, sizeof link, "%s", support_path("into.h5"));
    assert_int_equal(symlink("unfinished/model.h5", link), 0);
    assert_int_equal(calibrate(link, NULL, &error), MG_CONFIG);
    assert_non_null(strstr(error.text, "belongs to a run that has not ended"));
}

static void read_too(void) {
    held = open(model, O_RDONLY | O_CLOEXEC);
    assert_true(held >= 0 && !flock(held, LOCK_SH));
}

// A reader's lock does no harm.
static void test_reader(void **unused) {
    (void)unused;
    mg_error error;
    support_copy(support_path("run0/model.h5"), model);
    if (calibrate(model, read_too, &error)) fail_msg("%s", error.text);
    close(held);
    assert_false(support_same(model, support_path("run0/model.h5")));
}

static void move_away(void) {
    assert_int_equal(rename(support_path("here"), support_path("there")), 0);
    support_copy_tree(support_path("run1"), support_path("here"));
}

static void test_renamed(void **unused) {
    (void)unused;
    mg_error error;
    char path[600];
    support_copy_tree(support_path("run0"), support_path("here"));
    snprintf(path, sizeof path, "%s", support_path("here/model.h5"));
    if (calibrate(path, move_away, &error)) fail_msg("%s", error.text);
    assert_non_null(strstr(said, "its directory was renamed; the model is written in that directory"));
    support_expect_same(path, other, "the model of the directory that took the path");
    assert_false(support_same(support_path("there/model.h5"), support_path("run0/model.h5")));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_line), cmocka_unit_test(test_replaced),
                                       cmocka_unit_test(test_link),     cmocka_unit_test(test_link_into_run),
                                       cmocka_unit_test(test_renamed),  cmocka_unit_test(test_reader)};
    return cmocka_run_group_tests(tests, begin, support_end);
}
