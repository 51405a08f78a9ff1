// test_resume_refused.c - a run cannot be resumed after changes that matter; the message names them.
#include "resume_runs.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// Writes another allowed value of the option. Returns false if there is none.
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
    case MG_OPTION_PATHS:
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

// The value of the option in the run's settings, or its default.
static const char *value_now(const support_run *run, const char *key, const mg_option *option) {
    const char *value = option->preset;
    size_t length = strlen(key);
    for (int i = 0; i < run->count; i++)
        if (!strncmp(run->sets[i], key, length) && run->sets[i][length] == '=')
            value = run->sets[i] + length + 1;
    return value;
}

// A run can be resumed with another value of any option that does not change the result. (Paths are changed
// in test_accepted and test_moved.)
static void accept_options(const support_run *base, int64_t at) {
    int sections, walked = 0;
    const mg_binding *bindings = mg_config_bindings(&sections);
    for (int s = 0; s < sections; s++)
        for (int i = 0; i < bindings[s].section->count; i++) {
            const mg_section *section = bindings[s].section;
            const mg_option *option = &section->options[i];
            char key[100], value[100];
            snprintf(key, sizeof key, "%s.%s", section->name, option->name);
            if (option->changes_result || option->type == MG_OPTION_TEXT || option->type == MG_OPTION_PATHS)
                continue;
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
            support_rows now = support_pick(&rows, order, ROWS); // the same rows, but two of them swapped
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

// A finished run without checkpoints is not started again, which would replace its own model.
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
    // Without a model there is nothing to lose, so it starts again.
    support_remove(support_path("results/model.h5"));
    support_expect(&run, MG_OK);
    support_expect_same(support_path("kept/model.h5"), support_path("results/model.h5"), "begun again");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_options),
        cmocka_unit_test(test_refused_data),
        cmocka_unit_test(test_nothing_to_resume),
        cmocka_unit_test(test_results_stay),
    };
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
