// test_cv.c - a cross-validation gives the average of runs with the rows outside of each fold; also after an
// interruption, and with any number of threads.
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "data/dataset.h"
#include "data/folds.h"
#include "train/cv.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { ROWS = 203, FEATURES = 20, CLASSES = 4 };

// ---- cross-validation ---------------------------------------------------------------------------

typedef struct cv_run {
    support_run run;
    int64_t folds;
    const char *C, *lambda;
    mg_cv_result result;
    mg_cv_fold fold[MG_CV_FOLDS];
    int told;
    void (*fold_done)(void *context, const mg_cv_fold *fold); // NULL: take_fold
} cv_run;

static cv_run cv_new(const char *data, const char *directory) {
    cv_run cv = {.run = support_new(data, directory), .folds = 3};
    support_set(&cv.run, "train.solver=dual");
    support_set(&cv.run, "train.batch=40");
    support_set(&cv.run, "data.scale=0.01");
    support_set(&cv.run, "model.C=0.1");
    return cv;
}

static void take_fold(void *context, const mg_cv_fold *fold) {
    cv_run *cv = context;
    if (cv->told < MG_CV_FOLDS) cv->fold[cv->told++] = *fold;
}

// Stops after this many steps, counted over all folds.
static bool ask_stop(void *context, int64_t step) {
    support_run *run = context;
    (void)step;
    return ++run->steps == run->stop_after;
}

static mg_status validate(cv_run *cv) {
    mg_observer observer;
    support_run *run = &cv->run;
    const mg_cv_request request = {.folds = cv->folds,
                                   .C = cv->C,
                                   .lambda = cv->lambda,
                                   .resume = run->resume,
                                   .overwrite = run->overwrite,
                                   .observer = &observer,
                                   .context = cv,
                                   .fold = cv->fold_done ? cv->fold_done : take_fold};
    cv->told = 0;
    mg_config *config = support_configure(run, &observer);
    if (!config) return run->status;
    observer.stop = ask_stop;
    mg_status status = mg_cv(config, &request, &cv->result, &run->error);
    mg_config_destroy(config);
    return support_ended(run, status);
}

static void expect(cv_run *cv, mg_status status) {
    if (validate(cv) != status)
        fail_msg("ended with status %d (%s), not %d", (int)cv->run.status, cv->run.error.text, (int)status);
}

static void expect_same(const char *a, const char *b, const char *what) {
    char *lines[2] = {support_lines(support_path("%s/cv.jsonl", a), NULL),
                      support_lines(support_path("%s/cv.jsonl", b), NULL)};
    if (strcmp(lines[0], lines[1])) fail_msg("%s: folds differ:\n%s--- and\n%s", what, lines[0], lines[1]);
    free(lines[0]);
    free(lines[1]);
}

// The fold of each row, as for train.seed 5.
static void deal(const support_rows *rows, int64_t folds, int32_t fold[ROWS]) {
    static int64_t number[CLASSES] = {-5, 0, 1, 7};
    const mg_classes classes = {.count = CLASSES, .number = number};
    int32_t label[ROWS];
    mg_error error;
    for (int i = 0; i < ROWS; i++) label[i] = (int32_t)rows->y[i];
    const mg_split_request split = {
        .name = "x.h5", .label = label, .rows = ROWS, .classes = &classes, .folds = folds, .seed = 5};
    if (mg_folds_deal(&split, fold, &error)) fail_msg("%s", error.text);
}

// Checks that a fold equals a run with a file of the other rows, tested with a file of the fold's rows.
static void check_fold(const support_rows *rows, support_form form, const cv_run *cv, int f) {
    int64_t pick[2][ROWS], count[2] = {0};
    int32_t fold[ROWS];
    const char *files[2] = {support_path("outside.h5"), support_path("inside.h5")},
               *directory = support_path("one");
    deal(rows, cv->folds, fold);
    for (int i = 0; i < ROWS; i++) pick[fold[i] == f][count[fold[i] == f]++] = i;
    for (int side = 0; side < 2; side++) {
        support_rows some = support_pick(rows, pick[side], count[side]);
        support_save(&some, form, files[side]);
        support_free(&some);
    }
    support_run run = cv->run;
    support_set(&run, "data.train=%s", files[0]);
    support_set(&run, "data.test=%s", files[1]);
    support_set(&run, "output.directory=%s", directory);
    support_expect(&run, MG_OK);
    assert_int_equal(cv->fold[f].fold, f);
    assert_true(run.result.test_accuracy == cv->fold[f].accuracy &&
                run.result.objective == cv->fold[f].objective);
    support_expect_same(support_path("one/model.h5"), support_path("cv/fold-%d/model.h5", f + 1),
                        "a run on the rows of a fold");
    support_remove(directory);
}

