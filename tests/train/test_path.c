// test_path.c - paths: every point is as good as a run of its own, and starts from the point before; the
// files are the same after any interruption and with any number of threads; the best model is kept.
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "io/h5.h"
#include "model/model.h"
#include "solver/solver.h"
#include "train/grid.h"
#include "train/path.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 240, FEATURES = 20, CLASSES = 4 };

// ---- paths --------------------------------------------------------------------------------------

typedef struct path_run {
    support_run run;
    const char *C, *lambda;
    mg_path_result result;
} path_run;

static path_run path_new(const char *data, const char *directory) {
    path_run path = {.run = support_new(data, directory), .C = "1e-3:1:10"};
    support_set(&path.run, "train.solver=dual");
    support_set(&path.run, "train.batch=40");
    support_set(&path.run, "data.scale=0.01");
    support_set(&path.run, "data.validation=0.25");
    return path;
}

static mg_status follow(path_run *path) {
    mg_observer observer;
    support_run *run = &path->run;
    const mg_path_request request = {.C = path->C,
                                     .lambda = path->lambda,
                                     .resume = run->resume,
                                     .overwrite = run->overwrite,
                                     .observer = &observer};
    mg_config *config = support_configure(run, &observer);
    if (!config) return run->status;
    mg_status status = mg_path(config, &request, &path->result, &run->error);
    mg_config_destroy(config);
    return support_ended(run, status);
}

static void expect(path_run *path, mg_status status) {
    if (follow(path) != status)
        fail_msg("ended with status %d (%s), not %d", (int)path->run.status, path->run.error.text,
                 (int)status);
}

// The i-th solver that can follow a path; NULL after the last.
static const char *solver_at(int i) {
    for (int s = 0; mg_solver_at(s); s++)
        if (mg_solver_at(s)->set_lambda && i-- == 0) return mg_solver_at(s)->name;
    return NULL;
}

static const char *in(const char *directory, const char *name) {
    return support_path("%s/%s", strrchr(directory, '/') + 1, name);
}

static void expect_same(const char *a, const char *b, const char *what) {
    char *lines[2] = {support_lines(in(a, "path.jsonl"), NULL), support_lines(in(b, "path.jsonl"), NULL)};
    if (strcmp(lines[0], lines[1])) fail_msg("%s: points differ:\n%s--- and\n%s", what, lines[0], lines[1]);
    free(lines[0]);
    free(lines[1]);
    support_expect_same(in(a, "model.h5"), in(b, "model.h5"), what);
}

// ---- what points are ----------------------------------------------------------------------------

static void check_against_alone(const support_run *base, const mg_path_point *point, double tolerance,
                                const char *what) {
    const char *directory = support_path("alone");
    support_run run = *base;
    support_set(&run, "output.directory=%s", directory);
    support_set(&run, "model.C=%.17g", point->C);
    support_set(&run, "train.tolerance=%g", tolerance);
    support_expect(&run, MG_OK);
    double slack = 1e-7 * run.result.objective; // rounding errors of float32 at a gap of 0
    if (!(point->gap <= tolerance) || fabs(run.plan.lambda - point->lambda) > 1e-12 * point->lambda)
        fail_msg("%s: gap %g of %g, lambda %g", what, point->gap, tolerance, point->lambda);
    // Both intervals contain the optimum, so they overlap.
    if (point->objective + slack < run.result.dual || run.result.objective + slack < point->dual)
        fail_msg("%s, C %g: from %.9f to %.9f, alone from %.9f to %.9f", what, point->C, point->dual,
                 point->objective, run.result.dual, run.result.objective);
    support_remove(directory);
}

