// test_run.c - whole runs in this process: the same bits with any number of threads; weights of rows and
// classes; where a run starts, and what ends it.
#include "run_models.h"

#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "kernel/kernel.h"
#include "loss/loss.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- the same bits ------------------------------------------------------------------------------

static const int threads[] = {2, 3, 4, 5, 6, 7, 8, 16};
enum { COUNTS = sizeof threads / sizeof *threads };

// Repeats `base` with other numbers of threads, with rows in memory and streamed. Model, metrics and
// checkpoint must be the same in every byte.
static void expect_any_threads(const support_run *base, int memory_limit, const char *reference,
                               const char *what) {
    const char *directory = support_path("threads");
    for (int t = 0; t < COUNTS; t++)
        for (int streamed = 0; streamed < 2; streamed++) {
            char name[200];
            support_run run = *base;
            snprintf(name, sizeof name, "%s, %d threads, %s", what, threads[t],
                     streamed ? "streamed" : "in memory");
            support_set(&run, "output.directory=%s", directory);
            support_set(&run, "train.threads=%d", threads[t]);
            if (streamed) support_set(&run, "data.memory_limit=%d", memory_limit);
            support_expect(&run, MG_OK);
            assert_true(run.plan.data.streamed == streamed);
            support_expect_same_runs(reference, directory, name);
            support_remove(directory);
        }
}

static void test_threads(void **unused) {
    (void)unused;
    const char *const scales[] = {"none", "standard"};
    for (int form = 0; form < SUPPORT_FORMS; form++) {
        const char *data = support_path("threads.h5"), *reference = support_path("reference");
        support_data(data, form, ROWS, FEATURES, CLASSES, 3);
        for (int s = 0; s < 2; s++) {
            char what[100];
            snprintf(what, sizeof what, "%s, scale %s", support_form_names[form], scales[s]);
            support_run run = support_new(data, reference);
            support_set(&run, "data.scale=%s", scales[s]);
            support_set(&run, "data.validation=0.2");
            support_set(&run, "data.window=4096");
            support_set(&run, "train.epochs=2");
            support_set(&run, "train.batch=96");
            support_set(&run, "train.parts=6");
            support_expect(&run, MG_OK);
            expect_any_threads(&run, form == SUPPORT_U8 ? 16000 : 40000, reference, what);
            support_remove(reference);
        }
    }
}

// The bits of the search for a learning rate do not depend on threads either.
static void test_threads_search(void **unused) {
    (void)unused;
    for (int form = 0; form < SUPPORT_FORMS; form++) {
        const char *data = support_path("search.h5"), *reference = support_path("reference"),
                   *other = support_path("other");
        support_data(data, form, 1000, 12, 3, 4);
        for (int t = 0; t < 3; t++) {
            support_run run = support_new(data, t ? other : reference);
            support_set(&run, "sgd.eta=~");
            support_set(&run, "train.epochs=2");
            support_set(&run, "train.batch=32");
            support_set(&run, "train.parts=4");
            support_set(&run, "train.threads=%d", 1 + 2 * t);
            support_set(&run, "data.window=4096");
            if (t == 2) support_set(&run, "data.memory_limit=9000");
            support_expect(&run, MG_OK);
            assert_true(run.plan.data.streamed == (t == 2));
            if (t) support_expect_same_runs(reference, other, support_form_names[form]);
            support_remove(other);
        }
        support_remove(reference);
    }
}

static void test_threads_losses(void **unused) {
    (void)unused;
    for (int form = 0; form < SUPPORT_FORMS; form++) {
        const char *data = support_path("losses.h5"), *reference = support_path("reference"),
                   *other = support_path("other");
        support_data(data, form, 150, 11, 4, 5);
        for (int l = 0; mg_loss_at(l); l++)
            for (int t = 1; t <= 4; t++) {
                support_run run = support_new(data, t > 1 ? other : reference);
                support_set(&run, "model.loss=%s", mg_loss_name(l));
                support_set(&run, "train.epochs=2");
                support_set(&run, "train.batch=%d", l % 2 ? 40 : 3); // with 3 rows, some parts are empty
                support_set(&run, "train.parts=5");
                support_set(&run, "train.threads=%d", t);
                support_expect(&run, MG_OK);
                if (t > 1) support_expect_same_runs(reference, other, mg_loss_name(l));
                support_remove(t > 1 ? other : support_path("none"));
                if (t == 4) support_remove(reference);
            }
    }
}

