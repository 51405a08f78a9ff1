// test_fit.c - mg_fit gives the bits of mg_train for the same rows, without copying them; how it is stopped.
#include "fit_arrays.h"

#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROWS = 240, CLASSES = 4 };

typedef struct variant {
    const char *name;
    bool prepared; // the preparation changes values, so the rows are copied
    bool dense;    // only dense rows: centred sparse rows cannot have a certificate
    const char *sets[8];
} variant;

static const variant variants[] = {
    {"sgd", false, false, {"train.solver=sgd", "train.epochs=3", "train.batch=32", "model.bias=1"}},
    {"dual, centred",
     false,
     true,
     {"train.tolerance=1e-3", "data.scale=standard", "model.C=0.1", "model.bias=2"}},
    {"newton", false, false, {"model.loss=softmax", "train.tolerance=1e-4", "data.scale=max-abs"}},
    {"prepared, class weights",
     true,
     false,
     {"data.rows=unit", "model.loss=one-vs-rest", "train.epochs=4", "model.class_weight=balanced"}},
    {"C auto", false, true, {"model.C=auto", "train.epochs=4"}},
    {"fraction", true, false, {"data.validation=0.3", "train.epochs=4", "train.seed=5"}},
};
enum { VARIANTS = sizeof variants / sizeof *variants };

static mg_config *configure_variant(const variant *v, const char *const *more) {
    const char *sets[32];
    int count = 0;
    for (int i = 0; v->sets[i]; i++) sets[count++] = v->sets[i];
    for (int i = 0; more[i]; i++) sets[count++] = more[i];
    sets[count] = NULL;
    return configure(sets);
}

static void train_file(const variant *v, const char *data, const char *directory) {
    char train[300], output[300];
    snprintf(train, sizeof train, "data.train=%s", data);
    snprintf(output, sizeof output, "output.directory=%s", directory);
    const char *const more[] = {train, output, "data.weights=w", "train.threads=1", NULL};
    mg_config *config = configure_variant(v, more);
    mg_train_result result;
    mg_error error = {0};
    const mg_train_request request = {0};
    if (mg_train(config, &request, &result, &error)) fail_msg("%s: %s", v->name, error.text);
    mg_config_destroy(config);
}

// The model files must be the same in every byte: weights, bias, labels, objective, lower bound, steps.
static void compare(const array_form *form, const variant *v, int64_t features) {
    const char *data = support_path("rows.h5"), *directory = support_path("run"),
               *own = support_path("own.h5"), *theirs = support_path("run/model.h5");
    char what[200];
    arrays a;
    mg_model *model;
    mg_fit_result result;
    mg_error error = {0};
    if (v->dense && form->sparse) return;
    snprintf(what, sizeof what, "%s, %s, %d features", form->name, v->name, (int)features);
    make_arrays(&a, form, ROWS, features, CLASSES);
    save_arrays(&a, form, data);
    support_remove(directory);
    train_file(v, data, directory);
    mg_config *config = configure_variant(v, (const char *const[]){"train.threads=2", NULL});
    const mg_fit_request request = {.train = &a.data};
    if (mg_fit(config, &request, &model, &result, &error)) fail_msg("%s: %s", what, error.text);
    if (mg_model_save(model, own, &error)) fail_msg("%s: %s", what, error.text);
    support_expect_same(theirs, own, what);
    bool lent = form->lent && !v->prepared, converted = form->sparse && form->indptr == MG_DATA_INT32;
    int64_t copied = result.copied_bytes;
    if (lent && copied != (converted ? 8 * (ROWS + 1) : 0)) fail_msg("%s: %ld copied", what, (long)copied);
    if (strcmp(v->name, "fraction")) assert_int_equal(result.converted_bytes, 8 * ROWS); // labels and weights
    if (!lent && (copied < ROWS || !result.copied_why[0])) fail_msg("%s: %ld copied", what, (long)copied);
    assert_string_equal(result.train.model_path, "");
    mg_model_destroy(model);
    mg_config_destroy(config);
    free_arrays(&a);
}

static void test_same_bits(void **unused) {
    (void)unused;
    for (int f = 0; f < ARRAY_FORMS; f++)
        for (int v = 0; v < VARIANTS; v++)
            if (!support_few() || (f + v) % 3 == 0) compare(&array_forms[f], &variants[v], 48);
    for (int v = 0; v < VARIANTS; v++) {
        compare(&array_forms[0], &variants[v], 37);
        compare(&array_forms[FORM_F32], &variants[v], 37);
        compare(&array_forms[FORM_CSR], &variants[v], 37);
    }
}

