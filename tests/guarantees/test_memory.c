// test_memory.c - running out of memory. Every allocation of every command fails in turn, alone or together
// with all later ones. Each time one line reports it, nothing leaks (sanitizers check that), and files that
// were written before are kept.
#include "support.h"

#include "base/memory.h"
#include "io/file.h"

#include <margin/export.h>
#include <margin/gradcheck.h>
#include <margin/inspect.h>
#include <margin/list.h>
#include <margin/measure.h>
#include <margin/predict.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ALLOCATIONS = 3000 };

// A run that uses as much as possible: scaling, weights, held-out rows, checkpoints.
static support_run run_of(support_form form, const char *directory) {
    support_run run = support_new(support_path("data%d.h5", form), directory);
    support_set(&run, "train.batch=16");
    support_set(&run, "train.epochs=2");
    support_set(&run, "data.validation=0.25");
    support_set(&run, "data.scale=%s", form == SUPPORT_CSR ? "max-abs" : "standard");
    support_set(&run, "data.weights=w");
    support_set(&run, "checkpoint.every_epochs=1");
    return run;
}

static void expect_whole(const char *path, const char *what) {
    size_t size, content;
    mg_error error;
    unsigned char *bytes = support_read(path, &size);
    if (mg_file_check_seal(path, bytes, size, &content, &error)) fail_msg("%s: %s", what, error.text);
    free(bytes);
}

// Trains while allocation `at` fails: the files are intact, and after a resumption the run ends like an
// undisturbed one. Returns false if there were fewer allocations.
static bool run_once(const support_run *reference, const char *whole, const char *hurt, long at, bool ever,
                     int *costs) {
    char what[100];
    snprintf(what, sizeof what, "allocation %ld fails%s", at, ever ? " and all after it" : "");
    support_run run = *reference;
    support_set(&run, "output.directory=%s", hurt);
    mg_memory_fail_at(at, ever);
    mg_status status = support_train(&run);
    bool failed = mg_memory_fail_at(0, false) > 0;
    bool warned = strstr(run.messages, "warning: no checkpoint") != NULL;
    if (status != MG_OK && status != MG_MEMORY)
        fail_msg("%s: status %d (%s)", what, (int)status, run.error.text);
    if (!failed && status) fail_msg("no allocation failed, but: %s", run.error.text);
    if (status && !strstr(run.error.text, "memory")) fail_msg("%s: %s", what, run.error.text);
    costs[status ? 0 : warned ? 1 : 2]++;
    if (!support_exists(hurt)) return failed; // the run had not started
    if (support_exists(support_path("hurt/checkpoints")) &&
        support_count(support_path("hurt/checkpoints"), ".h5"))
        expect_whole(support_newest(hurt), what);
    if (!status && !warned && strcmp(strrchr(support_newest(hurt), '/'), strrchr(support_newest(whole), '/')))
        fail_msg("%s: the last checkpoint is missing, and no message says so", what);
    run.resume = true;
    support_expect(&run, MG_OK);
    // Lines of metrics that were lost, which the run has reported, are missing. The checkpoint counts the
    // others; these must be equal.
    char paths[2][1200];
    snprintf(paths[0], sizeof paths[0], "%s/model.h5", whole);
    snprintf(paths[1], sizeof paths[1], "%s/model.h5", hurt);
    support_expect_same(paths[0], paths[1], what);
    support_remove(hurt);
    return failed;
}

// over all runs below, because the timing of threads decides which allocation is in which thread
static int checkpoints_lost;

