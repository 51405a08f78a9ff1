// test_damage.c - damage to any byte of a checkpoint or model is detected before libhdf5 reads anything; a
// run is resumed from the checkpoint before a damaged one.
#include "checkpoint_files.h"

#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "io/file.h"
#include "model/model.h"
#include "train/checkpoint.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// ---- damage -------------------------------------------------------------------------------------

// Expects one line with the file and the reason, as only the check of the seal reports it. That check comes
// before libhdf5 reads a byte.
static bool tells_of_damage(const mg_error *error, const char *path) {
    return strstr(error->text, path) &&
           strstr(error->text, "the file was truncated, changed, or not written by margin") &&
           !strchr(error->text, '\n');
}

static void expect_checkpoint_refused(const char *path, const char *how, long long at) {
    mg_position position = {.step = -5};
    mg_error error;
    bool verified;
    set_state(3);
    mg_status status = restore(path, &position, &verified, &error);
    if (status != MG_DATA || verified || !tells_of_damage(&error, path))
        fail_msg("checkpoint, %s %lld: status %d, '%s'", how, at, (int)status, error.text);
    assert_true(position.step == -5 && eta == 3 && weights[11] == 311); // not changed
}

static void expect_model_refused(const char *path, const char *how, long long at) {
    mg_model *model;
    mg_error error = {0};
    mg_status status = mg_model_read(path, &model, &error);
    if (status != MG_DATA || model || !tells_of_damage(&error, path))
        fail_msg("model, %s %lld: status %d, '%s'", how, at, (int)status, error.text);
}

// Flips one bit of every byte, tries every shorter length, and adds bytes at the end.
static void damage(const char *path, void (*expect)(const char *, const char *, long long)) {
    size_t size;
    unsigned char *bytes = support_read(path, &size);
    int fd = open(path, O_RDWR);
    for (size_t i = 0; i < size; i++) {
        unsigned char flipped = bytes[i] ^ (unsigned char)(1 << (i % 8));
        assert_int_equal(pwrite(fd, &flipped, 1, (off_t)i), 1);
        expect(path, "bit flipped in byte", (long long)i);
        assert_int_equal(pwrite(fd, &bytes[i], 1, (off_t)i), 1);
    }
    for (size_t more = 1; more <= 4096; more = more * 4) {
        unsigned char *tail = calloc(more, 1);
        memcpy(tail, bytes + size - MG_SEAL_BYTES, more < MG_SEAL_BYTES ? more : MG_SEAL_BYTES);
        assert_int_equal(pwrite(fd, tail, more, (off_t)size), more);
        expect(path, "bytes appended:", (long long)more);
        assert_int_equal(ftruncate(fd, (off_t)size), 0);
        free(tail);
    }
    for (size_t length = size; length-- > 0;) {
        assert_int_equal(ftruncate(fd, (off_t)length), 0);
        expect(path, "cut to length", (long long)length);
    }
    printf("%s: %zu flipped bytes and as many shorter lengths refused\n", strrchr(path, '/') + 1, size);
    close(fd);
    free(bytes);
}

static void test_damaged_checkpoint(void **unused) {
    (void)unused;
    const char *path = support_path("damaged.h5");
    mg_position position;
    mg_error error;
    bool verified;
    write_checkpoint(path, 3);
    set_state(0);
    assert_int_equal(restore(path, &position, &verified, &error), MG_OK);
    assert_true(verified && position.step == 3 && position.epoch == 2 && eta == 3 && weights[11] == 311);
    damage(path, expect_checkpoint_refused);
}

static void test_damaged_model(void **unused) {
    (void)unused;
    support_rows rows = support_make(12, 3, 2, 51);
    support_save(&rows, SUPPORT_F32, support_path("data.h5"));
    support_run run = support_new(support_path("data.h5"), support_path("model"));
    support_set(&run, "train.epochs=1");
    support_expect(&run, MG_OK);
    damage(support_path("model/model.h5"), expect_model_refused);
    support_free(&rows);
}