// A run leaves out features that occur nowhere. A program gets weights for them, which are 0.
static void test_unused_features(void **unused) {
    (void)unused;
    enum { USED = 40, APART = 500, WIDTH = USED * APART };
    const char *data = support_path("wide.h5"), *directory = support_path("wide");
    const array_form *form = &array_forms[FORM_CSR];
    arrays a;
    mg_model *models[2];
    mg_model_parts parts[2];
    mg_fit_result result;
    mg_error error = {0};
    make_arrays(&a, form, ROWS, USED, CLASSES);
    for (int64_t e = 0; e < a.csr.stored; e++) {
        a.csr_indices[e] = a.csr_indices[e] * APART + 3;
        ((int32_t *)a.indices)[e] = (int32_t)a.csr_indices[e];
    }
    a.data.features = WIDTH;
    save_arrays(&a, form, data);
    train_file(&variants[0], data, directory);
    mg_config *config = configure_variant(&variants[0], (const char *const[]){"train.threads=2", NULL});
    const mg_fit_request request = {.train = &a.data, .validation = &a.data};
    if (mg_fit(config, &request, &models[0], &result, &error)) fail_msg("%s", error.text);
    if (mg_model_load(support_path("wide/model.h5"), &models[1], &error)) fail_msg("%s", error.text);
    assert_non_null(strstr(result.copied_why, "occur in no training row"));
    for (int m = 0; m < 2; m++) {
        mg_model_get(models[m], &parts[m]);
        assert_int_equal(parts[m].features, WIDTH);
        for (int64_t i = 0; i < CLASSES * WIDTH; i++)
            assert_true((parts[m].weights[i] != 0) == (i % APART == 3));
    }
    for (int64_t e = 0; e < a.csr.stored; e++) // the program's arrays must not change
        assert_int_equal(((const int32_t *)a.indices)[e], a.csr_indices[e]);
    float *scores = malloc(sizeof(float) * ROWS * CLASSES);
    const mg_score_request wanted = {.data = &a.data, .threads = 2, .scores = scores};
    if (mg_model_score(models[1], &wanted, &error)) fail_msg("%s", error.text);
    for (int64_t i = 0; i < ROWS * CLASSES; i++) {
        const float *w = parts[1].weights + i % CLASSES * WIDTH;
        double expected = (double)parts[1].bias[i % CLASSES];
        for (int64_t e = a.csr_indptr[i / CLASSES]; e < a.csr_indptr[i / CLASSES + 1]; e++)
            expected += a.csr_values[e] * (double)w[a.csr_indices[e]];
        assert_true(fabs(expected - (double)scores[i]) < 1e-3);
    }
    free(scores);
    for (int m = 0; m < 2; m++) mg_model_destroy(models[m]);
    mg_config_destroy(config);
    free_arrays(&a);
}

// Rows with gaps between them are used in place, and the gaps are never read as cells.
static void test_row_bytes(void **unused) {
    (void)unused;
    enum { FEATURES = 32, APART = 41 };
    for (int v = 0; v < 3; v++) {
        arrays a;
        mg_model *models[2];
        mg_fit_result result;
        mg_error error = {0};
        make_arrays(&a, &array_forms[FORM_F32], ROWS, FEATURES, CLASSES);
        const char *files[2] = {support_path("apart.h5"), support_path("together.h5")};
        float *wide = malloc(sizeof(float) * (ROWS - 1) * APART + sizeof(float) * FEATURES);
        memset(wide, 0xff, sizeof(float) * (ROWS - 1) * APART); // NaN
        for (int64_t i = 0; i < ROWS; i++)
            memcpy(wide + i * APART, (float *)a.cells + i * FEATURES, sizeof(float) * FEATURES);
        for (int i = 0; i < 2; i++) {
            if (i == 0) a.dense = (mg_data_dense){MG_DATA_FLOAT32, wide, sizeof(float) * APART};
            else a.dense = (mg_data_dense){MG_DATA_FLOAT32, a.cells, 0};
            const mg_fit_request request = {.train = &a.data};
            if (fit_with(&request, variants[v].sets, &models[i], &result, &error)) fail_msg("%s", error.text);
            assert_int_equal(result.copied_bytes, 0);
            if (mg_model_save(models[i], files[i], &error)) fail_msg("%s", error.text);
            mg_model_destroy(models[i]);
        }
        support_expect_same(files[0], files[1], variants[v].name);
        free(wide);
        free_arrays(&a);
    }
}

