// test_newton.c - the Newton phase ends at the optimum that a simple solver in double finds (coordinate
// ascent for every loss with a dual, accelerated gradients for softmax): for all layouts, with weights, a
// bias and scaled columns. Its certificate is true. Its bits do not depend on threads, kernels or where it
// was resumed.
#include "newton_problem.h"

#include "solver/certified.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// A limit that detects wrong derivatives: with them, Newton's method also finds the optimum, but more slowly.
// None of these problems needs more than 20 outer iterations.
enum { MOST_OUTER = 30 };

// ---- tests --------------------------------------------------------------------------------------

static void expect_optimum(const problem *p, const mg_loss *loss, support_form form, const char *solver,
                           const char *what) {
    setting s;
    double best = -INFINITY, lower = -INFINITY, c[ROWS][CLASSES];
    // Nearly all runs reach 1e-6. Only dual ascent with weighted sparse rows ends at 1 to 5e-6, where single
    // steps are as small as the rounding of the scores.
    double tolerance = strcmp(solver, "newton") && form == SUPPORT_CSR ? 5e-6 : 1e-6;
    begin(&s, p, loss, form, solver, tolerance, 1);
    for (int i = 0; i < MOST_VISITS && ((mg_certified *)s.state)->clock.newton < MOST_OUTER && !step(&s);
         i++) {
        mg_certificate now = certificate_of(&s);
        if (now.gap == INFINITY) continue;
        expect_feasible(&s, c);
        lower = fmax(lower, dual_of(p, loss->dual, c));
        // The certificate must be true, and the lower bound must never decrease.
        if (now.primal < p->dual * (1 - 1e-7) || now.dual > p->primal * (1 + 1e-7) || now.dual < best)
            fail_msg("%s: certified %.9g to %.9g, but the optimum is %.9g and %.9g was known", what, now.dual,
                     now.primal, p->primal, best);
        best = now.dual;
    }
    mg_certificate last = certificate_of(&s);
    if (!last.reached || !(fabs(last.primal - p->primal) <= tolerance * p->primal) ||
        !(fabs(last.dual - p->primal) <= tolerance * p->primal))
        fail_msg("%s: %.9g to %.9g, but the optimum is %.9g", what, last.dual, last.primal, p->primal);
    // The certified values must belong to these coefficients and weights.
    expect_feasible(&s, c);
    const mg_weights *w = s.solver->weights(s.state);
    double mine[CLASSES][WIDTH];
    for (int64_t k = 0; k < CLASSES; k++) {
        for (int64_t d = 0; d < FEATURES; d++)
            mine[k][d] = (double)*mg_weights_at(w, k, d) / (double)p->scale[d];
        mine[k][FEATURES] = (double)w->bias[k];
    }
    double primal = primal_of(p, loss, mine);
    lower = fmax(lower, dual_of(p, loss->dual, c));
    if (fabs(primal - last.primal) > 1e-6 * primal)
        fail_msg("%s: objective %.9g, reported as %.9g", what, primal, last.primal);
    if (lower < last.dual - 1e-6 * primal)
        fail_msg("%s: dual %.9g, reported as %.9g", what, lower, last.dual);
    end(&s);
}

static void test_optimum(void **unused) {
    (void)unused;
    for (int l = 0; mg_loss_at(l); l++) {
        const mg_loss *loss = mg_loss_at(l);
        for (int v = 0; v < VARIANTS; v++) {
            problem p;
            make(&p, (variant)v);
            solve(&p, loss);
            for (int form = 0; form < SUPPORT_FORMS; form++) {
                if (support_few() && (l + v + form) % 3) continue;
                const char *const solvers[] = {"newton", "dual", "auto"};
                for (int i = 0; i < (loss->dual ? 3 : 1); i++) {
                    char what[200];
                    snprintf(what, sizeof what, "%s, variant %d, %s, solver %s", loss->name, v,
                             support_form_names[form], solvers[i]);
                    if (form != SUPPORT_CSR || !p.centred) expect_optimum(&p, loss, form, solvers[i], what);
                }
            }
        }
    }
}

