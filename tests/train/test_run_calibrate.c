// test_run_calibrate.c - model.calibration: the run fits it to validation rows or to folds, with the same
// bits after an interruption and for any number of threads.
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/memory.h"
#include "model/model.h"

#include <margin/calibrate.h>
#include <margin/config.h>
#include <margin/path.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const solvers[] = {"train.solver=dual train.tolerance=1e-2",
                                      "train.solver=sgd train.epochs=3",
                                      "train.solver=newton train.tolerance=1e-2"};
enum { SOLVERS = sizeof solvers / sizeof *solvers };

static int begin(void **unused) {
    if (support_begin(unused)) return 1;
    for (int form = 0; form < SUPPORT_FORMS; form++) {
        char path[64];
        support_rows rows = support_make(300, 9, 4, 11);
        double weight[300];
        for (int i = 0; i < 300; i++) weight[i] = 1 + i % 3;
        rows.weight = weight;
        snprintf(path, sizeof path, "%s.h5", support_form_names[form]);
        support_save(&rows, form, support_path("%s", path));
        rows.weight = NULL;
        support_free(&rows);
    }
    support_data(support_path("other.h5"), SUPPORT_F32, 200, 9, 4, 12);
    return 0;
}

static support_run make(const char *data, const char *directory, const char *sets) {
    char path[600], text[200], *rest = text;
    snprintf(path, sizeof path, "%s", support_path("%s", data));
    support_run run = support_new(path, support_path("%s", directory));
    snprintf(text, sizeof text, "%s", sets);
    for (char *word; (word = strsep(&rest, " "));)
        if (*word) support_set(&run, "%s", word);
    support_set(&run, "model.lambda=0.1");
    support_set(&run, "data.rows=unit");
    return run;
}

static mg_calibration calibration_of(const char *directory) {
    char path[700];
    mg_model *model;
    mg_error error = {0};
    snprintf(path, sizeof path, "%s/model.h5", support_path("%s", directory));
    assert_int_equal(mg_model_read(path, &model, &error), MG_OK);
    mg_calibration out = model->calibration; // without the sigmoids
    out.slope = out.intercept = NULL;
    mg_model_free(model);
    return out;
}

// The validation rows of a file give what margin calibrate gives for that file.
static void test_validation(void **unused) {
    (void)unused;
    support_run plain = make("f32.h5", "plain", solvers[0]), run = make("f32.h5", "run", solvers[0]);
    char other[600], model[700];
    mg_error error = {0};
    mg_calibration_report report;
    snprintf(other, sizeof other, "%s", support_path("other.h5"));
    support_set(&run, "data.validation=%s", other);
    support_set(&run, "model.calibration=temperature");
    support_expect(&plain, MG_OK);
    support_expect(&run, MG_OK);
    assert_string_equal(plain.result.calibration.method, "");
    assert_string_equal(run.result.calibration.method, "temperature");
    assert_int_equal(run.result.calibration.rows, 200);
    assert_int_equal(calibration_of("plain").method, MG_CALIBRATION_NONE);
    snprintf(model, sizeof model, "%s/model.h5", support_path("plain"));
    assert_int_equal(mg_calibrate(&(mg_calibrate_request){.model = model, .data = other}, &report, &error),
                     MG_OK);
    mg_calibration a = calibration_of("plain"), b = calibration_of("run");
    assert_true(fabs(a.temperature / b.temperature - 1) < 1e-5);
    assert_true(fabs(a.after.log_loss - b.after.log_loss) < 1e-6);
    assert_true(report.temperature == a.temperature && run.result.calibration.temperature == b.temperature);
}

