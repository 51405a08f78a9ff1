// test_set_aside_refused.c - the system refuses to move a file, or to write the last checkpoint: --overwrite
// keeps the old result.
#include "set_aside.h"

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
    if (!strstr(run.error.text,
                "lower layer of an overlay file system (as of a container image): put a copy of "))
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_undone),
        cmocka_unit_test(test_lower_layer),
        cmocka_unit_test(test_no_last_checkpoint),
    };
    return cmocka_run_group_tests(tests, begin, support_end);
}
