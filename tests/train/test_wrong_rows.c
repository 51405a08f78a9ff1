// test_wrong_rows.c - invalid data are refused, and no files are created. A run that fails later does not
// destroy the result of an earlier run.
#include "run_models.h"

#include "support.h"

#include <margin/measure.h>
#include <margin/predict.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "model/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- invalid data --------------------------------------------------------------------------------

static void expect_refused(const char *set, mg_status status, const char *part) {
    const char *directory = support_path("never");
    support_run run = support_new(support_path("good.h5"), directory);
    support_set(&run, "%s", set);
    support_expect(&run, status);
    if (!strstr(run.error.text, part)) fail_msg("%s: '%s' does not say '%s'", set, run.error.text, part);
    if (support_exists(directory)) fail_msg("%s: something was left behind", set);
}

static void test_wrong_data(void **unused) {
    (void)unused;
    support_rows rows = support_make(60, 10, 3, 17);
    support_save(&rows, SUPPORT_F32, support_path("good.h5"));
    rows.labels = 59;
    support_save(&rows, SUPPORT_F32, support_path("short.h5"));
    rows.labels = 60;
    rows.y[30] = 9;
    support_save(&rows, SUPPORT_F32, support_path("unseen.h5"));
    memset(rows.y, 0, 60 * sizeof *rows.y);
    support_save(&rows, SUPPORT_F32, support_path("one.h5"));
    rows.x[137] = NAN;
    support_save(&rows, SUPPORT_F32, support_path("nan.h5"));
    support_free(&rows);
    support_data(support_path("wide.h5"), SUPPORT_F32, 60, 11, 3, 17);
    support_write(support_path("text.h5"), "no HDF5", 7);
    support_write(support_path("empty.h5"), "", 0);
    static const struct {
        const char *option, *file;
        mg_status status;
        const char *says;
    } cases[] = {
        {"data.train", "short.h5", MG_DATA, "59"},
        {"data.train", "one.h5", MG_DATA, "2 classes"},
        {"data.train", "nan.h5", MG_DATA, "[13, 7]"},
        {"data.train", "text.h5", MG_DATA, "text.h5"},
        {"data.train", "empty.h5", MG_DATA, "empty.h5"},
        {"data.train", "missing.h5", MG_IO, "missing.h5"},
        {"data.validation", "wide.h5", MG_DATA, "11"},
        {"data.validation", "unseen.h5", MG_DATA, "y[30]"},
        {"data.validation", "short.h5", MG_DATA, "59"},
        {"data.validation", "missing.h5", MG_IO, "missing.h5"},
        {"data.test", "wide.h5", MG_DATA, "11"},
        {"data.test", "unseen.h5", MG_DATA, "y[30]"},
        {"data.test", "missing.h5", MG_IO, "missing.h5"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        char set[4200];
        snprintf(set, sizeof set, "%s=%s", cases[c].option, support_path("%s", cases[c].file));
        expect_refused(set, cases[c].status, cases[c].says);
    }
    expect_refused("data.validation=1.5", MG_CONFIG, "1.5");
    expect_refused("data.validation=0", MG_CONFIG, "0");
    expect_refused("data.validation=1e-9", MG_CONFIG, "data.validation");
    expect_refused("data.features=Z", MG_DATA, "Z");
    expect_refused("data.labels=Z", MG_DATA, "Z");
    expect_refused("data.weights=Z", MG_DATA, "Z");
    expect_refused("data.memory_limit=100", MG_CONFIG, "data.memory_limit");
}

static mg_status ignore_answers(void *context, const char *text, size_t bytes, mg_error *error) {
    (void)context, (void)text, (void)bytes, (void)error;
    return MG_OK;
}

// Rows of the test file are only read after training, so a wrong one must not cost the model. Evaluation and
// prediction must detect it too, with rows that are copied (10 features) or used in place (16).
static void expect_wrong_rows_found(int64_t features, const char *where) {
    support_rows rows = support_make(60, features, 3, 17);
    support_save(&rows, SUPPORT_F32, support_path("good.h5"));
    rows.x[137] = NAN;
    support_save(&rows, SUPPORT_F32, support_path("nan.h5"));
    support_free(&rows);
    support_run run = support_new(support_path("good.h5"), support_path("tested"));
    support_set(&run, "data.test=%s", support_path("nan.h5"));
    support_expect(&run, MG_DATA);
    assert_non_null(strstr(run.error.text, where));
    mg_model_free(load_model(support_path("tested")));
    const mg_measure_request request = {.model = support_path("tested/model.h5"),
                                        .data = support_path("nan.h5")};
    const mg_predict_options options = {.model = request.model};
    const mg_predict_sink sink = {ignore_answers, NULL};
    mg_measurement *measurement;
    mg_predictor *predictor;
    mg_error error = {0};
    assert_int_equal(mg_measure(&request, &measurement, &error), MG_DATA);
    assert_non_null(strstr(error.text, where));
    error = (mg_error){0};
    assert_int_equal(mg_predictor_open(&options, &predictor, &error), MG_OK);
    assert_int_equal(mg_predictor_file(predictor, request.data, &sink, &error), MG_DATA);
    assert_non_null(strstr(error.text, where));
    mg_predictor_close(predictor);
    support_remove(support_path("tested"));
}

static void test_wrong_test_rows(void **unused) {
    (void)unused;
    expect_wrong_rows_found(10, "[13, 7]");
    expect_wrong_rows_found(16, "[8, 9]");
}

// A run that fails later does not destroy the result of an earlier run.
static void test_directory(void **unused) {
    (void)unused;
    const char *data = support_path("directory.h5"), *directory = support_path("taken");
    support_data(data, SUPPORT_F32, 60, 10, 3, 18);
    support_run run = support_new(data, directory);
    support_expect(&run, MG_OK);
    support_copy(support_path("taken/model.h5"), support_path("before.h5"));
    support_expect(&run, MG_CONFIG);
    assert_non_null(strstr(run.error.text, "--resume"));
    run.overwrite = true;
    support_run wrong = run;
    support_set(&wrong, "data.labels=Z");
    support_expect(&wrong, MG_DATA);
    support_expect_same(support_path("before.h5"), support_path("taken/model.h5"), "a refused run");
    support_set(&run, "train.seed=2");
    support_expect(&run, MG_OK);
    assert_false(support_same(support_path("before.h5"), support_path("taken/model.h5")));
    support_run file = support_new(data, support_path("before.h5/run"));
    support_expect(&file, MG_IO);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_data),
        cmocka_unit_test(test_wrong_test_rows),
        cmocka_unit_test(test_directory),
    };
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
