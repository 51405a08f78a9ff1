// test_rewritten.c - another program writes to data files during a run. No checkpoint, model or result may
// contain rows of two versions, and the advice in the message works.
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <margin/cv.h>
#include <margin/path.h>

#include "data/dataset.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROWS = 600, CLASSES = 4, BATCH = 16, EPOCHS = 4, STEPS = 38, CHANGED = STEPS + 5 };

// ---- files --------------------------------------------------------------------------------------

// Writes the file with an old time, so that a later write is noticed even within one tick of the file
// system's clock. `other`: other values, the same number of bytes.
static void make_file(const char *path, support_form form, int64_t features, bool other) {
    support_rows rows = support_make(ROWS, features, CLASSES, 3);
    for (int64_t i = 0; other && i < ROWS * features; i++)
        if (rows.x[i] != 0) rows.x[i] = 256 - rows.x[i];
    support_save(&rows, form, path);
    support_free(&rows);
    const struct timespec early[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    assert_int_equal(utimensat(AT_FDCWD, path, early, 0), 0);
}

static void write_into(const char *path, const char *from) {
    size_t size, now;
    unsigned char *bytes = support_read(from, &size), *before = support_read(path, &now);
    assert_int_equal(size, now);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
    free(bytes);
    free(before);
}

// ---- what happens during a run -------------------------------------------------------------------

static int64_t when, stop_when; // after this step, counted over all folds; 0: never
static int64_t steps;
static void (*change)(void);

static void rewrite(void) { write_into(support_path("now.h5"), support_path("other.h5")); }
static void restore(void) { write_into(support_path("now.h5"), support_path("data.h5")); }

static bool act(void *context, int64_t step) {
    (void)context, (void)step;
    steps++;
    if (steps == when) change();
    return steps == stop_when;
}

typedef enum command { TRAIN, PATH, CV } command;
static const char *const grid = "1e-3:1:10";

static void path_point(void *context, int number, const mg_path_point *point) {
    (void)context, (void)point;
    if (when && number == 1) change();
}

static void expect(command what, support_run *run, mg_status status) {
    mg_observer observer;
    mg_config *config = support_configure(run, &observer);
    assert_non_null(config);
    observer.stop = act;
    steps = 0;
    const mg_train_request train = {
        .resume = run->resume, .overwrite = run->overwrite, .observer = &observer};
    const mg_path_request path = {.C = grid,
                                  .resume = run->resume,
                                  .overwrite = run->overwrite,
                                  .observer = &observer,
                                  .point = path_point};
    const mg_cv_request cv = {
        .folds = 2, .resume = run->resume, .overwrite = run->overwrite, .observer = &observer};
    static mg_path_result points;
    static mg_cv_result folds;
    mg_status ended = what == TRAIN  ? mg_train(config, &train, &run->result, &run->error)
                      : what == PATH ? mg_path(config, &path, &points, &run->error)
                                     : mg_cv(config, &cv, &folds, &run->error);
    mg_config_destroy(config);
    if (support_ended(run, ended) != status)
        fail_msg("ended with status %d (%s), not %d", (int)ended, run->error.text, (int)status);
    if (status == MG_DATA) assert_non_null(strstr(run->error.text, "was written to while it was in use"));
}

static support_run streamed(const char *directory) {
    support_run run = support_new(support_path("now.h5"), support_path("%s", directory));
    support_set(&run, "data.memory_limit=16kB");
    support_set(&run, "data.window=4KiB");
    support_set(&run, "train.batch=%d", BATCH);
    support_set(&run, "train.epochs=%d", EPOCHS);
    support_set(&run, "checkpoint.every_steps=1");
    support_set(&run, "checkpoint.keep=1000");
    return run;
}

static void make_files(support_form form, int64_t features) {
    make_file(support_path("data.h5"), form, features, false);
    make_file(support_path("other.h5"), form, features, true);
    make_file(support_path("now.h5"), form, features, false);
}

static void begin(int64_t at, int64_t stop) { when = at, stop_when = stop, change = rewrite; }
static void calm(void) { when = stop_when = 0; }

static void clear(void) {
    support_remove(support_path("alone"));
    support_remove(support_path("changed"));
}

// ---- the tests ----------------------------------------------------------------------------------

static int64_t newest_step(const char *directory) {
    return strtoll(strrchr(support_newest(directory), '/') + strlen("/step-"), NULL, 10);
}

// Rows in place and copied, dense and sparse: after the write nothing is saved, even if the run is stopped.
static void test_training_rows(void **unused) {
    (void)unused;
    static const struct {
        support_form form;
        int64_t features;
    } files[] = {{SUPPORT_F32, 32}, {SUPPORT_F32, 37}, {SUPPORT_U8, 64}, {SUPPORT_U8, 37}, {SUPPORT_CSR, 64}};
    for (size_t f = 0; f < 2 * sizeof files / sizeof *files; f++) {
        make_files(files[f / 2].form, files[f / 2].features);
        clear();
        support_run alone = streamed("alone"), run = streamed("changed");
        expect(TRAIN, &alone, MG_OK);
        assert_true(alone.plan.data.streamed);
        begin(CHANGED, f % 2 ? CHANGED + STEPS : 0);
        expect(TRAIN, &run, MG_DATA);
        assert_false(support_exists(support_path("changed/model.h5")));
        assert_true(newest_step(support_path("changed")) <= CHANGED);
        calm();
        run.resume = true; // with the changed rows
        expect(TRAIN, &run, MG_CONFIG);
        restore(); // follows one advice of the message
        expect(TRAIN, &run, MG_OK);
        support_expect_same_runs(support_path("alone"), support_path("changed"), "resumed with the old rows");
    }
    rewrite(); // follows its other advice
    support_run again = streamed("changed");
    again.overwrite = true;
    expect(TRAIN, &again, MG_OK);
}

// Rows in memory are those that were read. If only the name, the links or the permissions of the file change,
// it is not refused, wherever its rows are.
static void rename_and_back(void) {
    const char *now = support_path("now.h5"), *moved = support_path("moved.h5");
    assert_int_equal(rename(now, moved), 0);
    assert_int_equal(link(moved, now), 0);
    assert_int_equal(unlink(moved), 0);
    assert_int_equal(chmod(now, 0600), 0);
}

static void test_no_false_alarm(void **unused) {
    (void)unused;
    make_files(SUPPORT_F32, 32);
    for (int n = 0; n < 2; n++) {
        clear();
        support_run alone = streamed("alone"), run = streamed("changed");
        if (n) support_set(&alone, "data.memory_limit=0"), support_set(&run, "data.memory_limit=0");
        expect(TRAIN, &alone, MG_OK);
        begin(CHANGED, 0);
        if (!n) change = rename_and_back;
        expect(TRAIN, &run, MG_OK);
        assert_true(run.plan.data.streamed == !n);
        calm();
        support_expect_same_runs(support_path("alone"), support_path("changed"), "not disturbed");
    }
}

// Validation rows decide which weights are kept, so checkpoints depend on them too. Test rows do not matter:
// the model is written.
static void test_other_rows(void **unused) {
    (void)unused;
    static const char *const option[] = {"data.validation", "data.test"};
    for (int n = 0; n < 2; n++) {
        make_files(SUPPORT_F32, 32);
        clear();
        support_run alone = streamed("alone"), run = streamed("changed");
        for (int i = 0; i < 2; i++) {
            support_set(i ? &run : &alone, "data.train=%s", support_path("data.h5"));
            support_set(i ? &run : &alone, "%s=%s", option[n], support_path("now.h5"));
        }
        expect(TRAIN, &alone, MG_OK);
        begin(CHANGED, 0);
        expect(TRAIN, &run, MG_DATA);
        assert_int_equal(support_exists(support_path("changed/model.h5")), n);
        if (!n) assert_true(newest_step(support_path("changed")) <= CHANGED);
        char *lines = (char *)support_read(support_path("changed/metrics.jsonl"), NULL);
        assert_null(strstr(lines, "\"event\": \"end\""));
        free(lines);
        calm();
        restore();
        run.resume = true;
        expect(TRAIN, &run, MG_OK);
        support_expect_same_runs(support_path("alone"), support_path("changed"), option[n]);
        if (n) assert_true(run.result.test_accuracy == alone.result.test_accuracy);
    }
}

// A path has its training rows in memory, but its validation rows may be streamed.
static void test_path(void **unused) {
    (void)unused;
    make_files(SUPPORT_F32, 32);
    clear();
    support_run alone = streamed("alone"), run = streamed("changed");
    make_file(support_path("small.h5"), SUPPORT_U8, 32, false);
    for (int i = 0; i < 2; i++) {
        support_run *one = i ? &run : &alone;
        support_set(one, "train.solver=dual");
        support_set(one, "data.train=%s", support_path("small.h5"));
        support_set(one, "data.validation=%s", support_path("now.h5"));
        support_set(one, "data.memory_limit=40kB");
    }
    expect(PATH, &alone, MG_OK);
    assert_false(alone.plan.data.streamed);
    begin(INT64_MAX, 0);
    expect(PATH, &run, MG_DATA);
    calm();
    restore();
    run.resume = true;
    expect(PATH, &run, MG_OK);
    support_expect_same(support_path("alone/model.h5"), support_path("changed/model.h5"), "path");
}

// A fold that was trained with rows of two versions must not count as finished.
static void test_cv(void **unused) {
    (void)unused;
    make_files(SUPPORT_F32, 32);
    clear();
    support_run alone = streamed("alone"), run = streamed("changed");
    expect(CV, &alone, MG_OK);
    int64_t half = steps / 2;
    begin(half + CHANGED / 2, 0);
    expect(CV, &run, MG_DATA);
    assert_true(support_exists(support_path("changed/fold-1/model.h5")));
    assert_false(support_exists(support_path("changed/fold-2/model.h5")));
    calm();
    run.resume = true;
    expect(CV, &run, MG_CONFIG);
    restore();
    expect(CV, &run, MG_OK);
    support_expect_same_runs(support_path("alone/fold-2"), support_path("changed/fold-2"), "fold 2");
    // With rows in memory, the second fold reads the file again.
    clear();
    support_run kept = streamed("changed");
    support_set(&kept, "data.memory_limit=0");
    begin(half - 1, 0);
    expect(CV, &kept, MG_DATA);
    assert_false(support_exists(support_path("changed/fold-2")));
    calm();
}

// Whichever command reads a data set, it checks afterwards that the file did not change.
static void test_loading(void **unused) {
    (void)unused;
    make_files(SUPPORT_F32, 32);
    for (int survey = 0; survey < 2; survey++) {
        mg_dataset_request request = {.path = support_path("now.h5"),
                                      .features = "X",
                                      .labels = "y",
                                      .window_bytes = 4096,
                                      .survey = survey};
        mg_dataset *dataset;
        mg_error error = {0};
        assert_int_equal(mg_h5_open(request.path, &request.file, &error), MG_OK);
        assert_int_equal(mg_dataset_open(&request, &dataset, &error), MG_OK);
        mg_dataset_close(dataset);
        (survey ? restore : rewrite)();
        assert_int_equal(mg_dataset_open(&request, &dataset, &error), MG_DATA);
        assert_non_null(strstr(error.text, "now.h5: was written to while it was in use"));
        mg_h5_close(request.file);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_training_rows),
        cmocka_unit_test(test_no_false_alarm),
        cmocka_unit_test(test_other_rows),
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_cv),
        cmocka_unit_test(test_loading),
    };
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