static void test_sealed_but_other(void **unused) {
    (void)unused;
    const char *path = support_path("sealed.h5");
    const char *text = "sealed, and no HDF5 for all that";
    unsigned char bytes[200];
    size_t size = strlen(text);
    mg_position position;
    mg_error error;
    bool verified;
    memcpy(bytes, text, size);
    mg_file_seal(bytes, size, bytes + size);
    support_write(path, bytes, size + MG_SEAL_BYTES);
    assert_int_equal(restore(path, &position, &verified, &error), MG_DATA);
    write_checkpoint(path, 1);
    mg_model *model;
    assert_int_equal(mg_model_read(path, &model, &error), MG_DATA);
    assert_non_null(strstr(error.text, "not a model"));
    const mg_field larger[] = {{"weights", MG_H5_F32, 13, weights}},
                   other[] = {{"weights", MG_H5_F64, 12, weights}},
                   unknown[] = {{"moments", MG_H5_F32, 12, weights}};
    const mg_field *const wrong[] = {larger, other, unknown};
    for (int w = 0; w < 3; w++) {
        error = (mg_error){0};
        assert_int_equal(restore_as(path, &identity, wrong[w], 1, &position, &verified, &error), MG_DATA);
    }
    const mg_identity others[] = {{"a: 2\n", "none", 7, 8},
                                  {"a: 1\n", "none", 6, 8},
                                  {"a: 1\n", "none", 7, 9},
                                  {"a: 1\n", "other", 7, 8}};
    const char *const says[] = {"they differ", "training", "validation", "was written by solver none"};
    for (int o = 0; o < 4; o++) {
        assert_int_equal(restore_as(path, &others[o], state, FIELDS, &position, &verified, &error),
                         MG_CONFIG);
        assert_non_null(strstr(error.text, says[o]));
        assert_true(verified);
    }
}

static void flip(const char *path, long at) {
    FILE *file = fopen(path, "r+b");
    fseek(file, at, SEEK_SET);
    int byte = fgetc(file);
    fseek(file, at, SEEK_SET);
    fputc(byte ^ 4, file);
    fclose(file);
}

static void test_falls_back(void **unused) {
    (void)unused;
    const char *directory = support_path("several");
    mg_position position;
    mg_error error;
    bool found;
    mkdir(directory, 0777);
    assert_int_equal(resume(directory, &position, &found, &error), MG_OK);
    assert_false(found);
    for (int number = 8; number <= 11; number++)
        write_checkpoint(support_path("several/step-%012d.h5", number), number);
    for (int newest = 11; newest >= 8; newest--) {
        assert_int_equal(resume(directory, &position, &found, &error), MG_OK);
        assert_true(found && position.step == newest && eta == newest);
        int lines = 0;
        for (const char *c = heard; *c; c++) lines += *c == '\n';
        assert_int_equal(lines, 11 - newest);
        if (newest < 11) assert_non_null(strstr(heard, "step-000000000011.h5"));
        flip(support_path("several/step-%012d.h5", newest), 1000 + newest);
    }
    assert_int_equal(resume(directory, &position, &found, &error), MG_DATA);
    assert_non_null(strstr(error.text, "none of the 4"));
    assert_false(found);
    // a directory that has the name of a checkpoint
    mkdir(support_path("several/step-000000000012.h5"), 0777);
    write_checkpoint(support_path("several/step-000000000009.h5"), 9);
    assert_int_equal(resume(directory, &position, &found, &error), MG_IO);
    assert_non_null(strstr(error.text, "step-000000000012.h5: is a directory"));
    assert_non_null(strstr(error.text, "move it away to continue from the previous one"));
    rename(support_path("several/step-000000000012.h5"), support_path("moved away"));
    assert_int_equal(resume(directory, &position, &found, &error), MG_OK);
    assert_true(found && position.step == 9);
}

// If the newest checkpoint of a run is damaged, the run is resumed from the one before, and ends with the
// same result.
static void test_run_falls_back(void **unused) {
    (void)unused;
    const char *data = support_path("data.h5"), *whole = support_path("whole"), *hurt = support_path("hurt");
    support_data(data, SUPPORT_CSR, 64, 20, 3, 52);
    for (int damaged = 0; damaged < 3; damaged++) {
        support_run run = support_new(data, whole);
        support_set(&run, "train.batch=16");
        support_set(&run, "data.validation=0.25");
        support_set(&run, "train.epochs=4");
        support_expect(&run, MG_OK);
        support_run other = run;
        support_set(&other, "output.directory=%s", hurt);
        for (int stop = 0; stop < 2; stop++) {
            other.stop_after = stop ? 8 : 5;
            support_expect(&other, MG_STOPPED);
            other.resume = true;
        }
        other.stop_after = 0;
        assert_int_equal(support_count(support_path("hurt/checkpoints"), ".h5"), 2);
        const char *newest = support_newest(hurt);
        if (damaged == 0) flip(newest, 3000);
        if (damaged == 1) assert_int_equal(truncate(newest, 900), 0);
        if (damaged == 2) assert_int_equal(truncate(newest, 0), 0);
        support_expect(&other, MG_OK);
        assert_int_equal(other.plan.resumed_step, 5);
        assert_non_null(strstr(other.messages, "step-000000000008.h5"));
        assert_non_null(strstr(other.messages, "trying the previous checkpoint"));
        support_expect_same_runs(whole, hurt, "fallen back");
        support_remove(whole);
        support_remove(hurt);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damaged_checkpoint), cmocka_unit_test(test_damaged_model),
        cmocka_unit_test(test_sealed_but_other),   cmocka_unit_test(test_falls_back),
        cmocka_unit_test(test_run_falls_back),
    };
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
