// test_forge.c - a seal shows that a file is intact, not that a run wrote it. If a sealed checkpoint has
// invalid content, it is refused, and the error names the field, unless a run can continue from it.
#include "support.h"
#include "support_forge.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <margin/inspect.h>
#include <margin/path.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- runs ---------------------------------------------------------------------------------------

enum {
    SGD_DENSE,
    SGD_SPARSE,
    DUAL_DENSE,
    DUAL_SPARSE,
    DUAL_MANY,
    DUAL_SCALED,
    NEWTON_DENSE,
    NEWTON_SPARSE,
    SOFTMAX,
    PATH,
    ADAM,
    KINDS
};

static support_run run_of(int kind) {
    static const char *const settings[KINDS] = {
        [SGD_DENSE] = "train.solver=sgd train.epochs=4 data.validation=0.3 sgd.update=momentum",
        [SGD_SPARSE] = "train.solver=sgd train.epochs=4",
        [DUAL_DENSE] = "train.solver=dual train.tolerance=1e-4",
        [DUAL_SPARSE] = "train.solver=dual train.tolerance=1e-4 data.scale=max-abs",
        [DUAL_MANY] = "train.solver=dual train.epochs=4",
        [DUAL_SCALED] = "train.solver=dual train.epochs=4 data.scale=standard",
        [NEWTON_DENSE] = "train.solver=newton train.tolerance=1e-6",
        [NEWTON_SPARSE] = "train.solver=newton train.tolerance=1e-6",
        [SOFTMAX] = "train.solver=newton train.tolerance=1e-9 model.loss=softmax",
        [PATH] = "data.validation=0.3",
        [ADAM] = "train.solver=sgd train.epochs=4 sgd.update=adam",
    };
    static const char *const files[KINDS] = {"dense", "sparse", "dense", "sparse", "many", "dense",
                                             "dense", "sparse", "dense", "sparse", "dense"};
    char text[200], *rest = text;
    support_run run = support_new(support_path("%s.h5", files[kind]), support_path("run%d", kind));
    support_set(&run, "train.batch=16");
    support_set(&run, "model.lambda=0.001");
    support_set(&run, "checkpoint.keep=2");
    support_set(&run, "checkpoint.every_steps=1");
    snprintf(text, sizeof text, "%s", settings[kind]);
    for (char *word; (word = strsep(&rest, " "));) support_set(&run, "%s", word);
    // support_new has set sgd
    if (kind == PATH) snprintf(run.sets[3], sizeof run.sets[3], "train.solver=dual");
    run.stop_after = kind == SOFTMAX ? 2 : 9;
    if (kind == PATH) run.stop_after = 150;
    return run;
}

static mg_status go(int kind, support_run *run) {
    mg_observer observer;
    mg_path_result result;
    if (kind != PATH) return support_train(run);
    support_set(run, "model.lambda=");
    mg_config *config = support_configure(run, &observer);
    run->count--;
    if (!config) fail_msg("%s", run->error.text);
    const mg_path_request request = {
        .C = "0.00001:0.001:10", .resume = run->resume, .overwrite = run->overwrite, .observer = &observer};
    mg_status status = mg_path(config, &request, &result, &run->error);
    mg_config_destroy(config);
    return support_ended(run, status);
}

// Stops a run of that kind. Returns its newest checkpoint; the directory has an older one too.
static const char *stopped(int kind) {
    support_run run = run_of(kind);
    run.overwrite = true;
    mg_status status = go(kind, &run);
    if (status != MG_STOPPED) fail_msg("kind %d: %d %s", kind, status, run.error.text);
    assert_int_equal(support_count(support_path("run%d/checkpoints", kind), ".h5"), 2);
    return support_newest(support_path("run%d", kind));
}

// Trains a few more steps.
static mg_status resume(int kind, support_run *run) {
    *run = run_of(kind);
    run->resume = true;
    run->stop_after += 2;
    mg_status status = go(kind, run);
    return status == MG_STOPPED ? MG_OK : status;
}

static int begin(void **unused) {
    if (support_begin(unused)) return 1;
    support_data(support_path("dense.h5"), SUPPORT_F32, 120, 7, 3, 1);
    support_data(support_path("sparse.h5"), SUPPORT_CSR, 120, 40, 4, 2);
    support_data(support_path("many.h5"), SUPPORT_CSR, 120, 40, 20, 3);
    return 0;
}

