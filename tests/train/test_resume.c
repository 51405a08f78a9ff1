// test_resume.c - a run stopped after any step and resumed leaves the files of an undisturbed run; changes
// that it must not be resumed with are refused, and the message names them.
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "config/config.h"
#include "optim/optim.h"
#include "rate/rate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ROWS = 64, FEATURES = 20, CLASSES = 3 };

// Three or four minibatches per epoch, four epochs. The held-out rows are few, so that accuracies repeat and
// patience ends the run.
static support_run small_run(const char *data, const char *directory) {
    support_run run = support_new(data, directory);
    support_set(&run, "train.batch=16");
    support_set(&run, "train.parts=2");
    support_set(&run, "train.epochs=4");
    support_set(&run, "model.loss=weston-watkins");
    support_set(&run, "model.lambda=0.01");
    return run;
}

// ---- after every step ---------------------------------------------------------------------------

static char expected[8192]; // messages of the undisturbed run

// Stops after step `at`, resumes, and compares. `changed` may set other options for the second half.
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
    for (int64_t at = 1; at <= run.result.step; at++) stop_and_go_on(base, reference, at, NULL, what);
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

// Runs that end inside an epoch or exactly at its end, with evaluations now and then or only at the end.
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

// One run in as many pieces as it has steps.
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
            support_expect(&piece, MG_STOPPED); // the last one during its evaluation
            assert_int_equal(piece.steps, 1);
            piece.resume = true;
        }
        support_expect(&piece, MG_OK);
        support_expect_same_runs(whole, pieces, support_form_names[form]);
    }
}

// Before the first step there is nothing to keep, and the search for a learning rate starts again.
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
        // The other way round: started by streaming, finished in memory.
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

// A finished run, resumed, leaves the same files; a last line that a crash truncated is dropped.
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

// ---- options that may not change -----------------------------------------------------------------

// Another allowed value of the option; false if there is none.
static bool other_value(const mg_section *section, const mg_option *option, const char *now, char *out,
                        size_t size) {
    static const char *const texts[][2] = {
        {"features", "X2"}, {"labels", "y2"}, {"names", "none"}, {"weights", "w"}, {"scale", "max-abs"}};
    switch (option->type) {
    case MG_OPTION_INT:
        snprintf(out, size, "%lld", (long long)(option->low > 7 ? option->low + 1 : 7));
        return true;
    case MG_OPTION_REAL: snprintf(out, size, "0.37"); return true;
    case MG_OPTION_BOOL: snprintf(out, size, "%s", strcmp(now, "true") ? "true" : "false"); return true;
    case MG_OPTION_BYTES: snprintf(out, size, "1MB"); return true;
    case MG_OPTION_SECONDS: snprintf(out, size, "1000"); return true;
    case MG_OPTION_WEIGHTS: snprintf(out, size, "balanced"); return true;
    case MG_OPTION_CHOICE:
        for (int i = 0; option->choice(i); i++)
            if (strcmp(option->choice(i), now)) {
                snprintf(out, size, "%s", option->choice(i));
                return true;
            }
        return false;
    case MG_OPTION_TEXT:
        for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
            if (!strcmp(texts[t][0], option->name)) {
                snprintf(out, size, "%s", texts[t][1]);
                return true;
            }
        break;
    }
    fail_msg("%s.%s: this test knows no other value of it", section->name, option->name);
    return false;
}

// The value of the option in the run's settings, or its preset.
static const char *value_now(const support_run *run, const char *key, const mg_option *option) {
    const char *value = option->preset;
    size_t length = strlen(key);
    for (int i = 0; i < run->count; i++)
        if (!strncmp(run->sets[i], key, length) && run->sets[i][length] == '=')
            value = run->sets[i] + length + 1;
    return value;
}

