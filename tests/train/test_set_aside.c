// test_set_aside.c - a run with --overwrite is killed at each of its calls that change the disk. The next run
// in the directory, with --resume or --overwrite, gives the bits of an undisturbed run, and until it is
// complete the old result still exists. The old and the new run differ in one thing: --init, data,
// configuration or command.
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "io/file.h"

#include <margin/cv.h>
#include <margin/path.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROWS = 60, FEATURES = 6, CLASSES = 3, KILLED = 9 };
typedef enum command_kind { TRAIN, PATH, CV } command_kind;
typedef enum begin_how { BEGIN, RESUME, OVERWRITE } begin_how;

typedef struct command {
    command_kind kind;
    const char *data, *init, *set;
} command;

static support_run perform(const command *c, const char *directory, begin_how how) {
    mg_observer observer;
    support_run run = support_new(support_path("%s", c->data), support_path("%s", directory));
    run.resume = how == RESUME;
    run.overwrite = how == OVERWRITE;
    support_set(&run, "train.epochs=2");
    support_set(&run, "train.batch=20");
    if (c->kind == PATH) support_set(&run, "data.validation=0.25");
    if (c->kind != TRAIN) support_set(&run, "train.solver=dual");
    if (c->set) support_set(&run, "%s", c->set);
    if (c->init) run.init = support_path("%s", c->init);
    if (c->kind == TRAIN) {
        support_train(&run);
        return run;
    }
    static mg_path_result points;
    static mg_cv_result folds;
    mg_config *config = support_configure(&run, &observer);
    if (!config) fail_msg("%s", run.error.text);
    const mg_path_request path = {
        .C = "1e-2:1:10", .resume = run.resume, .overwrite = run.overwrite, .observer = &observer};
    const mg_cv_request cv = {
        .folds = 2, .resume = run.resume, .overwrite = run.overwrite, .observer = &observer};
    support_ended(&run, c->kind == PATH ? mg_path(config, &path, &points, &run.error)
                                        : mg_cv(config, &cv, &folds, &run.error));
    mg_config_destroy(config);
    return run;
}

// ---- results ------------------------------------------------------------------------------------

// For each command: the file that it writes last, and its models.
static const char *const summaries[] = {"model.h5", "path.jsonl", "cv.jsonl"};
static const char *const models[][3] = {
    {"model.h5", NULL}, {"model.h5", NULL}, {"fold-1/model.h5", "fold-2/model.h5", NULL}};

static bool same_lines(const char *a, const char *b) {
    if (!support_exists(a) || !support_exists(b)) return false;
    char *lines[2] = {support_lines(a, NULL), support_lines(b, NULL)};
    bool same = !strcmp(lines[0], lines[1]);
    free(lines[0]);
    free(lines[1]);
    return same;
}

static bool has_results(command_kind kind, const char *directory, const char *of) {
    bool same = true;
    for (int i = 0; models[kind][i]; i++) {
        const char *one = support_path("%s/%s", directory, models[kind][i]);
        same = same && support_exists(one) && support_same(one, support_path("%s/%s", of, models[kind][i]));
    }
    return same && (kind == TRAIN || same_lines(support_path("%s/%s", directory, summaries[kind]),
                                                support_path("%s/%s", of, summaries[kind])));
}

// Checks that every file of the old result is in the directory, or in one to which results are moved.
static bool old_result_is_safe(command_kind kind, const char *directory) {
    static const char *const places[] = {"", "previous.new/", "previous/"};
    bool all = true;
    for (int i = 0; models[kind][i]; i++) {
        const char *old = support_path("old/%s", models[kind][i]);
        bool found = false;
        for (int p = 0; p < 3; p++) {
            const char *here = support_path("%s/%s%s", directory, places[p], models[kind][i]);
            found = found || (support_exists(here) && support_same(here, old));
        }
        all = all && found;
    }
    return all;
}

static bool is_set_aside(const char *directory) {
    return support_exists(support_path("%s/previous", directory)) ||
           support_exists(support_path("%s/previous.new", directory));
}

// ---- kills --------------------------------------------------------------------------------------

static mg_file_ops real;
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

