// test_validation.c - held-out rows: a fraction gives the same result as two files; the model is that of the
// best epoch; the last weights are evaluated too.
#include "run_models.h"

#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "data/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- validation ---------------------------------------------------------------------------------

// A fraction gives the same result as two files with the two selections.
static void test_held_out(void **unused) {
    (void)unused;
    const char *data = support_path("whole.h5"),
               *sides[2] = {support_path("kept.h5"), support_path("held-out.h5")};
    support_rows rows = support_make(ROWS, FEATURES, CLASSES, 10);
    support_save(&rows, SUPPORT_F32, data);
    int64_t seen = 0;
    for (int side = 0; side < 2; side++) {
        mg_dataset *dataset;
        mg_error error = {0};
        const mg_dataset_request request = {.path = data,
                                            .features = "X",
                                            .labels = "y",
                                            .held_out = 0.3,
                                            .seed = 11,
                                            .window_bytes = 1 << 20,
                                            .selection = side ? MG_SELECT_HELD_OUT : MG_SELECT_KEPT};
        if (mg_dataset_open(&request, &dataset, &error)) fail_msg("%s", error.text);
        support_rows some = support_pick(&rows, dataset->select, dataset->count);
        support_save(&some, SUPPORT_F32, sides[side]);
        seen += dataset->count;
        mg_dataset_close(dataset);
        support_free(&some);
    }
    assert_int_equal(seen, ROWS);
    const char *directories[2] = {support_path("by-fraction"), support_path("by-files")};
    support_run runs[2];
    for (int r = 0; r < 2; r++) {
        runs[r] = support_new(r ? sides[0] : data, directories[r]);
        support_set(&runs[r], "data.validation=%s", r ? sides[1] : "0.3");
        support_set(&runs[r], "train.seed=11");
        support_set(&runs[r], "train.epochs=3");
        support_expect(&runs[r], MG_OK);
    }
    expect_same_model(directories[0], directories[1], "a fraction and two files");
    assert_true(runs[0].result.accuracy == runs[1].result.accuracy);
    assert_true(runs[0].plan.data.validation_rows > 0.2 * ROWS &&
                runs[0].plan.data.validation_rows < 0.4 * ROWS);
    support_free(&rows);
}

// The model is that of the best epoch: a run that ends after this epoch has the same.
static void test_early_stopping(void **unused) {
    (void)unused;
    for (int form = 0; form < SUPPORT_FORMS; form++) {
        const char *data = support_path("early.h5"), *early = support_path("early-%d", form),
                   *shorter = support_path("shorter-%d", form);
        support_data(data, form, 200, 10, 4, 12);
        support_run run = support_new(data, early);
        support_set(&run, "data.validation=0.3");
        support_set(&run, "train.epochs=100");
        support_set(&run, "train.patience=2");
        support_set(&run, "train.batch=16");
        support_set(&run, "sgd.average=false");
        support_set(&run, "sgd.eta=0.1");
        support_expect(&run, MG_OK);
        assert_string_equal(run.result.reason, "early stopping");
        assert_true(run.result.epoch == run.result.best_epoch + 2);
        support_run again = run;
        support_set(&again, "train.patience=0");
        support_set(&again, "output.directory=%s", shorter);
        support_set(&again, "train.epochs=%d", (int)run.result.best_epoch);
        support_expect(&again, MG_OK);
        expect_same_model(early, shorter, "the best epoch and a run that ends there");
        assert_true(run.result.accuracy == again.result.accuracy);
        assert_true(run.result.objective == again.result.objective);
    }
}

// With evaluate_every 0, weights are evaluated at the end, even if the run ends within an epoch.
static void test_evaluated_at_the_end(void **unused) {
    (void)unused;
    const char *data = support_path("end.h5");
    support_data(data, SUPPORT_F32, 200, 10, 4, 13);
    for (int inside = 0; inside < 2; inside++) {
        support_run run = support_new(data, support_path("end-%d", inside));
        support_set(&run, "data.validation=0.3");
        support_set(&run, "train.batch=16");
        support_set(&run, "train.epochs=3");
        support_set(&run, inside ? "train.max_steps=13" : "train.evaluate_every=0");
        support_expect(&run, MG_OK);
        char *lines = support_metrics(support_path("end-%d", inside));
        char last[60];
        snprintf(last, sizeof last, "\"eval\", \"step\": %lld,", (long long)run.result.step);
        if (!strstr(lines, last)) fail_msg("the last weights were not evaluated:\n%s", lines);
        assert_true(run.result.accuracy >= 0);
        free(lines);
    }
}

// Validation rows with another layout than the training rows have the same accuracy as in the same layout, so
// the same epoch is the best.
static void test_other_layout(void **unused) {
    (void)unused;
    static const int64_t classes[] = {3, 8, 17};
    const char *files[2] = {support_path("layout-dense.h5"), support_path("layout-csr.h5")};
    for (size_t c = 0; c < sizeof classes / sizeof *classes; c++) {
        for (int form = 0; form < 2; form++)
            support_data(files[form], form ? SUPPORT_CSR : SUPPORT_F32, 200, 10, classes[c], 4);
        for (int form = 0; form < 2; form++) {
            const char *directories[2] = {support_path("layout-same"), support_path("layout-other")};
            support_run runs[2];
            for (int other = 0; other < 2; other++) {
                support_remove(directories[other]);
                runs[other] = support_new(files[form], directories[other]);
                support_set(&runs[other], "data.validation=%s", files[form ^ other]);
                support_set(&runs[other], "data.test=%s", files[form ^ other]);
                support_set(&runs[other], "data.scale=%s", form ? "max-abs" : "standard");
                support_set(&runs[other], "model.bias=1");
                support_set(&runs[other], "train.epochs=4");
                support_expect(&runs[other], MG_OK);
            }
            expect_same_model(directories[0], directories[1], "another layout");
            assert_true(runs[0].result.accuracy == runs[1].result.accuracy);
            assert_true(runs[0].result.test_accuracy == runs[1].result.test_accuracy);
            assert_true(runs[0].result.accuracy > 1.5 / (double)classes[c]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_held_out),
        cmocka_unit_test(test_other_layout),
        cmocka_unit_test(test_early_stopping),
        cmocka_unit_test(test_evaluated_at_the_end),
    };
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