// Every option that does not change the result is accepted; paths are changed in test_accepted and
// test_moved.
static void accept_options(const support_run *base, int64_t at) {
    int sections, walked = 0;
    const mg_binding *bindings = mg_config_bindings(&sections);
    for (int s = 0; s < sections; s++)
        for (int i = 0; i < bindings[s].section->count; i++) {
            const mg_section *section = bindings[s].section;
            const mg_option *option = &section->options[i];
            char key[100], value[100];
            snprintf(key, sizeof key, "%s.%s", section->name, option->name);
            if (option->changes_result || option->type == MG_OPTION_TEXT) continue;
            if (!other_value(section, option, value_now(base, key, option), value, sizeof value)) continue;
            support_run run = *base;
            support_set(&run, "%s=%s", key, value);
            run.stop_after = at + 1;
            support_expect(&run, MG_STOPPED);
            if (run.plan.resumed_step != at)
                fail_msg("%s=%s: resumed at step %lld", key, value, (long long)run.plan.resumed_step);
            at++;
            walked++;
        }
    assert_true(walked >= 5);
}

static void test_refused_options(void **unused) {
    (void)unused;
    const char *data = support_path("data.h5"), *directory = support_path("refused");
    support_rows rows = support_make(ROWS, FEATURES, CLASSES, 30);
    rows.twice = true;
    rows.weight = calloc(ROWS, sizeof *rows.weight);
    for (int64_t i = 0; i < ROWS; i++) rows.weight[i] = 1;
    support_save(&rows, SUPPORT_F32, data);
    support_free(&rows);
    support_run run = support_new(data, directory);
    support_set(&run, "train.batch=16");
    run.stop_after = 2;
    support_expect(&run, MG_STOPPED);
    run.resume = true;
    run.stop_after = 3;
    int sections, walked = 0;
    const mg_binding *bindings = mg_config_bindings(&sections);
    support_copy(support_newest(directory), support_path("before.h5"));
    for (int s = 0; s < sections; s++)
        for (int i = 0; i < bindings[s].section->count; i++) {
            const mg_section *section = bindings[s].section;
            const mg_option *option = &section->options[i];
            char key[100], value[100];
            snprintf(key, sizeof key, "%s.%s", section->name, option->name);
            if (!option->changes_result ||
                !other_value(section, option, value_now(&run, key, option), value, sizeof value))
                continue;
            support_run other = run;
            support_set(&other, "%s=%s", key, value);
            support_expect(&other, MG_CONFIG);
            if (!strstr(other.error.text, key) || !strstr(other.error.text, value))
                fail_msg("%s=%s: the refusal does not say so: %s", key, value, other.error.text);
            walked++;
        }
    assert_true(walked >= 20);
    support_expect_same(support_newest(directory), support_path("before.h5"), "after refusals");
    accept_options(&run, 2);
}