// ---- checkpoints --------------------------------------------------------------------------------

// A checkpoint that is opened and sealed again without a change can be resumed from.
static void test_untouched(void **unused) {
    (void)unused;
    for (int kind = 0; kind < KINDS; kind++) {
        const char *path = stopped(kind);
        size_t size;
        unsigned char *bytes = support_read(path, &size);
        hid_t file = forge_open(bytes, size);
        forge_write(file, path);
        free(bytes);
        support_run run;
        if (resume(kind, &run)) fail_msg("kind %d: %s", kind, run.error.text);
    }
}

static const struct {
    int kind;
    const char *field;
    long long place; // -1: all elements; -2: all elements are multiplied
    double value;
} states[] = {
    {SGD_DENSE, "batch", 0, -1},
    {SGD_DENSE, "batch", 0, -1e5},
    {SGD_DENSE, "batch", 0, 1e9},
    {SGD_DENSE, "epoch", 0, -1},
    {SGD_DENSE, "epoch", 0, 2},
    {SGD_DENSE, "step", 0, -1},
    {SGD_DENSE, "step", 0, 0x1p62},
    {SGD_DENSE, "events", 0, -1},
    {SGD_DENSE, "events", 0, 1e15}, // the next checkpoint would exceed the limit
    {SGD_DENSE, "stale", 0, 1e15},
    {SGD_DENSE, "loss", 0, NAN},
    {SGD_DENSE, "loss_rows", 0, -1},
    {SGD_DENSE, "loss_rows", 0, 1e6},
    {SGD_DENSE, "loss_rows", 0, 0},
    {SGD_DENSE, "best_accuracy", 0, 2},
    {SGD_DENSE, "best_accuracy", 0, NAN},
    {SGD_DENSE, "best_accuracy", 0, 0.015625}, // not the accuracy of state/best
    {SGD_DENSE, "state/best", -1, 0},
    {SGD_DENSE, "best_step", 0, 1e6},
    {SGD_DENSE, "best_epoch", 0, -1},
    {SGD_DENSE, "best_epoch", 0, 900},
    {SGD_DENSE, "best_epoch", 0, 0},
    {SGD_DENSE, "best_step", 0, 2},
    {SGD_DENSE, "best_accuracy", 0, -1},
    {SGD_DENSE, "stale", 0, 1},
    {SGD_DENSE, "state/snapshots", 0, 1},
    {SGD_SPARSE, "state/rate_sum", 0, 1},
    {SGD_SPARSE, "state/rate_sum", 0, 1e6},
    {SGD_DENSE, "stale", 0, -1},
    {SGD_DENSE, "state/eta", 0, NAN},
    {SGD_DENSE, "state/eta", 0, 0},
    {SGD_DENSE, "state/eta", 0, 0.5},
    {SGD_DENSE, "state/best", 3, INFINITY},
    {SGD_DENSE, "state/best_offset", 1, NAN},
    {SGD_DENSE, "state/best_offset", -2, 1.01}, // not that of state/best_bias
    {SGD_DENSE, "state/velocity", 1, NAN},
    {SGD_DENSE, "state/weights", 7, 1}, // must be zero: padding
    {SGD_DENSE, "state/bias", 3, 1},
    {SGD_DENSE, "state/snapshots", 0, -1},
    {SGD_DENSE, "state/snapshots", 0, 1e9},
    {SGD_DENSE, "state/mean", 0, NAN},
    {SGD_SPARSE, "state/memory", 0, -1},
    {SGD_SPARSE, "state/memory", 0, NAN},
    {SGD_SPARSE, "state/decayed", 0, 1e9},
    {SGD_SPARSE, "state/decayed", 0, -1},
    {SGD_SPARSE, "state/rate_sum", 0, NAN},
    {SGD_SPARSE, "state/rate_sum", 0, -INFINITY},
    {ADAM, "state/taken", 0, -1},
    {ADAM, "state/taken", 0, 0},
    {ADAM, "state/taken", 0, 8},
    {ADAM, "state/taken", 0, 0x1p62},
    {DUAL_DENSE, "batch", 0, -1e8},
    {DUAL_DENSE, "state/clock", -1, 0x1p62},
    {DUAL_DENSE, "state/clock", -1, -0x1p62},
    {DUAL_DENSE, "state/clock", 0, 1e6},
    {DUAL_DENSE, "state/clock", 0, -1},
    {DUAL_DENSE, "state/result_offset", 0, 5},
    {DUAL_DENSE, "state/result", 0, 50}, // another objective than that of state/bounds
    {DUAL_SPARSE, "state/clock", 1, -4},
    {DUAL_SPARSE, "state/clock", 1, 1e12},
    {DUAL_SPARSE, "state/clock", 2, 65},
    {DUAL_SPARSE, "state/clock", 2, 0},
    {DUAL_SPARSE, "state/clock", 3, 1e9},
    {DUAL_SPARSE, "state/clock", 4, 1e12},
    {DUAL_SPARSE, "state/clock", 5, 1e12},
    {DUAL_SPARSE, "state/clock", 6, 3},
    {DUAL_SPARSE, "state/bounds", 0, NAN},
    {DUAL_SPARSE, "state/bounds", 0, -1},
    {DUAL_SPARSE, "state/bounds", 1, INFINITY},
    {DUAL_SPARSE, "state/bounds", 2, 1e-9},
    {DUAL_SPARSE, "state/numbers", 1, NAN},
    {DUAL_SPARSE, "state/numbers", 2, 1e9},
    {DUAL_SPARSE, "state/wake", 5, 1e6},
    {DUAL_SPARSE, "state/wake", 5, -1},
    {DUAL_SPARSE, "state/share", 5, NAN},
    {DUAL_SPARSE, "state/share", 5, -1},
    {DUAL_SPARSE, "state/result", 0, NAN},
    {DUAL_SPARSE, "state/mean", 0, INFINITY},
    {DUAL_SPARSE, "state/dual", -1, 255},
    {DUAL_SPARSE, "state/dual", 0, 9},
    {DUAL_MANY, "state/dual", 0, 77},
    {DUAL_MANY, "state/clock", 6, 0},
    {DUAL_MANY, "state/clock", 7, 1},
    {DUAL_MANY, "state/clock", 8, 1},
    {DUAL_MANY, "state/clock", 9, 1},
    {DUAL_MANY, "state/weights", -2, 0},   // not the sum of the rows times their dual variables
    {DUAL_MANY, "state/weights", -2, 0.5}, // -2: all elements times the value
    {DUAL_MANY, "state/bias", -2, 3},
    {DUAL_SCALED, "state/weights", -2, 0},
    {DUAL_SCALED, "state/weights", -2, 1.01},
    {DUAL_SCALED, "state/weights", 2, 0},
    {DUAL_SCALED, "state/bias", 0, 5},
    {DUAL_SCALED, "state/offset", 0, 5},
    {NEWTON_DENSE, "state/clock", 7, 1},
    {NEWTON_DENSE, "state/clock", 1, 1},
    {NEWTON_DENSE, "state/clock", 9, 2},
    {NEWTON_DENSE, "state/clock", 6, 1e6},
    {NEWTON_DENSE, "state/numbers", 3, 0},
    {NEWTON_DENSE, "state/numbers", 3, NAN},
    {NEWTON_SPARSE, "state/bounds", 3, NAN},
    {NEWTON_SPARSE, "state/bounds", 4, -1},
    {SOFTMAX, "state/result", -1, NAN},
    {SOFTMAX, "state/clock", 6, -1},
    {SOFTMAX, "state/clock", 9, 1}, // certificates of dual ascent, which there is not
    {SOFTMAX, "state/clock", 9, 2},
    {PATH, "state/path_point", 0, -1e6},
    {PATH, "state/path_point", 0, 1e6},
    {PATH, "state/path_point", 0, 3.0 + 1},
    {PATH, "state/path_visited", 0, -1},
    {PATH, "state/path_visited", 0, 0x1p62},
    {PATH, "state/path_points", 0, 7},
    {PATH, "state/path_points", 1, INFINITY},
    {PATH, "state/path_points", 5, 3},
    {PATH, "state/best", 0, 50},          // another objective than that of its point
    {PATH, "best_accuracy", 0, 0.015625}, // not the accuracy of the best point
};

