// test_forge_models.c - if a sealed model has invalid content, everything that reads models refuses it, and
// the error names the field.
#include "support.h"
#include "support_forge.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "model/model.h"

#include <margin/calibrate.h>
#include <margin/convert.h>
#include <margin/measure.h>
#include <margin/predict.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int begin(void **unused) {
    if (support_begin(unused)) return 1;
    support_data(support_path("dense.h5"), SUPPORT_F32, 120, 7, 3, 1);
    return 0;
}

// A model of that run that is calibrated on its own training rows.
static const char *calibrated(const char *method) {
    char dense[600], model[600];
    mg_error error = {0};
    snprintf(dense, sizeof dense, "%s", support_path("dense.h5"));
    snprintf(model, sizeof model, "%s", support_path("run/model.h5"));
    assert_int_equal(
        mg_calibrate(&(mg_calibrate_request){.model = model, .data = dense, .method = method}, NULL, &error),
        MG_OK);
    return support_path("run/model.h5");
}

static const char *trained(void) {
    support_run run = support_new(support_path("dense.h5"), support_path("run"));
    support_set(&run, "train.epochs=4");
    run.overwrite = true;
    support_expect(&run, MG_OK);
    return support_path("run/model.h5");
}

// All functions that read a model report the same error.
static void expect_refused(const char *path, const char *field, const char *how) {
    mg_model *model;
    mg_predictor *predictor = NULL;
    mg_measurement *measurement = NULL;
    mg_error error = {0}, again = {0}, third = {0};
    mg_status status = mg_model_read(path, &model, &error);
    if (status != MG_DATA || model || strncmp(error.text, path, strlen(path)) || !strstr(error.text, field) ||
        strchr(error.text, '\n'))
        fail_msg("%s %s: status %d '%s'", field, how, status, error.text);
    assert_int_equal(
        mg_predictor_open(&(mg_predict_options){.model = path, .threads = 1}, &predictor, &again), MG_DATA);
    assert_string_equal(again.text, error.text);
    char dense[600];
    snprintf(dense, sizeof dense, "%s", support_path("dense.h5"));
    assert_int_equal(
        mg_measure(&(mg_measure_request){.model = path, .data = dense, .threads = 1}, &measurement, &third),
        MG_DATA);
    assert_string_equal(third.text, error.text);
}

static void test_models(void **unused) {
    (void)unused;
    static const struct {
        const char *field;
        long long place;
        double value;
    } numbers[] = {
        {"weights", 0, NAN},        {"weights", 20, INFINITY}, {"weights", 3, -INFINITY},
        {"bias", 2, NAN},           {"classes", 1, 0},         {"classes", 0, 7},
        {"classes", -1, 1},         {"delta", 0, NAN},         {"delta", 0, 0},
        {"delta", 0, -1},           {"delta", 0, INFINITY},    {"lambda", 0, NAN},
        {"lambda", 0, 0},           {"lambda", 0, -1},         {"lambda", 0, INFINITY},
        {"objective", 0, INFINITY}, {"objective", 0, NAN},     {"square_norm", 0, -1},
        {"square_norm", 0, NAN},    {"bias_value", 0, -1},     {"bias_value", 0, NAN},
        {"dual", 0, INFINITY},      {"step", 0, -1},           {"step", 0, 0x1p62},
        {"dual", 0, 1e300},         {"square_norm", 0, 0},     {"epoch", 0, -1},
        {"training_rows", 0, 0},    {"training_rows", 0, -5},  {"shares", 0, NAN},
        {"shares", 1, -1},          {"shares", 2, 1.5},        {"shares", 0, 1e-310},
        {"shares", -1, 1e-310},     {"shares", -1, 1},         {"shares", 1, 0},
        {"shares", -1, 0},          {"lambda", 0, 1e300},      {"lambda", 0, 1e-300},
        {"lambda", 0, 1e9},         {"square_norm", 0, 1e300}, {"square_norm", 0, 1e-9},
    };
    static const char *const texts[][2] = {{"rows", "sideways"}, {"rows", ""},   {"transform", "log2"},
                                           {"features", ""},     {"labels", ""}, {"loss", "foo"},
                                           {"loss", ""}};
    char path[4600];
    size_t size;
    unsigned char *bytes = support_read(trained(), &size);
    snprintf(path, sizeof path, "%s", support_path("forged.h5"));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        hid_t file = forge_open(bytes, size);
        assert_true(forge_set(file, numbers[i].field, numbers[i].place, numbers[i].value));
        forge_write(file, path);
        expect_refused(path, numbers[i].field, "value");
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        hid_t file = forge_open(bytes, size);
        forge_text(file, texts[i][0], texts[i][1]);
        forge_write(file, path);
        expect_refused(path, texts[i][0], texts[i][1]);
    }
    free(bytes);
}