static void test_kernels(void **unused) {
    (void)unused;
    char *before = getenv("MARGIN_KERNEL") ? strdup(getenv("MARGIN_KERNEL")) : NULL;
    for (int form = 0; form < SUPPORT_FORMS; form++) {
        const char *data = support_path("kernels.h5"), *reference = NULL;
        support_data(data, form, 150, 70, 19, 6);
        for (int k = 0; mg_kernel_at(k); k++) {
            const mg_kernel *kernel = mg_kernel_at(k);
            if (!kernel->usable()) continue;
            const char *directory = support_path("kernel-%d-%s", form, kernel->name);
            support_run run = support_new(data, directory);
            support_set(&run, "train.epochs=2");
            support_set(&run, "train.batch=40");
            support_set(&run, "train.parts=2");
            support_set(&run, "train.threads=2");
            support_set(&run, "data.scale=standard");
            setenv("MARGIN_KERNEL", kernel->name, 1);
            support_expect(&run, MG_OK);
            if (reference) support_expect_same_runs(reference, directory, kernel->name);
            else reference = directory;
        }
    }
    if (before) setenv("MARGIN_KERNEL", before, 1);
    else unsetenv("MARGIN_KERNEL");
    free(before);
}

static void test_twice(void **unused) {
    (void)unused;
    const char *data = support_path("twice.h5"), *a = support_path("twice-a"), *b = support_path("twice-b");
    support_data(data, SUPPORT_U8, ROWS, FEATURES, CLASSES, 7);
    for (int i = 0; i < 2; i++) {
        support_run run = support_new(data, i ? b : a);
        support_set(&run, "checkpoint.every_steps=1");
        support_expect(&run, MG_OK);
    }
    support_expect_same_runs(a, b, "the same run twice");
}

// ---- weights of rows and classes ----------------------------------------------------------------

// In the second file every row of weight 2 occurs twice. A minibatch has all rows, so both runs take the same
// steps.
static void expect_weight_is_twice(support_form form, const char *lambda, const char *loss) {
    const char *paths[2] = {support_path("weighted.h5"), support_path("doubled.h5")};
    const char *runs[2] = {support_path("weighted"), support_path("doubled")};
    support_rows weighted = support_make(60, 9, 3, 8);
    int64_t pick[120], count = 0;
    weighted.weight = calloc(60, sizeof *weighted.weight);
    for (int64_t i = 0; i < 60; i++) {
        weighted.weight[i] = i % 3 ? 1 : 2;
        for (int copy = 0; copy < (i % 3 ? 1 : 2); copy++) pick[count++] = i;
    }
    support_rows doubled = support_pick(&weighted, pick, count);
    free(doubled.weight);
    doubled.weight = NULL;
    support_save(&weighted, form, paths[0]);
    support_save(&doubled, form, paths[1]);
    double objective[2];
    for (int r = 0; r < 2; r++) {
        support_run run = support_new(paths[r], runs[r]);
        if (r == 0) support_set(&run, "data.weights=w");
        support_set(&run, "model.loss=%s", loss);
        support_set(&run, "%s", lambda);
        support_set(&run, "train.batch=1000");
        support_set(&run, "train.epochs=5");
        support_expect(&run, MG_OK);
        objective[r] = run.result.objective;
    }
    double difference = model_difference(runs[0], runs[1]);
    if (!(difference < 1e-4) || !(fabs(objective[0] - objective[1]) <= 1e-4 * objective[1]))
        fail_msg("%s, %s, %s: objectives %.9g and %.9g, weights differ by %g", support_form_names[form],
                 lambda, loss, objective[0], objective[1], difference);
    for (int r = 0; r < 2; r++) support_remove(runs[r]);
    support_free(&weighted);
    support_free(&doubled);
}

static void test_weight_is_twice(void **unused) {
    (void)unused;
    for (int form = 0; form < SUPPORT_FORMS; form++) {
        expect_weight_is_twice(form, "model.lambda=0.01", "weston-watkins");
        expect_weight_is_twice(form, "model.C=0.5", "crammer-singer-squared");
        expect_weight_is_twice(form, "model.C=2", "softmax");
    }
}

