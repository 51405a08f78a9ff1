// test_h5_room.c - when memory has run out, files in memory are refused in one line. libhdf5 crashes if an
// allocation fails while it creates or opens a file, so margin must see before that there is room.
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "io/h5.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

enum { BLOCK = 100 << 10, MOST_FREE = 40, MOST_BLOCKS = 4096, SPARE = 64 << 20, CELLS = 1 << 18 };

static float cells[CELLS];
static void *blocks[MOST_BLOCKS];

// Leaves this many blocks of address space.
static void fill_memory(int left) {
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%lu", &pages) != 1) _exit(3);
    fclose(file);
    rlim_t most = pages * (rlim_t)sysconf(_SC_PAGESIZE) + SPARE;
    if (setrlimit(RLIMIT_AS, &(struct rlimit){most, most})) _exit(3);
    int count = 0;
    while (count < MOST_BLOCKS && (blocks[count] = malloc(BLOCK))) count++;
    if (count == MOST_BLOCKS) _exit(3);
    while (left-- && count) free(blocks[--count]);
}

static mg_status build(mg_error *error) {
    mg_h5_image *image;
    mg_status status = mg_h5_image_create(&image, error);
    if (status) return status;
    mg_h5_image_attribute_int64(image, "/", "number", 1);
    mg_h5_image_array(image, "cells", MG_H5_F32, 1, &(int64_t){CELLS}, cells);
    mg_h5_image_attribute_text(image, "/", "text", "text");
    mg_directory *directory;
    status = mg_directory_open(support_path("."), false, &directory, error);
    if (status) {
        mg_h5_image_destroy(image);
        return status;
    }
    status = mg_h5_image_write(image, directory, "image.h5", NULL, error);
    mg_directory_close(directory);
    return status;
}

// The exit status of a child that builds a file with this much room: 0 or 1, whether it had enough.
static int child(int left) {
    mg_error error = {0};
    pid_t process = fork();
    assert_true(process >= 0);
    if (!process) {
        fill_memory(left);
        mg_status status = build(&error);
        _exit(status == MG_MEMORY || status == MG_FAILED ? 1 : status ? 2 : 0);
    }
    int ended;
    assert_int_equal(waitpid(process, &ended, 0), process);
    if (!WIFEXITED(ended)) fail_msg("with %d blocks: signal %d", left, WTERMSIG(ended));
    return WEXITSTATUS(ended);
}

static void test_room(void **unused) {
    (void)unused;
    if (SANITIZED) skip(); // it needs terabytes of address space
    assert_int_equal(child(0), 1);
    for (int left = 1; left <= MOST_FREE; left++)
        if (child(left) > 1) fail_msg("with %d blocks: exit status %d", left, child(left));
    assert_int_equal(child(10 * MOST_FREE), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_room)};
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
