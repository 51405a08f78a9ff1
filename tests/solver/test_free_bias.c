// test_free_bias.c - with a bias that is not regularised, Newton steps end at the optimum. Both bounds are
// computed again in double: the objective of the weights, and the dual value of coefficients that this test
// balances itself. The bits do not depend on threads or on where a run was resumed.
#include "newton_problem.h"

enum { MOST_OUTER = 40 };
#define TOLERANCE 1e-6

// The objective without the bias's part of the norm. Also computes the weights of x'.
static double free_primal(const problem *p, const mg_loss *loss, const mg_weights *w) {
    double mine[CLASSES][WIDTH], bias = 0;
    for (int64_t k = 0; k < CLASSES; k++) {
        double dot = 0;
        for (int64_t d = 0; d < FEATURES; d++) {
            double v = (double)*mg_weights_at(w, k, d);
            mine[k][d] = v / (double)p->scale[d];
            dot += v * (double)p->center[d];
        }
        mine[k][FEATURES] = ((double)w->offset[k] + dot) / p->bias;
        bias += mine[k][FEATURES] * mine[k][FEATURES];
    }
    return primal_of(p, loss, mine) - 0.5 * p->lambda * bias;
}

// The dual value after the coefficients were mixed with q - e_y so that they sum to zero over the rows.
static double balanced_dual(const problem *p, const mg_loss *loss, double c[ROWS][CLASSES]) {
    double share[CLASSES] = {0}, excess[CLASSES] = {0}, ratio = 0;
    for (int64_t i = 0; i < ROWS; i++) {
        share[p->label[i]] += (double)p->weight[i] / ROWS;
        for (int64_t k = 0; k < CLASSES; k++) excess[k] += (double)p->weight[i] * c[i][k] / ROWS;
    }
    for (int64_t k = 0; k < CLASSES; k++)
        ratio = fmax(ratio, excess[k] > 0 ? excess[k] / share[k] : -excess[k] / (1 - share[k]));
    for (int64_t i = 0; i < ROWS; i++)
        for (int64_t k = 0; k < CLASSES; k++) {
            double q = share[k] - (ratio > 0 ? excess[k] / ratio : 0);
            c[i][k] = (c[i][k] + ratio * (q - (k == p->label[i]))) / (1 + ratio);
        }
    return dual_of(p, loss->dual, c);
}

static void expect_optimum(const problem *p, const mg_loss *loss, support_form form, const char *what) {
    setting s;
    double c[ROWS][CLASSES], best = -INFINITY, dual = -INFINITY;
    begin(&s, p, loss, form, "newton", TOLERANCE, 1);
    for (int i = 0; i < MOST_OUTER && !step(&s); i++) {
        mg_certificate now = certificate_of(&s);
        if (now.dual < best || now.dual > now.primal * (1 + 1e-7))
            fail_msg("%s: certified %.9g to %.9g after %.9g", what, now.dual, now.primal, best);
        best = now.dual;
        expect_feasible(&s, c);
        dual = fmax(dual, balanced_dual(p, loss, c));
    }
    mg_certificate last = certificate_of(&s);
    double primal = free_primal(p, loss, s.solver->weights(s.state));
    if (!last.reached || fabs(primal - last.primal) > 1e-6 * primal)
        fail_msg("%s: %.9g to %.9g, but the objective is %.9g", what, last.dual, last.primal, primal);
    expect_feasible(&s, c);
    dual = fmax(dual, balanced_dual(p, loss, c));
    if (dual < primal * (1 - 2 * TOLERANCE))
        fail_msg("%s: the objective is %.9g, but the bound of the coefficients %.9g", what, primal, dual);
    end(&s);
}

static void test_optimum(void **unused) {
    (void)unused;
    for (int l = 0; mg_loss_at(l); l++)
        for (int v = WEIGHTED; v < VARIANTS; v++)
            for (int form = 0; form < SUPPORT_FORMS; form++) {
                char what[96];
                problem p;
                if (v == CENTRED && form == SUPPORT_CSR) continue; // refused by mg_solver_choose
                make(&p, (variant)v);
                p.free_bias = true;
                snprintf(what, sizeof what, "%s, variant %d, %s", mg_loss_at(l)->name, v,
                         support_form_names[form]);
                expect_optimum(&p, mg_loss_at(l), (support_form)form, what);
            }
}

// The value of the constant feature does not matter if its weights are free.
static void test_value(void **unused) {
    (void)unused;
    double found[2];
    for (int i = 0; i < 2; i++) {
        setting s;
        problem p;
        make(&p, WEIGHTED);
        p.free_bias = true;
        for (int64_t row = 0; row < ROWS; row++) p.x[row][FEATURES] = i ? 40 : p.bias;
        if (i) p.bias = 40;
        begin(&s, &p, mg_loss_find("softmax"), SUPPORT_F32, "newton", TOLERANCE, 1);
        while (!step(&s))
            ;
        found[i] = certificate_of(&s).primal;
        end(&s);
    }
    assert_true(fabs(found[0] - found[1]) <= 2 * TOLERANCE * found[0]);
}

static void test_runs(void **unused) {
    (void)unused;
    static const char *const losses[] = {"softmax", "weston-watkins", "one-vs-rest-squared"};
    const char *data = support_path("data.h5"), *whole = support_path("whole"),
               *stopped = support_path("stopped");
    for (int l = 0; l < 3; l++) {
        support_data(data, l == 1 ? SUPPORT_CSR : SUPPORT_F32, 120, 12, 3, 41);
        support_run run = support_new(data, whole);
        support_set(&run, "model.loss=%s", losses[l]);
        support_set(&run, "model.penalize_bias=false");
        support_set(&run, "train.solver=newton");
        support_set(&run, "train.tolerance=1e-4");
        run.overwrite = l > 0;
        support_expect(&run, MG_OK);
        assert_true(run.result.converged && run.result.step > 1);
        support_run other = run;
        support_set(&other, "output.directory=%s", stopped);
        support_set(&other, "train.threads=3");
        other.stop_after = 1;
        support_expect(&other, MG_STOPPED);
        other.resume = true;
        other.overwrite = false;
        other.stop_after = 0;
        support_expect(&other, MG_OK);
        support_expect_same_runs(whole, stopped, losses[l]);
    }
}

static void test_refused(void **unused) {
    (void)unused;
    const char *data = support_path("data.h5");
    support_data(data, SUPPORT_F32, 60, 5, 3, 8);
    support_run empty = support_new(data, support_path("empty"));
    support_set(&empty, "model.penalize_bias=false");
    support_set(&empty, "model.loss=softmax");
    support_set(&empty, "model.class_weight={1: 0}");
    support_expect(&empty, MG_CONFIG);
    if (!strstr(empty.error.text, "all rows of class 1 have weight 0")) fail_msg("%s", empty.error.text);
    support_run run = support_new(data, support_path("refused"));
    support_set(&run, "model.penalize_bias=false");
    support_set(&run, "train.solver=dual");
    support_expect(&run, MG_CONFIG);
    if (!strstr(run.error.text, "dual cannot be used: model.penalize_bias is false; use sgd"))
        fail_msg("%s", run.error.text);
    support_set(&run, "model.bias=0");
    support_expect(&run, MG_CONFIG);
    if (!strstr(run.error.text, "model.bias is 0, so there is no bias")) fail_msg("%s", run.error.text);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_optimum), cmocka_unit_test(test_value),
                                       cmocka_unit_test(test_runs), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