// CSR rows with indices in any order are sorted in a copy; the program's arrays do not change.
static void test_unsorted(void **unused) {
    (void)unused;
    arrays a;
    mg_model *sorted, *unsorted;
    mg_fit_result result;
    mg_model_parts parts[2];
    mg_error error = {0};
    make_arrays(&a, &array_forms[FORM_CSR], ROWS, 48, CLASSES);
    const mg_fit_request request = {.train = &a.data};
    int32_t *indices = a.indices, index = indices[2];
    float *values = a.values, value = values[2];
    assert_int_equal(fit_with(&request, short_run, &sorted, &result, &error), MG_OK);
    indices[2] = indices[3], indices[3] = index;
    values[2] = values[3], values[3] = value;
    assert_int_equal(fit_with(&request, short_run, &unsorted, &result, &error), MG_OK);
    assert_non_null(strstr(result.copied_why, "do not ascend"));
    assert_int_equal(indices[3], index);
    mg_model_get(sorted, &parts[0]);
    mg_model_get(unsorted, &parts[1]);
    assert_memory_equal(parts[0].weights, parts[1].weights, sizeof(float) * 48 * CLASSES);
    mg_model_destroy(sorted);
    mg_model_destroy(unsorted);
    free_arrays(&a);
}

typedef struct watcher {
    volatile sig_atomic_t flag;
    int plans, ends;
    char messages[2000];
} watcher;

static void see_plan(void *context, const mg_plan *plan) {
    ((watcher *)context)->plans++;
    assert_null(plan->directory);
    assert_int_equal(plan->data.rows, ROWS);
}

static void see_progress(void *context, const mg_progress *progress) {
    watcher *w = context;
    w->ends += progress->epoch_end;
    if (w->ends == 3) w->flag = 1;
}

static void see_message(void *context, const char *line) {
    watcher *w = context;
    strncat(w->messages, line, sizeof w->messages - strlen(w->messages) - 1);
}

// `stop` ends the run without a model, `finish` with one, but not the trainings with which the model is
// calibrated. mg_train_stop has no effect on mg_fit.
static void test_stop(void **unused) {
    (void)unused;
    static const char *const long_run[] = {"train.solver=sgd", "sgd.eta=0.01", "train.epochs=50",
                                           "train.batch=16", NULL};
    static const char *const calibrated[] = {"train.solver=sgd", "sgd.eta=0.01", "train.epochs=9",
                                             "model.calibration=temperature", NULL};
    arrays a;
    mg_model *model;
    mg_fit_result result;
    make_arrays(&a, &array_forms[FORM_F32], ROWS, 48, CLASSES);
    for (int kind = 0; kind < 3; kind++) {
        bool finish = kind > 0;
        watcher w = {0};
        mg_error error = {0};
        const mg_observer observer = {&w, see_plan, see_progress, see_message, NULL};
        const mg_fit_request request = {.train = &a.data,
                                        .observer = &observer,
                                        .stop = finish ? NULL : &w.flag,
                                        .finish = finish ? &w.flag : NULL};
        assert_int_equal(fit_with(&request, kind == 2 ? calibrated : long_run, &model, &result, &error),
                         finish ? MG_OK : MG_STOPPED);
        assert_int_equal(w.plans, 1);
        assert_int_equal(w.ends, 3);
        if (!finish) assert_string_equal(error.text, "stopped at step 45 of 750");
        else assert_string_equal(result.train.reason, "asked to");
        if (finish) assert_int_equal(result.train.epoch, 3);
        if (kind == 2) assert_true(result.train.calibration.log_loss < 0.9 * log(CLASSES)); // of equal shares
        mg_model_destroy(model);
    }
    mg_train_stop();
    mg_error error = {0};
    const mg_fit_request request = {.train = &a.data};
    assert_int_equal(fit_with(&request, short_run, &model, &result, &error), MG_OK);
    mg_model_destroy(model);
    free_arrays(&a);
}

