// test_set_aside.c - a run with --overwrite is killed at each of its calls that change the disk. The next run
// in the directory, with --resume or --overwrite, gives the bits of an undisturbed run, and until it is
// complete the old result still exists. The old and the new run differ in one thing: --init, data or
// configuration.
#include "set_aside.h"

#include <dirent.h>
#include <dlfcn.h>
#include <stdatomic.h>
#include <sys/wait.h>

// ---- kills --------------------------------------------------------------------------------------

enum { KILLED = 9 };
static _Atomic long calls;
static long kill_at;
static bool kill_at_begin, model_last;

static void count(void) {
    if (++calls == kill_at) _exit(KILLED);
}

static int kill_open(int directory, const char *name, int flags, mode_t mode) {
    if (kill_at_begin && !strncmp(name, "begun.h5.", 9)) _exit(KILLED);
    if (flags & O_CREAT) count();
    return real.open(directory, name, flags, mode);
}

static int kill_fsync(int fd) {
    count();
    return no_fsync(fd);
}

static int kill_rename(int directory, const char *from, const char *to, mg_rename how) {
    count();
    return real.rename(directory, from, to, how);
}

static int kill_unlink(int directory, const char *name) {
    count();
    return real.unlink(directory, name);
}

// If `model_last` is set, model.h5 is listed after all other names, as on some file systems.
struct dirent *readdir(DIR *stream) {
    static struct dirent *(*next)(DIR *), model;
    static DIR *postponed;
    if (!next) *(void **)&next = dlsym(RTLD_NEXT, "readdir");
    struct dirent *entry = next(stream);
    if (model_last && entry && !strcmp(entry->d_name, "model.h5")) {
        memcpy(&model, entry, entry->d_reclen);
        postponed = stream;
        entry = next(stream);
    }
    if (entry || postponed != stream) return entry;
    postponed = NULL;
    return &model;
}

// Runs the command, and kills it before its call number `at`. Returns false if it made fewer calls and
// succeeded.
static bool killed(const command *c, const char *directory, begin_how how, long at) {
    int status;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        kill_at = at;
        calls = 0;
        mg_file_calls.open = kill_open;
        mg_file_calls.fsync = kill_fsync;
        mg_file_calls.rename = kill_rename;
        mg_file_calls.unlink = kill_unlink;
        _exit(perform(c, directory, how).status ? 1 : 0);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || (WEXITSTATUS(status) && WEXITSTATUS(status) != KILLED))
        fail_msg("killed at call %ld: the process ended with status %d", at, status);
    return WEXITSTATUS(status) == KILLED;
}

static void expect_new(const command *c, const char *directory, begin_how how, long at, const char *what) {
    // A cross-validation writes cv.jsonl last.
    bool folds_complete = how == RESUME && c->kind == CV && has_results(CV, directory, "want");
    support_run run = perform(c, directory, how);
    bool was_complete = folds_complete || (c->kind != CV && strstr(run.messages, "holds a finished run"));
    if (run.status)
        fail_msg("%s, killed at call %ld: then %s: %s", what, at, how == RESUME ? "--resume" : "--overwrite",
                 run.error.text);
    if (!has_results(c->kind, directory, "want"))
        fail_msg("%s, killed at call %ld: %s gives another result", what, at,
                 how == RESUME ? "--resume" : "--overwrite");
    // If a run was already complete, --resume changes nothing, so an old result that was being deleted
    // remains.
    if (is_set_aside(directory) && !was_complete)
        fail_msg("%s, killed at call %ld: previous remains", what, at);
}

// Before anything has changed, the directory still has the old result, which must not be taken for the new
// one.
static void expect_old(const command *before, const command *c, long at, const char *what) {
    support_run run = perform(c, "o", RESUME);
    if (!has_results(before->kind, "o", "old"))
        fail_msg("%s, killed at call %ld: the old result changed", what, at);
    bool told = before->init && !c->init && strstr(run.messages, "was begun from the weights of");
    if (run.status == MG_OK && !told)
        fail_msg("%s, killed at call %ld: --resume takes the old result for the new one", what, at);
}

static void walk(const command *before, const command *after, const char *what) {
    long at = 1;
    int decided = 0;
    support_run run = perform(before, "old", BEGIN);
    if (!run.status) run = perform(after, "want", BEGIN);
    if (run.status) fail_msg("%s: %s", what, run.error.text);
    if (before->kind == after->kind && has_results(before->kind, "old", "want"))
        fail_msg("%s: both runs give the same", what);
    for (;; at += support_few() ? 3 : 1) {
        copy("old", "o");
        if (!killed(after, "o", OVERWRITE, at)) break;
        bool changed = is_set_aside("o") || !old_result_is_safe(before->kind, "o");
        if (!old_result_is_safe(before->kind, "o") && !has_results(after->kind, "o", "want"))
            fail_msg("%s, killed at call %ld: the old result is gone before the new one is there", what, at);
        if (at % 4 == 1 || !changed) copy("o", "again");
        decided += changed;
        if (changed) expect_new(after, "o", RESUME, at, what);
        else expect_old(before, after, at, what);
        // Sometimes --overwrite follows at once; sometimes it follows a resumption that is killed too.
        if (changed && at % 8 == 1) killed(after, "again", RESUME, 1 + at / 8 % 13);
        if (at % 4 == 1 || !changed) expect_new(after, "again", OVERWRITE, at, what);
    }
    assert_true(has_results(after->kind, "o", "want"));
    if (decided < 10) fail_msg("%s: only %d kills after the first change", what, decided);
    support_remove(support_path("old"));
    support_remove(support_path("want"));
}

// ---- the pairs ----------------------------------------------------------------------------------

