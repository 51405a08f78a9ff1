// test_checkpoint.c - a file is complete or does not exist, whichever system call fails; the right
// checkpoints are kept; and a run continues if checkpoints cannot be written.
#include "checkpoint_files.h"

#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "io/file.h"
#include "train/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// ---- system calls that fail ---------------------------------------------------------------------

typedef enum fault { FAULT_ERROR, FAULT_SHORT, FAULT_INTERRUPT } fault;

static mg_file_ops real;
static _Atomic long calls; // calls made so far
static long fail_at;       // number of the call that fails; 0: none
static bool for_ever;      // all later calls fail too
static fault kind;
static int reason;
static _Atomic bool renamed; // a rename has succeeded

static bool fails(void) {
    long number = atomic_fetch_add(&calls, 1) + 1;
    if (!fail_at || (for_ever ? number < fail_at : number != fail_at)) return false;
    errno = reason;
    return kind == FAULT_ERROR;
}

static char order[64];                                         // the calls in their order, one letter each
static pthread_mutex_t order_lock = PTHREAD_MUTEX_INITIALIZER; // two threads write during a whole run

static void note(char letter) {
    pthread_mutex_lock(&order_lock);
    size_t used = strlen(order);
    if (used + 1 < sizeof order && (letter != 'w' || !used || order[used - 1] != 'w')) order[used] = letter;
    pthread_mutex_unlock(&order_lock);
}

static int failing_open(int directory, const char *name, int flags, mode_t mode) {
    note(flags & O_DIRECTORY ? 'D' : 'o');
    return fails() ? -1 : real.open(directory, name, flags, mode);
}

static ssize_t failing_write(int fd, const void *bytes, size_t size) {
    note('w');
    bool last = fails(), here = fail_at && (for_ever ? calls >= fail_at : calls == fail_at);
    if (last) return -1;
    if (here && kind == FAULT_SHORT) return real.write(fd, bytes, size > 1 ? size / 2 : size);
    if (here && kind == FAULT_INTERRUPT && (!for_ever || calls % 2)) {
        errno = EINTR;
        return -1;
    }
    return real.write(fd, bytes, size);
}

static int failing_fsync(int fd) {
    note('s');
    return fails() ? -1 : real.fsync(fd);
}

static int failing_close(int fd) {
    note('c');
    bool failed = fails();
    int closed = real.close(fd); // as in the system, the descriptor is closed even if an error is returned
    if (failed) errno = reason;
    return failed ? -1 : closed;
}

static int failing_rename(int directory, const char *from, const char *to, mg_rename how) {
    note('r');
    if (fails()) return -1;
    int done = real.rename(directory, from, to, how);
    if (!done) renamed = true;
    return done;
}

static int failing_unlink(int directory, const char *name) {
    note('u');
    return fails() ? -1 : real.unlink(directory, name);
}

static const mg_file_ops failing = {failing_open,  failing_write,  failing_fsync,
                                    failing_close, failing_rename, failing_unlink};

static void start_failing(long at, bool ever, fault how, int why) {
    calls = 0;
    fail_at = at;
    for_ever = ever;
    kind = how;
    reason = why;
    renamed = false;
    memset(order, 0, sizeof order);
    mg_file_calls = failing;
}

static int begin(void **unused) {
    real = mg_file_calls;
    return support_begin(unused);
}

static int set_right(void **unused) {
    (void)unused;
    mg_file_calls = real;
    return 0;
}

static mg_status write_file(const char *path, const void *bytes, size_t size, mg_error *error) {
    mg_directory *directory;
    const char *name;
    mg_status status = mg_directory_open_parent(path, &directory, &name, error);
    if (!status) status = mg_directory_write(directory, name, bytes, size, error);
    mg_directory_close(directory);
    return status;
}

static void test_write_fails(void **unused) {
    (void)unused;
    const char *directory = support_path("writes"), *path = support_path("writes/file");
    const int reasons[] = {ENOSPC, EIO, EDQUOT, EROFS};
    char old[50000], new[50000];
    memset(old, 'o', sizeof old);
    memset(new, 'n', sizeof new);
    mkdir(directory, 0777);
    for (int r = 0; r < 4; r++)
        for (int ever = 0; ever < 2; ever++)
            for (long at = 1;; at++) {
                mg_error error = {0};
                size_t size;
                support_write(path, old, sizeof old);
                start_failing(at, ever, FAULT_ERROR, reasons[r]);
                mg_status status = write_file(path, new, sizeof new, &error);
                mg_file_calls = real;
                unsigned char *now = support_read(path, &size);
                bool is_old = size == sizeof old && !memcmp(now, old, size),
                     is_new = size == sizeof new && !memcmp(now, new, size);
                free(now);
                if (!status && calls < at) break;
                bool ignored = !status && at == calls; // closing the directory may fail without consequences
                if (status != MG_IO && !ignored) fail_msg("call %ld: status %d", at, (int)status);
                if (!ignored && (strchr(error.text, '\n') ||
                                 (!strstr(error.text, path) && !strstr(error.text, directory))))
                    fail_msg("call %ld: '%s'", at, error.text);
                if (renamed ? !is_new : !is_old)
                    fail_msg("call %ld: the file is neither the old nor the new one", at);
                assert_int_equal(support_count(directory, ""),
                                 ever && support_count(directory, ".tmp") ? 2 : 1);
                support_remove(directory); // if unlink has failed too, the temporary file is still there
                mkdir(directory, 0777);
            }
}