// Expects one line with the file and the field, and an unchanged directory. The advice must work: without the
// file the run is resumed from the checkpoint before, or starts again.
static void test_states(void **unused) {
    (void)unused;
    int kind = -1;
    char path[4600] = "";
    unsigned char *bytes = NULL;
    size_t size;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        support_run run;
        if (states[i].kind != kind) {
            free(bytes);
            kind = states[i].kind;
            snprintf(path, sizeof path, "%s", stopped(kind));
            bytes = support_read(path, &size);
        }
        hid_t file = forge_open(bytes, size);
        assert_true(forge_set(file, states[i].field, states[i].place, states[i].value));
        forge_write(file, path);
        mg_status status = resume(kind, &run);
        const char *name = strchr(states[i].field, '/') ? strchr(states[i].field, '/') + 1 : states[i].field;
        bool by_epoch =
            // the error may name a field that contradicts this one
            !strcmp(name, "clock") || !strcmp(name, "epoch");
        if (status != MG_DATA || strncmp(run.error.text, path, strlen(path)) ||
            (!by_epoch && !strstr(run.error.text, name)))
            fail_msg("kind %d, %s[%lld] = %g: status %d '%s'", kind, states[i].field, states[i].place,
                     states[i].value, status, run.error.text);
        if (!strstr(
                run.error.text,
                "delete it to continue from the previous checkpoint, or start a new run with --overwrite"))
            fail_msg("%s", run.error.text);
        if (i + 1 < sizeof states / sizeof *states && states[i + 1].kind == kind) continue;
        support_remove(path);
        if (resume(kind, &run)) fail_msg("kind %d, the one before: %s", kind, run.error.text);
        stopped(kind);
    }
    free(bytes);
}