// The norm of scaled features is at least that of their weights, and is bounded by the objective.
static void test_scaled(void **unused) {
    (void)unused;
    static const char *const scales[] = {"standard", "max-abs", "0.01"};
    static const struct {
        const char *field;
        double value;
    } numbers[] = {{"lambda", 1e9}, {"square_norm", 1e300}, {"square_norm", 1e6}, {"square_norm", 1e-9}};
    char path[4600];
    size_t size;
    for (int i = 0; i < 3; i++) {
        support_run run = support_new(support_path("dense.h5"), support_path("scaled"));
        support_set(&run, "train.epochs=4");
        support_set(&run, "data.scale=%s", scales[i]);
        run.overwrite = true;
        support_expect(&run, MG_OK);
        unsigned char *bytes = support_read(support_path("scaled/model.h5"), &size);
        snprintf(path, sizeof path, "%s", support_path("forged.h5"));
        for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++) {
            hid_t file = forge_open(bytes, size);
            assert_true(forge_set(file, numbers[n].field, 0, numbers[n].value));
            forge_write(file, path);
            expect_refused(path, numbers[n].field, scales[i]);
        }
        free(bytes);
    }
}

static void test_calibrations(void **unused) {
    (void)unused;
    static const struct {
        const char *field;
        long long place;
        double value;
    } numbers[] = {
        {"calibration_temperature", 0, NAN},
        {"calibration_temperature", 0, 0},
        {"calibration_temperature", 0, -1},
        {"calibration_temperature", 0, INFINITY},
        {"calibration_temperature", 0, 1e-70},
        {"calibration_temperature", 0, 1e60},
        {"calibration/slope", 1, NAN},
        {"calibration/slope", 0, INFINITY},
        {"calibration/slope", 2, 1e80},
        {"calibration/intercept", 2, NAN},
        {"calibration/intercept", 0, -1e50},
        {"calibration/shares", -1, 1e-310},
        {"calibration/shares", -1, 1},
        {"calibration/shares", 2, 0},
        {"calibration_rows", 0, 0},
        {"calibration_rows", 0, -1},
        {"calibration_log_loss", 0, NAN},
        {"calibration_log_loss", 0, -1},
        {"calibration_log_loss_before", 0, NAN},
        {"calibration_ece", 0, 2},
        {"calibration_ece_before", 0, -1},
        {"calibration_ece", 0, NAN},
        {"format_version", 0, 1},
        {"format_version", 0, 4},
    };
    char path[4600];
    trained();
    snprintf(path, sizeof path, "%s", support_path("forged.h5"));
    for (int sigmoid = 0; sigmoid < 2; sigmoid++) {
        size_t size;
        unsigned char *bytes = support_read(calibrated(sigmoid ? "sigmoid" : "temperature"), &size);
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
            const char *field = numbers[i].field;
            if (sigmoid ? !strcmp(field, "calibration_temperature") : strchr(field, '/') != NULL) continue;
            hid_t file = forge_open(bytes, size);
            assert_true(forge_set(file, field, numbers[i].place, numbers[i].value));
            forge_write(file, path);
            expect_refused(path, field, "value");
        }
        static const char *const methods[] = {"", "none", "platt", "sigmoid", "temperature"};
        for (int m = 0; m < 4; m++) {
            hid_t file = forge_open(bytes, size);
            forge_text(file, "calibration", methods[m == 3 ? 3 + sigmoid : m]);
            forge_write(file, path);
            expect_refused(path, "calibration", methods[m]);
        }
        free(bytes);
    }
}

// True for what older models lack, and what may be missing: how 0 removes it.
static bool is_optional(const char *name) {
    return !strcmp(name, "shares") || !strcmp(name, "calibration/shares") || !strcmp(name, "scale");
}

static void expect_shapes_refused(const char *model) {
    char path[4600], how_text[20];
    size_t size;
    unsigned char *bytes = support_read(model, &size);
    forge_names all = forge_fields(bytes, size);
    snprintf(path, sizeof path, "%s", support_path("forged.h5"));
    for (int f = 0; f < all.count; f++)
        for (int how = 0; how < FORGE_SHAPES; how++) {
            if (how == 0 && is_optional(all.name[f])) continue;
            hid_t file = forge_open(bytes, size);
            forge_reshape(file, all.name[f], how);
            forge_write(file, path);
            snprintf(how_text, sizeof how_text, "shape %d", how);
            // valid by itself, but the bias does not fit
            bool fits = !strcmp(all.name[f], "weights") && how == 6;
            expect_refused(path, fits ? "bias" : all.name[f], how_text);
        }
    free(bytes);
}

static void test_model_shapes(void **unused) {
    (void)unused;
    expect_shapes_refused(trained());
    expect_shapes_refused(calibrated("temperature"));
    expect_shapes_refused(calibrated("sigmoid"));
}

