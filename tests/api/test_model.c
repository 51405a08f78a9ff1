// test_model.c - mg_model_*: creating a model from parts, its file, and scores in the arrays of a program.
#include "fit_arrays.h"

#include "base/memory.h"

#include <math.h>
#include <pthread.h>

enum { ROWS = 300, CLASSES = 4 };

static mg_model *fitted(const mg_data *data, const char *loss) {
    char set[64];
    mg_model *model;
    mg_error error = {0};
    snprintf(set, sizeof set, "model.loss=%s", loss);
    mg_config *config =
        configure((const char *const[]){set, "train.tolerance=1e-2", "data.scale=max-abs", NULL});
    const mg_fit_request request = {.train = data};
    if (mg_fit(config, &request, &model, NULL, &error)) fail_msg("%s", error.text);
    mg_config_destroy(config);
    return model;
}

typedef struct answers {
    float *scores, *probabilities, *top_scores;
    int32_t *best, *top;
    int64_t *labels;
} answers;

static answers make_answers(int64_t rows, int64_t classes) {
    size_t n = (size_t)(rows * classes);
    return (answers){calloc(n, 4), calloc(n, 4), calloc(n, 4), calloc(n, 4), calloc(n, 4), calloc(n, 8)};
}

static void free_answers(answers *a) {
    void *const blocks[] = {a->scores, a->probabilities, a->top_scores, a->best, a->top, a->labels};
    for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++) free(blocks[b]);
}

static mg_score_request request_of(const mg_data *data, const answers *to, int threads) {
    return (mg_score_request){.data = data,
                              .threads = threads,
                              .scores = to->scores,
                              .best = to->best,
                              .labels = to->labels,
                              .top = CLASSES - 1,
                              .top_classes = to->top,
                              .top_scores = to->top_scores};
}

// For arrays of all types, scores by one thread and by three agree with sums in double.
static void test_scores(void **unused) {
    (void)unused;
    for (int f = 0; f < ARRAY_FORMS; f++)
        for (int64_t features = 37; features <= 48; features += 11) {
            arrays a;
            mg_model_parts parts;
            mg_error error = {0};
            make_arrays(&a, &array_forms[f], ROWS, features, CLASSES);
            mg_model *model = fitted(&a.data, "crammer-singer");
            answers one = make_answers(ROWS, CLASSES), three = make_answers(ROWS, CLASSES);
            mg_score_request request = request_of(&a.data, &one, 1);
            if (mg_model_score(model, &request, &error)) fail_msg("%s", error.text);
            request = request_of(&a.data, &three, 3);
            if (mg_model_score(model, &request, &error)) fail_msg("%s", error.text);
            mg_model_get(model, &parts);
            int right = 0;
            for (int64_t i = 0; i < ROWS; i++) {
                const float *scores = one.scores + i * CLASSES;
                int32_t best = 0;
                for (int k = 0; k < CLASSES; k++) {
                    double sum = (double)parts.bias[k], size = fabs(sum);
                    for (int64_t d = 0; d < features; d++) {
                        double term = (double)parts.weights[k * features + d] * a.x[i * features + d];
                        sum += term, size += fabs(term);
                    }
                    if (fabs(sum - (double)scores[k]) > 1e-5 * size)
                        fail_msg("%s: %g, not %g", array_forms[f].name, (double)scores[k], sum);
                    if (scores[k] > scores[best]) best = k;
                }
                assert_int_equal(one.best[i], best);
                assert_int_equal(one.labels[i], parts.labels[best]);
                assert_int_equal(one.top[i * (CLASSES - 1)], best);
                right += one.labels[i] == a.labels[i];
                for (int t = 0; t < CLASSES - 1; t++) {
                    int64_t at = i * (CLASSES - 1) + t;
                    assert_true(one.top_scores[at] == scores[one.top[at]]);
                    assert_true(!t || one.top_scores[at] <= one.top_scores[at - 1]);
                }
            }
            assert_true(right > ROWS / 2);
            assert_memory_equal(one.scores, three.scores, sizeof(float) * ROWS * CLASSES);
            assert_memory_equal(one.top, three.top, sizeof(int32_t) * ROWS * (CLASSES - 1));
            free_answers(&one);
            free_answers(&three);
            mg_model_destroy(model);
            free_arrays(&a);
        }
}

