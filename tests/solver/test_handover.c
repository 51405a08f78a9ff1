// test_handover.c - auto with a tolerance. It keeps dual ascent where that is fast, changes to Newton steps
// where it is slow, and returns to dual ascent if Newton steps do not pay. A run that changes its solver has
// the same bits with any number of threads and after any interruption.
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <hdf5.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 300 };

static support_run auto_run(const char *data, const char *directory, const char *c, const char *tolerance) {
    support_run run = support_new(data, directory);
    support_set(&run, "train.solver=auto");
    support_set(&run, "train.batch=100");
    support_set(&run, "data.scale=0.01");
    support_set(&run, "model.C=%s", c);
    support_set(&run, "train.tolerance=%s", tolerance);
    return run;
}

static int count_in(const char *text, const char *what) {
    int count = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what)) count++;
    return count;
}

static bool is_epoch(const char *line) { return strstr(line, "\"event\": \"epoch\""); }

// How often a run changed to each solver, counted in its metrics.
typedef struct changes {
    int newton, dual;
} changes;

static changes changes_of(const char *directory) {
    char *lines = support_lines(support_path("%s/metrics.jsonl", strrchr(directory, '/') + 1), is_epoch);
    changes found = {count_in(lines, "\"solver\": \"newton\""), count_in(lines, "\"solver\": \"dual\"")};
    free(lines);
    return found;
}
// Where dual ascent is fast, there are no Newton steps. Where it is slow, Newton steps follow. If these cost
// much and the gap does not fall, dual ascent follows again: with many classes, few features and a large C.
static void test_changes(void **unused) {
    (void)unused;
    static const struct {
        int64_t features, classes;
        const char *c;
        bool newton, dual;
    } cases[] = {{10, 2, "0.01", false, false}, {50, 2, "100", true, false}, {10, 16, "1e3", true, true}};
    const char *data = support_path("changes.h5"), *directory = support_path("changes");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        support_data(data, SUPPORT_U8, ROWS, cases[i].features, cases[i].classes, 1);
        support_run run = auto_run(data, directory, cases[i].c, "1e-3");
        support_expect(&run, MG_OK);
        changes found = changes_of(directory);
        if (!run.result.converged || (found.newton > 0) != cases[i].newton ||
            (found.dual > 0) != cases[i].dual)
            fail_msg("case %d: %d changes to newton, %d to dual, ended by %s", (int)i, found.newton,
                     found.dual, run.result.reason);
        support_remove(directory);
    }
}

// The bits are the same with several threads, and after stops in every phase.
static void test_resume(void **unused) {
    (void)unused;
    const char *data = support_path("resume.h5"), *whole = support_path("whole"),
               *pieces = support_path("pieces");
    for (int form = 0; form < SUPPORT_FORMS; form += SUPPORT_CSR) {
        support_data(data, form, ROWS, 10, 16, 1);
        support_run run = auto_run(data, whole, form == SUPPORT_CSR ? "5e3" : "5e2", "1e-3");
        support_expect(&run, MG_OK);
        assert_true(changes_of(whole).dual > 0);
        for (int64_t at = 1; at < run.result.step; at += support_few() ? 5 + at : 1 + at / 5)
            support_expect_resumes(&run, whole, pieces, at, support_form_names[form]);
        support_remove(whole);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_changes), cmocka_unit_test(test_resume)};
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