static void test_folds_are_runs(void **unused) {
    (void)unused;
    const char *data = support_path("data.h5");
    for (int form = 0; form < SUPPORT_FORMS; form++)
        for (int solver = 0; solver < 2; solver++) {
            support_rows rows = support_make(ROWS, FEATURES, CLASSES, 2);
            support_save(&rows, form, data);
            cv_run cv = cv_new(data, support_path("cv"));
            support_set(&cv.run, "train.seed=5");
            if (solver) support_set(&cv.run, "train.solver=sgd");
            expect(&cv, MG_OK);
            assert_int_equal(cv.told, 3);
            double sum = 0, squares = 0;
            for (int f = 0; f < 3; f++) {
                check_fold(&rows, form, &cv, f);
                sum += cv.fold[f].accuracy;
            }
            for (int f = 0; f < 3; f++)
                squares += (cv.fold[f].accuracy - sum / 3) * (cv.fold[f].accuracy - sum / 3);
            assert_true(fabs(cv.result.mean[0].mean - sum / 3) < 1e-15 &&
                        fabs(cv.result.mean[0].deviation - sqrt(squares / 2)) < 1e-12);
            assert_true(sum / 3 > 0.6 && squares > 0); // otherwise the test proves little
            support_remove(support_path("cv"));
            support_free(&rows);
        }
}

static void test_grid(void **unused) {
    (void)unused;
    const char *data = support_path("grid.h5");
    support_data(data, SUPPORT_CSR, ROWS, FEATURES, CLASSES, 3);
    cv_run cv = cv_new(data, support_path("grid"));
    cv.C = "1e-4:1:100";
    expect(&cv, MG_OK);
    assert_int_equal(cv.result.points, 3);
    assert_int_equal(cv.told, 9);
    int best = 0;
    for (int p = 0; p < 3; p++) {
        double sum = 0;
        for (int f = 0; f < 3; f++) {
            const mg_cv_fold *fold = &cv.fold[f * 3 + p];
            assert_int_equal(fold->fold, f);
            assert_int_equal(fold->point, p);
            assert_true(fabs(fold->C / cv.result.mean[p].value - 1) < 1e-12 && fold->gap <= 1e-3);
            sum += fold->accuracy;
        }
        assert_true(fabs(cv.result.mean[p].mean - sum / 3) < 1e-15);
        if (cv.result.mean[p].mean > cv.result.mean[best].mean) best = p;
    }
    assert_int_equal(best, cv.result.best);
    assert_true(best > 0);
    assert_false(
        // held-out rows must not be used to choose a model
        support_exists(support_path("grid/fold-1/model.h5")));
}

static void test_threads_and_resume(void **unused) {
    (void)unused;
    const char *data = support_path("again.h5"), *grids[] = {NULL, "1e-3:1e-1:10"};
    support_data(data, SUPPORT_U8, ROWS, FEATURES, CLASSES, 4);
    for (int g = 0; g < 2; g++) {
        cv_run cv = cv_new(data, support_path("whole"));
        cv.C = grids[g];
        expect(&cv, MG_OK);
        int64_t steps = cv.run.steps;
        for (int64_t at = 1; at <= steps; at += 1 + steps / 40) {
            cv_run piece = cv;
            support_set(&piece.run, "output.directory=%s", support_path("pieces"));
            piece.run.stop_after = at;
            mg_status status = validate(&piece); // a stop in its last step comes too late
            assert_true(status == MG_STOPPED || (status == MG_OK && at == steps));
            piece.run.stop_after = 0;
            piece.run.resume = true;
            support_set(&piece.run, "train.threads=3");
            expect(&piece, MG_OK);
            assert_int_equal(piece.run.steps, steps - at);
            expect_same("whole", "pieces", "stopped and resumed");
            for (int f = 1; f <= 3 && !g; f++)
                support_expect_same(support_path("whole/fold-%d/model.h5", f),
                                    support_path("pieces/fold-%d/model.h5", f), "a fold's model");
            support_remove(support_path("pieces"));
        }
        support_remove(support_path("whole"));
    }
}

static void test_refused(void **unused) {
    (void)unused;
    const char *data = support_path("refused.h5");
    support_data(data, SUPPORT_U8, ROWS, FEATURES, CLASSES, 5);
    const int64_t wrong[] = {-1, 0, 1, MG_CV_FOLDS + 1};
    for (size_t w = 0; w < sizeof wrong / sizeof *wrong; w++) {
        cv_run cv = cv_new(data, support_path("refused"));
        cv.folds = wrong[w];
        expect(&cv, MG_USAGE);
        assert_non_null(strstr(cv.run.error.text, "is not allowed (2 to 100)"));
    }
    cv_run cv = cv_new(data, support_path("refused"));
    support_set(&cv.run, "data.validation=0.2");
    expect(&cv, MG_OK);
    assert_string_equal(cv.run.messages,
                        "note: data.validation is not used: folds of data.train are held out instead\n");
    expect(&cv, MG_CONFIG);
    assert_non_null(strstr(cv.run.error.text, "refused: already holds a cross-validation"));
    cv.run.resume = true;
    cv.folds = 4;
    expect(&cv, MG_CONFIG);
    assert_non_null(strstr(cv.run.error.text, "cv.folds: 3, now 4"));
}

// ---- changes of files during a cross-validation -------------------------------------------------

// Called after the first fold.
static void (*between)(void);

static void take_fold_and_act(void *context, const mg_cv_fold *fold) {
    take_fold(context, fold);
    if (fold->fold == 0 && between) between();
}

