// test_worked_example.c - checks every number of the example in docs/math.md with the code that trains: for
// dense rows, 8-bit rows and CSR rows, and with every kernel that this machine can run.
#include "base/memory.h"
#include "solver/pass.h"
#include "solver/solver.h"
#include "solver/sgd/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

enum { N = 2, D = 3, K = 3 };

// The numbers of docs/math.md, in its notation.
static const float X[N][D] = {{1, 0, 2}, {0, 1, 1}};
static const int32_t y[N] = {0, 2};
static const float W[K][D] = {{2, -1, 0}, {0, 2, 2}, {1, 2, 1}};
static const float S[N][K] = {{2, 4, 3}, {-1, 4, 3}};

typedef struct example {
    const char *loss;
    float value[N];  // loss of each row
    float M[N][K];   // coefficients; for Weston-Watkins, M of the example
    float G[D][K];   // X^T M / N
    float g_bias[K]; // the same for a constant feature of 1: sums of the columns of M, / N
} example;

static const example examples[] = {
    {"weston-watkins",
     {5, 2},
     {{-2, 1, 1}, {0, 1, -1}},
     {{-1, 0.5f, 0.5f}, {0, 0.5f, -0.5f}, {-2, 1.5f, 0.5f}},
     {-1, 1, 0}},
    {"crammer-singer",
     {3, 2},
     {{-1, 1, 0}, {0, 1, -1}},
     {{-0.5f, 0.5f, 0}, {0, 0.5f, -0.5f}, {-1, 1.5f, -0.5f}},
     {-0.5f, 1, -0.5f}},
    {"weston-watkins-squared",
     {13, 4},
     {{-10, 6, 4}, {0, 4, -4}},
     {{-5, 3, 2}, {0, 2, -2}, {-10, 8, 2}},
     {-5, 5, 0}},
    {"crammer-singer-squared",
     {9, 4},
     {{-6, 6, 0}, {0, 4, -4}},
     {{-3, 3, 0}, {0, 2, -2}, {-6, 8, -2}},
     {-3, 5, -2}},
    {"one-vs-rest",
     {9, 5},
     {{0, 1, 1}, {0, 1, 0}},
     {{0, 0.5f, 0.5f}, {0, 0.5f, 0}, {0, 1.5f, 1}},
     {0, 1, 0.5f}},
};
enum { EXAMPLES = sizeof examples / sizeof *examples };

// ---- the rows in each form -----------------------------------------------------------------------

typedef enum row_form { FLOATS, BYTES, CSR, FORMS } row_form;

typedef struct stored {
    float floats[N][MG_LANES] __attribute__((aligned(64)));
    uint8_t bytes[N][MG_LANES] __attribute__((aligned(64)));
    int64_t indptr[N + 1];
    uint32_t indices[N * D];
    float values[N * D];
} stored;

static mg_rows rows_of(row_form form, stored *to) {
    memset(to, 0, sizeof *to);
    for (int i = 0; i < N; i++) {
        int64_t e = to->indptr[i];
        for (int d = 0; d < D; d++) {
            to->floats[i][d] = X[i][d];
            to->bytes[i][d] = (uint8_t)X[i][d];
            if (X[i][d] != 0) to->indices[e] = (uint32_t)d, to->values[e++] = X[i][d];
        }
        to->indptr[i + 1] = e;
    }
    mg_rows rows = {.count = N, .features = D, .layout = form == CSR ? MG_CSR : MG_DENSE, .stride = MG_LANES};
    rows.cell = form == BYTES ? MG_CELL_U8 : MG_CELL_F32;
    rows.dense = form == BYTES ? (const void *)to->bytes : to->floats;
    rows.indptr = to->indptr;
    rows.indices = to->indices;
    rows.values = to->values;
    return rows;
}

static void start_weights(mg_weights *weights, mg_layout layout) {
    assert_int_equal(mg_weights_create(weights, layout, K, D, NULL), MG_OK);
    for (int k = 0; k < K; k++)
        for (int d = 0; d < D; d++) *mg_weights_at(weights, k, d) = W[k][d];
}

// ---- scores, margins, coefficients, gradient ----------------------------------------------------

static void accumulate(const mg_kernel *kernel, const mg_pass *pass, const mg_rows *rows, mg_weights *g) {
    if (rows->layout == MG_DENSE) {
        mg_pass_accumulate(pass, kernel, MG_SUM_ON, K, N, pass->coef, g->v);
        return;
    }
    for (int64_t i = 0; i < N; i++) {
        mg_csr_row row = mg_rows_csr(rows, i);
        kernel->csr_accumulate(&row, g->line, pass->coef + i * pass->lanes, g->v);
    }
}