// The end of a solver's run: the values that it would save.
typedef struct outcome {
    setting *s;
    float weights[CLASSES * LINE * 2];
    int64_t size;
    mg_certificate certificate;
    int steps;
} outcome;

static void finish(void *context) {
    outcome *o = context;
    while (o->steps < MOST_STEPS && ((mg_certified *)o->s->state)->clock.newton < MOST_OUTER && !step(o->s))
        o->steps++;
    const mg_weights *w = o->s->solver->weights(o->s->state);
    o->size = w->size;
    assert_true(w->size <= (int64_t)(sizeof o->weights / sizeof *o->weights));
    memcpy(o->weights, w->v, (size_t)w->size * sizeof *w->v);
    o->certificate = certificate_of(o->s);
}

static void expect_same(const outcome *a, const outcome *b, const char *what, int which) {
    if (a->steps != b->steps || memcmp(a->weights, b->weights, (size_t)a->size * sizeof *a->weights) ||
        memcmp(&a->certificate, &b->certificate, offsetof(mg_certificate, reached)))
        fail_msg("%s %d: %d steps to a gap of %g, not %d steps to %g", what, which, b->steps,
                 b->certificate.gap, a->steps, a->certificate.gap);
}

static void expect_same_bits(const mg_loss *loss) {
    for (int form = 0; form < SUPPORT_FORMS; form++)
        for (int v = 0; v < CENTRED + (form != SUPPORT_CSR); v++) {
            problem p;
            setting s;
            make(&p, (variant)v);
            outcome first = {.s = &s};
            begin(&s, &p, loss, form, "newton", 1e-5, 1);
            finish(&first);
            assert_true(((mg_certified *)s.state)->clock.newton > 0 && first.certificate.reached);
            end(&s);
            for (int threads = 2; threads <= 8; threads += support_few() ? 3 : 1) {
                outcome other = {.s = &s};
                begin(&s, &p, loss, form, "newton", 1e-5, threads);
                mg_team_run(&s.team, finish, &other);
                expect_same(&first, &other, "threads", threads);
                end(&s);
            }
            for (int k = 0; mg_kernel_at(k); k++) {
                if (!mg_kernel_at(k)->usable()) continue;
                outcome other = {.s = &s};
                begin(&s, &p, loss, form, "newton", 1e-5, 1);
                s.problem.kernel = mg_kernel_at(k);
                finish(&other);
                expect_same(&first, &other, "kernel", k);
                end(&s);
            }
        }
}

static void test_same_bits(void **unused) {
    (void)unused;
    expect_same_bits(mg_loss_find("crammer-singer"));
    expect_same_bits(mg_loss_find("weston-watkins"));
    expect_same_bits(mg_loss_find("softmax"));
}

static void test_resume(void **unused) {
    (void)unused;
    const char *const solvers[] = {"newton", "auto", "newton"};
    for (int form = 0; form < SUPPORT_FORMS; form++)
        for (int i = 0; i < 3; i++) {
            problem p;
            setting s, again;
            make(&p, WEIGHTED);
            const mg_loss *loss = mg_loss_find(i < 2 ? "crammer-singer" : "softmax");
            outcome whole = {.s = &s};
            begin(&s, &p, loss, form, solvers[i], 1e-5, 1);
            finish(&whole);
            assert_true(((mg_certified *)s.state)->clock.newton >
                        // otherwise auto never made Newton steps, and this would test nothing
                        0);
            end(&s);
            for (int at = 0; at < whole.steps; at += support_few() ? 5 : 1) {
                outcome resumed = {.s = &again, .steps = at + 1};
                begin(&s, &p, loss, form, solvers[i], 1e-5, 1);
                begin(&again, &p, loss, form, solvers[i], 1e-5, 1);
                for (int n = 0; n <= at; n++) step(&s);
                hand_over(&s, &again);
                finish(&resumed);
                expect_same(&whole, &resumed, "resumed after step", at + 1);
                end(&s);
                end(&again);
            }
        }
}

enum { WIDE = 75, WIDE_LINE = 80 };

