// test_narrow.c - limits of 32-bit indices and of memory. MG_NARROW lowers them to 5000 features, 5000 rows
// in memory, and four megabytes per block. Data beyond a limit are refused with one line, or handled in
// another way that gives the same result.
#include "support.h"

#include "base/memory.h"
#include "rows/rows.h"

#include <margin/convert.h>
#include <margin/status.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 5000 };

static void expect_refused(const char *data, const char *extra, mg_status status, const char *message) {
    support_run run = support_new(data, support_path("refused"));
    support_set(&run, "train.batch=16");
    support_set(&run, "%s", extra);
    support_train(&run);
    support_remove(support_path("refused"));
    if (run.status != status || !strstr(run.error.text, message))
        fail_msg("status %d (%s), not '%s'", (int)run.status, run.error.text, message);
}

static void test_features(void **unused) {
    (void)unused;
    assert_int_equal(MG_MOST_INDEX, MOST);
    for (int form = 0; form < SUPPORT_FORMS; form++)
        for (int past = 0; past < 2; past++) {
            const char *data = support_path("wide%d%d.h5", form, past);
            support_data(data, form, 20, MOST + past, 3, 7);
            if (past) {
                expect_refused(data, "train.epochs=1", MG_DATA, "at most 5000 ");
            } else {
                support_run run = support_new(data, support_path("run%d", form));
                support_set(&run, "train.epochs=1");
                support_set(&run, "train.batch=16");
                support_expect(&run, MG_OK);
            }
        }
}

// More rows than 32-bit indices can count are streamed, even if there is enough memory, and give the same
// model.
static void test_rows(void **unused) {
    (void)unused;
    for (int form = 0; form < SUPPORT_FORMS; form++) {
        const char *data = support_path("long%d.h5", form), *made[2];
        support_data(data, form, MOST + 100, 40, 3, 8);
        for (int limit = 0; limit < 2; limit++) {
            made[limit] = support_path("long%d-%d", form, limit);
            support_run run = support_new(data, made[limit]);
            support_set(&run, "train.epochs=2");
            support_set(&run, "train.batch=16");
            support_set(&run, "data.window=64KiB");
            if (limit) support_set(&run, "data.memory_limit=140000");
            support_expect(&run, MG_OK);
            assert_true(run.plan.data.streamed);
        }
        support_expect_same_runs(made[0], made[1], "more rows than an index counts");
        expect_refused(data, "data.window=1GiB", MG_CONFIG,
                       "data.window: a window of more than 5000 rows or blocks is not allowed");
    }
}

static void refuse_conversion(const char *format, const char *name, const void *bytes, size_t size,
                              const char *message) {
    const char *inputs[] = {support_path("%s", name)};
    mg_error error = {0};
    mg_convert_options options = {
        .format = format, .inputs = inputs, .input_count = 1, .output = support_path("out.h5")};
    support_write(inputs[0], bytes, size);
    mg_status status = mg_convert(&options, NULL, &error);
    if (status != MG_DATA || !strstr(error.text, message))
        fail_msg("status %d (%s), not '%s'", (int)status, error.text, message);
    assert_false(support_exists(options.output));
}

static void test_formats(void **unused) {
    (void)unused;
    char idx[12 + 5001] = "\0\0\x08\x02\0\0\0\1\0\0\x13\x89";
    refuse_conversion("svmlight", "past.svm", "1 5001:1\n", 9, "index 5001 is above 5000");
    refuse_conversion("idx", "past.idx", idx, 12 + 5001, "has 5001 features, but at most 5000 are allowed");
}

static void test_memory(void **unused) {
    (void)unused;
    void *block;
    mg_error error = {0};
    assert_int_equal(mg_memory_get(&block, 1 << 10, 1 << 10, &error), MG_OK);
    mg_memory_free(block);
    assert_int_equal(mg_memory_get(&block, (4 << 20) + 1, 1, &error), MG_MEMORY);
    assert_null(block);
    // the product overflows to 4
    assert_int_equal(mg_memory_get(&block, SIZE_MAX / 4 + 2, 4, &error), MG_MEMORY);
    support_data(support_path("classes.h5"), SUPPORT_F32, 6000, 200, 6000,
                 9); // 6,000 classes with 200 features: 4.8 MB
    expect_refused(support_path("classes.h5"), "train.epochs=1", MG_MEMORY, "cannot be addressed");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_features),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
