// test_null.c - NULL and other values that no program means: each is refused in one line, none ends the
// program.
#include "fit_arrays.h"

#include <margin/margin.h>

enum { ROWS = 60, FEATURES = 16, CLASSES = 3 };

static arrays rows;
static mg_config *config;
static mg_model *model;

static void refused(mg_status status, const mg_error *error, const char *text) {
    if (status != MG_USAGE || strcmp(error->text, text))
        fail_msg("status %d, '%s', not '%s'", (int)status, error->text, text);
}

static void test_data(void **unused) {
    (void)unused;
    mg_error error = {0};
    mg_model *made;
    const mg_fit_request fit = {0};
    const mg_score_request score = {0};
    refused(mg_fit(config, &fit, &made, NULL, &error), &error, "train: is NULL, but must be a data set");
    refused(mg_model_score(model, &score, &error), &error, "data: is NULL, but must be a data set");
    assert_int_equal(mg_model_score(model, &score, NULL), MG_USAGE);
}

static void test_paths(void **unused) {
    (void)unused;
    static const char path[] = "path: is NULL, but must be the name of a file";
    mg_error error = {0};
    mg_model *made = model;
    refused(mg_model_load(NULL, &made, &error), &error, path);
    assert_null(made);
    refused(mg_model_save(model, NULL, &error), &error, path);
    refused(mg_model_export(model, "onnx", NULL, &error), &error, path);
    refused(mg_model_export(model, NULL, support_path("model"), &error), &error,
            "format: is NULL, but must be the name of a format");
    refused(mg_model_export_to(model, "onnx", NULL, &error), &error, "sink: is NULL, but must be a sink");
    assert_null(mg_export_format_of(NULL));
}

static void test_texts(void **unused) {
    (void)unused;
    mg_error error = {0};
    mg_config *made = config;
    const char *const sets[] = {"model.C=1", NULL};
    refused(mg_config_load(NULL, sets, 2, &made, &error), &error,
            "sets[1]: is NULL, but must be section.key=value");
    assert_null(made);
    assert_null(mg_config_origin(config, NULL));
    for (int i = -1; i < 200; i += 100) {
        assert_int_equal(mg_status_exit((mg_status)i), 1);
        assert_non_null(mg_status_text((mg_status)i));
    }
    assert_string_equal(mg_status_text((mg_status)-1), "not a status of this library");
    assert_int_equal(mg_status_exit(MG_STOPPED), 75);
}

static int begin(void **state) {
    int failed = support_begin(state);
    mg_error error = {0};
    make_arrays(&rows, &array_forms[FORM_F32], ROWS, FEATURES, CLASSES);
    config = configure((const char *const[]){"train.tolerance=1e-2", NULL});
    const mg_fit_request request = {.train = &rows.data};
    if (mg_fit(config, &request, &model, NULL, &error)) fail_msg("%s", error.text);
    return failed;
}

static int end(void **state) {
    mg_model_destroy(model);
    mg_config_destroy(config);
    free_arrays(&rows);
    return support_end(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_data), cmocka_unit_test(test_paths),
                                       cmocka_unit_test(test_texts)};
    return cmocka_run_group_tests(tests, begin, end);
}