// A problem of the rows x[ROWS][WIDE_LINE], which have more features than one block of the factor.
static void begin_wide(setting *s, const float *x, const int32_t *label) {
    s->options.train = &s->train;
    s->options.tolerance = s->train.tolerance;
    s->options.handover = MG_HANDOVER_AT_ONCE;
    s->all = (mg_batch){.label = label,
                        .rows = {.layout = MG_DENSE,
                                 .cell = MG_CELL_F32,
                                 .count = ROWS,
                                 .features = WIDE,
                                 .stride = WIDE_LINE,
                                 .dense = x}};
    s->problem = (mg_problem){.rows = ROWS,
                              .features = WIDE,
                              .classes = CLASSES,
                              .layout = MG_DENSE,
                              .cell = MG_CELL_F32,
                              .loss = mg_loss_find("one-vs-rest-squared"),
                              .delta = 1,
                              .lambda = 0.01,
                              .bias = 2,
                              .values_per_row = WIDE,
                              .most_values = WIDE,
                              .batch = ROWS,
                              .team = &s->team};
    assert_int_equal(mg_kernel_select(&s->problem.kernel, NULL), MG_OK);
    assert_int_equal(s->solver->create(&s->problem, &s->options, &s->state, NULL), MG_OK);
    assert_int_equal(s->solver->whole->attach(s->state, &s->all, NULL), MG_OK);
}

// Compares the preconditioner with its definition (M29): M times the preconditioned vector must be the
// vector.
static void test_precondition(void **unused) {
    (void)unused;
    setting s = {.team = {.threads = 1},
                 .solver = mg_solver_find("newton"),
                 .train = {.solver = "newton", .tolerance = 1e-9, .seed = 1}};
    float *x;
    int32_t label[ROWS];
    mg_step_result result;
    seed = 3;
    mg_memory_zeroed(&x, ROWS * WIDE_LINE, sizeof *x, NULL);
    for (int64_t i = 0; i < ROWS; i++) {
        label[i] = (int32_t)(uniform() * CLASSES);
        for (int64_t d = 0; d < WIDE; d++) x[i * WIDE_LINE + d] = (float)(uniform() - 0.3);
    }
    begin_wide(&s, x, label);
    for (int i = 0; i < 2; i++) assert_int_equal(s.solver->whole->next(s.state, 0, &result, NULL), MG_OK);
    mg_newton *n = ((mg_certified *)s.state)->newton;
    mg_newton_evaluate(n); // the slopes of free rows
    mg_precondition_build(n->precondition, n);
    assert_true(n->free.count > ROWS / 2);
    int64_t size = ((mg_certified *)s.state)->resident.size;
    for (int64_t k = 0; k < CLASSES; k++) {
        for (int64_t d = 0; d < WIDE; d++) n->descent[k * WIDE_LINE + d] = (float)(uniform() - 0.5);
        n->descent[size + k] = (float)uniform();
    }
    mg_precondition_apply(n->precondition, n, n->descent, n->cg.preconditioned);
    for (int64_t k = 0; k < CLASSES; k++) {
        double product[WIDE + 1];
        for (int64_t d = 0; d <= WIDE; d++)
            product[d] = 0.01 * (double)n->cg.preconditioned[d < WIDE ? k * WIDE_LINE + d : size + k];
        for (int64_t f = 0; f < n->free.count; f++) {
            const float *row = x + n->free.row[f] * WIDE_LINE;
            double inner = 2 * (double)n->cg.preconditioned[size + k],
                   weight = (double)n->rows.slope[n->free.row[f] * MG_LANES + k] / ROWS;
            for (int64_t d = 0; d < WIDE; d++)
                inner += (double)row[d] * (double)n->cg.preconditioned[k * WIDE_LINE + d];
            for (int64_t d = 0; d <= WIDE; d++)
                product[d] += weight * inner * (d < WIDE ? (double)row[d] : 2);
        }
        for (int64_t d = 0; d <= WIDE; d++)
            assert_true(fabs(product[d] - (double)n->descent[d < WIDE ? k * WIDE_LINE + d : size + k]) <
                        1e-3);
    }
    s.solver->destroy(s.state);
    mg_memory_free(x);
}

