// test_paths.c - mg_path and mg_cv with rows in memory: they give the numbers and the model of the same rows
// in a file; they write nothing without a directory; they have their own stop flag; what they refuse.
#include "fit_arrays.h"

#include <margin/cv.h>

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROWS = 240, FEATURES = 48, CLASSES = 4 };

static const char *const sets[] = {"train.tolerance=1e-3", "data.validation=0.25", "train.threads=2", NULL};
static const char *const fold_sets[] = {"train.tolerance=1e-3", "train.threads=2", NULL};

static const volatile sig_atomic_t raised = 1; // mg_path and mg_cv ignore `finish`

// The configuration of a run with a file of the same rows.
static mg_config *configure_file(const char *data, const char *directory, const char *validation) {
    char train[300], output[300];
    snprintf(train, sizeof train, "data.train=%s", data);
    snprintf(output, sizeof output, "output.directory=%s", directory);
    const char *const options[] = {
        train, "data.weights=w", "train.tolerance=1e-3", "train.threads=1", output, validation, NULL};
    return configure(options);
}

static void same_point(const mg_path_point *a, const mg_path_point *b) {
    assert_true(a->C == b->C && a->lambda == b->lambda && a->objective == b->objective);
    assert_true(a->dual == b->dual && a->accuracy == b->accuracy && a->passes == b->passes);
}

static void test_path(void **unused) {
    (void)unused;
    const char *data = support_path("rows.h5"), *own = support_path("own.h5");
    for (int f = FORM_F32; f <= FORM_CSR; f += FORM_CSR - FORM_F32) {
        const char *directory = support_path("path-%d", f);
        arrays a;
        mg_error error = {0};
        mg_path_result results[2];
        mg_model *model;
        make_arrays(&a, &array_forms[f], ROWS, FEATURES, CLASSES);
        save_arrays(&a, &array_forms[f], data);
        mg_config *configs[] = {configure_file(data, directory, "data.validation=0.25"), configure(sets)};
        const mg_fit_request rows = {.train = &a.data, .resume = true, .overwrite = true, .finish = &raised};
        const mg_path_request file = {.C = "0.01,0.1,3"},
                              memory = {.C = "0.01,0.1,3", .rows = &rows, .model = &model};
        if (mg_path(configs[0], &file, &results[0], &error)) fail_msg("%s", error.text);
        if (mg_path(configs[1], &memory, &results[1], &error)) fail_msg("%s", error.text);
        assert_int_equal(results[0].points, 3);
        assert_int_equal(results[1].points, 3);
        assert_int_equal(results[0].best, results[1].best);
        for (int p = 0; p < 3; p++) same_point(&results[0].point[p], &results[1].point[p]);
        assert_string_equal(results[1].model_path, "");
        assert_string_equal(results[1].points_path, "");
        if (mg_model_save(model, own, &error)) fail_msg("%s", error.text);
        support_expect_same(results[0].model_path, own, array_forms[f].name);
        mg_model_destroy(model);
        for (int c = 0; c < 2; c++) mg_config_destroy(configs[c]);
        free_arrays(&a);
    }
}

// The best point is chosen by the program's validation rows. With a directory there are files, and the path
// can be resumed; the model is returned too.
static void test_path_in_directory(void **unused) {
    (void)unused;
    const char *directory = support_path("kept"), *own = support_path("kept-own.h5");
    arrays a;
    mg_error error = {0};
    mg_path_result results[2];
    make_arrays(&a, &array_forms[FORM_F32], ROWS, FEATURES, CLASSES);
    mg_config *config = configure(fold_sets);
    const mg_fit_request rows = {.train = &a.data, .validation = &a.data, .directory = directory};
    for (int again = 0; again < 2; again++) {
        mg_model *model;
        const mg_path_request request = {
            .C = "1e-3:1:10", .resume = again > 0, .rows = &rows, .model = &model};
        if (mg_path(config, &request, &results[again], &error)) fail_msg("%s", error.text);
        assert_true(results[again].best >= 0);
        assert_string_equal(results[again].model_path, support_path("kept/model.h5"));
        if (mg_model_save(model, own, &error)) fail_msg("%s", error.text);
        support_expect_same(results[again].model_path, own, again ? "resumed" : "first");
        mg_model_destroy(model);
    }
    mg_config_destroy(config);
    free_arrays(&a);
}

static void test_cv(void **unused) {
    (void)unused;
    const char *data = support_path("rows.h5"), *directory = support_path("cv"),
               *kept = support_path("cv-own");
    arrays a;
    mg_error error = {0};
    static mg_cv_result results[3];
    make_arrays(&a, &array_forms[FORM_F32], ROWS, FEATURES, CLASSES);
    save_arrays(&a, &array_forms[FORM_F32], data);
    for (int grid = 0; grid < 2; grid++) {
        mg_config *configs[] = {configure_file(data, directory, "train.epochs=50"),
                                configure((const char *const[]){"train.tolerance=1e-3", "train.epochs=50",
                                                                "train.threads=2", NULL})};
        mg_fit_request rows = {.train = &a.data, .finish = &raised};
        mg_cv_request request = {.folds = 3, .C = grid ? "0.01:1:10" : NULL};
        if (mg_cv(configs[0], &request, &results[0], &error)) fail_msg("%s", error.text);
        request.rows = &rows;
        if (mg_cv(configs[1], &request, &results[1], &error)) fail_msg("%s", error.text);
        rows.directory = kept;
        if (mg_cv(configs[1], &request, &results[2], &error)) fail_msg("%s", error.text);
        assert_string_equal(results[1].folds_path, "");
        assert_string_equal(results[2].folds_path, support_path("cv-own/cv.jsonl"));
        for (int r = 1; r < 3; r++) {
            assert_int_equal(results[r].points, grid ? 3 : 1);
            assert_int_equal(results[r].best, results[0].best);
            for (int p = 0; p < results[r].points; p++) {
                assert_true(results[r].mean[p].mean == results[0].mean[p].mean);
                assert_true(results[r].mean[p].deviation == results[0].mean[p].deviation);
            }
        }
        for (int c = 0; c < 2; c++) mg_config_destroy(configs[c]);
        support_remove(directory);
        support_remove(kept);
    }
    free_arrays(&a);
}