typedef struct scorer {
    pthread_t thread;
    const mg_model *model;
    mg_score_request request;
    answers to;
    mg_status status;
} scorer;

static void *score_again(void *context) {
    scorer *s = context;
    mg_error error;
    for (int i = 0; !s->status && i < 20; i++) s->status = mg_model_score(s->model, &s->request, &error);
    return NULL;
}

// Several threads score with one new model at the same time. The first call stores what it has prepared with
// the model; later calls allocate nothing that remains.
static void test_shared(void **unused) {
    (void)unused;
    enum { THREADS = 4 };
    const int64_t before = mg_memory_live();
    for (int f = FORM_F32; f <= FORM_CSR; f += FORM_CSR - FORM_F32)
        for (int64_t features = 37; features <= 48; features += 11) {
            arrays a;
            mg_error error = {0};
            scorer s[THREADS] = {0};
            make_arrays(&a, &array_forms[f], ROWS, features, CLASSES);
            mg_model *model = fitted(&a.data, "crammer-singer");
            for (int t = 0; t < THREADS; t++) {
                s[t].model = model;
                s[t].to = make_answers(ROWS, CLASSES);
                s[t].request = request_of(&a.data, &s[t].to, 1);
                pthread_create(&s[t].thread, NULL, score_again, &s[t]);
            }
            for (int t = 0; t < THREADS; t++) pthread_join(s[t].thread, NULL);
            int64_t kept = mg_memory_live();
            assert_int_equal(mg_model_score(model, &s[0].request, &error), MG_OK);
            assert_int_equal(mg_memory_live(), kept);
            for (int t = 0; t < THREADS; t++) {
                assert_int_equal(s[t].status, MG_OK);
                assert_memory_equal(s[t].to.scores, s[0].to.scores, sizeof(float) * ROWS * CLASSES);
            }
            for (int t = 0; t < THREADS; t++) free_answers(&s[t].to);
            mg_model_destroy(model);
            free_arrays(&a);
        }
    assert_int_equal(mg_memory_live(), before);
}

static void test_probabilities(void **unused) {
    (void)unused;
    arrays a;
    mg_error error = {0};
    make_arrays(&a, &array_forms[FORM_F32], ROWS, 48, CLASSES);
    mg_model *softmax = fitted(&a.data, "softmax"), *hinge = fitted(&a.data, "crammer-singer");
    answers to = make_answers(ROWS, CLASSES);
    const mg_score_request request = {
        .data = &a.data, .scores = to.scores, .probabilities = to.probabilities};
    assert_int_equal(mg_model_score(softmax, &request, &error), MG_OK);
    for (int64_t i = 0; i < ROWS; i++) {
        double sum = 0, all = 0;
        for (int k = 0; k < CLASSES; k++) sum += exp((double)to.scores[i * CLASSES + k]);
        for (int k = 0; k < CLASSES; k++) {
            double p = (double)to.probabilities[i * CLASSES + k];
            assert_true(fabs(p - exp((double)to.scores[i * CLASSES + k]) / sum) < 1e-5);
            all += p;
        }
        assert_true(fabs(all - 1) < 1e-5);
    }
    assert_int_equal(mg_model_score(hinge, &request, &error), MG_CONFIG);
    assert_non_null(strstr(error.text, "are not probabilities"));
    free_answers(&to);
    mg_model_destroy(softmax);
    mg_model_destroy(hinge);
    free_arrays(&a);
}