// Class weights have the same effect as row weights.
static void test_class_weights(void **unused) {
    (void)unused;
    const char *data = support_path("classes.h5");
    support_rows rows = support_make(90, 9, 3, 9);
    for (int64_t i = 0; i < 40; i++) rows.y[i] = 0;
    int64_t of_class[3] = {0};
    for (int64_t i = 0; i < 90; i++) of_class[rows.y[i]]++;
    const char *const how[] = {"model.class_weight=balanced", "model.class_weight={0: 0.5, 2: 3}"};
    const double fixed[3] = {0.5, 1, 3};
    for (int h = 0; h < 2; h++) {
        rows.weight = calloc(90, sizeof *rows.weight);
        for (int64_t i = 0; i < 90; i++)
            rows.weight[i] = h ? fixed[rows.y[i]] : 90.0 / (3.0 * (double)of_class[rows.y[i]]);
        support_save(&rows, SUPPORT_F32, data);
        const char *a = support_path("by-class-%d", h), *b = support_path("by-row-%d", h);
        support_run by_class = support_new(data, a), by_row = support_new(data, b);
        support_run *const runs[2] = {&by_class, &by_row};
        for (int r = 0; r < 2; r++) {
            support_set(runs[r], "model.C=1");
            support_set(runs[r], "train.epochs=3");
            support_set(runs[r], "train.batch=16");
            support_set(runs[r], "%s", r ? "data.weights=w" : how[h]);
            support_expect(runs[r], MG_OK);
        }
        if (!(model_difference(a, b) < 1e-5))
            fail_msg("%s: weights differ by %g", how[h], model_difference(a, b));
        assert_true(fabs(by_class.plan.lambda - by_row.plan.lambda) < 1e-6 * by_row.plan.lambda);
        free(rows.weight);
        rows.weight = NULL;
    }
    support_run wrong = support_new(data, support_path("no-such-class"));
    support_set(&wrong, "model.class_weight={7: 2}");
    support_expect(&wrong, MG_CONFIG);
    assert_non_null(strstr(wrong.error.text, "7"));
    assert_false(support_exists(support_path("no-such-class")));
    support_free(&rows);
}

// ---- where a run starts and ends ----------------------------------------------------------------

static void test_init(void **unused) {
    (void)unused;
    const char *const scales[] = {"none", "standard", "max-abs"};
    for (int form = 0; form < SUPPORT_FORMS; form++)
        for (int s = 0; s < 3; s++) {
            const char *data = support_path("init.h5"), *first = support_path("init-first"),
                       *second = support_path("init-second");
            support_data(data, form, 150, 10, 4, 14);
            support_run run = support_new(data, first);
            support_set(&run, "data.scale=%s", scales[s]);
            support_set(&run, "train.epochs=4");
            support_expect(&run, MG_OK);
            support_run next = run;
            support_set(&next, "output.directory=%s", second);
            support_set(&next, "train.max_steps=1");
            support_set(&next, "sgd.update=plain");
            support_set(&next, "sgd.eta=1e-30");
            next.init = support_path("init-first/model.h5");
            support_expect(&next, MG_OK);
            double difference = model_difference(first, second);
            if (!(difference < 1e-6))
                fail_msg("%s, %s: weights moved by %g", support_form_names[form], scales[s], difference);
            assert_true(fabs(next.result.objective - run.result.objective) < 1e-5 * run.result.objective);
            support_remove(first);
            support_remove(second);
        }
}

static void test_init_refused(void **unused) {
    (void)unused;
    support_rows rows = support_make(60, 10, 3, 15);
    const char *first = support_path("start"), *other = support_path("refused");
    support_save(&rows, SUPPORT_F32, support_path("start.h5"));
    support_run run = support_new(support_path("start.h5"), first);
    support_expect(&run, MG_OK);
    support_data(support_path("wider.h5"), SUPPORT_F32, 60, 11, 3, 15);
    support_data(support_path("more.h5"), SUPPORT_F32, 60, 10, 4, 15);
    for (int64_t i = 0; i < 60; i++) rows.y[i] += 5;
    support_save(&rows, SUPPORT_F32, support_path("renamed.h5"));
    const char *const wrong[] = {"wider.h5", "more.h5", "renamed.h5"};
    for (int w = 0; w < 3; w++) {
        support_run next = support_new(support_path("%s", wrong[w]), other);
        next.init = support_path("start/model.h5");
        support_expect(&next, MG_DATA);
        assert_false(support_exists(other));
    }
    support_run next = support_new(support_path("start.h5"), other);
    next.init = support_path("start.h5");
    support_expect(&next, MG_DATA);
    next.init = support_path("nothing.h5");
    support_expect(&next, MG_IO);
    assert_false(support_exists(other));
    support_free(&rows);
}

