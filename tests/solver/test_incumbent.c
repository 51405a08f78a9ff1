// test_incumbent.c - the progress of a certified run is the same with and without a resume.
#include "solver/incumbent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

// A step may offer no values: its lower bound is far below 0. Such a step makes no progress, also if it is
// the first one after a resume, which only has the bounds.
static void test_resumed(void **unused) {
    (void)unused;
    const mg_resident resident = {.certify = false};
    mg_incumbent run, resumed;
    assert_int_equal(mg_incumbent_create(&run, &resident, NULL), MG_OK);
    assert_int_equal(mg_incumbent_create(&resumed, &resident, NULL), MG_OK);
    run.bounds.primal = run.primal = 0.5;
    run.bounds.dual = 1e-9;
    run.dual = -9e8;
    run.bounds.gap = mg_incumbent_gap(&run.bounds);
    mg_incumbent_note_progress(&run, 11);
    assert_true(run.bounds.progress_passes == 11 && run.bounds.progress_primal == 0.5);
    resumed.bounds = run.bounds;
    mg_incumbent_note_progress(&run, 121);
    mg_incumbent_note_progress(&resumed, 121);
    assert_true(run.bounds.progress_passes == 11);
    assert_memory_equal(&run.bounds, &resumed.bounds, sizeof run.bounds);
}

// Values from before a change of the solver are no progress of the steps that follow.
static void test_changed(void **unused) {
    (void)unused;
    const mg_resident resident = {.certify = false};
    mg_incumbent run;
    assert_int_equal(mg_incumbent_create(&run, &resident, NULL), MG_OK);
    run.bounds.primal = run.primal = 0.5;
    run.bounds.dual = run.dual = 0.1;
    run.bounds.gap = mg_incumbent_gap(&run.bounds);
    mg_incumbent_note_progress(&run, 3);
    mg_incumbent_forget_progress(&run);
    mg_incumbent_note_progress(&run, 7);
    assert_true(run.bounds.progress_passes == 3);
    run.primal = 0.6;
    run.dual = -1;
    mg_incumbent_note_progress(&run, 9);
    assert_true(run.bounds.progress_passes == 9);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_resumed), cmocka_unit_test(test_changed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
