// test_checkpoint_stop.c - a run that is stopped inside any system call for any file ends normally, and is
// resumed to the same bits.
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "io/file.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static mg_file_ops real;
static _Atomic long calls; // calls made so far

static support_run run_with_checkpoints(const char *directory) {
    support_run run = support_new(support_path("data.h5"), directory);
    support_set(&run, "train.batch=16");
    support_set(&run, "train.epochs=3");
    support_set(&run, "data.validation=0.25");
    support_set(&run, "checkpoint.every_epochs=1");
    return run;
}

static long stop_at; // the stop is requested inside this call

static void stop_here(void) {
    if (atomic_fetch_add(&calls, 1) + 1 == stop_at) mg_train_stop();
}

static int stopping_open(int directory, const char *name, int flags, mode_t mode) {
    stop_here();
    return real.open(directory, name, flags, mode);
}

static ssize_t stopping_write(int fd, const void *bytes, size_t size) {
    stop_here();
    return real.write(fd, bytes, size);
}

static int stopping_fsync(int fd) {
    stop_here();
    return real.fsync(fd);
}

static int stopping_rename(int directory, const char *from, const char *to, mg_rename how) {
    stop_here();
    return real.rename(directory, from, to, how);
}

static int stopping_unlink(int directory, const char *name) {
    stop_here();
    return real.unlink(directory, name);
}

// If a stop is requested inside any call for any file (the first one, a checkpoint, the model), the run ends
// normally, or it is already complete.
static void test_stopped_while_writing(void **unused) {
    (void)unused;
    const char *whole = support_path("not-stopped"), *stopped = support_path("stopped");
    support_data(support_path("data.h5"), SUPPORT_F32, 64, 20, 3, 55);
    support_run reference = run_with_checkpoints(whole);
    support_expect(&reference, MG_OK);
    int before_first = 0, amid = 0;
    for (stop_at = 1;; stop_at++) {
        support_run run = run_with_checkpoints(stopped);
        calls = 0;
        mg_file_calls = (mg_file_ops){stopping_open, stopping_write,  stopping_fsync,
                                      real.close,    stopping_rename, stopping_unlink};
        mg_status status = support_train(&run);
        mg_file_calls = real;
        if (calls < stop_at) break;
        if (status != MG_OK && status != MG_STOPPED)
            fail_msg("stopped in call %ld: status %d (%s)", stop_at, (int)status, run.error.text);
        before_first += status == MG_STOPPED && run.steps == 0;
        amid += status == MG_STOPPED && run.steps > 0;
        int64_t taken = status == MG_STOPPED ? run.steps : 0;
        run.resume = true;
        support_expect(&run, MG_OK);
        if (taken && run.plan.resumed_step != taken)
            fail_msg("stopped in call %ld after step %lld, it went on from step %lld", stop_at,
                     (long long)taken, (long long)run.plan.resumed_step);
        support_expect_same_runs(whole, stopped, "stopped while a file was written");
        support_remove(stopped);
    }
    if (!before_first || !amid)
        fail_msg("%d runs were stopped before the first step, %d between steps", before_first, amid);
}

static support_run newton(const char *directory) {
    support_run run = support_new(support_path("data.h5"), directory);
    support_set(&run, "train.solver=newton");
    support_set(&run, "train.tolerance=1e-3");
    support_set(&run, "data.validation=0.25"); // so that a stop can come during the evaluation
    support_set(&run, "checkpoint.every_steps=1");
    return run;
}

// The last checkpoint may be from before the end of its epoch: the disk was full for a newer one, but not for
// the model. Such a run is not finished: when it is resumed, its epoch ends once more, and the last
// checkpoint is written.
static void test_epoch_not_ended(void **unused) {
    (void)unused;
    const char *whole = support_path("whole"), *early = support_path("early");
    size_t wanted, found;
    support_data(support_path("data.h5"), SUPPORT_F32, 64, 20, 3, 55);
    support_run run = newton(whole);
    support_expect(&run, MG_OK);
    support_run before = newton(early);
    before.stop_after = run.steps;
    support_expect(&before, MG_STOPPED);
    const char *last = support_newest(whole), *older = support_newest(early);
    unsigned char *right = support_read(last, &wanted), *mid = support_read(older, &found);
    assert_false(wanted == found && !memcmp(right, mid, wanted));
    support_write(last, mid, found);
    free(mid);
    run.resume = true;
    support_expect(&run, MG_OK);
    unsigned char *now = support_read(last, &found);
    assert_true(wanted == found && !memcmp(right, now, wanted));
    free(right);
    free(now);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stopped_while_writing),
        cmocka_unit_test(test_epoch_not_ended),
    };
    real = mg_file_calls;
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