static void test_as_good_as_alone(void **unused) {
    (void)unused;
    const char *const losses[] = {"crammer-singer", "weston-watkins", "one-vs-rest-squared", "softmax"};
    const char *data = support_path("alone.h5"), *directory = support_path("path");
    for (int form = 0; form < SUPPORT_FORMS; form++)
        for (int l = 0; l < 4; l++) {
            if (support_few() && l % SUPPORT_FORMS != form) continue;
            // with 17 classes, only nonzero dual variables are stored
            support_data(data, form, ROWS, FEATURES, l == 1 ? 17 : CLASSES, 3);
            for (int s = l == 3; solver_at(s); s++) { // dual ascent (solver 0) cannot train softmax
                char what[100];
                path_run path = path_new(data, directory);
                support_set(&path.run, "model.loss=%s", losses[l]);
                support_set(&path.run, "train.solver=%s", solver_at(s));
                if (form == SUPPORT_F32) support_set(&path.run, "data.scale=standard");
                expect(&path, MG_OK);
                assert_int_equal(path.result.points, 4);
                snprintf(what, sizeof what, "%s, %s, %s", solver_at(s), losses[l], support_form_names[form]);
                for (int p = 0; p < 4; p++) check_against_alone(&path.run, &path.result.point[p], 1e-3, what);
                support_remove(directory);
            }
        }
}

// Starting from the certified result of the point before, a point needs little more than one epoch.
static void test_starts_warm(void **unused) {
    (void)unused;
    const char *data = support_path("warm.h5");
    support_data(data, SUPPORT_U8, ROWS, FEATURES, CLASSES, 4);
    path_run path = path_new(data, support_path("warm"));
    path.C = "0.1:0.104:1.01";
    expect(&path, MG_OK);
    assert_int_equal(path.result.points, 4);
    for (int p = 1; p < 4; p++)
        if (!(path.result.point[p].passes * 3 < path.result.point[0].passes))
            fail_msg("point %d took %g passes, the first %g", p, path.result.point[p].passes,
                     path.result.point[0].passes);
}

// One epoch is not enough for these points. Still none may be worse than the weights of the point before
// (whose objective falls with lambda), or than weights of zero (whose objective is 1). Each reports that it
// missed the tolerance.
static void test_never_worse(void **unused) {
    (void)unused;
    const char *data = support_path("worse.h5"), *directory = support_path("worse");
    for (int form = 0; form < SUPPORT_FORMS; form++) {
        support_data(data, form, ROWS, FEATURES, CLASSES, 9);
        path_run path = path_new(data, directory);
        path.C = "1e-2:1e4:100";
        support_set(&path.run, "train.epochs=1");
        support_set(&path.run, "train.tolerance=1e-5");
        support_set(&path.run, "data.scale=%s", form == SUPPORT_CSR ? "none" : "1");
        expect(&path, MG_OK);
        char *lines = support_lines(in(directory, "path.jsonl"), NULL);
        for (int p = 0; p < path.result.points; p++) {
            const mg_path_point *at = &path.result.point[p];
            if (!(at->objective <= 1) || (p > 0 && !(at->objective <= at[-1].objective)))
                fail_msg("%s, point %d: objective %g after %g", support_form_names[form], p, at->objective,
                         p ? at[-1].objective : 1);
            assert_true(at->converged == 0);
        }
        assert_non_null(strstr(lines, "\"converged\": false"));
        assert_null(strstr(lines, "\"converged\": true"));
        assert_non_null(strstr(path.run.messages, "the best among them"));
        free(lines);
        support_remove(directory);
    }
}

static void test_keeps_best(void **unused) {
    (void)unused;
    const char *data = support_path("best.h5"), *long_way = support_path("long"),
               *short_way = support_path("short");
    mg_error error;
    mg_model *model;
    char until[60];
    // With more features than rows, a large C reduces the accuracy.
    support_data(data, SUPPORT_CSR, 80, 100, CLASSES, 5);
    path_run path = path_new(data, long_way);
    path.C = "1e-4:10:10";
    support_set(&path.run, "data.test=%s", data);
    expect(&path, MG_OK);
    int best = mg_path_best(path.result.point, path.result.points);
    assert_int_equal(best, path.result.best);
    assert_true(best > 0 && best < path.result.points - 1); // otherwise the test proves little
    assert_int_equal(mg_model_read(path.result.model_path, &model, &error), MG_OK);
    assert_true(model->lambda == path.result.point[best].lambda &&
                model->objective == path.result.point[best].objective &&
                model->dual == path.result.point[best].dual);
    mg_model_free(model);
    assert_true(path.result.test_accuracy > 0.5);
    // A path that ends at the best point gives the same model.
    path_run ends = path_new(data, short_way);
    snprintf(until, sizeof until, "1e-4:%g:10", path.result.point[best].C);
    ends.C = until;
    expect(&ends, MG_OK);
    assert_int_equal(ends.result.points, best + 1);
    support_expect_same(path.result.model_path, ends.result.model_path, "the path up to the best point");
}