// A run has factors of 1e-37 to 1e37 or 0, and finite weights of scaled columns.
static void test_scales(void **unused) {
    (void)unused;
    static const double values[] = {1e-45, 1e38, -1, NAN, INFINITY};
    char path[4600];
    size_t size;
    support_run run = support_new(support_path("dense.h5"), support_path("run"));
    support_set(&run, "train.epochs=4");
    support_set(&run, "data.scale=standard");
    run.overwrite = true;
    support_expect(&run, MG_OK);
    unsigned char *bytes = support_read(support_path("run/model.h5"), &size);
    snprintf(path, sizeof path, "%s", support_path("forged.h5"));
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        hid_t file = forge_open(bytes, size);
        assert_true(forge_set(file, "scale", 3, values[i]));
        forge_write(file, path);
        expect_refused(path, "scale", "value");
    }
    static const double pairs[][2] = {{1e-37, 1e30}, {0, 1}}; // factor and weight
    for (int i = 0; i < 2; i++) {
        hid_t file = forge_open(bytes, size);
        assert_true(forge_set(file, "scale", 3, pairs[i][0]) && forge_set(file, "weights", 3, pairs[i][1]));
        forge_write(file, path);
        expect_refused(path, "scale", "weight");
    }
    free(bytes);
}

static void convert_texts(const char *path) {
    static const char lines[] = "x\tan apple\ny\ta bear\nx\tapple jam\ny\tbear cat\n";
    char input[4600];
    mg_error error = {0};
    snprintf(input, sizeof input, "%s", support_path("texts.tsv"));
    support_write(input, lines, sizeof lines - 1);
    const char *inputs[] = {input};
    const mg_convert_setting settings[] = {{"bits", "10"}, {"weighting", "tf-idf"}};
    mg_convert_options options = {.format = "text",
                                  .inputs = inputs,
                                  .input_count = 1,
                                  .output = path,
                                  .settings = settings,
                                  .setting_count = 2};
    assert_int_equal(mg_convert(&options, NULL, &error), MG_OK);
}

// Raw texts are weighted by the idf table, so it must be the one of which the recipe has the digest.
static void test_idf(void **unused) {
    (void)unused;
    static const char *const recipes[] = {
        "format: text\nbits: 10\nweighting: tf-idf\nidf_digest: 0000000000000000\n",
        "format: text\nbits: 10\nweighting: tf-idf\n", "format: csv\n"};
    char texts[4600], path[4600];
    size_t size;
    snprintf(texts, sizeof texts, "%s", support_path("texts.h5"));
    convert_texts(texts);
    support_run run = support_new(texts, support_path("texts"));
    support_set(&run, "train.epochs=2");
    support_expect(&run, MG_OK);
    unsigned char *bytes = support_read(support_path("texts/model.h5"), &size);
    snprintf(path, sizeof path, "%s", support_path("forged.h5"));
    for (int i = 0; i < 6; i++) {
        hid_t file = forge_open(bytes, size);
        if (i < 3) forge_text(file, "recipe", recipes[i]);
        else if (i == 3) assert_true(forge_set(file, "idf", 5, 7));
        else forge_delete(file, "idf");
        if (i == 5) forge_text(file, "recipe", "format: csv\nmissing: median\n");
        forge_write(file, path);
        expect_refused(path, i == 5 ? "fill is missing" : i == 4 ? "idf is missing" : "idf", "digest");
    }
    free(bytes);
    hid_t file = H5Fopen(texts, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(forge_set(file, "text/idf", 5, 7) && H5Fclose(file) >= 0);
    run = support_new(texts, support_path("again"));
    support_expect(&run, MG_DATA);
    assert_non_null(strstr(run.error.text, "texts.h5: idf has the digest"));
}

// The values of a one-hot column are in the names of its features.
static void test_one_hot(void **unused) {
    (void)unused;
    char path[4600];
    size_t size;
    unsigned char *bytes = support_read(trained(), &size);
    snprintf(path, sizeof path, "%s", support_path("forged.h5"));
    hid_t file = forge_open(bytes, size), type = H5Tcopy(H5T_C_S1);
    static const char names[7][8] = {"a", "b", "c", "d", "col=red", "col=blu", "e"};
    hsize_t count = 7;
    H5Tset_size(type, sizeof names[0]);
    hid_t space = H5Screate_simple(1, &count, NULL);
    hid_t set = H5Dcreate2(file, "names", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, names) >= 0);
    H5Dclose(set), H5Sclose(space), H5Tclose(type);
    forge_text(file, "recipe", "format: csv\none-hot: features:5=col\n");
    forge_write(file, path);
    mg_model *model;
    mg_error error = {0};
    assert_int_equal(mg_model_read(path, &model, &error), MG_OK);
    mg_model_free(model);
    free(bytes);
    bytes = support_read(path, &size);
    file = forge_open(bytes, size);
    forge_text(file, "recipe", "format: csv\none-hot: features:5=kol\n");
    forge_write(file, path);
    expect_refused(path, "one-hot column 'kol'", "recipe");
    free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_models),       cmocka_unit_test(test_scaled),
        cmocka_unit_test(test_calibrations), cmocka_unit_test(test_model_shapes),
        cmocka_unit_test(test_scales),       cmocka_unit_test(test_idf),
        cmocka_unit_test(test_one_hot)};
    return cmocka_run_group_tests(tests, begin, support_end);
}