static void test_limits(void **unused) {
    (void)unused;
    const char *data = support_path("limits.h5");
    support_data(data, SUPPORT_U8, 100, 10, 3, 16);
    support_run steps = support_new(data, support_path("steps")),
                epochs = support_new(data, support_path("epochs"));
    support_set(&steps, "train.batch=16");
    support_set(&steps, "train.max_steps=10");
    support_expect(&steps, MG_OK);
    assert_string_equal(steps.result.reason, "max_steps");
    assert_int_equal(steps.result.step, 10);
    assert_int_equal(steps.steps, 10);
    support_set(&epochs, "train.batch=16");
    support_set(&epochs, "train.epochs=2");
    support_expect(&epochs, MG_OK);
    assert_string_equal(epochs.result.reason, "epochs");
    assert_int_equal(epochs.result.step, 14); // six minibatches of 16 rows and one of 4, twice
    // If a limit of steps coincides with the end of an epoch, that epoch still has its line and its
    // evaluation.
    support_run same = epochs;
    support_set(&same, "train.epochs=9");
    support_set(&same, "train.max_steps=14");
    support_set(&same, "output.directory=%s", support_path("same"));
    support_expect(&same, MG_OK);
    char *lines[2] = {support_metrics(support_path("epochs")), support_metrics(support_path("same"))};
    assert_string_equal(lines[0], lines[1]);
    free(lines[0]);
    free(lines[1]);
    support_run seconds = support_new(data, support_path("seconds"));
    support_set(&seconds, "train.epochs=1000000");
    support_set(&seconds, "train.evaluate_every=0");
    support_set(&seconds, "train.time_limit=0.2");
    support_expect(&seconds, MG_OK);
    assert_string_equal(seconds.result.reason, "time_limit");
    assert_true(seconds.result.seconds >= 0.2 && seconds.result.seconds < 5);
    assert_true(support_exists(support_path("seconds/model.h5")));
}

// ---- runs that diverge ---------------------------------------------------------------------------

static void expect_finite_checkpoints(const char *directory) {
    float weights[500];
    for (int step = 0; step < 10; step++) {
        char path[4200];
        mg_h5 *file;
        mg_h5_array *array = NULL;
        mg_error error = {0};
        snprintf(path, sizeof path, "%s/checkpoints/step-%012d.h5", directory, step);
        if (!support_exists(path)) continue;
        if (mg_h5_open(path, &file, &error) || mg_h5_array_open(file, "state/weights", &array, &error))
            fail_msg("%s", error.text);
        int64_t count = mg_h5_array_rows(array);
        assert_true(count <= 500);
        assert_int_equal(mg_h5_array_read(array, 0, count, weights, &error), MG_OK);
        for (int64_t i = 0; i < count; i++)
            if (!(fabs((double)weights[i]) < INFINITY))
                fail_msg("%s: holds a weight of %g", path, (double)weights[i]);
        mg_h5_array_close(array);
        mg_h5_close(file);
    }
}

// With this learning rate, a loss or the weights exceed the range of float. Neither a model nor a checkpoint
// of that state may exist afterwards.
static void expect_nonfinite(const char *name, const char *loss, const char *eta, const char *scale) {
    for (int steps = 1; steps <= 8; steps++) {
        const char *directory = support_path("%s-%d", name, steps);
        support_run run = support_new(support_path("wild.h5"), directory);
        support_set(&run, "sgd.update=plain");
        support_set(&run, "sgd.average=false");
        support_set(&run, "model.loss=%s", loss);
        support_set(&run, "sgd.eta=%s", eta);
        support_set(&run, "data.scale=%s", scale);
        support_set(&run, "model.lambda=1e-30");
        support_set(&run, "train.batch=16");
        support_set(&run, "train.max_steps=%d", steps);
        support_set(&run, "checkpoint.every_steps=1");
        mg_status status = support_train(&run);
        if (status == MG_OK) {
            assert_true(fabs(run.result.objective) < INFINITY);
            continue;
        }
        assert_int_equal(status, MG_NONFINITE);
        assert_non_null(strstr(run.error.text, "step"));
        assert_false(support_exists(support_path("%s-%d/model.h5", name, steps)));
        expect_finite_checkpoints(directory);
        run.resume = true;
        support_expect(&run, MG_NONFINITE);
    }
    assert_false(support_exists(support_path("%s-8/model.h5", name)));
}

static void test_nonfinite(void **unused) {
    (void)unused;
    support_data(support_path("wild.h5"), SUPPORT_F32, 100, 10, 3, 19);
    expect_nonfinite("wild-loss", "crammer-singer-squared", "1e12", "none");
    expect_nonfinite("wild-weights", "weston-watkins", "1e30", "1e6");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),        cmocka_unit_test(test_threads_search),
        cmocka_unit_test(test_threads_losses), cmocka_unit_test(test_kernels),
        cmocka_unit_test(test_twice),          cmocka_unit_test(test_weight_is_twice),
        cmocka_unit_test(test_class_weights),  cmocka_unit_test(test_init),
        cmocka_unit_test(test_init_refused),   cmocka_unit_test(test_limits),
        cmocka_unit_test(test_nonfinite),
    };
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