static void train(support_form form, int threads, const char *const settings[3], int step) {
    const char *whole = support_path("whole"), *hurt = support_path("hurt");
    support_run reference = run_of(form, whole);
    support_set(&reference, "train.threads=%d", threads);
    support_set(&reference, "data.window=4KiB");
    for (int s = 0; s < 3 && settings[s]; s++) support_set(&reference, "%s", settings[s]);
    support_expect(&reference, MG_OK);
    assert_int_equal(reference.plan.data.streamed, strstr(settings[0], "memory_limit") != NULL);
    for (int ever = 0; ever < 2; ever++) {
        int costs[3] = {0}; // number of runs that ended, that lacked a checkpoint, that were resumed
        // The first failure is the same in both passes. The second pass tests what happens if everything
        // after it fails too.
        long at = 1;
        for (; run_once(&reference, whole, hurt, at, ever, costs); at += ever ? 7 : step)
            assert_true(at < MOST_ALLOCATIONS);
        print_message("%s, %d threads, %s: %ld allocations, %d failures ended the run, %d cost a checkpoint, "
                      "%d nothing\n",
                      support_form_names[form], threads, ever ? "for ever" : "once", at - 1, costs[0],
                      costs[1], costs[2] - 1);
        assert_true(costs[0] > 50);
        checkpoints_lost += costs[1];
    }
    support_remove(whole);
}

static void test_train(void **unused) {
    (void)unused;
    train(SUPPORT_F32, 1, (const char *const[3]){"sgd.eta=~"},
          3); // every third, because most allocations are in the search for a learning rate, which repeats
              // itself
}

static void test_train_streamed(void **unused) {
    (void)unused;
    train(SUPPORT_CSR, 2, (const char *const[3]){"data.memory_limit=14000"}, 1);
}

static void test_train_dual(void **unused) {
    (void)unused;
    train(SUPPORT_CSR, 2, (const char *const[3]){"train.solver=dual"}, 7);
    train(SUPPORT_U8, 1, (const char *const[3]){"train.solver=dual", "train.tolerance=1e-3"}, 2);
    train(SUPPORT_F32, 1,
          (const char *const[3]){"train.solver=newton", "train.tolerance=1e-3", "train.epochs=4"}, 3);
    assert_true(checkpoints_lost > 0);
}

// ---- everything else ----------------------------------------------------------------------------

static mg_status swallow(void *context, const char *text, size_t bytes, mg_error *error) {
    (void)text, (void)error;
    *(size_t *)context += bytes;
    return MG_OK;
}

static mg_status measure(mg_error *error) {
    const mg_measure_request request = {.model = support_path("done/model.h5"),
                                        .data = support_path("data%d.h5", SUPPORT_F32)};
    mg_measurement *measurement;
    char *text = NULL;
    size_t size;
    mg_status status = mg_measure(&request, &measurement, error);
    assert_true(!measurement == (status != MG_OK));
    FILE *file = open_memstream(&text, &size);
    if (!status) status = mg_measurement_print_json(measurement, file, error);
    fclose(file);
    free(text);
    mg_measurement_destroy(measurement);
    return status;
}

static mg_status predict(bool lines, mg_error *error) {
    const mg_predict_options options = {
        .model = support_path("done/model.h5"), .top = lines ? 2 : 0, .features = "X"};
    mg_predictor *predictor;
    size_t written = 0, bytes;
    const char *answer;
    const mg_predict_sink sink = {swallow, &written};
    mg_status status = mg_predictor_open(&options, &predictor, error);
    assert_true(!predictor == (status != MG_OK));
    if (!status && !lines)
        status = mg_predictor_file(predictor, support_path("data%d.h5", SUPPORT_CSR), &sink, error);
    if (!status && lines)
        status = mg_predictor_line(predictor, "lines", "3:1 1:2 2:3\n", 12, &answer, &bytes, error);
    if (!status && !lines) assert_true(written > 0);
    mg_predictor_close(predictor);
    return status;
}

static mg_status predict_file(mg_error *error) { return predict(false, error); }

static mg_status predict_lines(mg_error *error) { return predict(true, error); }

static mg_status inspect(const char *path, mg_error *error) {
    char *text = NULL;
    size_t size;
    int64_t bytes;
    FILE *file = open_memstream(&text, &size);
    mg_status status = mg_inspect(path, NULL, NULL, file, error);
    if (!status && strstr(path, "done/")) status = mg_inspect_seal(path, &bytes, error);
    fclose(file);
    free(text);
    return status;
}

static mg_status inspect_data(mg_error *error) {
    return inspect(support_path("data%d.h5", SUPPORT_CSR), error);
}

static mg_status inspect_model(mg_error *error) { return inspect(support_path("done/model.h5"), error); }

