// test_gradcheck.c - the gradient check passes for every loss and every kind of data, and detects errors that
// are made on purpose.
#include "base/memory.h"
#include "base/rng.h"
#include "io/file.h"
#include "inspect/gradcheck.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 200, FEATURES = 37, CLASSES = 5 };

static char path[64];

static double uniform(uint64_t i) { return (double)(mg_rng_at(7, i) >> 11) * 0x1p-53; }

static void put(hid_t at, const char *name, hid_t type, int rank, const hsize_t *dims, const void *data) {
    hid_t space = H5Screate_simple(rank, dims, NULL);
    hid_t set = H5Dcreate2(at, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    H5Dclose(set);
    H5Sclose(space);
}

static void put_csr(hid_t file, const float *x) {
    static float values[ROWS * FEATURES];
    static int32_t indices[ROWS * FEATURES];
    int64_t indptr[ROWS + 1] = {0}, stored = 0, shape[2] = {ROWS, FEATURES};
    for (int i = 0; i < ROWS; i++) {
        for (int d = 0; d < FEATURES; d++)
            if (x[i * FEATURES + d] != 0) indices[stored] = d, values[stored++] = x[i * FEATURES + d];
        indptr[i + 1] = stored;
    }
    hid_t group = H5Gcreate2(file, "S", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    put(group, "data", H5T_NATIVE_FLOAT, 1, &(hsize_t){(hsize_t)stored}, values);
    put(group, "indices", H5T_NATIVE_INT32, 1, &(hsize_t){(hsize_t)stored}, indices);
    put(group, "indptr", H5T_NATIVE_INT64, 1, &(hsize_t){ROWS + 1}, indptr);
    hid_t space = H5Screate_simple(1, &(hsize_t){2}, NULL);
    hid_t attribute = H5Acreate2(group, "shape", H5T_NATIVE_INT64, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(attribute, H5T_NATIVE_INT64, shape);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Gclose(group);
}

// Writes X (dense floats), B (bytes), S (sparse), y (labels) and w (weights), with a constant column, a
// column of another size, and rows without values.
static int begin(void **unused) {
    (void)unused;
    static float x[ROWS * FEATURES], sparse[ROWS * FEATURES], w[ROWS];
    static uint8_t b[ROWS * FEATURES];
    static int64_t y[ROWS];
    strcpy(path, "/tmp/margin_gradcheck_XXXXXX");
    int fd = mkstemp(path);
    if (fd < 0) return -1;
    close(fd);
    for (int i = 0; i < ROWS; i++) {
        y[i] = (int64_t)(uniform((uint64_t)i) * CLASSES);
        w[i] = (float)(0.5 + uniform((uint64_t)(5000 + i)));
        for (int d = 0; d < FEATURES; d++) {
            int at = i * FEATURES + d;
            double u = uniform((uint64_t)(10000 + at));
            x[at] = d == 3 ? 2.5f : (float)((u - 0.3) * (d == 5 ? 40 : 1) + (d == 7 ? 3 : 0));
            b[at] = (uint8_t)(255 * u);
            sparse[at] = uniform((uint64_t)(50000 + at)) < 0.2 && i % 50 ? (float)(1 + floor(9 * u)) : 0;
        }
    }
    const hsize_t dims[2] = {ROWS, FEATURES};
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    put(file, "X", H5T_NATIVE_FLOAT, 2, dims, x);
    put(file, "B", H5T_NATIVE_UINT8, 2, dims, b);
    put(file, "y", H5T_NATIVE_INT64, 1, dims, y);
    put(file, "w", H5T_NATIVE_FLOAT, 1, dims, w);
    put_csr(file, sparse);
    H5Fclose(file);
    return 0;
}

static int end(void **unused) {
    (void)unused;
    return unlink(path);
}

static mg_config *configure(const char *const *sets, int count) {
    mg_config *config;
    mg_error error;
    const char *all[16];
    char data[100];
    snprintf(data, sizeof data, "data.train=%s", path);
    all[0] = data;
    for (int i = 0; i < count; i++) all[i + 1] = sets[i];
    if (mg_config_load(NULL, all, count + 1, &config, &error)) fail_msg("%s", error.text);
    return config;
}

static void test_passes(void **unused) {
    (void)unused;
    static const char *const cases[][5] = {
        {"data.features=X"},
        {"data.features=X", "data.scale=standard", "data.weights=w"},
        {"data.features=X", "data.scale=max-abs", "model.bias=0"},
        {"data.features=X", "data.rows=unit", "model.bias=3", "model.delta=0.01"},
        {"data.features=B", "data.scale=1/255", "model.lambda=10"},
        {"data.features=B", "data.scale=standard", "model.delta=1000", "model.class_weight=balanced"},
        {"data.features=S"},
        {"data.features=S", "data.rows=total", "data.transform=log1p", "data.scale=max-abs",
         "data.weights=w"},
        {"data.features=S", "data.rows=unit", "data.scale=standard"},
        {"data.features=S", "data.validation=0.3", "train.threads=3", "train.seed=5"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        int count = 0;
        while (count < 5 && cases[c][count]) count++;
        mg_config *config = configure(cases[c], count);
        mg_gradcheck_report report, again;
        mg_error error;
        if (mg_gradcheck(config, 40, &report, &error)) fail_msg("%s", error.text);
        for (int i = 0; i < report.count; i++) {
            const mg_gradcheck_result *one = &report.results[i];
            if (!one->passed)
                fail_msg("case %zu: %s: by score %g, by weight %g (%g), %lld rows", c, one->loss,
                         one->score_error, one->weight_error, one->weight_allowed, (long long)one->rows);
            assert_int_equal(one->rows + one->skipped, 40);
            assert_true(one->weights > 50);
        }
        assert_true(report.passed && report.count >= 7);
        assert_int_equal(mg_gradcheck(config, 40, &again, &error), MG_OK);
        assert_memory_equal(report.results, again.results, (size_t)report.count * sizeof *report.results);
        mg_config_destroy(config);
    }
}

// ---- errors that must be detected -----------------------------------------------------------------

static const mg_loss *right;

static float row_scaled(int64_t lanes, float *scores, int64_t y, float delta, float *coef) {
    float value = right->row(lanes, scores, y, delta, coef);
    for (int64_t k = 0; k < lanes; k++) coef[k] *= 1.0001f;
    return value;
}

static float row_other_class(int64_t lanes, float *scores, int64_t y, float delta, float *coef) {
    float value = right->row(lanes, scores, y, delta, coef), first = coef[0];
    coef[0] = coef[1];
    coef[1] = first;
    return value;
}

static float row_not_a_number(int64_t lanes, float *scores, int64_t y, float delta, float *coef) {
    float value = right->row(lanes, scores, y, delta, coef);
    coef[y] = NAN;
    return value;
}

static double value_scaled(int64_t classes, const double *scores, int64_t y, double delta) {
    return 0.999 * right->value(classes, scores, y, delta);
}

typedef struct fixture {
    mg_config *config; // the others point into it, so it must outlive them
    mg_dataset *data;
    mg_scale scale;
    mg_team team;
    mg_problem problem;
    mg_gradsample sample;
} fixture;

static void open_fixture(fixture *f) {
    mg_error error;
    const mg_dataset_request request = {
        .path = path, .features = "X", .labels = "y", .window_bytes = 1 << 20, .survey = true};
    *f = (fixture){.team.threads = 1};
    if (mg_dataset_open(&request, &f->data, &error) ||
        mg_scale_create("standard", &f->data->moments, &f->scale, &error))
        fail_msg("%s", error.text);
    f->problem = (mg_problem){
        .rows = f->data->count,
        .features = FEATURES,
        .classes = f->data->classes.count,
        .layout = MG_DENSE,
        .cell = f->data->cell,
        .delta = 1,
        .lambda = 0.1,
        .bias = 1,
        .scale = f->scale.scale,
        .center = f->scale.center,
        .batch = 16,
        .parts = 1,
        .mean_square_norm = mg_scale_mean_square_norm(&f->scale, &f->data->moments) + 1,
        .values_per_row = FEATURES,
        .steps_per_epoch = 1,
        .total_steps = 1,
        .team = &f->team,
    };
    assert_int_equal(mg_kernel_select(&f->problem.kernel, &error), MG_OK);
    if (mg_gradsample_create(f->data, &f->problem, 32, 1, &f->sample, &error)) fail_msg("%s", error.text);
}

static void close_fixture(fixture *f) {
    mg_gradsample_destroy(&f->sample);
    mg_scale_destroy(&f->scale);
    mg_dataset_close(f->data);
}

static void test_finds_wrong_losses(void **unused) {
    (void)unused;
    fixture f;
    mg_gradcheck_result result;
    open_fixture(&f);
    for (int i = 0; (right = mg_loss_at(i)); i++) {
        mg_loss wrong[4] = {*right, *right, *right, *right};
        wrong[0].row = row_scaled;
        wrong[1].row = row_other_class;
        wrong[2].row = row_not_a_number;
        wrong[3].value = value_scaled;
        assert_int_equal(mg_gradcheck_loss(&f.sample, right, &result, NULL), MG_OK);
        assert_true(result.passed);
        for (int w = 0; w < 4; w++) {
            assert_int_equal(mg_gradcheck_loss(&f.sample, &wrong[w], &result, NULL), MG_OK);
            if (result.passed) fail_msg("%s, defect %d was not detected", right->name, w);
            assert_true(!(result.score_error <= MG_GRADCHECK_ALLOWED));
        }
    }
    close_fixture(&f);
}

// If the weights do not belong to the scores after folding, the step detects it for every loss that has
// curvature.
static void test_finds_wrong_folding(void **unused) {
    (void)unused;
    fixture f;
    mg_gradcheck_result result;
    open_fixture(&f);
    f.sample.weights.offset[1] += 0.01f;
    for (int i = 0; mg_loss_at(i); i++) {
        assert_int_equal(mg_gradcheck_loss(&f.sample, mg_loss_at(i), &result, NULL), MG_OK);
        assert_true(result.score_error <= MG_GRADCHECK_ALLOWED);
        bool curved = strstr(mg_loss_at(i)->name, "squared") || !strcmp(mg_loss_at(i)->name, "softmax");
        if (curved) assert_true(result.weight_error > 10 * result.weight_allowed);
    }
    close_fixture(&f);
}

static void test_kinks_are_skipped(void **unused) {
    (void)unused;
    fixture f;
    mg_gradcheck_result result;
    open_fixture(&f);
    const mg_loss *loss = mg_loss_find("crammer-singer");
    for (int i = 0; i < 8; i++) { // exactly on the kink: the score of the strongest rival is delta lower
        double *scores = f.sample.scores + i * f.problem.classes;
        for (int64_t k = 0; k < f.problem.classes; k++)
            scores[k] = k == f.sample.label[i] ? 1 : k == (f.sample.label[i] + 1) % CLASSES ? 0 : -9;
    }
    assert_int_equal(mg_gradcheck_loss(&f.sample, loss, &result, NULL), MG_OK);
    assert_int_equal(result.skipped, 8);
    assert_true(result.score_error <= MG_GRADCHECK_ALLOWED);
    close_fixture(&f);
}

static void test_refusals(void **unused) {
    (void)unused;
    mg_gradcheck_report report;
    mg_error error;
    mg_config *config = configure(NULL, 0);
    assert_int_equal(mg_gradcheck(config, 0, &report, &error), MG_USAGE);
    mg_config_destroy(config);
    config = configure((const char *const[]){"data.features=nope"}, 1);
    assert_int_equal(mg_gradcheck(config, 32, &report, &error), MG_DATA);
    mg_config_destroy(config);
}

static void test_command(void **unused) {
    (void)unused;
    char command[400];
    snprintf(command, sizeof command,
             "%s gradcheck --set data.train=%s --set data.scale=standard --rows 20 >/dev/null", MG_MARGIN,
             path);
    assert_int_equal(system(command), 0);
    if (system("python3 -c pass 2>/dev/null")) return;
    snprintf(
        command, sizeof command,
        "%s gradcheck --set data.train=%s --json | python3 -c \"import json, sys; d = json.load(sys.stdin); "
        "assert d['passed'] is True and len(d['losses']) >= 7 and d['rows'] == 32\"",
        MG_MARGIN, path);
    assert_int_equal(system(command), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passes),
        cmocka_unit_test(test_finds_wrong_losses),
        cmocka_unit_test(test_finds_wrong_folding),
        cmocka_unit_test(test_kinks_are_skipped),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_command),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
