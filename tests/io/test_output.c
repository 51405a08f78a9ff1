// test_output.c - an output that must not replace a file keeps one that appears while it is written.
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <margin/output.h>
#include <stdlib.h>
#include <string.h>

// Writes to an output while a file of another program appears at its path.
static mg_status write_meanwhile(bool keep, mg_error *error) {
    mg_output *output;
    FILE *file;
    support_remove(support_path("out"));
    assert_int_equal(mg_output_open(support_path("out"), &output, &file, error), MG_OK);
    if (keep) mg_output_keep_existing(output);
    fputs("ours", file);
    support_write(support_path("out"), "theirs", 6);
    return mg_output_close(output, MG_OK, error);
}

static void expect_content(const char *content) {
    size_t size;
    unsigned char *bytes = support_read(support_path("out"), &size);
    assert_string_equal((const char *)bytes, content);
    free(bytes);
    assert_int_equal(support_count(support_path("."), ""), 1); // no temporary file remains
}

static void test_appears(void **unused) {
    (void)unused;
    mg_error error = {0};
    assert_int_equal(write_meanwhile(true, &error), MG_IO);
    assert_non_null(strstr(error.text, "File exists"));
    expect_content("theirs");
    assert_int_equal(write_meanwhile(false, &error), MG_OK);
    expect_content("ours");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_appears)};
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
