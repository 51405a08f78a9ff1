// test_stored_bounds.c - a resumed run claims nothing that only a sealed checkpoint says: it proves the
// stored lower bound again, or forgets it and says so. What honest runs claim stays the same.
#include "support.h"
#include "support_forge.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PRIMAL, DUAL, GAP }; // places in state/bounds
#define LEAST_GAP 0x1p-24

typedef struct run_kind {
    const char *name, *settings[3];
    int64_t stop; // a step with a certificate
} run_kind;

static const run_kind kinds[] = {
    {"dual", {"train.solver=dual", "train.tolerance=1e-3", "model.lambda=0.1"}, 40},
    {"newton", {"train.solver=newton", "train.tolerance=1e-6"}, 22},
    {"shards", {"train.solver=newton", "train.tolerance=1e-6", "train.shards=4"}, 4},
    {"softmax", {"train.solver=newton", "train.tolerance=1e-5", "model.loss=softmax"}, 1},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static support_run run_of(const run_kind *kind, const char *directory) {
    support_run run = support_new(support_path("data.h5"), support_path("%s", directory));
    support_set(&run, "train.batch=16");
    support_set(&run, "model.lambda=0.001");
    support_set(&run, "train.epochs=2000");
    support_set(&run, "checkpoint.every_steps=1");
    for (int i = 0; i < 3 && kind->settings[i]; i++) support_set(&run, "%s", kind->settings[i]);
    return run;
}

static int begin(void **unused) {
    if (support_begin(unused)) return 1;
    support_data(support_path("data.h5"), SUPPORT_F32, 300, 7, 3, 1);
    return 0;
}

// A certificate with a gap that is far smaller than the tolerance.
static mg_train_result optimum_of(const run_kind *kind) {
    support_run run = run_of(kind, "optimum");
    run.overwrite = true;
    support_set(&run, "train.solver=newton");
    support_set(&run, "train.tolerance=1e-6");
    support_expect(&run, MG_OK);
    if (!run.result.converged) fail_msg("%s: %s, gap %g", kind->name, run.result.reason, run.result.gap);
    return run.result;
}

typedef struct forged {
    const char *path;
    unsigned char *bytes;
    hid_t file;
} forged;

// Opens a copy of the newest checkpoint in memory.
static forged open_newest(const char *directory) {
    size_t size;
    forged f = {.path = support_newest(support_path("%s", directory))};
    f.bytes = support_read(f.path, &size);
    f.file = forge_open(f.bytes, size);
    return f;
}

// Writes the changed checkpoint, sealed again.
static void write_newest(forged *f) {
    forge_write(f->file, f->path);
    free(f->bytes);
}

// Starts the run of directory forged, and stops it at a certificate.
static void stop(const run_kind *kind) {
    support_run run = run_of(kind, "forged");
    run.overwrite = true;
    run.stop_after = kind->stop;
    support_expect(&run, MG_STOPPED);
}

// Stops a run, multiplies the stored objective, sets the stored bound to `dual` (0: the objective), and
// resumes the run.
static support_run resume_forged(const run_kind *kind, double factor, double dual) {
    stop(kind);
    forged f = open_newest("forged");
    double primal = factor * forge_get(f.file, "state/bounds", PRIMAL);
    assert_true(isfinite(primal));
    if (dual == 0) dual = primal;
    assert_true(forge_set(f.file, "state/bounds", PRIMAL, primal));
    assert_true(forge_set(f.file, "state/bounds", DUAL, dual));
    assert_true(forge_set(f.file, "state/bounds", GAP, fmax(fabs(primal - dual) / primal, LEAST_GAP)));
    write_newest(&f);
    support_run run = run_of(kind, "forged");
    run.resume = true;
    support_train(&run);
    return run;
}

// The run has not claimed a bound above the objective of known weights, or an objective below a proven bound.
static void expect_truth(const run_kind *kind, const support_run *run, const mg_train_result *known,
                         bool ends) {
    if (run->status == MG_DATA && strstr(run->error.text, "state/bounds (primal value)")) return;
    if (run->status) fail_msg("%s: status %d '%s'", kind->name, run->status, run->error.text);
    const mg_train_result *got = &run->result;
    if (got->dual > known->objective * (1 + 1e-6) || got->objective < known->dual * (1 - 1e-6))
        fail_msg("%s: objective %.9g, bound %.9g, but known are %.9g and %.9g", kind->name, got->objective,
                 got->dual, known->objective, known->dual);
    if (ends && !got->converged) fail_msg("%s: %s, gap %g", kind->name, got->reason, got->gap);
}

static void test_dual_value(void **unused) {
    (void)unused;
    for (int k = 0; k < KINDS; k++) {
        mg_train_result known = optimum_of(&kinds[k]);
        support_run run = resume_forged(&kinds[k], 1, 0);
        expect_truth(&kinds[k], &run, &known, true);
        if (!strstr(run.messages, "cannot be proven again"))
            fail_msg("%s: messages '%s'", kinds[k].name, run.messages);
        run = resume_forged(&kinds[k], 1, known.objective * (1 + 1e-5)); // too close to be refuted
        expect_truth(&kinds[k], &run, &known, true);
    }
}

static void test_primal_value(void **unused) {
    (void)unused;
    for (int k = 0; k < KINDS; k++) {
        mg_train_result known = optimum_of(&kinds[k]);
        support_run run = resume_forged(&kinds[k], 0.9, 0);
        if (run.status != MG_DATA || !strstr(run.error.text, "state/bounds (primal value) is"))
            fail_msg("%s: status %d '%s'", kinds[k].name, run.status, run.error.text);
        run = resume_forged(&kinds[k], 0.9995, 0); // within the slack of the check
        expect_truth(&kinds[k], &run, &known, true);
    }
}

// Sums of huge scores are rounded so much that a bound from them may be above the optimum.
static void test_huge_weights(void **unused) {
    (void)unused;
    static const double huge[] = {1e6, 1e9, 1e13, 1e20, 1e38};
    const run_kind *kind = &kinds[KINDS - 1];
    mg_train_result known = optimum_of(kind);
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
        stop(kind);
        forged f = open_newest("forged");
        assert_true(forge_set(f.file, "state/weights", 4, huge[i]));
        write_newest(&f);
        support_run run = run_of(kind, "forged");
        run.resume = true;
        support_train(&run);
        if (run.status != MG_NONFINITE) expect_truth(kind, &run, &known, false);
    }
}

