// test_no_error.c - a program may pass NULL for the error of a call that fails.
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <margin/convert.h>
#include <margin/measure.h>
#include <margin/predict.h>
#include <string.h>

enum { ROWS = 60, FEATURES = 6 };

static void test_measure(void **unused) {
    (void)unused;
    mg_measurement *measurement;
    const mg_measure_request request = {.model = support_path("run/model.h5"),
                                        .data = support_path("more.h5")};
    assert_int_equal(mg_measure(&request, &measurement, NULL),
                     MG_DATA); // labels that the model does not know
}

static void test_predict(void **unused) {
    (void)unused;
    mg_predictor *predictor;
    const char *answer, *const lines[] = {"1 1:x", "1 9999:1", "words without pairs"};
    size_t bytes;
    const mg_predict_options options = {.model = support_path("run/model.h5"), .base = -1};
    assert_int_equal(mg_predictor_open(&options, &predictor, NULL), MG_OK);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_int_equal(
            mg_predictor_line(predictor, "lines", lines[i], strlen(lines[i]), &answer, &bytes, NULL),
            MG_DATA);
    mg_predictor_close(predictor);
}

static void test_convert(void **unused) {
    (void)unused;
    static const char *const texts[] = {
        "1,2,a\n3,x,b\n",           // a cell that is no number
        "1,2,3\n4,5,\n",            // no label in the last column, which was guessed
        "1,2,3\n4,5,6,7\n",         // too many columns
        "1 1:2\n2 1:3 1:4\n",       // svmlight: an index twice
        "1 1:2\n2 99999999999:4\n", // an index that is too large
    };
    const char *input = support_path("in.txt"), *inputs[] = {input};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const mg_convert_options options = {
            .inputs = inputs, .input_count = 1, .output = support_path("out.h5")};
        support_write(input, texts[i], strlen(texts[i]));
        if (mg_convert(&options, NULL, NULL) == MG_OK) fail_msg("converted: %s", texts[i]);
        support_remove(support_path("out.h5"));
    }
}

static int begin(void **unused) {
    int failed = support_begin(unused);
    support_data(support_path("a.h5"), SUPPORT_F32, ROWS, FEATURES, 3, 1);
    support_data(support_path("more.h5"), SUPPORT_F32, ROWS, FEATURES, 5, 2);
    support_run run = support_new(support_path("a.h5"), support_path("run"));
    support_set(&run, "train.batch=20");
    support_set(&run, "train.epochs=1");
    support_expect(&run, MG_OK);
    return failed;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_measure), cmocka_unit_test(test_predict),
                                       cmocka_unit_test(test_convert)};
    return cmocka_run_group_tests(tests, begin, support_end);
}
