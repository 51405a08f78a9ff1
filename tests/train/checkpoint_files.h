// checkpoint_files.h - functions that tests of checkpoints share: write and restore a state of the test's
// own.
#ifndef MG_TEST_CHECKPOINT_FILES_H
#define MG_TEST_CHECKPOINT_FILES_H

#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "train/checkpoint.h"
#include "train/checkpoint_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- a state of the test's own ------------------------------------------------------------------

static float weights[12];
static double eta;
static const mg_field state[] = {{"weights", MG_H5_F32, 12, weights}, {"eta", MG_H5_F64, 1, &eta}};
enum { FIELDS = sizeof state / sizeof *state };

static inline int same_text(const char *before, const char *now, char *out, size_t size) {
    snprintf(out, size, "they differ");
    return strcmp(before, now) != 0;
}

static char heard[4000]; // messages while a checkpoint is restored

static inline void hear(void *context, const char *line) {
    (void)context;
    strncat(strncat(heard, line, sizeof heard - strlen(heard) - 2), "\n", 2);
}

static const mg_identity identity = {
    .solver = "none", .config = "a: 1\n", .train_fingerprint = 7, .validation_fingerprint = 8};
static const mg_resume_hooks hooks = {.message = hear, .difference = same_text};

static inline void set_state(int number) {
    for (int i = 0; i < 12; i++) weights[i] = (float)(number * 100 + i);
    eta = number;
}

static inline mg_status restore_as(const char *path, const mg_identity *as, const mg_field *fields, int count,
                                   mg_position *position, bool *verified, mg_error *error) {
    mg_directory *directory;
    const char *name;
    assert_int_equal(mg_directory_open_parent(path, &directory, &name, error), MG_OK);
    const mg_checkpoint_state to = {fields, count, position};
    mg_status status = mg_checkpoint_restore(directory, name, as, &to, &hooks, verified, error);
    mg_directory_close(directory);
    return status;
}

static inline mg_status restore(const char *path, mg_position *position, bool *verified, mg_error *error) {
    *error = (mg_error){0};
    return restore_as(path, &identity, state, FIELDS, position, verified, error);
}

static inline mg_status resume(const char *directory, mg_position *position, bool *found, mg_error *error) {
    heard[0] = 0;
    *error = (mg_error){0};
    *position = (mg_position){0};
    set_state(0);
    mg_directory *open;
    assert_int_equal(mg_directory_open(directory, false, &open, error), MG_OK);
    const mg_checkpoint_state to = {state, FIELDS, position};
    mg_status status = mg_checkpoint_resume(open, &identity, &to, &hooks, found, error);
    mg_directory_close(open);
    return status;
}

static inline void write_checkpoint(const char *path, int number) {
    mg_error error = {0};
    mg_position position = {.step = number, .epoch = 2};
    const mg_checkpoint_state from = {state, FIELDS, &position};
    set_state(number);
    mg_directory *directory;
    const char *name;
    assert_int_equal(mg_directory_open_parent(path, &directory, &name, &error), MG_OK);
    if (mg_checkpoint_write(directory, name, &identity, &from, &error)) fail_msg("%s", error.text);
    mg_directory_close(directory);
}

#endif