// Whatever is reported is on disk: the bytes are synced before the rename, and the directory before the
// report.
static void test_write_order(void **unused) {
    (void)unused;
    mg_error error = {0};
    mkdir(support_path("writes"), 0777);
    start_failing(0, false, FAULT_ERROR, 0);
    assert_int_equal(write_file(support_path("writes/file"), "bytes", 5, &error), MG_OK);
    mg_file_calls = real;
    assert_string_equal(order, "Dowscrsc");
}

static void test_write_is_patient(void **unused) {
    (void)unused;
    const char *directory = support_path("writes"), *path = support_path("writes/file");
    char bytes[50000];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)(i * 7);
    mkdir(directory, 0777);
    for (int how = FAULT_SHORT; how <= FAULT_INTERRUPT; how++)
        for (long at = 1; at < 12; at++)
            for (int ever = 0; ever < 2; ever++) {
                mg_error error = {0};
                size_t size;
                start_failing(at, ever, (fault)how, 0);
                if (write_file(path, bytes, sizeof bytes, &error)) fail_msg("%s", error.text);
                mg_file_calls = real;
                unsigned char *now = support_read(path, &size);
                assert_true(size == sizeof bytes && !memcmp(now, bytes, size));
                free(now);
                assert_int_equal(support_count(directory, ""), 1);
            }
}

// ---- the writing thread -------------------------------------------------------------------------

static mg_status submit(mg_checkpointer *checkpointer, int number) {
    mg_position position = {.step = number};
    bool news;
    int64_t step;
    double seconds;
    mg_error error = {0};
    set_state(number);
    assert_true(mg_checkpointer_submit(checkpointer, &position, false));
    set_state(-1); // changes the state while the old one is being written
    mg_status status = mg_checkpointer_result(checkpointer, true, &news, &step, &seconds, &error);
    assert_true(news && step == number);
    assert_int_equal(mg_checkpointer_result(checkpointer, true, &news, &step, &seconds, &error), MG_OK);
    assert_false(news);
    return status;
}

static const char *const foreign[] = {"step-1.h5",
                                      "step-0000000000010.h5",
                                      "step-00000000000a.h5",
                                      "step--00000000001.h5",
                                      "step-+00000000001.h5",
                                      "step- 00000000001.h5",
                                      "step-000000000001.h5~",
                                      "step-000000000001.hdf",
                                      "STEP-000000000001.h5",
                                      "best.h5",
                                      "notes.tmp",
                                      "step"};
enum { FOREIGN = sizeof foreign / sizeof *foreign };

static mg_directory *place; // directory of the open checkpointer

static void close_checkpointer(mg_checkpointer *checkpointer) {
    mg_checkpointer_destroy(checkpointer);
    mg_directory_close(place);
}

static mg_checkpointer *open_checkpointer(const char *directory, int64_t keep) {
    mg_checkpointer *checkpointer;
    mg_error error = {0};
    if (mg_directory_open(directory, true, &place, &error)) fail_msg("%s", error.text);
    if (mg_checkpointer_create(place, keep, &identity, state, FIELDS, &checkpointer, &error))
        fail_msg("%s", error.text);
    return checkpointer;
}