// The bound of a run that has ended is proven again too.
static void test_finished(void **unused) {
    (void)unused;
    for (int k = 0; k < KINDS; k++) {
        mg_train_result known = optimum_of(&kinds[k]);
        support_run run = run_of(&kinds[k], "whole");
        run.overwrite = true;
        support_expect(&run, MG_OK);
        run.overwrite = false;
        forged f = open_newest("whole");
        double primal = forge_get(f.file, "state/bounds", PRIMAL);
        assert_true(forge_set(f.file, "state/bounds", DUAL, primal));
        assert_true(forge_set(f.file, "state/bounds", GAP, LEAST_GAP));
        write_newest(&f);
        run.resume = true;
        support_train(&run);
        expect_truth(&kinds[k], &run, &known, false);
    }
}

// The bound of a Newton run may be that of an earlier iterate. It is proven again, and the model is the same.
static void test_earlier_iterate(void **unused) {
    (void)unused;
    static const char *const tolerances[] = {"1e-3", "1e-4", "1e-5"};
    for (int i = 0; i < 3; i++) {
        support_run run = run_of(&kinds[1], "whole");
        support_set(&run, "train.tolerance=%s", tolerances[i]);
        run.overwrite = true;
        support_expect(&run, MG_OK);
        support_run again = run;
        again.overwrite = false;
        again.resume = true;
        support_expect(&again, MG_OK); // finished
        if (!again.result.converged || again.result.dual != run.result.dual)
            fail_msg("tolerance %s: bound %.17g, then %.17g", tolerances[i], run.result.dual,
                     again.result.dual);
        run.overwrite = false;
        for (int64_t at = run.steps - 3; at < run.steps; at++)
            support_expect_resumes(&run, support_path("whole"), support_path("pieces"), at, tolerances[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dual_value),      cmocka_unit_test(test_primal_value),
        cmocka_unit_test(test_huge_weights),    cmocka_unit_test(test_finished),
        cmocka_unit_test(test_earlier_iterate),
    };
    return cmocka_run_group_tests(tests, begin, support_end);
}