// Each allocation in the first outer iteration fails in turn. The step reports it, and the run can continue.
static void test_memory(void **unused) {
    (void)unused;
    for (int form = 0; form < 2 * SUPPORT_FORMS; form++) {
        problem p;
        setting s;
        int64_t failures = 0;
        mg_step_result result;
        make(&p, PLAIN);
        begin(&s, &p, mg_loss_find(form < SUPPORT_FORMS ? "crammer-singer" : "softmax"), form % SUPPORT_FORMS,
              "newton", 1e-5, 1);
        while (((mg_certified *)s.state)->clock.newton < 0) step(&s);
        for (bool failed = true; failed; failures += failed) {
            mg_memory_fail_at(failures + 1, false);
            failed = s.solver->whole->next(s.state, 0, &result, NULL) != MG_OK;
            mg_memory_fail_at(0, false);
        }
        assert_true(failures > 20 && certificate_of(&s).gap < 1);
        end(&s);
    }
}

// With separable classes and hardly any regularisation, probabilities are nearly 1. Their small differences
// from 1 must keep their digits.
static void test_separable(void **unused) {
    (void)unused;
    for (int form = 0; form < SUPPORT_FORMS; form++) {
        problem p;
        setting s;
        make(&p, PLAIN);
        for (int64_t i = 0; i < ROWS; i++) {
            if (p.raw[i][0] == p.raw[i][1]) p.raw[i][0]++;
            p.label[i] = p.raw[i][0] > p.raw[i][1];
        }
        p.lambda = 1e-8;
        begin(&s, &p, mg_loss_find("softmax"), (support_form)form, "newton", 1e-4, 1);
        outcome o = {.s = &s};
        finish(&o);
        if (!o.certificate.reached || o.certificate.primal > 1e-4)
            fail_msg("%s: %.9g to %.9g after %d steps", support_form_names[form], o.certificate.dual,
                     o.certificate.primal, o.steps);
        end(&s);
    }
}

static int polls_left;

static bool patience_ends(const void *context) {
    (void)context;
    return polls_left-- <= 0;
}

// A certificate of dual ascent may be interrupted whenever it asks. It then remains due and has no effect,
// and the step before it counts once.
static void test_interrupted_certificate(void **unused) {
    (void)unused;
    for (int form = 0; form < SUPPORT_FORMS; form++) {
        problem p;
        setting s, whole;
        int stops = 0, polls = 0, steps = 0;
        mg_error error = {0};
        make(&p, WEIGHTED);
        begin(&whole, &p, mg_loss_find("crammer-singer"), (support_form)form, "dual", 2e-2, 1);
        begin(&s, &p, mg_loss_find("crammer-singer"), (support_form)form, "dual", 2e-2, 1);
        outcome first = {.s = &whole};
        finish(&first);
        s.options.stop.asked = patience_ends;
        while (!certificate_of(&s).reached) {
            mg_step_result before, done;
            s.solver->whole->standing(s.state, &before);
            polls_left = polls;
            mg_status status = s.solver->whole->next(s.state, s.place, &done, &error);
            bool due = ((mg_certified *)s.state)->clock.due != MG_NOT_DUE;
            stops += due;
            polls = due ? polls + 1 : 0;
            assert_true(status == MG_OK || (status == MG_STOPPED && due));
            if (status || done.no_step) s.place = due ? s.place : 0;
            else steps++, s.place = done.epochs > before.epochs ? 0 : s.place + 1;
        }
        assert_true(stops > 4);
        assert_int_equal(steps, first.steps + 1); // `finish` does not count its last step
        assert_true(certificate_of(&s).gap == first.certificate.gap);
        assert_memory_equal(s.solver->weights(s.state)->v, first.weights, first.size * sizeof(float));
        end(&whole);
        end(&s);
    }
}

