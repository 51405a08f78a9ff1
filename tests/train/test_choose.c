// test_choose.c - model.C: auto gives the run with the chosen value on all rows. The choice does not depend
// on threads, scales or interruptions, and it is only repeated if it was not complete.
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <margin/cv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 240, FEATURES = 20, CLASSES = 4, POINTS = 5 };

static support_run auto_run(const char *data, const char *directory) {
    support_run run = support_new(data, directory);
    support_set(&run, "train.solver=auto");
    support_set(&run, "train.batch=40");
    support_set(&run, "train.epochs=0");
    support_set(&run, "data.scale=0.01");
    support_set(&run, "model.C=auto");
    return run;
}

// Returns C, and the number of values that were compared, from the message about the choice.
static double chosen(const support_run *run, int *values) {
    double C = 0;
    const char *line = strstr(run->messages, "note: model.C auto: C ");
    for (const char *next = line; next; next = strstr(next + 1, "note: model.C auto: C ")) line = next;
    if (!line || sscanf(line, "note: model.C auto: C %lg is the best of %d values", &C, values) != 2)
        fail_msg("no choice: %s", run->messages);
    return C;
}

static const char *model_of(const char *directory) {
    return support_path("%s/model.h5", strrchr(directory, '/') + 1);
}

// ---- the choice ---------------------------------------------------------------------------------

// The weights are those of a run with model.lambda set to the value that corresponds to the chosen C.
static void test_is_the_run_of_its_value(void **unused) {
    (void)unused;
    const char *data = support_path("a.h5"), *directory = support_path("auto"),
               *given = support_path("given");
    for (int form = 0; form < SUPPORT_FORMS; form++) {
        int values;
        support_data(data, form, ROWS, FEATURES, CLASSES, 3);
        support_run run = auto_run(data, directory), same = run;
        support_expect(&run, MG_OK);
        double C = chosen(&run, &values);
        if (fabs(run.plan.lambda * C * ROWS - 1) > 5e-3) fail_msg("C %g, lambda %g", C, run.plan.lambda);
        assert_int_equal(run.plan.data.rows, ROWS);
        assert_int_equal(run.plan.data.validation_rows, 0);
        support_set(&same, "model.C=");
        support_set(&same, "model.lambda=%.17g", run.plan.lambda);
        support_set(&same, "train.tolerance=0.01");
        support_set(&same, "output.directory=%s", given);
        support_expect(&same, MG_OK);
        support_expect_same(model_of(directory), model_of(given), support_form_names[form]);
        support_remove(directory);
        support_remove(given);
    }
}

// With 240 rows, all ten tenths are held out. The chosen value is the one with the highest mean accuracy over
// the ten folds.
static void test_is_the_best_of_folds(void **unused) {
    (void)unused;
    const char *data = support_path("b.h5"), *directory = support_path("best");
    int values;
    support_data(data, SUPPORT_F32, ROWS, FEATURES, CLASSES, 5);
    support_run run = auto_run(data, directory);
    support_expect(&run, MG_OK);
    double C = chosen(&run, &values), mean[MG_PATH_POINTS] = {0}, accuracy, at[MG_PATH_POINTS];
    int lines = 0;
    for (const char *line = run.messages; (line = strstr(line, "C auto: C ")); line++) {
        if (sscanf(line, "C auto: C %lg gives %lg%%", &at[lines], &accuracy) != 2) break;
        lines++;
    }
    assert_int_equal(lines, values);
    if (values < POINTS) fail_msg("%d values", values);
    mg_cv_result *result = calloc(1, sizeof *result);
    support_run cv = auto_run(data, support_path("cv"));
    mg_observer observer;
    char grid[100];
    // Consecutive values differ by a factor of the square root of ten.
    snprintf(grid, sizeof grid, "%.17g:%.17g:3.1622776601683795", at[0], at[0] * pow(10, (lines - 0.9) / 2));
    const mg_cv_request request = {.folds = 10, .C = grid, .observer = &observer};
    support_set(&cv, "train.tolerance=0.01");
    mg_config *config = support_configure(&cv, &observer);
    if (mg_cv(config, &request, result, &cv.error)) fail_msg("%s", cv.error.text);
    mg_config_destroy(config);
    assert_int_equal(result->points, values);
    for (int i = 0; i < values; i++) mean[i] = result->mean[i].mean;
    int best = result->best, own = 0;
    for (int i = 0; i < values; i++)
        if (fabs(at[i] / C - 1) < 5e-3) own = i;
    // Values in messages are rounded, so a row may be classified differently.
    if (mean[own] < mean[best] - 1.5 / ROWS) fail_msg("C %g: %g, not %g", C, mean[own], mean[best]);
    free(result);
}