static void raise_flag(void *context, int number, const mg_path_point *point) {
    (void)number, (void)point;
    *(volatile sig_atomic_t *)context = 1;
}

static void raise_flag_in_fold(void *context, const mg_cv_fold *fold) {
    (void)fold;
    *(volatile sig_atomic_t *)context = 1;
}

// The flag stops only this call: the next one runs. No file appears in the working directory.
static void test_stop(void **unused) {
    (void)unused;
    arrays a;
    mg_error error = {0};
    mg_model *model;
    mg_path_result result;
    static mg_cv_result folds;
    volatile sig_atomic_t flag = 0;
    char here[4096];
    const char *empty = support_path("empty");
    make_arrays(&a, &array_forms[FORM_F32], ROWS, FEATURES, CLASSES);
    mg_config *config = configure(sets), *fold_config = configure(fold_sets);
    assert_int_equal(mkdir(empty, 0777), 0);
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(empty), 0);
    const mg_fit_request rows = {.train = &a.data, .stop = &flag};
    mg_path_request path = {.C = "0.01:1:10",
                            .rows = &rows,
                            .model = &model,
                            .context = (void *)(uintptr_t)&flag,
                            .point = raise_flag};
    mg_cv_request cv = {.folds = 3, .rows = &rows, .context = path.context, .fold = raise_flag_in_fold};
    assert_int_equal(mg_path(config, &path, &result, &error), MG_STOPPED);
    assert_string_equal(error.text, "stopped in point 2 of 3");
    assert_null(model);
    flag = 0;
    assert_int_equal(mg_cv(fold_config, &cv, &folds, &error), MG_STOPPED);
    flag = 0;
    path.point = NULL;
    cv.fold = NULL;
    assert_int_equal(mg_path(config, &path, &result, &error), MG_OK);
    assert_non_null(model);
    mg_model_destroy(model);
    path.model = NULL;
    assert_int_equal(mg_path(config, &path, &result, &error), MG_OK);
    assert_int_equal(mg_cv(fold_config, &cv, &folds, &error), MG_OK);
    assert_int_equal(chdir(here), 0);
    assert_int_equal(support_count(empty, ""), 0);
    mg_config_destroy(config);
    mg_config_destroy(fold_config);
    free_arrays(&a);
}

static void test_refusals(void **unused) {
    (void)unused;
    arrays a;
    mg_path_result result;
    static mg_cv_result folds;
    make_arrays(&a, &array_forms[FORM_F32], ROWS, FEATURES, CLASSES);
    mg_config *config = configure(fold_sets);
    const mg_fit_request rows = {.train = &a.data}, empty = {0},
                         both = {.train = &a.data, .validation = &a.data};
    const struct {
        const char *C;
        bool resume;
        const mg_fit_request *rows;
        const char *text;
    } paths[] = {
        {"0.1,0", false, &rows, "C: value 0 is not allowed (1e-30 to 1e+30)"},
        {"0.1,", false, &rows,
         "C: 0.1, is not allowed (from:to:factor, such as 1e-3:1:10, or values with commas"},
        {"0.1:1", false, &rows, "or values with commas, such as 0.1,1,5)"},
        {"0.1:1:10", true, &rows, "resume, overwrite: are only for a path with a directory"},
        {"0.1:1:10", false, &empty, "train: is NULL, but must be a data set"},
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        mg_error error = {0};
        const mg_path_request request = {.C = paths[i].C, .resume = paths[i].resume, .rows = paths[i].rows};
        assert_int_equal(mg_path(config, &request, &result, &error), MG_USAGE);
        if (!strstr(error.text, paths[i].text)) fail_msg("%s", error.text);
    }
    mg_error error = {0};
    mg_cv_request cv = {.folds = 3, .rows = &both};
    assert_int_equal(mg_cv(config, &cv, &folds, &error), MG_USAGE);
    assert_string_equal(error.text, "validation: is not for a cross-validation: leave it out");
    cv = (mg_cv_request){.folds = 3, .rows = &rows, .overwrite = true};
    assert_int_equal(mg_cv(config, &cv, &folds, &error), MG_USAGE);
    assert_string_equal(error.text, "resume, overwrite: are only for a cross-validation with a directory");
    cv = (mg_cv_request){.folds = 500, .rows = &rows};
    assert_int_equal(mg_cv(config, &cv, &folds, &error), MG_USAGE);
    mg_config_destroy(config);
    free_arrays(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path), cmocka_unit_test(test_path_in_directory), cmocka_unit_test(test_cv),
        cmocka_unit_test(test_stop), cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