static void test_best_of_equals(void **unused) {
    (void)unused;
    const mg_path_point points[] = {{.C = 8, .accuracy = 0.5},
                                    {.C = 4, .accuracy = 0.75},
                                    {.C = 2, .accuracy = 0.75},
                                    {.C = 1, .accuracy = NAN},
                                    {.C = 3, .accuracy = 0.75}};
    assert_int_equal(mg_path_best(points, 5), 2);
    assert_int_equal(mg_path_best(points + 3, 1), -1);
    assert_int_equal(mg_path_best(points, 0), -1);
}

static void test_without_validation(void **unused) {
    (void)unused;
    const char *data = support_path("none.h5");
    support_data(data, SUPPORT_U8, ROWS, FEATURES, CLASSES, 6);
    path_run path = path_new(data, support_path("none"));
    support_set(&path.run, "data.validation=");
    support_set(&path.run, "data.test=%s", data);
    expect(&path, MG_OK);
    assert_int_equal(path.result.best, -1);
    assert_true(isnan(path.result.test_accuracy) && isnan(path.result.point[0].accuracy));
    assert_false(support_exists(path.result.model_path));
    assert_non_null(strstr(path.run.messages, "no model.h5 is written"));
}

// ---- the same files -----------------------------------------------------------------------------

static void test_threads(void **unused) {
    (void)unused;
    const char *data = support_path("threads.h5"), *one = support_path("one"), *three = support_path("three");
    for (int form = 0; form < SUPPORT_FORMS; form++) {
        support_data(data, form, ROWS, FEATURES, CLASSES, 7);
        path_run path = path_new(data, one);
        expect(&path, MG_OK);
        support_set(&path.run, "output.directory=%s", three);
        support_set(&path.run, "train.threads=3");
        expect(&path, MG_OK);
        expect_same(one, three, support_form_names[form]);
        support_remove(one);
        support_remove(three);
    }
}

// The best model is written at the same time as a checkpoint.
static void test_two_images_at_once(void **unused) {
    (void)unused;
    mg_error error;
    mg_h5_image *image[2];
    for (int i = 0; i < 2; i++)
        if (mg_h5_image_create(&image[i], &error)) fail_msg("image %d: %s", i, error.text);
    for (int i = 0; i < 2; i++) mg_h5_image_attribute_int64(image[i], "/", "number", i);
    for (int i = 0; i < 2; i++) support_write_image(image[i], support_path("image-%d.h5", i));
    for (int64_t i = 0, number; i < 2; i++) {
        mg_h5 *file;
        assert_int_equal(mg_h5_open(support_path("image-%d.h5", (int)i), &file, &error), MG_OK);
        assert_int_equal(mg_h5_attribute_int64(file, "/", "number", &number, 1, NULL, &error), MG_OK);
        assert_int_equal(number, i);
        mg_h5_close(file);
    }
}

