// test_unknown_points.c - if margin cannot see whether a path is complete, it refuses to replace its results.
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <margin/path.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static mg_status follow(support_run *run, const char *data, bool resume, bool overwrite) {
    mg_observer observer;
    mg_path_result *result = calloc(1, sizeof *result);
    *run = support_new(support_path("%s", data), support_path("o"));
    support_set(run, "train.solver=dual");
    support_set(run, "train.epochs=2");
    support_set(run, "train.batch=20");
    support_set(run, "data.validation=0.25");
    const mg_path_request request = {
        .C = "1e-2:1:10", .resume = resume, .overwrite = overwrite, .observer = &observer};
    mg_config *config = support_configure(run, &observer);
    mg_status status = support_ended(run, mg_path(config, &request, result, &run->error));
    mg_config_destroy(config);
    free(result);
    return status;
}

static void damage(const char *path) {
    size_t size;
    unsigned char *bytes = support_read(path, &size);
    bytes[size / 2] ^= 1;
    support_write(path, bytes, size);
    free(bytes);
}

// A path without the end of its metrics, beside an older result in `previous`. Its begun.h5 is damaged. If
// its checkpoints are intact, they say which path it is; otherwise the old result and the points stay.
static void test_damaged_origin(void **unused) {
    (void)unused;
    support_run run;
    assert_int_equal(follow(&run, "a.h5", false, false), MG_OK);
    support_copy_tree(support_path("o"), support_path("old"));
    support_copy_tree(support_path("old"), support_path("o/previous"));
    support_write(support_path("o/metrics.jsonl"), "", 0);
    damage(support_path("o/begun.h5"));
    support_copy_tree(support_path("o"), support_path("half"));
    if (follow(&run, "b.h5", false, true)) fail_msg("%s", run.error.text);
    support_remove(support_path("o"));
    support_copy_tree(support_path("half"), support_path("o"));
    support_remove(support_path("o/checkpoints"));
    for (int again = 0; again < 2; again++) {
        assert_int_equal(follow(&run, "b.h5", false, true), MG_DATA);
        if (!strstr(run.error.text,
                    "cannot see whether path.jsonl beside it has all points: move path.jsonl"))
            fail_msg("%s", run.error.text);
        support_expect_same(support_path("o/previous/path.jsonl"), support_path("old/path.jsonl"),
                            "previous");
        support_expect_same(support_path("o/path.jsonl"), support_path("old/path.jsonl"), "the points");
        assert_false(support_exists(support_path("o/previous.new")));
    }
    assert_int_equal(rename(support_path("o/path.jsonl"), support_path("kept.jsonl")), 0);
    if (follow(&run, "b.h5", false, true)) fail_msg("%s", run.error.text);
    support_remove(support_path("o"));
}

// A path.jsonl that cannot be read is not taken for one with points.
static void test_unreadable_points(void **unused) {
    (void)unused;
    support_run run;
    assert_int_equal(follow(&run, "a.h5", false, false), MG_OK);
    support_remove(support_path("o/checkpoints"));
    support_remove(support_path("o/path.jsonl"));
    assert_int_equal(mkdir(support_path("o/path.jsonl"), 0777), 0);
    assert_int_equal(follow(&run, "a.h5", true, false), MG_IO);
    if (!strstr(run.error.text, "o/path.jsonl: ") || strstr(run.error.text, "nothing to resume"))
        fail_msg("%s", run.error.text);
    support_remove(support_path("o"));
}

static int begin(void **unused) {
    int failed = support_begin(unused);
    support_data(support_path("a.h5"), SUPPORT_U8, 60, 6, 3, 1);
    support_data(support_path("b.h5"), SUPPORT_U8, 60, 6, 3, 2);
    return failed;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_damaged_origin),
                                       cmocka_unit_test(test_unreadable_points)};
    return cmocka_run_group_tests(tests, begin, support_end);
}