// A process that is killed loses no writes, so nothing needs to be synced.
static int no_fsync(int fd) {
    (void)fd;
    return 0;
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

static void copy(const char *from, const char *to) {
    support_remove(support_path("%s", to));
    support_copy_tree(support_path("%s", from), support_path("%s", to));
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

static void test_commands(void **unused) {
    (void)unused;
    const command train = {TRAIN, "a.h5", NULL, NULL}, cv = {CV, "a.h5", NULL, NULL},
                  path = {PATH, "a.h5", NULL, NULL};
    walk(&train, &cv, "cv over train");
    walk(&cv, &path, "path over cv");
}

// An unfinished path also has a model. If its deletion is interrupted, what remains must not replace the
// complete result in `previous`.
static void test_unfinished_path(void **unused) {
    (void)unused;
    const command train = {TRAIN, "a.h5", NULL, NULL}, other = {TRAIN, "b.h5", NULL, NULL},
                  path = {PATH, "a.h5", NULL, NULL};
    assert_int_equal(perform(&train, "old", BEGIN).status, MG_OK);
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
        if (!old_result_is_safe(TRAIN, "o"))
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

// ---- refusals of the system ---------------------------------------------------------------------

static int fail_from, moves;

static int no_move(int directory, const char *from, const char *to, mg_rename how) {
    if (strncmp(to, "previous.new/", 13) || ++moves < fail_from) return real.rename(directory, from, to, how);
    errno = EACCES;
    return -1;
}

// If a file cannot be moved, everything is moved back, and the old run is unchanged.
static void test_undone(void **unused) {
    (void)unused;
    for (command_kind k = TRAIN; k <= CV; k++) {
        const command old = {k, "a.h5", NULL, NULL}, new = {k, "b.h5", NULL, NULL};
        assert_int_equal(perform(&old, "old", BEGIN).status, MG_OK);
        for (fail_from = 1; fail_from <= 3; fail_from++) {
            copy("old", "o");
            moves = 0;
            mg_file_calls.rename = no_move;
            support_run run = perform(&new, "o", OVERWRITE);
            mg_file_calls.rename = real.rename;
            assert_int_equal(run.status, MG_IO);
            assert_non_null(strstr(run.error.text, "cannot be moved to previous.new: Permission denied"));
            assert_false(is_set_aside("o"));
            run = perform(&old, "o", RESUME);
            assert_int_equal(run.status, MG_OK);
            assert_true(k == CV || strstr(run.messages, "holds a finished run"));
            assert_true(has_results(k, "o", "old"));
        }
        support_remove(support_path("old"));
    }
}

static ino_t lower[2]; // inodes of the directories that cannot be moved

static ino_t inode(const char *name) {
    struct stat about;
    return stat(support_path("%s", name), &about) ? 0 : about.st_ino;
}

static int no_move_of_lower(int directory, const char *from, const char *to, mg_rename how) {
    struct stat about;
    bool found = !fstatat(directory, from, &about, 0);
    if (!found || (about.st_ino != lower[0] && about.st_ino != lower[1]))
        return real.rename(directory, from, to, how);
    errno = EXDEV;
    return -1;
}

// An overlay file system cannot move directories of its lower layer. The message says so, and its advice
// works.
static void test_lower_layer(void **unused) {
    (void)unused;
    const command old = {CV, "a.h5", NULL, NULL}, new = {CV, "b.h5", NULL, NULL};
    assert_int_equal(perform(&old, "old", BEGIN).status, MG_OK);
    assert_int_equal(perform(&new, "want", BEGIN).status, MG_OK);
    copy("old", "o");
    lower[0] = inode("o/fold-1");
    lower[1] = inode("o/fold-2");
    mg_file_calls.rename = no_move_of_lower;
    support_run run = perform(&new, "o", OVERWRITE);
    assert_int_equal(run.status, MG_IO);
    if (!strstr(run.error.text, "in a lower layer of the file system (overlay): put a copy of "))
        fail_msg("%s", run.error.text);
    assert_false(is_set_aside("o"));
    support_copy_tree(support_path("o"), support_path("copy")); // follows the advice
    support_remove(support_path("o"));
    assert_int_equal(rename(support_path("copy"), support_path("o")), 0);
    assert_int_equal(perform(&new, "o", OVERWRITE).status, MG_OK);
    mg_file_calls.rename = real.rename;
    assert_true(has_results(CV, "o", "want"));
    support_remove(support_path("old"));
    support_remove(support_path("want"));
}

static int no_checkpoint(int directory, const char *name, int flags, mode_t mode) {
    if (strncmp(name, "step-", 5) || !(flags & O_CREAT)) return real.open(directory, name, flags, mode);
    errno = ENOSPC;
    return -1;
}

// If the last checkpoint cannot be written, the old result remains.
static void test_no_last_checkpoint(void **unused) {
    (void)unused;
    for (command_kind k = TRAIN; k <= CV; k++) {
        const command old = {k, "a.h5", NULL, NULL}, new = {k, "b.h5", NULL, NULL};
        assert_int_equal(perform(&old, "old", BEGIN).status, MG_OK);
        copy("old", "o");
        mg_file_calls.open = no_checkpoint;
        support_run run = perform(&new, "o", OVERWRITE);
        mg_file_calls.open = real.open;
        assert_int_equal(run.status, MG_IO);
        assert_true(support_exists(support_path("o/previous")) && old_result_is_safe(k, "o"));
        support_remove(support_path("old"));
    }
}

static int begin(void **unused) {
    mg_file_calls.fsync = no_fsync;
    real = mg_file_calls;
    int failed = support_begin(unused);
    support_data(support_path("a.h5"), SUPPORT_U8, ROWS, FEATURES, CLASSES, 1);
    support_data(support_path("b.h5"), SUPPORT_U8, ROWS, FEATURES, CLASSES, 2);
    return failed;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_init),
        cmocka_unit_test(test_data),
        cmocka_unit_test(test_configuration),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_lost_lines),
        cmocka_unit_test(test_unfinished_path),
        cmocka_unit_test(test_path_without_end),
        cmocka_unit_test(test_undone),
        cmocka_unit_test(test_lower_layer),
        cmocka_unit_test(test_no_last_checkpoint),
    };
    return cmocka_run_group_tests(tests, begin, support_end);
}
