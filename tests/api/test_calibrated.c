// test_calibrated.c - calibrated models of a program: mg_fit gives the calibration that mg_train gives for
// the same rows, and a calibration goes through the parts of a model and through its file.
#include "fit_arrays.h"

#include <margin/trainer.h>
#include <math.h>
#include <stdio.h>

enum { ROWS = 200, FEATURES = 12, CLASSES = 4 };

typedef struct probabilities {
    float p[ROWS * CLASSES];
} probabilities;

static probabilities ask(const mg_model *model, const mg_data *data) {
    probabilities out;
    mg_error error = {0};
    const mg_score_request request = {.data = data, .threads = 2, .probabilities = out.p};
    if (mg_model_score(model, &request, &error)) fail_msg("%s", error.text);
    for (int i = 0; i < ROWS; i++) {
        double sum = 0;
        for (int k = 0; k < CLASSES; k++) sum += out.p[i * CLASSES + k];
        assert_true(fabs(sum - 1) < 1e-5);
    }
    return out;
}

static void check_same(const mg_calibration_report *a, const mg_calibration_report *b) {
    assert_string_equal(a->method, b->method);
    assert_int_equal(a->rows, b->rows);
    assert_true(a->log_loss == b->log_loss && a->ece == b->ece);
    assert_true(a->log_loss_before == b->log_loss_before && a->ece_before == b->ece_before);
    assert_true(a->temperature == b->temperature || (isnan(a->temperature) && isnan(b->temperature)));
}

static void check_round_trip(const mg_model *model, const mg_data *data) {
    mg_model_parts parts, again;
    mg_model *copy, *read;
    mg_error error = {0};
    const probabilities wanted = ask(model, data);
    mg_model_get(model, &parts);
    if (mg_model_create(&parts, &copy, &error)) fail_msg("%s", error.text);
    mg_model_get(copy, &again);
    check_same(&parts.calibration, &again.calibration);
    probabilities got = ask(copy, data);
    assert_memory_equal(&got, &wanted, sizeof got);
    if (mg_model_save(copy, support_path("copy.h5"), &error)) fail_msg("%s", error.text);
    if (mg_model_load(support_path("copy.h5"), &read, &error)) fail_msg("%s", error.text);
    got = ask(read, data);
    assert_memory_equal(&got, &wanted, sizeof got);
    mg_model_destroy(read);
    mg_model_destroy(copy);
    // Parts that no calibration has.
    const mg_calibration_report given = parts.calibration;
    for (int wrong = 0; wrong < 4; wrong++) {
        parts.calibration = given;
        if (wrong == 0) parts.calibration.rows = 0;
        if (wrong == 1) parts.calibration.log_loss = NAN;
        if (wrong == 2) snprintf(parts.calibration.method, sizeof parts.calibration.method, "platt");
        if (wrong == 3) parts.calibration.temperature = -1, parts.slope = NULL;
        assert_int_equal(mg_model_create(&parts, &copy, &error), MG_DATA);
        assert_null(copy);
    }
}

static void test_same_as_files(void **unused) {
    (void)unused;
    static const char *const methods[] = {"temperature", "sigmoid"};
    for (int f = FORM_F32; f <= FORM_CSR; f += FORM_CSR - FORM_F32)
        for (int held = 0; held < 2; held++)
            for (int m = 0; m < 2; m++) {
                char set[64];
                arrays a;
                mg_model *model, *read;
                mg_fit_result result;
                mg_train_result trained;
                mg_error error = {0};
                make_arrays(&a, &array_forms[f], ROWS, FEATURES, CLASSES);
                save_arrays(&a, &array_forms[f], support_path("rows.h5"));
                snprintf(set, sizeof set, "model.calibration=%s", methods[m]);
                char train[600], directory[600];
                snprintf(train, sizeof train, "data.train=%s", support_path("rows.h5"));
                snprintf(directory, sizeof directory, "output.directory=%s", support_path("run"));
                const char *hold = held ? "data.validation=0.3" : "train.seed=1";
                mg_config *memory = configure(
                    (const char *const[]){set, "train.tolerance=1e-2", "data.scale=max-abs", hold, NULL});
                mg_config *files =
                    configure((const char *const[]){set, "train.tolerance=1e-2", "data.scale=max-abs", hold,
                                                    train, directory, "data.weights=w", NULL});
                const mg_fit_request request = {.train = &a.data};
                if (mg_fit(memory, &request, &model, &result, &error)) fail_msg("%s", error.text);
                const mg_train_request run = {.overwrite = true};
                if (mg_train(files, &run, &trained, &error)) fail_msg("%s", error.text);
                assert_string_equal(trained.calibration.method, methods[m]);
                check_same(&result.train.calibration, &trained.calibration);
                if (mg_model_load(support_path("run/model.h5"), &read, &error)) fail_msg("%s", error.text);
                const probabilities one = ask(model, &a.data), two = ask(read, &a.data);
                assert_memory_equal(&one, &two, sizeof one);
                check_round_trip(model, &a.data);
                mg_model_destroy(read);
                mg_model_destroy(model);
                mg_config_destroy(files);
                mg_config_destroy(memory);
                free_arrays(&a);
            }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_as_files)};
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
