// test_step.c - a step depends only on the solver's state, not on what the buffers of parts contain from
// earlier steps.
#include "solver/solver.h"
#include "solver/sgd/options.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { ROWS = 96, STEPS = 3, BATCH = ROWS / STEPS, FEATURES = 40, LINE = 48, PARTS = 4 };

static uint64_t state = 1;

static float draw(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (float)(state >> 40) * 0x1p-23f - 1;
}

typedef struct posed {
    _Alignas(64) float x[ROWS * LINE];
    int32_t label[ROWS];
    mg_team team;
    mg_problem problem;
    mg_train_options train;
    mg_sgd_options sgd;
    mg_solver_options options;
} posed;

// Sets up a problem whose minibatches have different labels, so that every step changes other classes.
static void pose(posed *p, int64_t classes, const char *loss) {
    const mg_kernel *kernel;
    *p = (posed){.team.threads = 1};
    assert_int_equal(mg_kernel_select(&kernel, NULL), MG_OK);
    for (int i = 0; i < ROWS; i++) {
        for (int d = 0; d < FEATURES; d++) p->x[i * LINE + d] = draw();
        p->label[i] = (int32_t)((i / BATCH + STEPS * i) % classes);
    }
    p->problem = (mg_problem){.rows = ROWS,
                              .features = FEATURES,
                              .classes = classes,
                              .layout = MG_DENSE,
                              .cell = MG_CELL_F32,
                              .loss = mg_loss_find(loss),
                              .delta = 1,
                              .lambda = 0.01,
                              .bias = 1,
                              .mean_square_norm = 14,
                              .values_per_row = FEATURES,
                              .most_values = FEATURES,
                              .batch = BATCH,
                              .parts = PARTS,
                              .steps_per_epoch = STEPS,
                              .total_steps = STEPS,
                              .kernel = kernel,
                              .team = &p->team};
    p->sgd = (mg_sgd_options){.update = "plain", .rate = "constant", .eta = 0.5};
    p->options = (mg_solver_options){.train = &p->train, .own = &p->sgd};
}

static void *begin(posed *p) {
    void *solver;
    assert_int_equal(mg_solver_find("sgd")->create(&p->problem, &p->options, &solver, NULL), MG_OK);
    return solver;
}

static void step(posed *p, void *solver, int64_t number) {
    mg_batch batch = {.rows = {.count = BATCH,
                               .features = FEATURES,
                               .layout = MG_DENSE,
                               .cell = MG_CELL_F32,
                               .dense = p->x + number * BATCH * LINE,
                               .stride = LINE},
                      .label = p->label + number * BATCH};
    mg_step_result result;
    assert_int_equal(mg_solver_find("sgd")->step(solver, &batch, number, &result, NULL), MG_OK);
    assert_true(isfinite(result.loss));
}

// Compares a solver that has taken all steps with one that begins with its weights before the last step.
static void check(int64_t classes, const char *loss) {
    const mg_solver *sgd = mg_solver_find("sgd");
    posed p;
    pose(&p, classes, loss);
    void *whole = begin(&p), *late = begin(&p);
    for (int64_t s = 0; s < STEPS - 1; s++) step(&p, whole, s);
    sgd->begin_at(late, sgd->weights(whole));
    step(&p, whole, STEPS - 1);
    step(&p, late, STEPS - 1);
    const mg_weights *a = sgd->weights(whole), *b = sgd->weights(late);
    assert_memory_equal(a->v, b->v, (size_t)a->size * sizeof *a->v);
    assert_memory_equal(a->bias, b->bias, (size_t)a->lanes * sizeof *a->bias);
    sgd->destroy(whole), sgd->destroy(late);
}

static void test_nothing_is_left_of_the_step_before(void **unused) {
    (void)unused;
    static const int64_t classes[] = {3, 64, 65, 150};
    for (int c = 0; c < 4; c++) {
        check(classes[c], "crammer-singer");
        check(classes[c], "weston-watkins");
        check(classes[c], "softmax");
    }
}

// With fewer rows in a minibatch than parts, some parts are empty. The result of two steps is the same as
// with one part, except for rounding.
static void test_parts_without_rows(void **unused) {
    (void)unused;
    const mg_solver *sgd = mg_solver_find("sgd");
    static const int64_t classes[] = {3, 64, 65, 150};
    for (int c = 0; c < 4; c++)
        for (int64_t parts = 2; parts <= 9; parts++) {
            posed p;
            pose(&p, classes[c], "weston-watkins");
            mg_problem problem[2] = {p.problem, p.problem};
            void *solver[2];
            for (int i = 0; i < 2; i++) {
                problem[i].batch = 3;
                problem[i].parts = i ? parts : 1;
                assert_int_equal(sgd->create(&problem[i], &p.options, &solver[i], NULL), MG_OK);
                for (int64_t s = 0; s < 2; s++) {
                    mg_step_result result;
                    mg_batch batch = {.rows = {.count = 3,
                                               .features = FEATURES,
                                               .layout = MG_DENSE,
                                               .cell = MG_CELL_F32,
                                               .dense = p.x + s * BATCH * LINE,
                                               .stride = LINE},
                                      .label = p.label + s * BATCH};
                    sgd->step(solver[i], &batch, s, &result, NULL);
                }
            }
            const mg_weights *a = sgd->weights(solver[0]), *b = sgd->weights(solver[1]);
            for (int64_t j = 0; j < a->size; j++)
                assert_true(fabsf(a->v[j] - b->v[j]) <= 1e-5f * (1 + fabsf(a->v[j])));
            for (int64_t k = 0; k < classes[c]; k++)
                assert_true(fabsf(a->bias[k] - b->bias[k]) <= 1e-5f * (1 + fabsf(a->bias[k])));
            for (int i = 0; i < 2; i++) sgd->destroy(solver[i]);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing_is_left_of_the_step_before),
                                       cmocka_unit_test(test_parts_without_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