static void test_rotation(void **unused) {
    (void)unused;
    for (int keep = 1; keep <= 4; keep++) {
        const char *directory = support_path("rotation");
        mkdir(directory, 0777);
        for (int f = 0; f < FOREIGN; f++) support_write(support_path("rotation/%s", foreign[f]), "mine", 4);
        support_write(support_path("rotation/step-000000000001.h5.77.tmp"), "cut", 3);
        mg_checkpointer *checkpointer = open_checkpointer(directory, keep);
        // only foreign files are left: the temporary file was deleted
        assert_int_equal(support_count(directory, ""), FOREIGN);
        for (int number = 1; number <= 7; number++) {
            assert_int_equal(submit(checkpointer, number), MG_OK);
            int kept = number < keep ? number : keep;
            assert_int_equal(support_count(directory, ""), FOREIGN + kept);
            for (int k = 0; k < kept; k++)
                assert_true(support_exists(support_path("rotation/step-%012d.h5", number - k)));
        }
        // The run was resumed at an earlier step. Checkpoints of the abandoned later steps are deleted when a
        // newer intact checkpoint exists.
        assert_int_equal(submit(checkpointer, 5), MG_OK);
        assert_false(support_exists(support_path("rotation/step-000000000007.h5")));
        assert_true(support_exists(support_path("rotation/step-000000000005.h5")));
        close_checkpointer(checkpointer);
        mg_position position;
        mg_error error;
        bool found;
        assert_int_equal(resume(directory, &position, &found, &error), MG_OK);
        assert_true(found && eta == 5 && weights[11] == 511 && !heard[0]);
        assert_int_equal(mg_directory_open(directory, false, &place, &error), MG_OK);
        assert_int_equal(mg_checkpoint_clear(place, &error), MG_OK);
        mg_directory_close(place);
        assert_int_equal(support_count(directory, ""), FOREIGN);
        support_remove(directory);
    }
}

// If a checkpoint cannot be written, earlier ones are kept. If one cannot be deleted, it is deleted the next
// time.
static void test_rotation_with_faults(void **unused) {
    (void)unused;
    for (int ever = 0; ever < 2; ever++)
        for (long at = 1; at <= 12; at++) {
            const char *directory = support_path("faults");
            mg_checkpointer *checkpointer = open_checkpointer(directory, 2);
            for (int number = 1; number <= 3; number++) assert_int_equal(submit(checkpointer, number), MG_OK);
            start_failing(at, ever, FAULT_ERROR, ENOSPC);
            mg_status status = submit(checkpointer, 4);
            mg_file_calls = real;
            bool there = support_exists(support_path("faults/step-000000000004.h5"));
            assert_true(support_exists(support_path("faults/step-000000000003.h5")));
            if (status) assert_true(support_exists(support_path("faults/step-000000000002.h5")));
            else assert_true(there);
            mg_position position;
            mg_error error;
            bool found;
            assert_int_equal(resume(directory, &position, &found, &error), MG_OK);
            assert_true(found && position.step == (there ? 4 : 3) && eta == (there ? 4 : 3) && !heard[0]);
            assert_int_equal(submit(checkpointer, 5), MG_OK);
            close_checkpointer(checkpointer);
            close_checkpointer(open_checkpointer(directory, 2)); // deletes what a failed unlink has left
            assert_int_equal(support_count(directory, ""), 2);
            support_remove(directory);
        }
}

// ---- runs ---------------------------------------------------------------------------------------

static support_run run_with_checkpoints(const char *directory) {
    support_run run = support_new(support_path("data.h5"), directory);
    support_set(&run, "train.batch=16");
    support_set(&run, "model.lambda=1e-4"); // no note about few rows
    support_set(&run, "train.epochs=3");
    support_set(&run, "data.validation=0.25");
    support_set(&run, "checkpoint.every_epochs=1");
    return run;
}

static void expect_all_whole(const char *directory, const char *what) {
    char checkpoints[4200], path[4300];
    snprintf(checkpoints, sizeof checkpoints, "%s/checkpoints", directory);
    for (int step = 0; step < 30; step++) {
        size_t size, content;
        mg_error error;
        snprintf(path, sizeof path, "%s/step-%012d.h5", checkpoints, step);
        if (!support_exists(path)) continue;
        unsigned char *bytes = support_read(path, &size);
        if (mg_file_check_seal(path, bytes, size, &content, &error)) fail_msg("%s: %s", what, error.text);
        free(bytes);
    }
}

// In which ways a call may fail.
static const struct {
    const char *name;
    fault kind;
    int reason;
} befalls[] = {{"ENOSPC", FAULT_ERROR, ENOSPC},  {"EIO", FAULT_ERROR, EIO},
               {"EDQUOT", FAULT_ERROR, EDQUOT},  {"EROFS", FAULT_ERROR, EROFS},
               {"half a write", FAULT_SHORT, 0}, {"EINTR", FAULT_INTERRUPT, 0}};

// Totals over all runs with failing calls.
typedef struct outcomes {
    int runs, warned, failed, model_stood;
} outcomes;

