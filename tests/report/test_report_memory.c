// test_report_memory.c - wherever memory runs out, a report fails as a whole, or is complete.
#include "base/memory.h"
#include "support.h"

#include <margin/report.h>
#include <margin/runs.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *directory[2];

static int begin(void **unused) {
    support_begin(unused);
    support_data(support_path("d.h5"), SUPPORT_U8, 60, 64, 3, 1);
    support_run run = support_new(support_path("d.h5"), support_path("run"));
    support_set(&run, "train.epochs=2");
    support_set(&run, "data.validation=0.3");
    support_set(&run, "data.test=%s", support_path("d.h5"));
    support_set(&run, "model.calibration=temperature");
    support_expect(&run, MG_OK);
    directory[0] = directory[1] = strdup(support_path("run"));
    return 0;
}

static mg_status make_report(FILE *file, mg_error *error) {
    const mg_report_request request = {.directories = directory, .count = 1, .threads = 1};
    return mg_report_write(&request, file, error);
}

static mg_status make_comparison(FILE *file, mg_error *error) {
    const mg_report_request request = {.directories = directory, .count = 2, .threads = 1};
    return mg_report_write(&request, file, error);
}

static mg_status make_list(FILE *file, mg_error *error) {
    const mg_runs_request request = {.directories = directory, .count = 2, .sort = "test"};
    return mg_runs_print(&request, file, error);
}

// Makes the text while the k-th allocation fails; returns whether one did.
static bool make(mg_status (*print)(FILE *, mg_error *), int64_t k, const char *wanted, char **text) {
    size_t size;
    mg_error error = {0};
    FILE *file = open_memstream(text, &size);
    int64_t live = mg_memory_live();
    mg_memory_fail_at(k, false);
    mg_status status = print(file, &error);
    bool failed = mg_memory_fail_at(0, false) > 0;
    fclose(file);
    assert_int_equal(mg_memory_live(), live);
    if (status && status != MG_MEMORY) fail_msg("allocation %ld: %s", (long)k, error.text);
    if (!status && wanted) assert_string_equal(*text, wanted);
    return failed;
}

static void check(mg_status (*print)(FILE *, mg_error *)) {
    char *whole, *text;
    assert_false(make(print, 0, NULL, &whole));
    assert_true(strlen(whole) > 100);
    bool failed = true;
    for (int64_t k = 1; failed; k++) {
        failed = make(print, k, whole, &text);
        free(text);
    }
    free(whole);
}

static void test_report(void **unused) {
    (void)unused;
    check(make_report);
}

static void test_comparison(void **unused) {
    (void)unused;
    check(make_comparison);
}

static void test_list(void **unused) {
    (void)unused;
    check(make_list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_comparison),
        cmocka_unit_test(test_list),
    };
    return cmocka_run_group_tests(tests, begin, support_end);
}