static void check_example(const mg_kernel *kernel, row_form form, const example *e) {
    stored memory;
    mg_rows rows = rows_of(form, &memory);
    mg_weights weights, g;
    mg_pass pass;
    start_weights(&weights, rows.layout);
    assert_int_equal(mg_weights_create(&g, rows.layout, K, D, NULL), MG_OK);
    assert_int_equal(mg_pass_create(&pass, rows.layout, rows.cell, K, D, NULL), MG_OK);

    mg_pass_scores(&pass, kernel, &weights, &rows, 0, N);
    for (int i = 0; i < N; i++)
        for (int64_t k = 0; k < pass.lanes; k++)
            assert_true(pass.scores[i * pass.lanes + k] == (k < K ? S[i][k] : -INFINITY));

    mg_batch batch = {.rows = rows, .label = y};
    double sum = mg_pass_losses(&pass, mg_loss_find(e->loss), 1, &batch, 0, N);
    assert_true(sum == (double)e->value[0] + (double)e->value[1]);
    for (int i = 0; i < N; i++)
        for (int64_t k = 0; k < pass.lanes; k++)
            assert_true(pass.coef[i * pass.lanes + k] == (k < K ? e->M[i][k] : 0));

    accumulate(kernel, &pass, &rows, &g);
    for (int d = 0; d < D; d++)
        for (int k = 0; k < K; k++) assert_true(*mg_weights_at(&g, k, d) / N == e->G[d][k]);

    mg_pass_destroy(&pass);
    mg_weights_destroy(&g);
    mg_weights_destroy(&weights);
}

static void test_gradient(void **unused) {
    (void)unused;
    for (int i = 0; mg_kernel_at(i); i++)
        for (int form = 0; mg_kernel_at(i)->usable() && form < FORMS; form++)
            for (int e = 0; e < EXAMPLES; e++) check_example(mg_kernel_at(i), form, &examples[e]);
}

// The tables above agree with the formula G = X^T M / N, without the code of margin.
static void test_tables(void **unused) {
    (void)unused;
    for (int e = 0; e < EXAMPLES; e++)
        for (int k = 0; k < K; k++) {
            for (int d = 0; d < D; d++)
                assert_true((X[0][d] * examples[e].M[0][k] + X[1][d] * examples[e].M[1][k]) / N ==
                            examples[e].G[d][k]);
            assert_true((examples[e].M[0][k] + examples[e].M[1][k]) / N == examples[e].g_bias[k]);
        }
    for (int i = 0; i < N; i++)
        for (int k = 0; k < K; k++)
            assert_true(W[k][0] * X[i][0] + W[k][1] * X[i][1] + W[k][2] * X[i][2] == S[i][k]);
}

// ---- one step of plain gradient descent, eta = 1, lambda = 1, constant feature 1 ----------------

static const float W_after[K][D] = {{1.5f, -0.5f, 1}, {-0.25f, 0.75f, 0.25f}, {0.25f, 1.25f, 0.25f}};
static const float bias_after[K] = {0.5f, -0.5f, 0};
static const float S_after[N][K] = {{4, -0.25f, 0.75f}, {1, 0.5f, 1.5f}};

static double objective(const mg_weights *weights, double losses) {
    return losses / N + 0.5 * mg_weights_square_norm(weights, NULL, true);
}

