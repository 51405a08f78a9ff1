// test_start.c - a run that starts from weights of the program records which ones. It is resumed with the
// same weights or, when there is a checkpoint, without them, but never with others.
#include "fit_arrays.h"

#include <sys/stat.h>

enum { ROWS = 240, FEATURES = 48, CLASSES = 4 };

typedef struct watcher {
    volatile sig_atomic_t flag;
    char messages[2000];
} watcher;

static void see_progress(void *context, const mg_progress *progress) {
    watcher *w = context;
    w->flag = progress->epoch_end;
}

static void see_message(void *context, const char *line) {
    watcher *w = context;
    strncat(w->messages, line, sizeof w->messages - strlen(w->messages) - 1);
}

static const char *const sgd[] = {"train.solver=sgd", "sgd.eta=0.01", "train.epochs=4", "train.batch=16",
                                  NULL};
static const char *const chosen[] = {"sgd.eta=0.01", "train.epochs=4", "train.batch=16", NULL};

static mg_status fit(const mg_fit_request *request, const char *const *sets, mg_model **model,
                     mg_error *error) {
    mg_config *config = configure(sets);
    *error = (mg_error){0};
    mg_status status = mg_fit(config, request, model, NULL, error);
    mg_config_destroy(config);
    return status;
}

// Resumes the run in `directory`, and checks that its model is the file `want`.
static void expect_resumed(const mg_data *data, const mg_model *start, const char *const *sets,
                           const char *want, const char *said) {
    mg_model *model;
    mg_error error;
    watcher w = {0};
    const mg_observer observer = {.context = &w, .message = see_message};
    const mg_fit_request request = {.train = data,
                                    .directory = support_path("run"),
                                    .start = start,
                                    .resume = true,
                                    .observer = &observer};
    if (fit(&request, sets, &model, &error)) fail_msg("%s: %s", said, error.text);
    if (!strstr(w.messages, said)) fail_msg("'%s' expected: %s", said, w.messages);
    mg_model_destroy(model);
    support_expect_same(support_path("run/model.h5"), want, said);
}

static void expect_refused(const mg_data *data, const mg_model *start, const char *const *sets,
                           const char *text) {
    mg_model *model;
    mg_error error;
    const mg_fit_request request = {
        .train = data, .directory = support_path("run"), .start = start, .resume = true};
    assert_int_equal(fit(&request, sets, &model, &error), MG_CONFIG);
    if (!strstr(error.text, text)) fail_msg("'%s' expected: %s", text, error.text);
}

// The run in "run" was stopped after its first epoch; a copy of it is in "stopped".
static void resume_in_each_way(const mg_data *data, const mg_model *start, const mg_model *other,
                               const char *const *sets) {
    static const char another[] = "begun from the weights of the model: give that model with start";
    const char *want = support_path("want/model.h5");
    for (int checkpoints = 1; checkpoints >= 0; checkpoints--) {
        for (int given = 1; given >= 0; given--) {
            support_remove(support_path("run"));
            support_copy_tree(support_path("stopped"), support_path("run"));
            if (!checkpoints) support_remove(support_path("run/checkpoints"));
            expect_refused(data, other, sets, another);
            if (given) expect_resumed(data, start, sets, want, checkpoints ? "" : "no checkpoint yet");
            else if (checkpoints)
                expect_resumed(data, NULL, sets, want, "was begun from the weights of the model");
            else expect_refused(data, NULL, sets, another);
        }
    }
}