// The preparation is part of the model: rows are given unprepared, and get the scores of prepared rows.
static void test_prepared(void **unused) {
    (void)unused;
    enum { FEATURES = 40 };
    for (int sparse = 0; sparse < 2; sparse++) {
        arrays a;
        mg_model *model;
        mg_model_parts parts;
        mg_error error = {0};
        make_arrays(&a, &array_forms[sparse ? FORM_CSR : 0], ROWS, FEATURES, CLASSES);
        mg_config *config = configure(
            (const char *const[]){"data.rows=unit", "data.transform=log1p", "train.tolerance=1e-2", NULL});
        const mg_fit_request request = {.train = &a.data};
        if (mg_fit(config, &request, &model, NULL, &error)) fail_msg("%s", error.text);
        mg_model_get(model, &parts);
        assert_string_equal(parts.rows, "unit");
        assert_string_equal(parts.transform, "log1p");
        answers to = make_answers(ROWS, CLASSES);
        const mg_score_request score = request_of(&a.data, &to, 1);
        if (mg_model_score(model, &score, &error)) fail_msg("%s", error.text);
        for (int64_t i = 0; i < ROWS; i++) {
            double square = 0;
            for (int d = 0; d < FEATURES; d++) square += a.x[i * FEATURES + d] * a.x[i * FEATURES + d];
            for (int k = 0; k < CLASSES; k++) {
                double sum = (double)parts.bias[k];
                for (int d = 0; d < FEATURES; d++)
                    sum +=
                        (double)parts.weights[k * FEATURES + d] * log1p(a.x[i * FEATURES + d] / sqrt(square));
                if (fabs(sum - (double)to.scores[i * CLASSES + k]) > 1e-5) fail_msg("row %d", (int)i);
            }
        }
        free_answers(&to);
        mg_model_destroy(model);
        mg_config_destroy(config);
        free_arrays(&a);
    }
}

// Rows of a type that is converted, in more than one window: every row gets its own scores.
static void test_many_rows(void **unused) {
    (void)unused;
    enum { MANY = 30000, FEATURES = 100 };
    arrays a;
    mg_error error = {0};
    make_arrays(&a, &array_forms[4], MANY, FEATURES, CLASSES);
    mg_data few = a.data;
    few.rows = 400;
    mg_model *model = fitted(&few, "crammer-singer");
    answers all = make_answers(MANY, CLASSES), some = make_answers(MANY, CLASSES);
    mg_score_request request = request_of(&a.data, &all, 2);
    assert_int_equal(mg_model_score(model, &request, &error), MG_OK);
    for (int64_t first = 0; first < MANY; first += 7777) {
        mg_data_dense dense = {MG_DATA_FLOAT64, (double *)a.cells + first * FEATURES, 0};
        mg_data piece = {
            .rows = first + 7777 < MANY ? 7777 : MANY - first, .features = FEATURES, .dense = &dense};
        answers at = some;
        at.scores += first * CLASSES, at.best += first, at.labels += first;
        at.top += first * (CLASSES - 1), at.top_scores += first * (CLASSES - 1);
        request = request_of(&piece, &at, 1);
        assert_int_equal(mg_model_score(model, &request, &error), MG_OK);
    }
    assert_memory_equal(all.scores, some.scores, sizeof(float) * MANY * CLASSES);
    assert_memory_equal(all.labels, some.labels, sizeof(int64_t) * MANY);
    free_answers(&all);
    free_answers(&some);
    mg_model_destroy(model);
    free_arrays(&a);
}

static void expect(const mg_model *model, const mg_score_request *request, mg_status status,
                   const char *text) {
    mg_error error = {0};
    mg_status found = mg_model_score(model, request, &error);
    if (found != status || !strstr(error.text, text))
        fail_msg("status %d, '%s', not %d, '%s'", (int)found, error.text, (int)status, text);
}

static void test_refusals(void **unused) {
    (void)unused;
    arrays a, wide, sparse;
    make_arrays(&a, &array_forms[FORM_F32], ROWS, 48, CLASSES);
    make_arrays(&wide, &array_forms[FORM_F32], 10, 64, CLASSES);
    make_arrays(&sparse, &array_forms[FORM_CSR], ROWS, 48, CLASSES);
    mg_model *model = fitted(&a.data, "crammer-singer");
    answers to = make_answers(ROWS, CLASSES);
    const volatile sig_atomic_t stop = 1;
    mg_score_request request = request_of(&a.data, &to, 2);
    ((float *)a.cells)[290 * 48 + 3] = NAN; // used in place, so it is noticed when it is scored
    expect(model, &request, MG_DATA, "data: X[290, 3] is nan; only finite float32 values are allowed");
    mg_model_parts parts;
    mg_model_get(model, &parts);
    for (int d = 0; d < 48; d++) ((float *)a.cells)[290 * 48 + d] = copysignf(3e38f, parts.weights[d]);
    expect(model, &request, MG_DATA, "data: X[290]: its scores are beyond the range of single precision");
    ((float *)sparse.values)[20] = NAN;
    request.data = &sparse.data;
    expect(model, &request, MG_DATA, "is nan; only finite");
    request.data = &wide.data;
    expect(model, &request, MG_DATA, "data: has 64 features but there are 48 in the model");
    request = request_of(&a.data, &to, 1);
    request.top = 0;
    expect(model, &request, MG_USAGE, "top: 0 is not allowed (1 to 4)");
    request.top = 1, request.top_classes = NULL;
    expect(model, &request, MG_USAGE, "top_scores: is given, but top_classes is NULL");
    for (int d = 0; d < 48; d++) ((float *)a.cells)[290 * 48 + d] = 0;
    request = request_of(&a.data, &to, 1);
    request.stop = &stop;
    expect(model, &request, MG_STOPPED, "stopped while scoring");
    free_answers(&to);
    mg_model_destroy(model);
    free_arrays(&a);
    free_arrays(&wide);
    free_arrays(&sparse);
}