static void check_step(const mg_kernel *kernel, row_form form, int64_t parts) {
    stored memory;
    mg_team team = {.threads = 1};
    mg_batch batch = {.rows = rows_of(form, &memory), .label = y};
    mg_train_options train = {.solver = "sgd"};
    mg_sgd_options options = {.update = "plain", .rate = "constant", .eta = 1};
    mg_problem problem = {
        .rows = N,
        .features = D,
        .classes = K,
        .layout = batch.rows.layout,
        .cell = batch.rows.cell,
        .loss = mg_loss_find("weston-watkins"),
        .delta = 1,
        .lambda = 1,
        .bias = 1,
        .mean_square_norm = 3.5,
        .values_per_row = D,
        .batch = N,
        .parts = parts,
        .steps_per_epoch = 1,
        .total_steps = 1,
        .kernel = kernel,
        .team = &team,
    };
    const mg_solver *sgd = mg_solver_find("sgd");
    void *state;
    mg_weights start;
    start_weights(&start, problem.layout);
    assert_int_equal(
        sgd->create(&problem, &(mg_solver_options){.train = &train, .own = &options}, &state, NULL), MG_OK);
    sgd->begin_at(state, &start);
    assert_true(objective(&start, 7) == 13);
    mg_step_result result;
    assert_int_equal(sgd->step(state, &batch, 0, &result, NULL), MG_OK);
    assert_true(result.loss == 7 && result.rows == batch.rows.count);
    const mg_weights *after = sgd->weights(state);
    for (int k = 0; k < K; k++) {
        for (int d = 0; d < D; d++) assert_true(*mg_weights_at(after, k, d) == W_after[k][d]);
        assert_true(after->bias[k] == bias_after[k]);
    }
    mg_pass pass;
    assert_int_equal(mg_pass_create(&pass, problem.layout, problem.cell, K, D, NULL), MG_OK);
    mg_pass_scores(&pass, kernel, after, &batch.rows, 0, N);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < K; k++) assert_true(pass.scores[i * pass.lanes + k] == S_after[i][k]);
    double sum = mg_pass_losses(&pass, problem.loss, 1, &batch, 0, N);
    assert_true(sum == 0.5 && objective(after, sum) == 3.4375);
    // The second margin violation is exactly 0: at the kink it does not count.
    const float *second = pass.coef + pass.lanes;
    assert_true(second[0] == 1 && second[1] == 0 && second[2] == -1);
    mg_pass_destroy(&pass);
    sgd->destroy(state);
    mg_weights_destroy(&start);
}

static void test_step(void **unused) {
    (void)unused;
    for (int i = 0; mg_kernel_at(i); i++)
        for (int form = 0; mg_kernel_at(i)->usable() && form < FORMS; form++)
            for (int64_t parts = 1; parts <= 3; parts++) check_step(mg_kernel_at(i), form, parts);
}

// ---- the binary hinge as K = 2, and the three cases of Crammer-Singer ---------------------------

static void ask(const char *loss, int64_t classes, const float *scores, int64_t label, float *value,
                float *coef) {
    float s[MG_LANES] __attribute__((aligned(64))), c[MG_LANES] __attribute__((aligned(64)));
    for (int64_t k = 0; k < MG_LANES; k++) s[k] = k < classes ? scores[k] : -INFINITY;
    *value = mg_loss_find(loss)->row(MG_LANES, s, label, 1, c);
    memcpy(coef, c, (size_t)classes * sizeof *coef);
}

static void test_binary(void **unused) {
    (void)unused;
    const char *const losses[] = {"weston-watkins", "crammer-singer"};
    for (int l = 0; l < 2; l++) {
        float value, c[2];
        ask(losses[l], 2, (float[]){2, 4}, 0, &value, c); // f = 2, t = -1: [1 + 2]_+
        assert_true(value == 3 && c[0] == -1 && c[1] == 1);
        ask(losses[l], 2, (float[]){4, 3}, 1, &value, c); // f = -1, t = +1: [1 + 1]_+
        assert_true(value == 2 && c[0] == 1 && c[1] == -1);
        ask(losses[l], 2, (float[]){4, 2}, 0, &value, c); // f = -2, t = -1: [1 - 2]_+
        assert_true(value == 0 && c[0] == 0 && c[1] == 0);
    }
}

static void test_crammer_singer_cases(void **unused) {
    (void)unused;
    float value, c[3];
    ask("crammer-singer", 3, (float[]){4, 2, 1}, 0, &value, c); // first case: no violation, m = -1
    assert_true(value == 0 && c[0] == 0 && c[1] == 0 && c[2] == 0);
    ask("crammer-singer", 3, (float[]){2, 4, 3}, 0, &value, c); // second case: one strongest rival, m = 3
    assert_true(value == 3 && c[0] == -1 && c[1] == 1 && c[2] == 0);
    // third case: equal rivals, of which the lowest class is taken
    ask("crammer-singer", 3, (float[]){2, 4, 4}, 0, &value, c);
    assert_true(value == 3 && c[0] == -1 && c[1] == 1 && c[2] == 0);
    // third case: m = 0, where the subgradient is 0
    ask("crammer-singer", 3, (float[]){4, 3, 1}, 0, &value, c);
    assert_true(value == 0 && c[0] == 0 && c[1] == 0 && c[2] == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_gradient),
        cmocka_unit_test(test_step),
        cmocka_unit_test(test_binary),
        cmocka_unit_test(test_crammer_singer_cases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
