// test_lock.c - a lock has only one holder at a time. Others are refused, with the process id of the holder.
// The lock is free after the holder releases it or dies. Files that are not margin's locks are not touched.
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "io/lock.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static mg_directory *place(const char *name) {
    mg_directory *directory;
    mg_error error;
    if (mg_directory_open(support_path("%s", name), true, &directory, &error)) fail_msg("%s", error.text);
    return directory;
}

static void expect_refused(const mg_directory *directory, mg_status status, const char *part) {
    mg_lock lock;
    mg_error error = {0};
    assert_int_equal(mg_lock_take(directory, &lock, &error), status);
    if (!strstr(error.text, part)) fail_msg("'%s' is not in: %s", part, error.text);
    assert_false(lock.held);
    mg_lock_release(&lock); // releasing a lock that is not held is allowed
}

static void test_held(void **unused) {
    (void)unused;
    mg_directory *mine = place("held"), *other = place("held");
    mg_lock lock, again;
    mg_error error;
    char process[32];
    assert_int_equal(mg_lock_take(mine, &lock, &error), MG_OK);
    assert_true(lock.held);
    snprintf(process, sizeof process, "process %ld ", (long)getpid());
    expect_refused(other, MG_CONFIG, process);
    assert_true(support_exists(support_path("held/lock")));
    assert_true(mg_lock_is_held(support_path("held/lock")));
    mg_lock_release(&lock);
    assert_false(mg_lock_is_held(support_path("held/lock")));
    assert_false(lock.held);
    assert_false(support_exists(support_path("held/lock")));
    assert_int_equal(mg_lock_take(other, &again, &error), MG_OK);
    expect_refused(mine, MG_CONFIG, process);
    mg_lock_release(&again);
    mg_lock_release(&again); // releasing twice is allowed
    mg_directory_close(mine);
    mg_directory_close(other);
}

// Two directories have separate locks.
static void test_independent(void **unused) {
    (void)unused;
    mg_directory *a = place("a"), *b = place("b");
    mg_lock first, second;
    mg_error error;
    assert_int_equal(mg_lock_take(a, &first, &error), MG_OK);
    assert_int_equal(mg_lock_take(b, &second, &error), MG_OK);
    mg_lock_release(&first);
    mg_lock_release(&second);
    mg_directory_close(a);
    mg_directory_close(b);
}

// When a holder is killed, the lock is free; the file that it leaves does not matter.
static void test_killed_holder(void **unused) {
    (void)unused;
    int ready[2];
    char byte, process[32];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        mg_lock lock;
        mg_directory *directory;
        if (mg_directory_open(support_path("killed"), true, &directory, NULL) ||
            mg_lock_take(directory, &lock, NULL))
            _exit(1);
        if (write(ready[1], "x", 1) != 1) _exit(1);
        for (;;) pause();
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    mg_directory *directory = place("killed");
    snprintf(process, sizeof process, "process %ld ", (long)child);
    expect_refused(directory, MG_CONFIG, process);
    assert_true(mg_lock_is_held(support_path("killed/lock")));
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(support_exists(support_path("killed/lock")));
    assert_false(mg_lock_is_held(support_path("killed/lock")));
    snprintf(process, sizeof process, "%ld\n",
             (long)getpid()); // the number of another process proves nothing
    support_write(support_path("killed/lock"), process, strlen(process));
    assert_false(mg_lock_is_held(support_path("killed/lock")));
    mg_lock lock;
    mg_error error = {0};
    if (mg_lock_take(directory, &lock, &error)) fail_msg("%s", error.text);
    mg_lock_release(&lock);
    mg_directory_close(directory);
}

// If somebody deletes the lock file and creates another one, the holder does not delete that one.
static void test_anothers_file(void **unused) {
    (void)unused;
    mg_directory *directory = place("another");
    mg_lock lock;
    mg_error error;
    assert_int_equal(mg_lock_take(directory, &lock, &error), MG_OK);
    support_remove(support_path("another/lock"));
    support_write(support_path("another/lock"), "mine", 4);
    mg_lock_release(&lock);
    size_t size;
    unsigned char *bytes = support_read(support_path("another/lock"), &size);
    assert_int_equal(size, 4);
    assert_memory_equal(bytes, "mine", 4);
    free(bytes);
    mg_directory_close(directory);
}

static void test_no_lock_file(void **unused) {
    (void)unused;
    mg_directory *directory = place("odd");
    assert_int_equal(mkfifo(support_path("odd/lock"), 0600), 0);
    expect_refused(directory, MG_IO, "is not a regular file");
    assert_true(support_exists(support_path("odd/lock")));
    support_remove(support_path("odd/lock"));
    support_write(support_path("odd/target"), "kept", 4);
    assert_int_equal(symlink("target", support_path("odd/lock")), 0);
    expect_refused(directory, MG_IO,
                   "lock: is not a regular file, so it is not a lock of margin: move it away");
    size_t size;
    unsigned char *bytes =
        // nothing was written to the target of the symbolic link
        support_read(support_path("odd/target"), &size);
    assert_memory_equal(bytes, "kept", 4);
    free(bytes);
    support_remove(support_path("odd/lock"));
    mg_lock lock;
    mg_error error; // the failed attempts did not lock the directory
    if (mg_lock_take(directory, &lock, &error)) fail_msg("%s", error.text);
    mg_lock_release(&lock);
    mg_directory_close(directory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_held),          cmocka_unit_test(test_independent),
        cmocka_unit_test(test_killed_holder), cmocka_unit_test(test_anothers_file),
        cmocka_unit_test(test_no_lock_file),
    };
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