// Stops at every step of every point, including the last step of a point and the first of the next.
static void expect_resumable(const char *data, const char *solver, const char *loss) {
    const char *whole = support_path("whole"), *pieces = support_path("pieces");
    path_run path = path_new(data, whole);
    path.C = "1e-3:1e-1:10";
    support_set(&path.run, "train.solver=%s", solver);
    support_set(&path.run, "model.loss=%s", loss);
    support_set(&path.run, "train.epochs=14"); // includes the epoch at which the first rows are shrunk
    expect(&path, MG_OK);
    for (int64_t at = 1; at <= path.run.steps; at++) {
        path_run piece = path;
        support_set(&piece.run, "output.directory=%s", pieces);
        piece.run.stop_after = at;
        follow(&piece); // a stop in its last step comes too late
        assert_true(piece.run.status == MG_STOPPED || (piece.run.status == MG_OK && at == path.run.steps));
        piece.run.stop_after = 0;
        piece.run.resume = true;
        support_set(&piece.run, "train.threads=2");
        expect(&piece, MG_OK);
        assert_int_equal(piece.run.steps, path.run.steps - at);
        expect_same(whole, pieces, solver);
        support_remove(pieces);
    }
    support_remove(whole);
}

static void test_resume(void **unused) {
    (void)unused;
    const char *data = support_path("resume.h5");
    for (int form = 0; form < SUPPORT_FORMS; form += SUPPORT_CSR) {
        support_data(data, form, ROWS, FEATURES, form ? 17 : CLASSES, 8);
        for (int s = 0; solver_at(s); s++) expect_resumable(data, solver_at(s), "crammer-singer");
        expect_resumable(data, "newton", "softmax");
    }
}

// If a finished path is resumed, it only writes its files again.
static void test_resume_of_a_whole(void **unused) {
    (void)unused;
    const char *data = support_path("done.h5"), *whole = support_path("done"), *again = support_path("again");
    support_data(data, SUPPORT_U8, ROWS, FEATURES, CLASSES, 9);
    path_run path = path_new(data, whole);
    expect(&path, MG_OK);
    support_set(&path.run, "output.directory=%s", again);
    expect(&path, MG_OK);
    support_remove(path.result.model_path);
    support_remove(path.result.points_path);
    path.run.resume = true;
    expect(&path, MG_OK);
    assert_int_equal(path.run.steps, 0);
    expect_same(whole, again, "resumed when it was done");
}

// A path without a checkpoint and with one result may have been killed before its first checkpoint: it is
// computed again. With more results the checkpoint was lost: they are not replaced.
static void test_results_stay(void **unused) {
    (void)unused;
    const char *data = support_path("stay.h5"), *whole = support_path("stay"),
               *points = support_path("stay/path.jsonl");
    const char *model = support_path("stay-model.h5"), *kept = support_path("stay-path.jsonl");
    support_data(data, SUPPORT_U8, ROWS, FEATURES, CLASSES, 11);
    path_run path = path_new(data, whole);
    expect(&path, MG_OK);
    support_copy(path.result.model_path, model);
    support_copy(points, kept);
    path.run.resume = true;
    for (int lines = path.result.points; lines >= 1; lines--) {
        size_t size;
        char *text = (char *)support_read(kept, &size), *end = text;
        for (int l = 0; l < lines; l++) end = strchr(end, '\n') + 1;
        support_write(points, text, (size_t)(end - text));
        support_remove(support_path("stay/checkpoints"));
        expect(&path, lines > 1 ? MG_CONFIG : MG_OK);
        if (lines > 1) {
            assert_non_null(strstr(path.run.error.text, "nothing to resume: path.jsonl"));
            unsigned char *now = support_read(points, &size);
            assert_true(size == (size_t)(end - text) && !memcmp(now, text, size));
            free(now);
        }
        support_expect_same(model, path.result.model_path, "the model");
        free(text);
    }
    support_remove(points); // without points it could be the model of a run
    support_remove(support_path("stay/checkpoints"));
    expect(&path, MG_CONFIG);
    assert_non_null(strstr(path.run.error.text, "nothing to resume: model.h5"));
    support_expect_same(model, path.result.model_path, "the model");
}

// ---- what is refused ----------------------------------------------------------------------------

static void expect_refused(path_run *path, mg_status status, const char *text) {
    if (follow(path) != status || !strstr(path->run.error.text, text))
        fail_msg("status %d, '%s': '%s' was expected", (int)path->run.status, path->run.error.text, text);
}