static void test_refused_data(void **unused) {
    (void)unused;
    for (int form = 0; form < SUPPORT_FORMS; form++) {
        const char *data = support_path("data.h5"), *validation = support_path("validation.h5"),
                   *directory = support_path("refused-%d", form);
        support_rows rows = support_make(ROWS, FEATURES, CLASSES, 31),
                     others = support_make(40, FEATURES, CLASSES, 32);
        int64_t order[ROWS];
        rows.weight = calloc(ROWS, sizeof *rows.weight);
        for (int64_t i = 0; i < ROWS; i++) order[i] = i < 2 ? 1 - i : i;
        for (int64_t i = 0; i < ROWS; i++) rows.weight[i] = 1 + (double)(i % 2);
        support_save(&rows, form, data);
        support_save(&others, form, validation);
        support_run run = small_run(data, directory);
        support_set(&run, "data.validation=%s", validation);
        support_set(&run, "data.weights=w");
        run.stop_after = 2;
        support_expect(&run, MG_STOPPED);
        run.resume = true;
        run.stop_after = 3;
        for (int change = 0; change < 7; change++) {
            support_rows now = support_pick(&rows, order, ROWS); // two rows are swapped
            if (change) {
                support_free(&now);
                for (int64_t i = 0; i < ROWS; i++) order[i] = i;
                now = support_pick(&rows, order, ROWS - (change == 3));
            }
            float *cell = now.x;
            while (*cell == 0) cell++;
            if (change == 1) *cell += 1;
            if (change == 6) now.weight[7] += 1;
            if (change == 2) now.y[5] = (now.y[5] + 1) % CLASSES;
            support_save(&now, form, data);
            support_rows before = support_pick(&others, order, 40);
            others.x[33] += change == 4 ? 1 : 0;
            others.y[33] = change == 5 ? (others.y[33] + 1) % CLASSES : others.y[33];
            support_save(&others, form, validation);
            support_free(&others);
            others = before;
            support_expect(&run, MG_CONFIG);
            const char *says = change != 4 && change != 5 ? "other training data" : "other validation data";
            if (!strstr(run.error.text, says))
                fail_msg("change %d: '%s' does not say '%s'", change, run.error.text, says);
            support_free(&now);
        }
        support_free(&rows);
        support_free(&others);
    }
    support_run run = small_run(support_path("data.h5"), support_path("refused-split"));
    support_set(&run, "data.validation=0.25");
    run.stop_after = 2;
    support_expect(&run, MG_STOPPED);
    run.resume = true;
    support_set(&run, "data.validation=0.3");
    support_expect(&run, MG_CONFIG);
    support_set(&run, "data.validation=~");
    support_expect(&run, MG_CONFIG);
}

static void test_nothing_to_resume(void **unused) {
    (void)unused;
    const char *data = support_path("data.h5");
    support_data(data, SUPPORT_F32, ROWS, FEATURES, CLASSES, 33);
    support_run run = small_run(data, support_path("fresh")),
                whole = small_run(data, support_path("fresh-whole"));
    run.resume = true;
    support_expect(&run, MG_OK);
    assert_non_null(strstr(run.messages, "note: "));
    assert_int_equal(run.plan.resumed_step, -1);
    support_expect(&whole, MG_OK);
    support_expect_same_runs(support_path("fresh"), support_path("fresh-whole"), "resumed from nothing");
}

// A finished run without checkpoints is not started again over its own model.
static void test_results_stay(void **unused) {
    (void)unused;
    const char *data = support_path("data.h5"), *directory = support_path("results"),
               *kept = support_path("kept");
    const char *const files[] = {"model.h5", "metrics.jsonl", "config.yaml", "begun.h5"};
    support_data(data, SUPPORT_U8, ROWS, FEATURES, CLASSES, 34);
    support_run run = small_run(data, directory);
    support_expect(&run, MG_OK);
    mkdir(kept, 0777);
    for (int f = 0; f < 4; f++)
        support_copy(support_path("results/%s", files[f]), support_path("kept/%s", files[f]));
    support_remove(support_path("results/checkpoints"));
    run.resume = true;
    for (int again = 0; again < 2; again++) {
        support_expect(&run, MG_CONFIG);
        if (!strstr(run.error.text, "nothing to resume") || !strstr(run.error.text, "model.h5"))
            fail_msg("%s", run.error.text);
        for (int f = 0; f < 4; f++)
            support_expect_same(support_path("kept/%s", files[f]), support_path("results/%s", files[f]),
                                files[f]);
        assert_int_equal(support_count(directory, ""), 4 + again);
        mkdir(support_path("results/checkpoints"), 0777);
    }
    // Without a model there is nothing to lose.
    support_remove(support_path("results/model.h5"));
    support_expect(&run, MG_OK);
    support_expect_same(support_path("kept/model.h5"), support_path("results/model.h5"), "begun again");
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
        cmocka_unit_test(test_refused_options),
        cmocka_unit_test(test_refused_data),
        cmocka_unit_test(test_nothing_to_resume),
        cmocka_unit_test(test_results_stay),
    };
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