// Without validation rows, every row is held out once; rows keep their weights.
static void test_folds(void **unused) {
    (void)unused;
    support_run run = make("f32.h5", "folds", solvers[0]);
    support_set(&run, "model.calibration=sigmoid");
    support_set(&run, "data.weights=w");
    support_expect(&run, MG_OK);
    assert_int_equal(run.result.calibration.rows, 300);
    assert_non_null(strstr(run.messages, "trains 5 times"));
    double weighted = run.result.calibration.log_loss;
    run = make("f32.h5", "folds1", solvers[0]);
    support_set(&run, "model.calibration=sigmoid");
    support_expect(&run, MG_OK);
    assert_true(run.result.calibration.log_loss != weighted);
    assert_true(run.result.calibration.log_loss < run.result.calibration.log_loss_before);
}

static void test_same_bits(void **unused) {
    (void)unused;
    for (int s = 0; s < SOLVERS; s++)
        for (int form = 0; form < SUPPORT_FORMS; form++)
            for (int held = 0; held < 2; held++) {
                char data[64], what[200];
                snprintf(data, sizeof data, "%s.h5", support_form_names[form]);
                snprintf(what, sizeof what, "%s %s validation %d", data, solvers[s], held);
                support_run run = make(data, "whole", solvers[s]);
                support_set(&run, "model.calibration=%s", s == 1 ? "sigmoid" : "temperature");
                if (held) support_set(&run, "data.validation=0.3");
                run.overwrite = true;
                support_expect(&run, MG_OK);
                assert_true(calibration_of("whole").method != MG_CALIBRATION_NONE);
                support_expect_resumes(&run, support_path("whole"), "pieces", 2, what);
                support_run threads = run;
                support_set(&threads, "train.threads=7");
                support_set(&threads, "output.directory=%s", support_path("threads"));
                support_expect(&threads, MG_OK);
                char a[700];
                snprintf(a, sizeof a, "%s/model.h5", support_path("whole"));
                support_expect_same(a, support_path("threads/model.h5"), what);
            }
}

// Rows that are read from the file give the bits of rows in memory, also in the folds.
static void test_streamed(void **unused) {
    (void)unused;
    char resident[700];
    support_data(support_path("many.h5"), SUPPORT_F32, 4000, 9, 4, 3);
    support_run run = make("many.h5", "resident", solvers[1]),
                streamed = make("many.h5", "streamed", solvers[1]);
    support_set(&run, "model.calibration=temperature");
    support_set(&streamed, "model.calibration=temperature");
    support_set(&streamed, "data.memory_limit=64KiB");
    support_set(&run, "data.window=8KiB");
    support_set(&streamed, "data.window=8KiB");
    support_expect(&run, MG_OK);
    support_expect(&streamed, MG_OK);
    assert_true(streamed.plan.data.streamed && !run.plan.data.streamed);
    snprintf(resident, sizeof resident, "%s", support_path("resident/model.h5"));
    support_expect_same(resident, support_path("streamed/model.h5"), "streamed");
}

// Makes the allocation `context` fail, counted from the begin of the folds.
static void fail_in_folds(void *context, const char *line) {
    if (strstr(line, "trains 5 times")) mg_memory_fail_at(*(const int64_t *)context, false);
}

// A calibration that fails does not lose the model. The run has not ended; resumed, it is calibrated.
static void test_failure(void **unused) {
    (void)unused;
    support_run run = make("f32.h5", "failed", solvers[1]), whole = make("f32.h5", "unfailed", solvers[1]);
    support_set(&run, "model.calibration=temperature");
    support_set(&whole, "model.calibration=temperature");
    support_expect(&whole, MG_OK);
    for (int64_t at = 1; at < 200; at = 3 * at + 2) {
        mg_observer observer;
        mg_config *config = support_configure(&run, &observer);
        const mg_observer failing = {.context = &at, .message = fail_in_folds};
        const mg_train_request request = {.observer = &failing};
        support_ended(&run, mg_train(config, &request, &run.result, &run.error));
        mg_config_destroy(config);
        assert_int_equal(mg_memory_fail_at(0, false), 1);
        assert_int_equal(run.status, MG_MEMORY);
        assert_non_null(strstr(run.error.text, "model.h5 was written without a calibration"));
        assert_int_equal(calibration_of("failed").method, MG_CALIBRATION_NONE);
        support_run again = run;
        again.resume = true;
        support_expect(&again, MG_OK);
        support_expect_same_runs(support_path("unfailed"), support_path("failed"),
                                 "a calibration that failed");
        support_remove(support_path("failed"));
    }
}