static void test_program(void **unused) {
    (void)unused;
    arrays a;
    mg_model *starts[2], *model;
    mg_error error;
    make_arrays(&a, &array_forms[FORM_F32], ROWS, FEATURES, CLASSES);
    for (int s = 0; s < 2; s++) {
        const mg_fit_request request = {.train = &a.data};
        const char *const sets[] = {"train.solver=sgd", "train.epochs=2", s ? "sgd.eta=0.02" : "sgd.eta=0.01",
                                    NULL};
        assert_int_equal(fit(&request, sets, &starts[s], &error), MG_OK);
    }
    const char *const *const kinds[] = {sgd, chosen};
    for (int k = 0; k < 2; k++) {
        const char *names[] = {"run", "want", "stopped"};
        for (int n = 0; n < 3; n++) support_remove(support_path("%s", names[n]));
        mg_fit_request request = {.train = &a.data, .directory = support_path("want"), .start = starts[0]};
        if (fit(&request, kinds[k], &model, &error)) fail_msg("%s", error.text);
        mg_model_destroy(model);
        watcher w = {0};
        const mg_observer observer = {.context = &w, .progress = see_progress};
        request.directory = support_path("stopped");
        request.observer = &observer;
        request.stop = &w.flag;
        assert_int_equal(fit(&request, kinds[k], &model, &error), MG_STOPPED);
        resume_in_each_way(&a.data, starts[0], starts[1], kinds[k]);
    }
    for (int s = 0; s < 2; s++) mg_model_destroy(starts[s]);
    free_arrays(&a);
}

static bool finish_in_epoch(void *context, int64_t step) {
    watcher *w = context;
    w->flag = step >= 3;
    return false;
}

static bool see_step(void *context, int64_t step) {
    (void)context;
    fail_msg("a finished run is trained: step %lld", (long long)step);
    return true;
}

// A run that the program has ended early is finished, even if its flag is not set again.
static void test_finish(void **unused) {
    (void)unused;
    arrays a;
    mg_model *model;
    mg_error error;
    watcher w = {0}, again = {0};
    const mg_observer first = {.context = &w, .stop = finish_in_epoch},
                      second = {.context = &again, .message = see_message, .stop = see_step};
    mg_fit_request request = {
        .train = NULL, .directory = support_path("early"), .observer = &first, .finish = &w.flag};
    make_arrays(&a, &array_forms[FORM_F32], ROWS, FEATURES, CLASSES);
    request.train = &a.data;
    if (fit(&request, sgd, &model, &error)) fail_msg("%s", error.text);
    assert_int_equal(mg_model_save(model, support_path("first.h5"), &error), MG_OK);
    mg_model_destroy(model);
    w.flag = 0;
    request.observer = &second;
    request.resume = true;
    if (fit(&request, sgd, &model, &error)) fail_msg("%s", error.text);
    assert_int_equal(mg_model_save(model, support_path("second.h5"), &error), MG_OK);
    mg_model_destroy(model);
    assert_non_null(strstr(again.messages, "holds a finished run"));
    support_expect_same(support_path("second.h5"), support_path("first.h5"), "a run that was ended early");
    free_arrays(&a);
}

static void train(const char *data, const char *directory, const char *init, bool resume) {
    char in[300], out[300];
    mg_error error = {0};
    mg_train_result result;
    snprintf(in, sizeof in, "data.train=%s", data);
    snprintf(out, sizeof out, "output.directory=%s", directory);
    const char *const sets[] = {sgd[0], sgd[1], sgd[2], sgd[3], in, out, NULL};
    mg_config *config = configure(sets);
    const mg_train_request request = {.init_model = init, .resume = resume};
    if (mg_train(config, &request, &result, &error)) fail_msg("%s", error.text);
    mg_config_destroy(config);
}

// A model file may have weights of the used features only, or of all; a model in memory has those of all.
static void test_all_features(void **unused) {
    (void)unused;
    enum { APART = 500 };
    const char *data = support_path("wide.h5"), *narrow = support_path("narrow/model.h5"),
               *all = support_path("all.h5"), *run = support_path("wide");
    arrays a;
    mg_model *model;
    mg_error error = {0};
    size_t sizes[2];
    make_arrays(&a, &array_forms[FORM_CSR], ROWS, FEATURES, CLASSES);
    for (int64_t e = 0; e < a.csr.stored; e++) a.csr_indices[e] = a.csr_indices[e] * APART + 3;
    a.data.features = FEATURES * APART;
    save_arrays(&a, &array_forms[FORM_CSR], data);
    train(data, support_path("narrow"), NULL, false);
    assert_int_equal(mg_model_load(narrow, &model, &error), MG_OK);
    assert_int_equal(mg_model_save(model, all, &error), MG_OK);
    mg_model_destroy(model);
    free(support_read(narrow, &sizes[0]));
    free(support_read(all, &sizes[1]));
    assert_true(sizes[1] > 20 * sizes[0]);
    train(data, run, narrow, false);
    support_copy(support_path("wide/model.h5"), support_path("before.h5"));
    support_remove(support_path("wide/model.h5"));
    support_remove(support_path("wide/checkpoints"));
    train(data, run, all, true);
    support_expect_same(support_path("wide/model.h5"), support_path("before.h5"), "weights of all features");
    free_arrays(&a);
}

