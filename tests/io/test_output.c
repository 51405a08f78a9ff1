// test_output.c - an output replaces only the file that was at its path when it was opened. A file that
// appears there, or changes, while the output is written is kept.
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "io/file.h"

#include <errno.h>
#include <margin/output.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put(const char *name, const char *content) {
    support_write(support_path("%s", name), content, strlen(content));
}

// What another program does to the path.
static void nothing(void) {}
static void appear(void) { put("out", "theirs"); }
static void change(void) { appear(); }
static void delete (void) { unlink(support_path("out")); }
static void replace(void) {
    put("other", "theirs");
    rename(support_path("other"), support_path("out"));
}

static void (*late)(void); // what happens just before the first rename
static mg_file_ops real;
static bool swaps; // false: the file system cannot exchange files

static int exchanges;
static bool stuck, all_stuck; // after the first exchange, exchanges fail, or all renames

static int late_rename(int directory, const char *from, const char *to, mg_rename how) {
    void (*now)(void) = late;
    late = nothing;
    now();
    bool back = stuck && exchanges > 0;
    exchanges += how == MG_RENAME_SWAP;
    if (back && (all_stuck || how == MG_RENAME_SWAP)) {
        errno = EIO;
        return -1;
    }
    if (how != MG_RENAME_SWAP || swaps) return real.rename(directory, from, to, how);
    errno = EINVAL;
    return -1;
}

typedef struct when {
    void (*meanwhile)(void), (*late)(void);
} when;

static mg_status write_output(const char *before, const when *others, mg_error *error) {
    mg_output *output;
    FILE *file;
    support_remove(support_path("out"));
    if (before) put("out", before);
    late = others->late;
    assert_int_equal(mg_output_open(support_path("out"), &output, &file, error), MG_OK);
    fputs("ours", file);
    others->meanwhile();
    return mg_output_close(output, MG_OK, error);
}

static void expect_content(const char *content) {
    size_t size;
    unsigned char *bytes = support_read(support_path("out"), &size);
    assert_int_equal(size, strlen(content));
    assert_memory_equal(bytes, content, size);
    free(bytes);
    assert_int_equal(support_count(support_path("."), ""), 1); // no temporary file remains
}

static void expect(const char *before, void (*meanwhile)(void), void (*at_end)(void), const char *why) {
    mg_error error = {0};
    const when others = {meanwhile, at_end};
    mg_status status = write_output(before, &others, &error);
    if (why && !strstr(error.text, why)) fail_msg("%s is not in: %s", why, error.text);
    assert_int_equal(status, why ? MG_IO : MG_OK);
    expect_content(why ? "theirs" : "ours");
}

static void test_meanwhile(void **unused) {
    (void)unused;
    expect(NULL, nothing, nothing, NULL);
    expect("older", nothing, nothing, NULL);
    expect("older", delete, nothing, NULL);
    expect(NULL, appear, nothing, "out: appeared while margin was working");
    expect("older", change, nothing, "out: was replaced or changed while margin was working");
    expect("older", replace, nothing, "out: was replaced or changed while margin was working");
}

static void test_last_moment(void **unused) {
    (void)unused;
    expect(NULL, nothing, appear, "appeared");
    expect("older", nothing, replace, "was replaced or changed");
    expect("older", nothing, change, "was replaced or changed");
    expect("older", nothing, delete, NULL);
    swaps = false; // then the file is compared just before it is replaced
    expect("older", nothing, nothing, NULL);
    expect("older", replace, nothing, "was replaced or changed");
}

// The file that was put there at the last moment cannot get its name back. It is not lost, and the message
// says where it is.
static void test_stuck(void **unused) {
    (void)unused;
    stuck = swaps = true;
    for (int all = 0; all < 2; all++) {
        const when others = {nothing, replace};
        mg_error error = {0};
        char path[600], *end;
        all_stuck = all;
        exchanges = 0;
        assert_int_equal(write_output("older", &others, &error), MG_IO);
        const char *at = strstr(error.text, "cannot get its name back and is ");
        if (!at) fail_msg("%s", error.text);
        snprintf(path, sizeof path, "%s", at + strlen("cannot get its name back and is "));
        if ((end = strchr(path, ':'))) *end = 0;
        bool renamed = !strcmp(path + strlen(path) - 5, ".kept");
        if (renamed == all) fail_msg("%s", path);
        size_t size;
        unsigned char *bytes = support_read(path, &size);
        assert_int_equal(size, 6);
        assert_memory_equal(bytes, "theirs", 6);
        free(bytes);
        bytes = support_read(support_path("out"), &size);
        assert_memory_equal(bytes, "ours", 4);
        free(bytes);
        unlink(path);
        assert_int_equal(support_count(support_path("."), ""), 1);
    }
    stuck = false;
}

static int begin(void **state) {
    real = mg_file_calls;
    mg_file_calls.rename = late_rename;
    swaps = true;
    return support_begin(state);
}

static int end(void **state) {
    mg_file_calls = real;
    return support_end(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_meanwhile), cmocka_unit_test(test_last_moment),
                                       cmocka_unit_test(test_stuck)};
    return cmocka_run_group_tests(tests, begin, end);
}