// Labels and names that are texts are in the model and in its file. Names in another order are refused.
static void test_texts(void **unused) {
    (void)unused;
    static const char *const kinds[] = {"zebra", "ant", "caf\xc3\xa9", "bee"};
    enum { FEATURES = 48 };
    const char *labels[ROWS], *names[FEATURES], *swapped[FEATURES];
    char text[FEATURES][16];
    arrays a;
    mg_model_parts parts, read;
    mg_model *again;
    mg_error error = {0};
    make_arrays(&a, &array_forms[FORM_F32], ROWS, FEATURES, CLASSES);
    for (int i = 0; i < ROWS; i++) labels[i] = kinds[i % 4];
    for (int d = 0; d < FEATURES; d++) {
        snprintf(text[d], sizeof text[d], "g%d", d);
        names[d] = swapped[d] = text[d];
    }
    swapped[2] = names[3], swapped[3] = names[2];
    a.data.labels = NULL;
    a.data.text_labels = labels;
    a.data.feature_names = names;
    mg_model *model = fitted(&a.data, "crammer-singer");
    mg_model_get(model, &parts);
    assert_null(parts.labels);
    const char *const sorted[] = {"ant", "bee", "caf\xc3\xa9", "zebra"};
    for (int k = 0; k < 4; k++) assert_string_equal(parts.text_labels[k], sorted[k]);
    assert_int_equal(mg_model_save(model, support_path("texts.h5"), &error), MG_OK);
    assert_int_equal(mg_model_load(support_path("texts.h5"), &again, &error), MG_OK);
    mg_model_get(again, &read);
    assert_string_equal(read.text_labels[2], sorted[2]);
    assert_string_equal(read.feature_names[47], "g47");
    assert_memory_equal(read.weights, parts.weights, sizeof(float) * 4 * FEATURES);
    answers to = make_answers(ROWS, CLASSES);
    mg_score_request request = request_of(&a.data, &to, 1);
    expect(again, &request, MG_CONFIG, "its labels are texts, not numbers: ask for `best`");
    request.labels = NULL;
    assert_int_equal(mg_model_score(again, &request, &error), MG_OK);
    a.data.feature_names = swapped;
    expect(again, &request, MG_DATA, "g3");
    labels[7] = "";
    const mg_fit_request bad = {.train = &a.data};
    mg_config *config = configure((const char *const[]){"train.tolerance=1e-2", NULL});
    mg_model_destroy(again);
    assert_int_equal(mg_fit(config, &bad, &again, NULL, &error), MG_DATA);
    assert_non_null(strstr(error.text, "data: y[7] is not a label"));
    mg_config_destroy(config);
    free_answers(&to);
    mg_model_destroy(model);
    free_arrays(&a);
}