// If all features are multiplied by a factor, C is divided by its square, and the model is the same except
// for the scale.
static void test_scale_changes_nothing(void **unused) {
    (void)unused;
    const char *data = support_path("s.h5");
    int values[2];
    double C[2];
    support_data(data, SUPPORT_U8, ROWS, FEATURES, CLASSES, 7);
    for (int i = 0; i < 2; i++) {
        support_run run = auto_run(data, support_path("scale%d", i));
        support_set(&run, "model.bias=0");
        support_set(&run, "data.scale=%g", i ? 1.0 : 1.0 / 64);
        support_expect(&run, MG_OK);
        C[i] = chosen(&run, &values[i]);
    }
    if (values[0] != values[1] || fabs(C[0] / C[1] / 4096 - 1) > 0.02) fail_msg("%g, %g", C[0], C[1]);
}

// Rows of tiny values still decide the values of C, although the constant feature is 1.
static void test_tiny_values(void **unused) {
    (void)unused;
    const char *data = support_path("t.h5");
    double accuracy[2];
    support_data(data, SUPPORT_U8, ROWS, FEATURES, CLASSES, 8);
    for (int i = 0; i < 2; i++) {
        support_run run = auto_run(data, support_path("tiny%d", i));
        support_set(&run, "data.scale=%g", i ? 1e-9 : 1.0 / 64);
        support_expect(&run, MG_OK);
        accuracy[i] = run.result.train_accuracy;
    }
    if (accuracy[1] < accuracy[0] - 0.05) fail_msg("%g, but %g", accuracy[0], accuracy[1]);
}

// If an observer stops a choice, nothing else in the program is stopped.
static void test_stops_alone(void **unused) {
    (void)unused;
    const char *data = support_path("o.h5");
    support_data(data, SUPPORT_F32, ROWS, FEATURES, CLASSES, 12);
    support_run first = auto_run(data, support_path("o1")), second = auto_run(data, support_path("o2"));
    first.stop_after = 2;
    support_expect(&first, MG_STOPPED);
    assert_false(support_exists(support_path("o1"))); // nothing remains of it
    support_expect(&second, MG_OK);
}

static void test_too_few_rows(void **unused) {
    (void)unused;
    const char *data = support_path("few.h5");
    support_data(data, SUPPORT_F32, 8, FEATURES, 2, 14);
    support_run run = auto_run(data, support_path("few"));
    support_expect(&run, MG_CONFIG);
    assert_non_null(strstr(run.error.text, "set data.validation, or a number"));
    support_set(&run, "model.C=1"); // the advice of the message
    support_expect(&run, MG_OK);
}

static void test_validation_rows(void **unused) {
    (void)unused;
    const char *data = support_path("v.h5"), *held_out = support_path("held.h5");
    int values;
    support_data(data, SUPPORT_F32, ROWS, FEATURES, CLASSES, 9);
    support_data(held_out, SUPPORT_F32, ROWS / 2, FEATURES, CLASSES, 10);
    support_run fraction = auto_run(data, support_path("v1")), file = auto_run(data, support_path("v2"));
    support_set(&fraction, "data.validation=0.25");
    support_expect(&fraction, MG_OK);
    chosen(&fraction, &values);
    assert_int_equal(fraction.plan.data.rows, ROWS); // all rows are used, because C has been chosen
    assert_true(isnan(fraction.result.accuracy));
    support_set(&file, "data.validation=%s", held_out);
    support_expect(&file, MG_OK);
    chosen(&file, &values);
    assert_int_equal(file.plan.data.validation_rows, ROWS / 2);
    assert_false(isnan(file.result.accuracy));
}

// ---- interruptions ------------------------------------------------------------------------------

typedef struct stopping {
    int64_t calls, stop_after; // 0: never
    bool chooses;              // there was a message about a value of C
} stopping;

static bool ask(void *context, int64_t step) {
    stopping *s = context;
    (void)step;
    return ++s->calls == s->stop_after;
}

static void see(void *context, const char *line) {
    stopping *s = context;
    s->chooses = s->chooses || strstr(line, "model.C auto");
}

static mg_status train(support_run *run, stopping *s) {
    mg_observer unused;
    const mg_observer observer = {.context = s, .message = see, .stop = ask};
    const mg_train_request request = {.resume = run->resume, .observer = &observer};
    mg_config *config = support_configure(run, &unused);
    mg_status status = mg_train(config, &request, &run->result, &run->error);
    mg_config_destroy(config);
    return status;
}

