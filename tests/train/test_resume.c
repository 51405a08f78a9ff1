// test_resume.c - a run that is stopped after any step and resumed leaves the same files as an undisturbed
// run.
#include "resume_runs.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "optim/optim.h"
#include "rate/rate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- after every step ---------------------------------------------------------------------------

static char expected[8192]; // messages of the undisturbed run

// Stops after step `at`, resumes, and compares. `changed`: an option that is different after the resumption.
static void stop_and_go_on(const support_run *base, const char *reference, int64_t at, const char *changed,
                           const char *what) {
    char name[600];
    const char *directory = support_path("stopped");
    support_run run = *base;
    support_set(&run, "output.directory=%s", directory);
    run.stop_after = at;
    snprintf(name, sizeof name, "%s, stopped after step %lld", what, (long long)at);
    mg_status status = support_train(&run);
    if (status != MG_STOPPED && !(status == MG_OK && at == run.result.step))
        fail_msg("%s: ended with status %d (%s)", name, (int)status, run.error.text);
    assert_int_equal(run.steps, at);
    run.resume = true;
    run.stop_after = 0;
    if (changed) support_set(&run, "%s", changed);
    support_expect(&run, MG_OK);
    assert_int_equal(run.plan.resumed_step, at);
    assert_int_equal(run.steps + at, run.result.step);
    if (strcmp(run.messages, expected)) fail_msg("%s: reports '%s', not '%s'", name, run.messages, expected);
    support_expect_same_runs(reference, directory, name);
    support_remove(directory);
}

static void expect_resumable(const support_run *base, const char *what) {
    const char *reference = support_path("reference");
    support_run run = *base;
    support_set(&run, "output.directory=%s", reference);
    support_expect(&run, MG_OK);
    assert_true(run.result.step >= 6);
    memcpy(expected, run.messages, sizeof expected);
    static int64_t runs;
    const int64_t apart = support_few() ? 4 : 1;
    for (int64_t at = 1 + runs++ % apart; at <= run.result.step; at += apart)
        stop_and_go_on(base, reference, at, NULL, what);
    support_remove(reference);
    expected[0] = 0;
}

static void test_every_optimizer(void **unused) {
    (void)unused;
    const char *const scales[] = {"none", "standard"};
    for (int form = 0; form < SUPPORT_FORMS; form++) {
        const char *data = support_path("data.h5");
        support_data(data, form, ROWS, FEATURES, CLASSES, 21);
        for (int u = 0; mg_optim_at(u); u++)
            for (int average = 0; average < 2; average++)
                for (int s = form == SUPPORT_U8; s < 2 - (form == SUPPORT_F32); s++) {
                    char what[200];
                    snprintf(what, sizeof what, "%s, %s, average %d, scale %s", support_form_names[form],
                             mg_optim_name(u), average, scales[s]);
                    support_run run = small_run(data, "");
                    support_set(&run, "sgd.update=%s", mg_optim_name(u));
                    support_set(&run, "sgd.average=%s", average ? "true" : "false");
                    support_set(&run, "data.scale=%s", scales[s]);
                    support_set(&run, "data.validation=0.25");
                    support_set(&run, "train.patience=2");
                    expect_resumable(&run, what);
                }
    }
}

static void test_every_rate(void **unused) {
    (void)unused;
    for (int form = SUPPORT_F32; form < SUPPORT_FORMS; form++)
        for (int r = 0; mg_rate_at(r); r++) {
            const char *data = support_path("data.h5");
            support_data(data, form, ROWS, FEATURES, CLASSES, 22);
            support_run run = small_run(data, "");
            support_set(&run, "sgd.rate=%s", mg_rate_name(r));
            support_set(&run, "sgd.update=momentum");
            expect_resumable(&run, mg_rate_name(r));
        }
}

// Runs that end within an epoch or exactly at its end, with evaluations in some epochs or only at the end.
static void test_every_ending(void **unused) {
    (void)unused;
    const char *const endings[] = {"train.max_steps=6",      "train.max_steps=7",
                                   "train.max_steps=8",      "train.max_steps=9",
                                   "train.evaluate_every=0", "train.evaluate_every=3",
                                   "train.patience=1",       "model.class_weight=balanced"};
    const char *const solvers[] = {"sgd.average=true", "sgd.average=false", "train.solver=dual",
                                   "train.tolerance=1e-6"};
    enum { SOLVERS = sizeof solvers / sizeof *solvers };
    for (int form = 0; form < SUPPORT_FORMS; form++)
        for (size_t e = 0; e < SOLVERS * sizeof endings / sizeof *endings; e++) {
            const char *data = support_path("data.h5"), *ending = endings[e / SOLVERS];
            support_data(data, form, ROWS, FEATURES, CLASSES, 23);
            support_run run = small_run(data, "");
            support_set(&run, "data.validation=0.25");
            support_set(&run, "%s", ending);
            if (e % SOLVERS >= 2) support_set(&run, "train.solver=dual");
            support_set(&run, "%s", solvers[e % SOLVERS]);
            expect_resumable(&run, ending);
        }
}

// One run, stopped after every step.
static void test_step_by_step(void **unused) {
    (void)unused;
    for (int form = 0; form < SUPPORT_FORMS; form++) {
        const char *data = support_path("data.h5"), *whole = support_path("whole-%d", form),
                   *pieces = support_path("pieces-%d", form);
        support_data(data, form, ROWS, FEATURES, CLASSES, 24);
        support_run run = small_run(data, whole);
        support_set(&run, "data.validation=0.25");
        support_set(&run, "data.window=4096");
        support_expect(&run, MG_OK);
        support_run piece = run;
        support_set(&piece, "output.directory=%s", pieces);
        for (int64_t at = 1; at <= run.result.step; at++) {
            piece.stop_after = at;
            support_expect(&piece, MG_STOPPED); // the last stop comes during the evaluation
            assert_int_equal(piece.steps, 1);
            piece.resume = true;
        }
        support_expect(&piece, MG_OK);
        support_expect_same_runs(whole, pieces, support_form_names[form]);
    }
}