// The message about streamed rows gives the value of data.memory_limit with which the path runs.
static void test_streamed(void **unused) {
    (void)unused;
    const char *data = support_path("streamed.h5"),
               *directory = support_path("streamed"), *const solvers[] = {"dual", "auto"};
    for (int form = 0; form < SUPPORT_FORMS; form++)
        for (int s = 0; s < 2; s++) {
            support_data(data, form, ROWS, FEATURES, CLASSES, 10);
            path_run path = path_new(data, directory);
            long long advised = 0;
            support_set(&path.run, "train.solver=%s", solvers[s]);
            support_set(&path.run, "data.memory_limit=2000");
            expect_refused(&path, MG_CONFIG, "data.memory_limit: ");
            assert_null(strstr(path.run.error.text, "leave it at 0"));
            const char *advice = strstr(path.run.error.text, "set it to ");
            assert_non_null(advice);
            assert_int_equal(sscanf(advice, "set it to %lld, or use margin train", &advised), 1);
            support_set(&path.run, "data.memory_limit=%lld", advised);
            expect(&path, MG_OK);
            support_remove(directory);
        }
}

// Only sgd trains on centred sparse rows, and it follows no path.
static void test_centred(void **unused) {
    (void)unused;
    const char *data = support_path("centred.h5"), *const solvers[] = {"dual", "auto"};
    support_data(data, SUPPORT_CSR, ROWS, FEATURES, CLASSES, 10);
    for (int s = 0; s < 2; s++) {
        path_run path = path_new(data, support_path("centred"));
        support_set(&path.run, "train.solver=%s", solvers[s]);
        support_set(&path.run, "data.scale=standard");
        expect_refused(&path, MG_CONFIG, "sparse rows are centred: set data.scale to max-abs");
        assert_null(strstr(path.run.error.text, "sgd"));
        support_set(&path.run, "data.scale=max-abs");
        expect(&path, MG_OK);
        support_remove(support_path("centred"));
    }
}

static void test_refused(void **unused) {
    (void)unused;
    const char *data = support_path("refused.h5"), *directory = support_path("refused");
    const char *const wrong[][2] = {
        {"train.solver=sgd", "train.solver: sgd cannot start from the previous point of a path"},
        {"train.max_steps=10", "train.max_steps limits a run, not a path"},
        {"train.time_limit=10", "train.time_limit limits a run, not a path"},
    };
    support_data(data, SUPPORT_U8, ROWS, FEATURES, CLASSES, 10);
    for (size_t w = 0; w < sizeof wrong / sizeof *wrong; w++) {
        path_run path = path_new(data, directory);
        support_set(&path.run, "%s", wrong[w][0]);
        expect_refused(&path, MG_CONFIG, wrong[w][1]);
    }
    path_run path = path_new(data, directory);
    path.lambda = path.C;
    expect_refused(&path, MG_USAGE, "one of --C and --lambda is required, not both");
    path.lambda = NULL;
    assert_false(support_exists(directory));
    expect(&path, MG_OK);
    expect_refused(&path, MG_CONFIG, "already holds a run");
    path.run.resume = true;
    path.C = "1e-3:10:10";
    expect_refused(&path, MG_CONFIG, "path.C: 1e-3:1:10, now 1e-3:10:10");
    support_set(&path.run, "train.tolerance=1e-2");
    support_run run = path.run;
    assert_int_equal(support_train(&run), MG_CONFIG); // a path cannot be resumed as a run
    assert_non_null(strstr(run.error.text, "already holds the result of path"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_best_of_equals), cmocka_unit_test(test_as_good_as_alone),
        cmocka_unit_test(test_starts_warm),    cmocka_unit_test(test_never_worse),
        cmocka_unit_test(test_keeps_best),     cmocka_unit_test(test_without_validation),
        cmocka_unit_test(test_threads),        cmocka_unit_test(test_two_images_at_once),
        cmocka_unit_test(test_resume),         cmocka_unit_test(test_resume_of_a_whole),
        cmocka_unit_test(test_results_stay),   cmocka_unit_test(test_refused),
        cmocka_unit_test(test_streamed),       cmocka_unit_test(test_centred),
    };
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