// In the Newton phase a run is never within an epoch. This checkpoint claims that it is, and everything else
// in it, such as the number of losses, fits that claim.
static void test_newton_batch(void **unused) {
    (void)unused;
    support_run run;
    size_t size;
    const char *path = stopped(NEWTON_DENSE);
    unsigned char *bytes = support_read(path, &size);
    hid_t file = forge_open(bytes, size);
    assert_true(forge_set(file, "batch", 0, 1) && forge_set(file, "loss_rows", 0, 16));
    forge_write(file, path);
    free(bytes);
    mg_status status = resume(NEWTON_DENSE, &run);
    if (status != MG_DATA || !strstr(run.error.text, "batch of the Newton phase"))
        fail_msg("status %d '%s'", status, run.error.text);
}

// A stop during the certificate at the end of an epoch of dual ascent leaves this state: the last step, which
// may have fewer rows than a minibatch, is taken, and the epoch is not complete.
static void test_certificate_due(void **unused) {
    (void)unused;
    support_run run;
    size_t size;
    enum { DUE = 9, LAST_ROWS = 3 };
    const char *path = stopped(DUAL_DENSE);
    unsigned char *bytes = support_read(path, &size);
    hid_t file = forge_open(bytes, size);
    assert_true(forge_set(file, "state/clock", DUE, 1) && forge_set(file, "loss_rows", 0, LAST_ROWS));
    forge_write(file, path);
    if (resume(DUAL_DENSE, &run)) fail_msg("%s", run.error.text);
    // A certificate is not due at the end of an epoch in which no step was taken.
    stopped(DUAL_DENSE);
    file = forge_open(bytes, size);
    assert_true(forge_set(file, "state/clock", DUE, 1) && forge_set(file, "batch", 0, 0));
    forge_write(file, path);
    free(bytes);
    mg_status status = resume(DUAL_DENSE, &run);
    if (status != MG_DATA || !strstr(run.error.text, "batch is 0"))
        fail_msg("status %d '%s'", status, run.error.text);
}

