// test_early_model.c - a run that has begun, but not ended, does not replace a model.h5 that it has not
// written.
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 240, FEATURES = 20, CLASSES = 4, BATCH = 40, STEPS = ROWS / BATCH, EPOCHS = 4 };

static support_run new_run(const char *data, const char *directory) {
    support_run run = support_new(support_path("%s", data), support_path("%s", directory));
    support_set(&run, "train.batch=%d", BATCH);
    support_set(&run, "train.epochs=%d", EPOCHS);
    return run;
}

static void expect_refused(support_run *run, const char *model, const char *text) {
    support_expect(run, MG_CONFIG);
    if (!strstr(run->error.text, text) || !strstr(run->error.text, "move it away"))
        fail_msg("%s", run->error.text);
    support_expect_same(model, support_path("run/model.h5"), "the model of another run");
}

// Follows the advice of the message: the run continues, and has the model of an undisturbed run.
static void expect_continued(support_run *run, const char *what) {
    support_remove(support_path("run/model.h5"));
    support_expect(run, MG_OK);
    support_expect_same(support_path("run/model.h5"), support_path("whole/model.h5"), what);
}

// A run that was stopped in its second epoch, and is to be resumed.
static support_run stopped(void) {
    support_run run = new_run("a.h5", "run");
    run.stop_after = STEPS + 2;
    support_expect(&run, MG_STOPPED);
    run.stop_after = 0;
    run.resume = true;
    return run;
}

// A model.h5 of an earlier step was copied from another run.
static void test_stopped(void **unused) {
    (void)unused;
    support_run run = stopped();
    support_copy(support_path("early/model.h5"), support_path("run/model.h5"));
    for (int again = 0; again < 2; again++)
        expect_refused(&run, support_path("early/model.h5"), "is not a model of this run");
    expect_continued(&run, "a stopped run");
    support_remove(support_path("run"));
}

// The run was killed at its end, and its last checkpoints could not be written: the model is of a later step
// than the newest checkpoint. The run's own model is accepted, another one is refused.
static void test_no_last_checkpoint(void **unused) {
    (void)unused;
    support_run run = stopped();
    support_copy(support_path("other/model.h5"), support_path("run/model.h5"));
    for (int again = 0; again < 2; again++)
        expect_refused(&run, support_path("other/model.h5"), "not the model of this run");
    support_remove(support_path("run"));
    run = stopped();
    support_copy(support_path("whole/model.h5"), support_path("run/model.h5"));
    support_expect(&run, MG_OK);
    support_expect_same(support_path("run/model.h5"), support_path("whole/model.h5"), "own model");
    support_remove(support_path("run"));
}

// The run was killed between its last checkpoint and the end of its metrics. Its own model is accepted;
// another one of the same step is refused.
static void test_last_moment(void **unused) {
    (void)unused;
    char *lines = (char *)support_read(support_path("whole/metrics.jsonl"), NULL);
    char *end = strstr(lines, "{\"event\": \"end\"");
    assert_non_null(end);
    for (int foreign = 0; foreign < 2; foreign++) {
        support_run run = new_run("a.h5", "run");
        run.resume = true;
        support_copy_tree(support_path("whole"), support_path("run"));
        support_write(support_path("run/metrics.jsonl"), lines, (size_t)(end - lines));
        if (foreign) {
            support_copy(support_path("other/model.h5"), support_path("run/model.h5"));
            expect_refused(&run, support_path("other/model.h5"), "but not the model of this run");
            expect_continued(&run, "killed at its end");
        } else {
            support_expect(&run, MG_OK);
            support_expect_same(support_path("run/model.h5"), support_path("whole/model.h5"), "own model");
        }
        support_remove(support_path("run"));
    }
    free(lines);
}

// A damaged model is written again.
static void test_damaged(void **unused) {
    (void)unused;
    size_t size;
    support_run run = new_run("a.h5", "run");
    run.stop_after = STEPS + 2;
    support_expect(&run, MG_STOPPED);
    run.stop_after = 0;
    run.resume = true;
    unsigned char *bytes = support_read(support_path("other/model.h5"), &size);
    bytes[size / 2] ^= 1;
    support_write(support_path("run/model.h5"), bytes, size);
    free(bytes);
    support_expect(&run, MG_OK);
    support_expect_same(support_path("run/model.h5"), support_path("whole/model.h5"), "damaged model");
    support_remove(support_path("run"));
}

static int begin(void **unused) {
    int failed = support_begin(unused);
    support_data(support_path("a.h5"), SUPPORT_F32, ROWS, FEATURES, CLASSES, 1);
    support_data(support_path("b.h5"), SUPPORT_F32, ROWS, FEATURES, CLASSES, 2);
    support_run whole = new_run("a.h5", "whole"), other = new_run("b.h5", "other");
    support_expect(&whole, MG_OK);
    support_expect(&other, MG_OK);
    support_run early = support_new(support_path("b.h5"), support_path("early"));
    support_set(&early, "train.batch=%d", BATCH);
    support_set(&early, "train.epochs=1");
    support_expect(&early, MG_OK);
    return failed;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_stopped),
                                       cmocka_unit_test(test_no_last_checkpoint),
                                       cmocka_unit_test(test_last_moment), cmocka_unit_test(test_damaged)};
    return cmocka_run_group_tests(tests, begin, support_end);
}