static bool stop_at_once(void *context, int64_t step) {
    (void)context;
    return step > 0;
}

// If an observer stops the search for C, no other run of the process is stopped.
static void test_stopped_search(void **unused) {
    (void)unused;
    arrays a;
    mg_model *model;
    mg_error error;
    const mg_observer observer = {.stop = stop_at_once};
    const char *const automatic[] = {"model.C=auto", NULL};
    const mg_fit_request request = {.train = &a.data, .observer = &observer};
    make_arrays(&a, &array_forms[FORM_F32], ROWS, FEATURES, CLASSES);
    save_arrays(&a, &array_forms[FORM_F32], support_path("rows.h5"));
    assert_int_equal(fit(&request, automatic, &model, &error), MG_STOPPED);
    train(support_path("rows.h5"), support_path("after"), NULL, false);
    free_arrays(&a);
}

// Messages of runs with arrays name the arguments of the library, not the flags of the command line.
static void expect_words(const mg_fit_request *request, const char *const *sets, const char *want) {
    mg_model *model;
    mg_error error;
    watcher w = {0};
    const mg_observer observer = {.context = &w, .message = see_message};
    mg_fit_request asked = *request;
    asked.directory = support_path("--resume/words"); // flags in a path are kept
    asked.observer = &observer;
    fit(&asked, sets, &model, &error);
    mg_model_destroy(model);
    const char *said = strstr(error.text, want) ? error.text : w.messages;
    if (!strstr(said, want)) fail_msg("'%s' expected: %s\n%s", want, error.text, w.messages);
    if (strstr(said, " --") || strstr(said, "(--") || strstr(said, "set output.directory"))
        fail_msg("words of the command line: %s", said);
    if (strstr(said, "words: ") && !strstr(said, "/--resume/words")) fail_msg("a path was changed: %s", said);
}

static void test_words(void **unused) {
    (void)unused;
    const char *const other[] = {sgd[0], sgd[1], "train.epochs=5", sgd[3], NULL};
    arrays a;
    mg_model *start;
    mg_error error;
    make_arrays(&a, &array_forms[FORM_F32], ROWS, FEATURES, CLASSES);
    assert_int_equal(mkdir(support_path("--resume"), 0777), 0);
    mg_fit_request plain = {.train = &a.data};
    if (fit(&plain, sgd, &start, &error)) fail_msg("%s", error.text);
    mg_fit_request resume = {.train = &a.data, .resume = true}, begun = {.train = &a.data, .start = start};
    expect_words(&begun, sgd, "");
    expect_words(&plain, sgd,
                 "continue it with resume, start a new one with overwrite, or give another directory");
    expect_words(&resume, other, "set it back, or start a new run with overwrite");
    expect_words(&resume, sgd, "was begun from the weights of the model (start); this command");
    support_remove(support_path("--resume/words/checkpoints"));
    support_remove(support_path("--resume/words/model.h5"));
    expect_words(&resume, sgd, "give that model with start, or start a new run with overwrite");
    mg_model_destroy(start);
    free_arrays(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_program), cmocka_unit_test(test_finish),
                                       cmocka_unit_test(test_all_features),
                                       cmocka_unit_test(test_stopped_search), cmocka_unit_test(test_words)};
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