static void replace_data(void) { rename(support_path("other.h5"), support_path("now.h5")); }

static void write_to_data(void) {
    size_t size;
    unsigned char *bytes = support_read(support_path("other.h5"), &size);
    FILE *file = fopen(support_path("now.h5"), "r+b"); // changes the file in place
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
    // Sets another time, because two writes within one tick of the file system's clock have the same time.
    const struct timespec later[2] = {{.tv_sec = 4000000000}, {.tv_sec = 4000000000}};
    assert_int_equal(utimensat(AT_FDCWD, support_path("now.h5"), later, 0), 0);
    free(bytes);
}

static void occupy_fold(void) { support_copy_tree(support_path("alone"), support_path("shared/fold-3")); }

static void rename_directory(void) { rename(support_path("moving"), support_path("moved")); }

static cv_run cv_of_now(const char *directory) {
    support_data(support_path("now.h5"), SUPPORT_U8, ROWS, FEATURES, CLASSES, 6);
    support_data(support_path("other.h5"), SUPPORT_U8, ROWS, FEATURES, CLASSES, 7);
    cv_run cv = cv_new(support_path("now.h5"), support_path("%s", directory));
    cv.fold_done = take_fold_and_act;
    return cv;
}

// All folds read the file that was opened first, and a write to it is detected.
static void test_data_change(void **unused) {
    (void)unused;
    cv_run cv = cv_of_now("undisturbed");
    expect(&cv, MG_OK);
    between = replace_data;
    cv = cv_of_now("replaced");
    expect(&cv, MG_OK);
    expect_same("undisturbed", "replaced", "data replaced between folds");
    assert_non_null(
        strstr(cv.run.messages, "now.h5 was replaced during the cross-validation: all folds used"));
    between = NULL;
    cv.run.resume = true;
    expect(&cv, MG_CONFIG);
    assert_non_null(strstr(cv.run.error.text, "was made from other training data"));
    cv = cv_of_now("written");
    between = write_to_data;
    expect(&cv, MG_DATA);
    assert_non_null(strstr(cv.run.error.text, "now.h5: was written to while it was in use"));
    between = NULL;
    cv.run.resume = true; // follows the advice
    expect(&cv, MG_CONFIG);
    assert_false(support_exists(support_path("written/cv.jsonl")));
}

// Which rows the first fold holds out is part of its identity.
static void test_held_out_rows(void **unused) {
    (void)unused;
    int32_t fold[ROWS];
    support_rows rows = support_make(ROWS, FEATURES, CLASSES, 8);
    support_save(&rows, SUPPORT_U8, support_path("held.h5"));
    deal(&rows, 3, fold);
    cv_run cv = cv_new(support_path("held.h5"), support_path("held"));
    support_set(&cv.run, "train.seed=5");
    cv.C = "1e-2:1:10";
    expect(&cv, MG_OK);
    cv.run.resume = true;
    expect(&cv, MG_OK);
    int first = 0;
    while (fold[first] != 0) first++;
    rows.x[first * FEATURES] = rows.x[first * FEATURES] == 3 ? 4 : 3;
    support_save(&rows, SUPPORT_U8, support_path("held.h5"));
    support_remove(support_path("held/fold-2"));
    support_remove(support_path("held/fold-3"));
    expect(&cv, MG_CONFIG);
    assert_non_null(strstr(cv.run.error.text, "data (their fingerprint differs)"));
    support_free(&rows);
}

static void test_renamed_directory(void **unused) {
    (void)unused;
    cv_run cv = cv_of_now("stays");
    expect(&cv, MG_OK);
    between = rename_directory;
    cv = cv_of_now("moving");
    expect(&cv, MG_OK);
    between = NULL;
    assert_non_null(strstr(cv.run.messages, "moving is not the directory this cross-validation began in"));
    expect_same("stays", "moved", "renamed between folds");
    for (int f = 1; f <= 3; f++)
        support_expect_same(support_path("stays/fold-%d/model.h5", f),
                            support_path("moved/fold-%d/model.h5", f), "a fold's model");
    assert_false(support_exists(support_path("moving")));
}

// Another run begins in fold-3 before the cross-validation has reached it.
static void test_occupied_fold(void **unused) {
    (void)unused;
    cv_run cv = cv_of_now("shared");
    support_run alone = support_new(support_path("now.h5"), support_path("alone"));
    support_set(&alone, "train.epochs=1");
    support_expect(&alone, MG_OK);
    expect(&cv, MG_OK);
    between = occupy_fold;
    cv.run.overwrite = true;
    expect(&cv, MG_CONFIG);
    between = NULL;
    assert_non_null(strstr(cv.run.error.text, "fold-3: already holds a run"));
    support_expect_same_runs(support_path("alone"), support_path("shared/fold-3"), "a run in fold-3");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folds_are_runs),     cmocka_unit_test(test_grid),
        cmocka_unit_test(test_threads_and_resume), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_data_change),        cmocka_unit_test(test_held_out_rows),
        cmocka_unit_test(test_renamed_directory),  cmocka_unit_test(test_occupied_fold),
    };
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