// With text labels and names of features, mg_fit gives the same bytes as a run with a file.
static void test_texts_of_file(void **unused) {
    (void)unused;
    static const char *const kinds[] = {"zebra", "ant", "caf\xc3\xa9", "bee"};
    enum { FEATURES = 20 };
    const char *labels[ROWS], *names[FEATURES];
    char text[FEATURES][16], train[300], output[300];
    arrays a;
    mg_model *model;
    mg_train_result result;
    mg_error error = {0};
    make_arrays(&a, &array_forms[FORM_F32], ROWS, FEATURES, CLASSES);
    for (int i = 0; i < ROWS; i++) labels[i] = kinds[i % 4];
    for (int d = 0; d < FEATURES; d++) names[d] = text[d], snprintf(text[d], sizeof text[d], "g%d", d);
    a.data.labels = NULL;
    a.data.text_labels = labels;
    a.data.feature_names = names;
    a.data.weights = NULL;
    hid_t file = create_file(support_path("texts-of-file.h5"));
    put_matrix(file, "X", H5T_IEEE_F32LE, ROWS, FEATURES, H5T_NATIVE_DOUBLE, a.x);
    put_texts(file, "y", ROWS, labels);
    put_group(file, "var");
    put_texts(file, "var/_index", FEATURES, names);
    H5Fclose(file);
    snprintf(train, sizeof train, "data.train=%s", support_path("texts-of-file.h5"));
    snprintf(output, sizeof output, "output.directory=%s", support_path("texts-run"));
    mg_config *config = configure((const char *const[]){train, output, "train.epochs=3", NULL});
    const mg_train_request request = {0};
    if (mg_train(config, &request, &result, &error)) fail_msg("%s", error.text);
    mg_config_destroy(config);
    config = configure((const char *const[]){"train.epochs=3", NULL});
    const mg_fit_request fit = {.train = &a.data};
    if (mg_fit(config, &fit, &model, NULL, &error)) fail_msg("%s", error.text);
    if (mg_model_save(model, support_path("texts-own.h5"), &error)) fail_msg("%s", error.text);
    support_expect_same(support_path("texts-run/model.h5"), support_path("texts-own.h5"), "texts");
    mg_model_destroy(model);
    mg_config_destroy(config);
    free_arrays(&a);
}

// A model that is created from the parts of another is the same in every byte. Parts that no trained model
// can have are refused.
static void test_parts(void **unused) {
    (void)unused;
    arrays a;
    mg_model_parts parts;
    mg_model *copy;
    mg_error error = {0};
    make_arrays(&a, &array_forms[FORM_F32], ROWS, 48, CLASSES);
    mg_model *model = fitted(&a.data, "softmax");
    mg_model_get(model, &parts);
    assert_int_equal(parts.training_rows, ROWS);
    assert_string_equal(parts.loss, "softmax");
    assert_string_equal(parts.transform, "none");
    assert_true(parts.dual <= parts.objective && parts.dual > 0.9 * parts.objective);
    if (mg_model_create(&parts, &copy, &error)) fail_msg("%s", error.text);
    answers to[2] = {make_answers(ROWS, CLASSES), make_answers(ROWS, CLASSES)};
    const mg_model *const both[2] = {model, copy};
    for (int m = 0; m < 2; m++) {
        mg_score_request request = request_of(&a.data, &to[m], 0);
        assert_int_equal(mg_model_score(both[m], &request, &error), MG_OK);
    }
    assert_memory_equal(to[0].scores, to[1].scores, sizeof(float) * ROWS * CLASSES);
    mg_model_destroy(copy);
    float nan_bias[CLASSES] = {0, NAN};
    int64_t descending[CLASSES] = {4, 3, 2, 1};
    enum { CASES = 7 };
    static const char *const texts[CASES] = {
        "bias",      "ascending order", "loss: 'hing'",          "rows is 'units'",
        "1 classes", "lambda",          "weights, bias and loss"};
    mg_model_parts wrong[CASES];
    for (int i = 0; i < CASES; i++) wrong[i] = parts;
    wrong[0].bias = nan_bias;
    wrong[1].labels = descending;
    wrong[2].loss = "hing";
    wrong[3].rows = "units";
    wrong[4].classes = 1;
    wrong[5].lambda = -1;
    wrong[6].weights = NULL;
    for (int i = 0; i < CASES; i++) {
        assert_int_equal(mg_model_create(&wrong[i], &copy, &error), MG_DATA);
        assert_null(copy);
        if (!strstr(error.text, texts[i])) fail_msg("'%s', not '%s'", error.text, texts[i]);
    }
    assert_int_equal(mg_model_load(support_path("missing.h5"), &copy, &error), MG_IO);
    for (int m = 0; m < 2; m++) free_answers(&to[m]);
    mg_model_destroy(model);
    free_arrays(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scores),    cmocka_unit_test(test_shared),
        cmocka_unit_test(test_prepared),  cmocka_unit_test(test_probabilities),
        cmocka_unit_test(test_many_rows), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_texts),     cmocka_unit_test(test_texts_of_file),
        cmocka_unit_test(test_parts),
    };
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
