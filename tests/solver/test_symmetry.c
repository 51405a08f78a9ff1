// test_symmetry.c - a certified optimum does not depend on the order of rows, on the names of classes, or on
// whether a row occurs twice or has weight 2. Also trains rows that contradict each other.
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "model/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 120, FEATURES = 12, CLASSES = 5 };

static const char *const losses[] = {"weston-watkins",
                                     "crammer-singer",
                                     "weston-watkins-squared",
                                     "crammer-singer-squared",
                                     "one-vs-rest",
                                     "one-vs-rest-squared",
                                     "softmax"};
static const char *const solvers[] = {"dual", "newton"};
enum { LOSSES = sizeof losses / sizeof *losses, SOLVERS = sizeof solvers / sizeof *solvers };

#define TOLERANCE 1e-4
#define LAMBDA 0.02

// Trains a certified model with these rows. Returns it, and its objective.
static mg_model *certified(const support_rows *rows, support_form form, const char *loss, const char *solver,
                           double *objective) {
    const char *data = support_path("data.h5"), *directory = support_path("run");
    char path[600];
    mg_model *model;
    mg_error error = {0};
    support_save(rows, form, data);
    support_run run = support_new(data, directory);
    support_set(&run, "model.loss=%s", loss);
    support_set(&run, "model.lambda=%g", LAMBDA);
    support_set(&run, "data.scale=0.01");
    support_set(&run, "train.solver=%s", solver);
    support_set(&run, "train.tolerance=%g", TOLERANCE);
    if (rows->weight) support_set(&run, "data.weights=w");
    support_expect(&run, MG_OK);
    if (!run.result.converged || !(run.result.gap >= 0 && run.result.gap <= TOLERANCE))
        fail_msg("%s, %s, %s: gap %g", solver, loss, support_form_names[form], run.result.gap);
    snprintf(path, sizeof path, "%s/model.h5", directory);
    if (mg_model_read(path, &model, &error)) fail_msg("%s", error.text);
    *objective = run.result.objective;
    support_remove(directory);
    return model;
}

// Compares two models of the same problem. `name` maps the classes of the second to those of the first. Each
// is within the tolerance of the optimum, so by strong convexity neither is further from it than sqrt(2
// tolerance objective / lambda), in scaled features.
static void expect_same_optimum(mg_model *a, double first, mg_model *b, double second, const int64_t *name,
                                const char *what) {
    double apart = 0, most = 2 * sqrt(2 * TOLERANCE * first / LAMBDA);
    for (int64_t k = 0; k < CLASSES; k++) {
        int64_t other = name ? name[k] : k;
        for (int64_t d = 0; d < FEATURES; d++)
            apart += pow(
                100 * ((double)a->weights[k * FEATURES + d] - (double)b->weights[other * FEATURES + d]), 2);
        apart += pow((double)a->bias[k] - (double)b->bias[other], 2);
    }
    if (fabs(first - second) > TOLERANCE * first || sqrt(apart) > most)
        fail_msg("%s: objectives %.9g and %.9g, weights %g apart, at most %g", what, first, second,
                 sqrt(apart), most);
    mg_model_free(a);
    mg_model_free(b);
}

// Calls `check` for every solver, loss and form.
static void for_all(void (*check)(support_form form, const char *loss, const char *solver)) {
    for (int s = 0; s < SOLVERS; s++)
        // softmax is the last loss, and dual ascent cannot train it
        for (int l = 0; l < LOSSES - (s == 0); l++)
            for (int form = 0; form < SUPPORT_FORMS; form++) check((support_form)form, losses[l], solvers[s]);
}

static void check_rows(support_form form, const char *loss, const char *solver) {
    int64_t order[ROWS];
    double first, second;
    for (int64_t i = 0; i < ROWS; i++) order[i] = (i * 77 + 5) % ROWS;
    support_rows rows = support_make(ROWS, FEATURES, CLASSES, 31), other = support_pick(&rows, order, ROWS);
    mg_model *a = certified(&rows, form, loss, solver, &first),
             *b = certified(&other, form, loss, solver, &second);
    expect_same_optimum(a, first, b, second, NULL, "rows in another order");
    support_free(&rows);
    support_free(&other);
}

static void check_classes(support_form form, const char *loss, const char *solver) {
    static const int64_t name[CLASSES] = {3, 0, 4, 1, 2};
    double first, second;
    support_rows rows = support_make(ROWS, FEATURES, CLASSES, 32);
    mg_model *a = certified(&rows, form, loss, solver, &first);
    for (int64_t i = 0; i < ROWS; i++) rows.y[i] = name[rows.y[i]];
    mg_model *b = certified(&rows, form, loss, solver, &second);
    expect_same_optimum(a, first, b, second, name, "classes of other names");
    support_free(&rows);
}

static void check_weights(support_form form, const char *loss, const char *solver) {
    int64_t pick[2 * ROWS], count = 0;
    double first, second;
    support_rows rows = support_make(ROWS, FEATURES, CLASSES, 33);
    for (int64_t i = 0; i < ROWS; i++)
        for (int64_t copies = 1 + i % 2; copies > 0; copies--) pick[count++] = i;
    support_rows twice = support_pick(&rows, pick, count);
    rows.weight = calloc(ROWS, sizeof *rows.weight);
    for (int64_t i = 0; i < ROWS; i++) rows.weight[i] = (double)(1 + i % 2);
    mg_model *a = certified(&rows, form, loss, solver, &first),
             *b = certified(&twice, form, loss, solver, &second);
    expect_same_optimum(a, first, b, second, NULL, "weight 2 and the row twice");
    support_free(&rows);
    support_free(&twice);
}

// Every row occurs a second time with another class.
static void check_contradictions(support_form form, const char *loss, const char *solver) {
    int64_t pick[2 * ROWS];
    double objective;
    support_rows rows = support_make(ROWS, FEATURES, CLASSES, 34);
    for (int64_t i = 0; i < 2 * ROWS; i++) pick[i] = i / 2;
    support_rows twice = support_pick(&rows, pick, 2 * ROWS);
    for (int64_t i = 1; i < 2 * ROWS; i += 2) twice.y[i] = (twice.y[i] + 1) % CLASSES;
    mg_model_free(certified(&twice, form, loss, solver, &objective));
    support_free(&rows);
    support_free(&twice);
}

static void test_order_of_rows(void **unused) {
    (void)unused;
    for_all(check_rows);
}

static void test_names_of_classes(void **unused) {
    (void)unused;
    for_all(check_classes);
}

static void test_weight_is_twice(void **unused) {
    (void)unused;
    for_all(check_weights);
}

static void test_contradictions(void **unused) {
    (void)unused;
    for_all(check_contradictions);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_of_rows), cmocka_unit_test(test_names_of_classes),
        cmocka_unit_test(test_weight_is_twice), cmocka_unit_test(test_contradictions)};
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