// A step that is interrupted has no effect: the next one gives the same result as if it were the first.
static void test_given_up(void **unused) {
    (void)unused;
    const char *const losses[] = {"crammer-singer", "softmax"};
    for (int l = 0; l < 2; l++) {
        problem p;
        setting s, whole;
        int64_t given_up = 0;
        mg_step_result before, result;
        mg_error error = {0};
        make(&p, WEIGHTED);
        begin(&whole, &p, mg_loss_find(losses[l]), SUPPORT_F32, "newton", 1e-5, 1);
        begin(&s, &p, mg_loss_find(losses[l]), SUPPORT_F32, "newton", 1e-5, 1);
        outcome first = {.s = &whole}, second = {.s = &s};
        finish(&first);
        while (((mg_certified *)s.state)->clock.newton < 0) step(&s), second.steps++;
        s.options.stop.asked = patience_ends;
        for (s.solver->whole->standing(s.state, &before);; given_up++) {
            polls_left = (int)given_up;
            mg_status status = s.solver->whole->next(s.state, 0, &result, &error);
            if (!status) break;
            assert_int_equal(status, MG_STOPPED);
            s.solver->whole->standing(s.state, &result);
            assert_int_equal(result.epochs, before.epochs);
        }
        assert_true(given_up > 4);
        s.options.stop = (mg_stop){0};
        second.steps++;
        finish(&second);
        expect_same(&first, &second, losses[l], (int)given_up);
        end(&whole);
        end(&s);
    }
}

// Whole runs, with files.
static void test_runs(void **unused) {
    (void)unused;
    for (int i = 0; i < 2 * SUPPORT_FORMS; i++) {
        support_form form = (support_form)(i % SUPPORT_FORMS);
        const char *data = support_path("data.h5"), *whole = support_path("whole-%d", i),
                   *stopped = support_path("stopped-%d", i);
        support_data(data, form, 120, 20, 3, 31);
        support_run run = support_new(data, whole);
        if (i >= SUPPORT_FORMS) support_set(&run, "model.loss=softmax");
        support_set(&run, "train.solver=newton");
        support_set(&run, "train.tolerance=1e-4");
        support_set(&run, "train.batch=64");
        support_set(&run, "train.max_steps=60");
        support_set(&run, "data.scale=max-abs");
        support_set(&run, "model.lambda=%g", i < SUPPORT_FORMS ? 0.01 : 1e-5);
        support_expect(&run, MG_OK);
        int64_t least = i < SUPPORT_FORMS ? 3 : 1; // softmax: four Newton steps are one epoch
        assert_true(run.result.step > least && run.result.step < 60);
        support_run other = run;
        support_set(&other, "output.directory=%s", stopped);
        other.stop_after = least;
        support_expect(&other, MG_STOPPED);
        other.resume = true;
        other.stop_after = 0;
        support_expect(&other, MG_OK);
        support_expect_same_runs(whole, stopped, support_form_names[form]);
        // The change from dual ascent to Newton steps is reported once. Softmax begins with Newton steps.
        char *lines = support_lines(support_path("whole-%d/metrics.jsonl", i), NULL),
             *told = strstr(lines, "\"solver_why\": \"a gap of ");
        assert_true((told != NULL) == (i < SUPPORT_FORMS) && (!told || !strstr(told + 1, "\"solver_why\"")));
        if (told && !strstr(run.messages, "solver newton from here on: a gap of "))
            fail_msg("the change is not reported: %s", run.messages);
        free(lines);
        support_set(&run, "train.tolerance=0");
        support_expect(&run, MG_CONFIG);
    }
}

// With too many features for factors, the preconditioner is the diagonal.
static void test_wide(void **unused) {
    (void)unused;
    for (int form = SUPPORT_F32; form < SUPPORT_FORMS; form++) {
        const char *data = support_path("data.h5");
        support_data(data, form, 60, 4200, 3, 32);
        support_run run = support_new(data, support_path("wide-%d", form));
        support_set(&run, "train.solver=newton");
        support_set(&run, "train.tolerance=1e-4");
        support_set(&run, "train.max_steps=8");
        support_set(&run, "data.scale=max-abs");
        support_set(&run, "model.lambda=0.1");
        support_expect(&run, MG_OK);
        assert_true(run.result.step > 2 && run.result.step < 8);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_optimum),      cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_resume),       cmocka_unit_test(test_memory),
        cmocka_unit_test(test_precondition), cmocka_unit_test(test_given_up),
        cmocka_unit_test(test_separable),    cmocka_unit_test(test_runs),
        cmocka_unit_test(test_wide),         cmocka_unit_test(test_interrupted_certificate),
    };
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