// Counts the steps of the run and of its folds.
static bool stop_after(void *context, int64_t step) {
    (void)step;
    return --*(int64_t *)context == 0;
}

// Stopped while the folds are trained: the run is complete but for its calibration, and resumes.
static void test_stop_in_folds(void **unused) {
    (void)unused;
    support_run run = make("f32.h5", "stopped", solvers[1]), whole = make("f32.h5", "unstopped", solvers[1]);
    support_set(&run, "model.calibration=temperature");
    support_set(&whole, "model.calibration=temperature");
    support_expect(&whole, MG_OK);
    mg_observer observer;
    mg_config *config = support_configure(&run, &observer);
    int64_t left = whole.result.step + 8;
    const mg_observer stopping = {.context = &left, .stop = stop_after};
    const mg_train_request request = {.observer = &stopping};
    support_ended(&run, mg_train(config, &request, &run.result, &run.error));
    mg_config_destroy(config);
    assert_int_equal(run.status, MG_STOPPED);
    assert_non_null(strstr(run.error.text, "continue with --resume"));
    run.resume = true;
    support_expect(&run, MG_OK);
    char a[700];
    snprintf(a, sizeof a, "%s/model.h5", support_path("unstopped"));
    support_expect_same(a, support_path("stopped/model.h5"), "stopped in a fold");
    // A finished run is left as it is, with its calibration.
    support_expect(&run, MG_OK);
    support_expect_same(a, support_path("stopped/model.h5"), "resumed after its end");
}

static void test_refused(void **unused) {
    (void)unused;
    support_run run = make("few.h5", "few", solvers[0]);
    support_data(support_path("few.h5"), SUPPORT_F32, 4, 9, 4, 1);
    support_set(&run, "model.calibration=temperature");
    support_expect(&run, MG_CONFIG);
    assert_non_null(strstr(run.error.text, "margin calibrate MODEL DATA"));
    // Only rows that are the only ones of their classes, and are not held out, have a weight.
    support_rows rows = support_make(40, 9, 3, 11);
    double weight[40] = {1, 1};
    for (int i = 0; i < 40; i++) rows.y[i] = i < 2 ? i : 2;
    rows.weight = weight;
    support_save(&rows, SUPPORT_F32, support_path("weightless.h5"));
    rows.weight = NULL;
    support_free(&rows);
    run = make("weightless.h5", "weightless", solvers[1]);
    support_set(&run, "data.weights=w");
    support_set(&run, "model.calibration=temperature");
    support_expect(&run, MG_CONFIG);
    assert_non_null(strstr(run.error.text, "all held-out rows have the weight 0"));
    run = make("f32.h5", "path", solvers[0]);
    support_set(&run, "model.lambda=~");
    support_set(&run, "model.calibration=temperature");
    mg_observer observer;
    mg_config *config = support_configure(&run, &observer);
    mg_path_result result;
    const mg_path_request request = {.C = "0.1:1:2", .observer = &observer};
    support_ended(&run, config ? mg_path(config, &request, &result, &run.error) : run.status);
    assert_int_equal(run.status, MG_CONFIG);
    assert_non_null(strstr(run.error.text, "margin calibrate MODEL DATA"));
    mg_config_destroy(config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_validation), cmocka_unit_test(test_folds),
        cmocka_unit_test(test_same_bits),  cmocka_unit_test(test_stop_in_folds),
        cmocka_unit_test(test_failure),    cmocka_unit_test(test_refused),
        cmocka_unit_test(test_streamed),
    };
    return cmocka_run_group_tests(tests, begin, support_end);
}