// With a directory, mg_fit writes the same files as mg_train; a stopped run is resumed to the same bits;
// other rows are refused.
static void test_in_directory(void **unused) {
    (void)unused;
    static const char *const sets[] = {"train.solver=sgd", "sgd.eta=0.01", "train.epochs=6", "train.batch=16",
                                       NULL};
    arrays a;
    mg_model *model;
    mg_fit_result result;
    mg_error error = {0};
    watcher w = {0};
    make_arrays(&a, &array_forms[FORM_F32], ROWS, 48, CLASSES);
    const mg_observer observer = {&w, NULL, see_progress, NULL, NULL};
    const char *stopped = support_path("stopped"), *whole = support_path("whole"),
               *own = support_path("own.h5");
    mg_fit_request request = {.train = &a.data, .directory = whole};
    assert_int_equal(fit_with(&request, sets, &model, &result, &error), MG_OK);
    assert_string_equal(result.train.model_path, support_path("whole/model.h5"));
    mg_model_destroy(model);
    request =
        (mg_fit_request){.train = &a.data, .directory = stopped, .observer = &observer, .stop = &w.flag};
    assert_int_equal(fit_with(&request, sets, &model, &result, &error), MG_STOPPED);
    assert_non_null(strstr(error.text, "checkpoint written to"));
    request = (mg_fit_request){.train = &a.data, .directory = stopped, .resume = true};
    // the second time the run is finished already, and does not train
    for (int again = 0; again < 2; again++) {
        if (fit_with(&request, sets, &model, &result, &error)) fail_msg("%s", error.text);
        assert_int_equal(mg_model_save(model, own, &error), MG_OK);
        support_expect_same(own, support_path("whole/model.h5"), "resumed");
        support_expect_same(support_path("stopped/model.h5"), own, "file and model");
        mg_model_destroy(model);
    }
    ((float *)a.cells)[0] += 1;
    assert_int_equal(fit_with(&request, sets, &model, &result, &error), MG_CONFIG);
    free_arrays(&a);
}

// A run that is given a model begins with its weights.
static void test_start(void **unused) {
    (void)unused;
    arrays a;
    mg_model *first, *second;
    mg_fit_result results[2];
    mg_error error = {0};
    make_arrays(&a, &array_forms[FORM_F32], ROWS, 48, CLASSES);
    mg_fit_request request = {.train = &a.data, .validation = &a.data};
    assert_int_equal(fit_with(&request, short_run, &first, &results[0], &error), MG_OK);
    assert_true(results[0].train.accuracy > 0.5);
    request.start = first;
    assert_int_equal(fit_with(&request, short_run, &second, &results[1], &error), MG_OK);
    assert_true(results[1].train.objective < results[0].train.objective);
    mg_model_destroy(first);
    mg_model_destroy(second);
    free_arrays(&a);
}

// Nothing is printed, and no file appears in the working directory.
static void test_silence(void **unused) {
    (void)unused;
    arrays a;
    mg_model *model;
    mg_error error = {0};
    make_arrays(&a, &array_forms[FORM_F32], ROWS, 48, CLASSES);
    const char *text = support_path("text"), *empty = support_path("empty");
    char here[4096];
    assert_int_equal(mkdir(empty, 0777), 0);
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(empty), 0);
    fflush(stdout);
    int out = dup(1), err = dup(2), file = open(text, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    dup2(file, 1), dup2(file, 2);
    const mg_fit_request request = {.train = &a.data};
    mg_status status =
        fit_with(&request, (const char *const[]){"train.tolerance=1e-3", NULL}, &model, NULL, &error);
    fflush(stdout);
    dup2(out, 1), dup2(err, 2);
    close(out), close(err), close(file);
    assert_int_equal(chdir(here), 0);
    assert_int_equal(status, MG_OK);
    size_t size;
    free(support_read(text, &size));
    assert_int_equal(size, 0);
    assert_int_equal(support_count(empty, ""), 0);
    mg_model_destroy(model);
    free_arrays(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits), cmocka_unit_test(test_unused_features),
        cmocka_unit_test(test_row_bytes), cmocka_unit_test(test_unsorted),
        cmocka_unit_test(test_stop),      cmocka_unit_test(test_in_directory),
        cmocka_unit_test(test_start),     cmocka_unit_test(test_silence),
    };
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