static void test_init(void **unused) {
    (void)unused;
    const command first = {TRAIN, "a.h5", NULL, "model.C=0.01"};
    assert_int_equal(perform(&first, "first", BEGIN).status, MG_OK);
    const command with = {TRAIN, "a.h5", "first/model.h5", NULL}, without = {TRAIN, "a.h5", NULL, NULL};
    walk(&with, &without, "old with --init, new without");
    walk(&without, &with, "old without --init, new with");
    // --init also decides which solver `auto` chooses
    const command chosen = {TRAIN, "a.h5", "first/model.h5", "train.solver=auto"},
                  other = {TRAIN, "a.h5", NULL, "train.solver=auto"};
    walk(&chosen, &other, "solver auto, old with --init, new without");
    walk(&other, &chosen, "solver auto, old without --init, new with");
}

static void test_data(void **unused) {
    (void)unused;
    const command a = {TRAIN, "a.h5", NULL, NULL}, b = {TRAIN, "b.h5", NULL, NULL};
    walk(&a, &b, "other data");
    const command folds_a = {CV, "a.h5", NULL, NULL}, folds_b = {CV, "b.h5", NULL, NULL};
    walk(&folds_a, &folds_b, "other data of folds");
}

static void test_configuration(void **unused) {
    (void)unused;
    const command a = {TRAIN, "a.h5", NULL, NULL}, b = {TRAIN, "a.h5", NULL, "train.seed=7"};
    walk(&a, &b, "another seed");
}

// An unfinished path also has a model. If its deletion is interrupted, what remains must not replace the
// complete result in `previous`.
static void test_unfinished_path(void **unused) {
    (void)unused;
    const command whole = {PATH, "a.h5", NULL, "train.seed=7"}, path = {PATH, "a.h5", NULL, NULL},
                  other = {PATH, "b.h5", NULL, NULL};
    assert_int_equal(perform(&whole, "old", BEGIN).status, MG_OK);
    assert_int_equal(perform(&path, "half", BEGIN).status, MG_OK);
    support_write(support_path("half/metrics.jsonl"), "", 0);
    char *points = (char *)support_read(support_path("half/path.jsonl"), NULL);
    support_write(support_path("half/path.jsonl"), points, strcspn(points, "\n") + 1);
    free(points);
    copy("old", "half/previous");
    model_last = true;
    for (long at = 1;; at++) {
        copy("half", "o");
        if (!killed(&other, "o", OVERWRITE, at)) break;
        if (!support_exists(support_path("o/previous.new"))) continue;
        kill_at_begin = true;
        assert_true(killed(&other, "o", RESUME, 0));
        kill_at_begin = false;
        if (!old_result_is_safe(PATH, "o"))
            fail_msg("killed at call %ld: an unfinished path replaces a complete result", at);
    }
    model_last = false;
    support_remove(support_path("old"));
    support_remove(support_path("half"));
}

// ---- lost lines ---------------------------------------------------------------------------------

static ssize_t write_but_metrics(int fd, const void *bytes, size_t size) {
    char link[40], path[5000];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length > 0 ? length : 0] = 0;
    if (!strstr(path, "/metrics.jsonl")) return real.write(fd, bytes, size);
    errno = ENOSPC;
    return -1;
}

// Without its metrics, a run, path or cross-validation is not complete: the old result remains until --resume
// has written them.
static void test_lost_lines(void **unused) {
    (void)unused;
    for (command_kind k = TRAIN; k <= CV; k++) {
        const command old = {k, "a.h5", NULL, NULL}, new = {k, "b.h5", NULL, NULL};
        assert_int_equal(perform(&old, "old", BEGIN).status, MG_OK);
        assert_int_equal(perform(&new, "want", BEGIN).status, MG_OK);
        copy("old", "o");
        mg_file_calls.write = write_but_metrics;
        support_run run = perform(&new, "o", OVERWRITE);
        mg_file_calls.write = real.write;
        assert_int_equal(run.status, MG_IO);
        assert_non_null(strstr(run.error.text, "metrics.jsonl: cannot be written: No space left on device"));
        const char *warning =
            strstr(run.messages, "its lines are kept, and margin will try to write them again");
        assert_non_null(warning);
        assert_null(strstr(warning + 1, "its lines are kept, and margin will try to write them again"));
        assert_true(support_exists(support_path("o/previous")) && old_result_is_safe(k, "o"));
        expect_new(&new, "o", RESUME, 0, "lost metrics");
        support_remove(support_path("old"));
        support_remove(support_path("want"));
    }
}

// A path with all its points is complete, even if the last line of its metrics is missing.
static void test_path_without_end(void **unused) {
    (void)unused;
    const command a = {PATH, "a.h5", NULL, NULL}, b = {PATH, "b.h5", NULL, NULL},
                  c = {PATH, "b.h5", NULL, "train.seed=7"};
    support_remove(support_path("o"));
    assert_int_equal(perform(&a, "o", BEGIN).status, MG_OK);
    assert_int_equal(perform(&b, "want", BEGIN).status, MG_OK);
    mg_file_calls.write = write_but_metrics;
    support_run run = perform(&b, "o", OVERWRITE);
    mg_file_calls.write = real.write;
    assert_int_equal(run.status, MG_IO);
    kill_at_begin = true;
    assert_true(killed(&c, "o", OVERWRITE, 0));
    kill_at_begin = false;
    assert_true(has_results(PATH, "o/previous", "want"));
    support_remove(support_path("o"));
    support_remove(support_path("want"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_init),
        cmocka_unit_test(test_data),
        cmocka_unit_test(test_configuration),
        cmocka_unit_test(test_lost_lines),
        cmocka_unit_test(test_unfinished_path),
        cmocka_unit_test(test_path_without_end),
    };
    return cmocka_run_group_tests(tests, begin, support_end);
}