static mg_status inspect_checkpoint(mg_error *error) {
    return inspect(support_newest(support_path("done")), error);
}

// Every format that holds this model.
static mg_status export_model(mg_error *error) {
    mg_model *model;
    size_t written = 0;
    const mg_export_sink sink = {swallow, &written};
    mg_status status = mg_model_load(support_path("done/model.h5"), &model, error);
    for (int i = 0; !status && mg_export_format_name(i); i++)
        status = mg_model_export_to(model, mg_export_format_name(i), &sink, error);
    mg_model_destroy(model);
    return status;
}

static mg_status check_gradients(mg_error *error) {
    char train[300];
    snprintf(train, sizeof train, "data.train=%s", support_path("data%d.h5", SUPPORT_F32));
    const char *sets[] = {train};
    mg_config *config;
    mg_gradcheck_report report;
    mg_status status = mg_config_load(NULL, sets, 1, &config, error);
    if (!status) status = mg_gradcheck(config, 4, &report, error);
    mg_config_destroy(config);
    return status;
}

static mg_status list(mg_error *error) {
    char *text = NULL;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    mg_status status = mg_list_print(NULL, file, error);
    if (!status) status = mg_config_print_options(file, error);
    fclose(file);
    free(text);
    return status;
}

typedef mg_status act(mg_error *error);

// Runs the command while allocation `at` fails. Returns false if there were fewer allocations. *shrugged
// counts failures that the command could ignore.
static bool act_once(const char *name, act *command, long at, bool ever, int *shrugged) {
    mg_error error = {0};
    mg_memory_fail_at(at, ever);
    mg_status status = command(&error);
    bool failed = mg_memory_fail_at(0, false) > 0;
    if (!failed && status) fail_msg("%s: no allocation failed, but: %s", name, error.text);
    if (status && (status != MG_MEMORY || error.status != status || !strstr(error.text, "memory") ||
                   strchr(error.text, '\n')))
        fail_msg("%s, allocation %ld: status %d, '%s'", name, at, (int)status, error.text);
    *shrugged += failed && !status;
    return failed;
}

static void test_commands(void **unused) {
    (void)unused;
    static const struct {
        const char *name;
        act *command;
        int shrugs; // number of failures that it can ignore, because it only omits a note
    } commands[] = {{"eval", measure, 0},
                    {"predict", predict_file, 0},
                    {"predict -", predict_lines, 0},
                    {"info data", inspect_data, 1},
                    {"info model", inspect_model, 0},
                    {"info checkpoint", inspect_checkpoint, 0},
                    {"export", export_model, 0},
                    {"gradcheck", check_gradients, 1},
                    {"list", list, 0}};
    support_run run = run_of(SUPPORT_F32, support_path("done"));
    support_expect(&run, MG_OK);
    for (size_t c = 0; c < sizeof commands / sizeof *commands; c++)
        for (int ever = 0; ever < 2; ever++) {
            int shrugged = 0;
            long at = 1;
            while (act_once(commands[c].name, commands[c].command, at, ever, &shrugged))
                assert_true(++at < MOST_ALLOCATIONS);
            print_message("%s, %s: %ld allocations\n", commands[c].name, ever ? "for ever" : "once", at - 1);
            if (at < 3 || shrugged > commands[c].shrugs)
                fail_msg("%s: %d failed allocations were not reported", commands[c].name, shrugged);
        }
}

static int begin(void **state) {
    if (support_begin(state)) return -1;
    for (int form = 0; form < SUPPORT_FORMS; form++) {
        int rows = form == SUPPORT_CSR ? 300 : 64;
        support_rows data = support_make(rows, 20, 3, 54);
        data.weight = malloc((size_t)rows * sizeof *data.weight);
        for (int i = 0; i < rows; i++) data.weight[i] = 1 + i % 3;
        support_save(&data, form, support_path("data%d.h5", form));
        support_free(&data);
    }
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_train),
        cmocka_unit_test(test_train_streamed),
        cmocka_unit_test(test_train_dual),
        cmocka_unit_test(test_commands),
    };
    return cmocka_run_group_tests(tests, begin, support_end);
}