// Before the first step there is no checkpoint, and the search for a learning rate begins again.
static void test_stopped_in_search(void **unused) {
    (void)unused;
    const char *data = support_path("data.h5"), *whole = support_path("searched"),
               *stopped = support_path("search-stopped");
    support_data(data, SUPPORT_F32, 200, FEATURES, CLASSES, 25);
    support_run run = small_run(data, whole);
    support_set(&run, "sgd.eta=~");
    support_expect(&run, MG_OK);
    support_run other = run;
    support_set(&other, "output.directory=%s", stopped);
    mg_train_stop();
    support_expect(&other, MG_STOPPED);
    assert_int_equal(support_count(support_path("search-stopped/checkpoints"), ""), 0);
    other.resume = true;
    support_expect(&other, MG_OK);
    assert_true(other.plan.learning_rate == run.plan.learning_rate);
    support_expect_same_runs(whole, stopped, "stopped while choosing the rate");
}

// ---- options that may change ---------------------------------------------------------------------

static void test_accepted(void **unused) {
    (void)unused;
    for (int form = 0; form < SUPPORT_FORMS; form++) {
        const char *data = support_path("data.h5"), *copy = support_path("copy.h5"),
                   *reference = support_path("reference");
        const char *validation = support_path("validation.h5");
        support_data(data, form, 300, FEATURES, CLASSES, 26);
        support_data(validation, form, 40, FEATURES, CLASSES, 27);
        support_copy(data, copy);
        support_run run = small_run(data, reference);
        support_set(&run, "data.validation=%s", validation);
        support_set(&run, "data.window=4096");
        support_set(&run, "train.epochs=2");
        support_expect(&run, MG_OK);
        char paths[4][400];
        snprintf(paths[0], sizeof paths[0], "data.train=%s", copy);
        snprintf(paths[1], sizeof paths[1], "data.test=%s", validation);
        support_copy(validation, support_path("validation-copy.h5"));
        snprintf(paths[2], sizeof paths[2], "data.validation=%s", support_path("validation-copy.h5"));
        snprintf(paths[3], sizeof paths[3], "data.memory_limit=%d", form == SUPPORT_U8 ? 9000 : 14000);
        const char *const changes[] = {"train.threads=3",
                                       "train.threads=16",
                                       "checkpoint.every_steps=1",
                                       "checkpoint.keep=5",
                                       "checkpoint.every_epochs=1",
                                       "checkpoint.every_seconds=0.001",
                                       paths[0],
                                       paths[1],
                                       paths[2],
                                       paths[3]};
        for (size_t c = 0; c < sizeof changes / sizeof *changes; c++)
            for (int64_t at = 5; at < 38; at += 14)
                stop_and_go_on(&run, reference, at, changes[c], changes[c]);
        // the other way round: streamed first, then in memory
        support_set(&run, "%s", paths[3]);
        stop_and_go_on(&run, reference, 13, "data.memory_limit=0", "streamed, then in memory");
        assert_true(run.plan.data.streamed == 0);
        support_remove(reference);
    }
}

static void test_moved(void **unused) {
    (void)unused;
    const char *data = support_path("data.h5"), *whole = support_path("moved-whole"),
               *before = support_path("moved-from"), *after = support_path("moved-to");
    support_data(data, SUPPORT_F32, ROWS, FEATURES, CLASSES, 28);
    support_run run = small_run(data, whole);
    support_expect(&run, MG_OK);
    support_run other = run;
    support_set(&other, "output.directory=%s", before);
    other.stop_after = 7;
    support_expect(&other, MG_STOPPED);
    assert_int_equal(rename(before, after), 0);
    support_set(&other, "output.directory=%s", after);
    other.resume = true;
    other.stop_after = 0;
    support_expect(&other, MG_OK);
    support_expect_same_runs(whole, after, "a run that was moved");
}

// If a finished run is resumed, its files stay the same; a last line of metrics.jsonl that a crash has
// truncated is replaced.
static void test_finished(void **unused) {
    (void)unused;
    const char *data = support_path("data.h5"), *a = support_path("finished-a"),
               *b = support_path("finished-b");
    support_data(data, SUPPORT_CSR, ROWS, FEATURES, CLASSES, 29);
    for (int every = 0; every < 2; every++) {
        support_run run = small_run(data, a);
        support_set(&run, "data.validation=0.25");
        support_set(&run, "train.evaluate_every=%d", every);
        support_expect(&run, MG_OK);
        support_run again = run;
        support_set(&again, "output.directory=%s", b);
        support_expect(&again, MG_OK);
        again.resume = true;
        for (int i = 0; i < 2; i++) {
            FILE *metrics = fopen(support_path("finished-b/metrics.jsonl"), "a");
            if (i) fputs("{\"event\": \"ev", metrics);
            fclose(metrics);
            support_expect(&again, MG_OK);
            assert_int_equal(again.steps, 0);
            assert_true(again.result.objective == run.result.objective);
            assert_true(again.result.accuracy == run.result.accuracy);
            support_expect_same_runs(a, b, "a finished run resumed");
        }
        support_remove(a);
        support_remove(b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_optimizer),
        cmocka_unit_test(test_every_rate),
        cmocka_unit_test(test_every_ending),
        cmocka_unit_test(test_step_by_step),
        cmocka_unit_test(test_stopped_in_search),
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_moved),
        cmocka_unit_test(test_finished),
    };
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