// Trains while call number `at` fails. The files are intact, the status is right, and after a resumption the
// run ends like an undisturbed one. Returns false if the run made fewer calls.
static bool run_with_fault(size_t b, bool ever, long at, outcomes *sum) {
    const char *whole = support_path("whole"), *hurt = support_path("hurt");
    char what[100];
    snprintf(what, sizeof what, "call %ld meets %s%s", at, befalls[b].name, ever ? ", and all after it" : "");
    support_run run = run_with_checkpoints(hurt);
    int descriptors = support_count("/proc/self/fd", "");
    start_failing(at, ever, befalls[b].kind, befalls[b].reason);
    mg_status status = support_train(&run);
    mg_file_calls = real;
    bool beyond = calls < at;
    if (support_count("/proc/self/fd", "") != descriptors) fail_msg("%s: files were left open", what);
    if (status != MG_OK && status != MG_IO) fail_msg("%s: status %d (%s)", what, (int)status, run.error.text);
    bool warning = strstr(run.messages, "warning: no checkpoint") != NULL;
    if ((beyond || befalls[b].kind != FAULT_ERROR) && (status || run.messages[0]))
        fail_msg("%s: no call failed, but it reported: %s", what, run.messages);
    sum->runs++;
    sum->warned += warning;
    sum->failed += status != MG_OK;
    expect_all_whole(hurt, what);
    if (support_exists(support_path("hurt/model.h5"))) {
        support_expect_same(support_path("whole/model.h5"), support_path("hurt/model.h5"), what);
        sum->model_stood += status == MG_IO;
    } else if (status == MG_OK) {
        fail_msg("%s: no model", what);
    }
    if (!ever)
        assert_int_equal(
            support_count(hurt, ".tmp") + support_count(support_path("hurt/checkpoints"), ".tmp"), 0);
    run.resume = true;
    support_expect(&run, MG_OK);
    support_expect_same_runs(whole, hurt, what);
    assert_int_equal(support_count(hurt, ".tmp") + support_count(support_path("hurt/checkpoints"), ".tmp") +
                         support_count(hurt, "lock"),
                     0);
    support_remove(hurt);
    return !beyond;
}

static void test_run_with_faults(void **unused) {
    (void)unused;
    outcomes sum = {0};
    support_data(support_path("data.h5"), SUPPORT_CSR, 64, 20, 3, 53);
    support_run reference = run_with_checkpoints(support_path("whole"));
    support_expect(&reference, MG_OK);
    for (size_t b = 0; b < sizeof befalls / sizeof *befalls; b++)
        for (int ever = 0; ever < 2; ever++)
            for (long at = 1; run_with_fault(b, ever, at, &sum); at++) {
            }
    printf("%d runs met a failing call: %d warned of a checkpoint, %d failed, %d of them with a model\n",
           sum.runs, sum.warned, sum.failed, sum.model_stood);
    if (!sum.warned || sum.failed < 4 || !sum.model_stood)
        fail_msg("too few runs warned, failed or kept their model");
}

// ---- another run at the same time ----------------------------------------------------------------

static const char *meanwhile; // the directory of both runs
static int opened;            // how often the directory was opened

// Another run is trained when the directory is opened for the second time, which is after the data were
// loaded and just before the lock is taken.
static int open_after_another(int directory, const char *name, int flags, mode_t mode) {
    if (!strcmp(name, meanwhile) && ++opened == 2) {
        mg_file_calls = real;
        support_run other = run_with_checkpoints(meanwhile);
        support_expect(&other, MG_OK);
    }
    return real.open(directory, name, flags, mode);
}

static void test_another_run_meanwhile(void **unused) {
    (void)unused;
    size_t before, after;
    meanwhile = support_path("meanwhile");
    support_data(support_path("data.h5"), SUPPORT_F32, 64, 20, 3, 57);
    support_run late = run_with_checkpoints(meanwhile);
    support_set(&late, "train.epochs=1");
    mg_file_calls.open = open_after_another;
    support_expect(&late, MG_CONFIG);
    mg_file_calls = real;
    assert_non_null(strstr(late.error.text, "already holds a run"));
    support_run alone = run_with_checkpoints(support_path("alone"));
    support_expect(&alone, MG_OK);
    unsigned char *found = support_read(support_path("meanwhile/model.h5"), &before),
                  *wanted = support_read(support_path("alone/model.h5"), &after);
    assert_true(before == after && !memcmp(found, wanted, before));
    free(found);
    free(wanted);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_write_fails, set_right),
        cmocka_unit_test_teardown(test_write_order, set_right),
        cmocka_unit_test_teardown(test_write_is_patient, set_right),
        cmocka_unit_test(test_rotation),
        cmocka_unit_test_teardown(test_rotation_with_faults, set_right),
        cmocka_unit_test_teardown(test_run_with_faults, set_right),
        cmocka_unit_test_teardown(test_another_run_meanwhile, set_right),
    };
    return cmocka_run_group_tests(tests, begin, support_end);
}