// `margin info` does not print a position with which a resumption would refuse the checkpoint.
static void test_info(void **unused) {
    (void)unused;
    static const struct {
        const char *field;
        double value;
    } positions[] = {{"step", -1},           {"step", 0x1p62},     {"epoch", -7},     {"batch", -1},
                     {"best_accuracy", NAN}, {"best_accuracy", 2}, {"loss", INFINITY}};
    char path[4600];
    size_t size;
    snprintf(path, sizeof path, "%s", stopped(SGD_DENSE));
    unsigned char *bytes = support_read(path, &size);
    for (size_t i = 0; i < sizeof positions / sizeof *positions; i++) {
        mg_error error = {0};
        FILE *out = tmpfile();
        hid_t file = forge_open(bytes, size);
        assert_true(forge_set(file, positions[i].field, -1, positions[i].value));
        forge_write(file, path);
        assert_int_equal(mg_inspect(path, NULL, NULL, out, &error), MG_DATA);
        if (strncmp(error.text, path, strlen(path)) || !strstr(error.text, positions[i].field))
            fail_msg("%s: %s", positions[i].field, error.text);
        assert_int_equal(ftell(out), 0);
        fclose(out);
    }
    free(bytes);
}

// The same for begun.h5. Without the file the run starts again.
static void test_begun(void **unused) {
    (void)unused;
    char path[4600], checkpoint[4600];
    size_t size;
    support_run run;
    snprintf(checkpoint, sizeof checkpoint, "%s", stopped(SGD_DENSE));
    snprintf(path, sizeof path, "%s", support_path("run%d/begun.h5", SGD_DENSE));
    unsigned char *bytes = support_read(path, &size);
    for (const char *newest = checkpoint; newest;
         newest = support_count(support_path("run%d/checkpoints", SGD_DENSE), ".h5")
                      ? support_newest(support_path("run%d", SGD_DENSE))
                      : NULL)
        support_remove(newest);
    hid_t file = forge_open(bytes, size);
    assert_true(forge_set(file, "step", -1, -1));
    forge_write(file, path);
    free(bytes);
    assert_int_equal(resume(SGD_DENSE, &run), MG_DATA);
    if (strncmp(run.error.text, path, strlen(path)) || !strstr(run.error.text, "step is -1") ||
        !strstr(run.error.text, "delete it to start from the beginning"))
        fail_msg("%s", run.error.text);
    support_remove(path);
    if (resume(SGD_DENSE, &run)) fail_msg("%s", run.error.text);
}

// Fields with any other type or shape, and missing fields, are refused; the error names the field.
static void test_shapes(void **unused) {
    (void)unused;
    int refused = 0;
    for (int kind = 0; kind < KINDS; kind++) {
        char path[4600];
        size_t size;
        snprintf(path, sizeof path, "%s", stopped(kind));
        unsigned char *bytes = support_read(path, &size);
        forge_names all = forge_fields(bytes, size);
        for (int f = 0; f < all.count; f++)
            for (int how = 0; how < FORGE_SHAPES; how++) {
                support_run run;
                hid_t file = forge_open(bytes, size);
                forge_reshape(file, all.name[f], how);
                forge_write(file, path);
                mg_status status = resume(kind, &run);
                if (status != MG_DATA || !strstr(run.error.text, path) ||
                    !strstr(run.error.text, all.name[f]))
                    fail_msg("kind %d, %s, shape %d: status %d '%s'", kind, all.name[f], how, status,
                             run.error.text);
                refused++;
            }
        free(bytes);
    }
    printf("%d checkpoints of wrong types and shapes refused\n", refused);
}

// A lower bound that is far above the objective is no bound.
static void test_bound_above(void **unused) {
    (void)unused;
    support_run run;
    size_t size;
    enum { DUAL = 1, GAP = 2 };
    const char *path = stopped(DUAL_DENSE);
    unsigned char *bytes = support_read(path, &size);
    hid_t file = forge_open(bytes, size);
    assert_true(forge_set(file, "state/bounds", DUAL, 1e9));
    double primal = forge_get(file, "state/bounds", 0);
    assert_true(forge_set(file, "state/bounds", GAP, (1e9 - primal) / primal));
    forge_write(file, path);
    free(bytes);
    mg_status status = resume(DUAL_DENSE, &run);
    if (status != MG_DATA ||
        !strstr(run.error.text, "state/bounds (dual value) is 1e+09, but the primal value"))
        fail_msg("status %d '%s'", status, run.error.text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bound_above),  cmocka_unit_test(test_untouched),
        cmocka_unit_test(test_states),       cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_newton_batch), cmocka_unit_test(test_certificate_due),
        cmocka_unit_test(test_info),         cmocka_unit_test(test_begun),
    };
    return cmocka_run_group_tests(tests, begin, support_end);
}