static void test_interrupted_anywhere(void **unused) {
    (void)unused;
    const char *data = support_path("i.h5"), *whole = support_path("whole"), *pieces = support_path("pieces");
    support_data(data, SUPPORT_F32, ROWS, FEATURES, CLASSES, 11);
    support_run run = auto_run(data, whole);
    stopping all = {0};
    assert_int_equal(train(&run, &all), MG_OK);
    int64_t last = run.result.step; // steps of the run itself, after the choice
    for (int i = 0; i < 8; i += support_few() ? 3 : 1) {
        bool in_choice = i < 4;
        stopping first = {.stop_after =
                              in_choice ? 1 + i * (all.calls - last) / 4 : all.calls - last + i - 3},
                 second = {0};
        support_run piece = auto_run(data, pieces);
        if (train(&piece, &first) != MG_STOPPED) fail_msg("%d: %s", i, piece.error.text);
        if (in_choice != (strstr(piece.error.text, "while C was chosen") != NULL))
            fail_msg("%d: %s", i, piece.error.text);
        piece.resume = true;
        support_set(&piece, "train.threads=%d", 1 + i % 3);
        if (train(&piece, &second)) fail_msg("%d: %s", i, piece.error.text);
        assert_int_equal(second.chooses, in_choice);
        support_expect_same(model_of(whole), model_of(pieces), "stopped and resumed");
        support_remove(pieces);
    }
}

// The chosen value is part of the configuration.
static void test_resumed_with_something_else(void **unused) {
    (void)unused;
    const char *const others[] = {"model.C=1", "model.C=", "data.validation=0.2", "train.tolerance=1e-3"};
    const char *data = support_path("r.h5"), *directory = support_path("r");
    support_data(data, SUPPORT_F32, ROWS, FEATURES, CLASSES, 13);
    support_run run = auto_run(data, directory);
    stopping all = {0};
    assert_int_equal(train(&run, &all), MG_OK);
    stopping first = {.stop_after = all.calls - 1}, again = {0};
    support_remove(directory);
    assert_int_equal(train(&run, &first), MG_STOPPED);
    run.resume = true;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        support_run other = run;
        support_set(&other, "%s", others[i]);
        if (train(&other, &again) != MG_CONFIG) fail_msg("%s: %s", others[i], other.error.text);
    }
    // The other way round: a run with a given value cannot be resumed as one that chooses.
    support_run fixed = auto_run(data, support_path("fixed"));
    support_set(&fixed, "model.C=1");
    stopping second = {.stop_after = 2};
    assert_int_equal(train(&fixed, &second), MG_STOPPED);
    fixed.resume = true;
    support_set(&fixed, "model.C=auto");
    again = (stopping){0};
    assert_int_equal(train(&fixed, &again), MG_CONFIG);
    assert_non_null(strstr(fixed.error.text, "model.C: 1, now auto"));
    assert_int_equal(again.calls, 0); // without another choice
}

// ---- where C cannot be chosen -------------------------------------------------------------------

static void test_refused(void **unused) {
    (void)unused;
    const char *data = support_path("x.h5");
    mg_observer observer;
    support_data(data, SUPPORT_F32, ROWS, FEATURES, CLASSES, 15);
    support_run run = auto_run(data, support_path("x"));
    const mg_cv_request request = {.folds = 2, .observer = &observer};
    mg_cv_result *result = calloc(1, sizeof *result);
    mg_config *config = support_configure(&run, &observer);
    assert_int_equal(mg_cv(config, &request, result, &run.error), MG_CONFIG);
    assert_non_null(strstr(run.error.text, "model.C: auto is only for margin train"));
    mg_config_destroy(config);
    free(result);
    support_set(&run, "model.lambda=1");
    support_expect(&run, MG_CONFIG);
    support_set(&run, "model.lambda=");
    support_set(&run, "train.solver=sgd");
    support_expect(&run, MG_CONFIG);
    assert_non_null(strstr(run.error.text, "train.solver: sgd"));
}

// The message about streamed rows gives the value of data.memory_limit with which C is chosen and the run
// trains.
static void test_streamed(void **unused) {
    (void)unused;
    long long advised = 0;
    int values;
    support_data(support_path("s.h5"), SUPPORT_F32, ROWS, FEATURES, CLASSES, 15);
    support_run run = auto_run(support_path("s.h5"), support_path("s"));
    support_set(&run, "data.window=4096");
    support_set(&run, "data.memory_limit=20000");
    support_expect(&run, MG_CONFIG);
    assert_null(strstr(run.error.text, "leave it at 0"));
    const char *advice = strstr(run.error.text, "set it to ");
    if (!advice || sscanf(advice, "set it to %lld, or use margin train", &advised) != 1)
        fail_msg("%s", run.error.text);
    support_run number = run;
    support_set(&run, "data.memory_limit=%lld", advised);
    support_expect(&run, MG_OK);
    assert_true(chosen(&run, &values) > 0);
    support_remove(support_path("s"));
    support_set(&number, "model.C=1");
    support_expect(&number, MG_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_the_run_of_its_value),
        cmocka_unit_test(test_is_the_best_of_folds),
        cmocka_unit_test(test_scale_changes_nothing),
        cmocka_unit_test(test_tiny_values),
        cmocka_unit_test(test_stops_alone),
        cmocka_unit_test(test_too_few_rows),
        cmocka_unit_test(test_validation_rows),
        cmocka_unit_test(test_interrupted_anywhere),
        cmocka_unit_test(test_resumed_with_something_else),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_streamed),
    };
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
