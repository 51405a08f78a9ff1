// test_lower_bound.c - the lower bound that dual ascent proves without certificates: it is the dual value of
// the dual variables, rounded down, and no larger than the optimum.
#include "newton_problem.h"

#include "loss/loss.h"

#define DRIFT 0x1p-13

// The largest dual value of the dual variables times t in [0, 1], in double. *square: lambda/2 ||W||^2 of t
// = 1.
static double exact_dual(const problem *p, const mg_loss *loss, const setting *s, double *square) {
    static double c[ROWS][CLASSES];
    const mg_certified *state = s->state;
    float row[16];
    double sum = 0;
    for (int64_t i = 0; i < ROWS; i++) {
        mg_dual_rows_get(state->iterate.duals, i, 16, row);
        for (int64_t k = 0; k < CLASSES; k++) {
            c[i][k] = (double)row[k];
            sum += (double)p->weight[i] * value_of(p, loss->dual, k == p->label[i], c[i][k]) / ROWS;
        }
    }
    *square = sum - dual_of(p, loss->dual, c);
    double part = clip(0.5 * sum / *square, 0, 1);
    return part * sum - part * part * *square;
}

static void expect_bound(const problem *p, const mg_loss *loss, support_form form, int threads) {
    setting s;
    double last = 0, bound, square;
    begin(&s, p, loss, form, "dual", 0, threads);
    for (int n = 0; n < 150; n++) {
        step(&s);
        s.solver->weights(s.state);
        assert_int_equal(s.solver->whole->lower_bound(s.state, &bound, NULL), MG_OK);
        double exact = exact_dual(p, loss, &s, &square), slack = 1e-5 * exact;
        if (bound > exact || bound < exact - DRIFT * square - slack || bound > p->primal)
            fail_msg("%s, %s: %.9g, exactly %.9g, optimum %.9g", loss->name, support_form_names[form], bound,
                     exact, p->primal);
        assert_true(bound >= last - 1e-3 * p->primal); // the dual value never falls
        last = bound;
    }
    if (last < 0.6 * p->primal)
        fail_msg("%s, %s: %g is far from %g", loss->name, support_form_names[form], last, p->primal);
    end(&s);
}

static void test_bound(void **unused) {
    (void)unused;
    static problem p;
    for (int l = 0; mg_loss_at(l); l++) {
        const mg_loss *loss = mg_loss_at(l);
        if (!loss->dual) continue;
        for (variant v = 0; v < VARIANTS; v++) {
            make(&p, v);
            solve(&p, loss);
            for (int form = 0; form < SUPPORT_FORMS; form++)
                if ((form != SUPPORT_CSR || !p.centred) && !(support_few() && (l + (int)v + form) % 3))
                    expect_bound(&p, loss, form, 1 + (int)v % 2);
        }
    }
}

// The cost of the present Newton phase alone, not that of earlier ones, is named when the phase ends.
static void test_explanation(void **unused) {
    (void)unused;
    static problem p;
    setting s;
    char why[MG_SOLVER_WHY];
    make(&p, PLAIN);
    begin(&s, &p, mg_loss_find("crammer-singer"), SUPPORT_F32, "auto", 1e-6, 1);
    mg_certified *c = s.state;
    c->incumbent.bounds.primal = 1;
    c->incumbent.bounds.dual = c->incumbent.bounds.gap = 0.5;
    for (int phase = 0; phase < 2; phase++) {
        double before = c->handover.spent_before;
        c->handover.usual = 1e6;
        c->handover.spent = 0;
        c->handover.entered = c->handover.latest = 0.5; // the gap has not fallen
        c->handover.rate = 1;
        c->clock.newton = 1;
        assert_false(mg_handover_to_dual(c, 1e6));
        assert_true(mg_handover_to_dual(c, 1e6));
        assert_true(c->handover.spent_before == before + 2e6);
        c->clock.newton = -1;
        mg_handover_explain(c, why, sizeof why);
        assert_string_equal(why, "a gap of 0.5 after Newton steps of 2 times the usual cost");
    }
    end(&s);
}

// A row without a positive lead has no reach, whatever it had for an earlier direction. Otherwise a step
// could make it look quiet, and its loss would be left out.
static void test_reach(void **unused) {
    (void)unused;
    static problem p;
    setting s;
    make(&p, PLAIN);
    begin(&s, &p, mg_loss_find("crammer-singer"), SUPPORT_F32, "newton", 1e-9, 1);
    mg_certified *c = s.state;
    for (int n = 0; n < 20 && !c->newton; n++) step(&s);
    assert_non_null(c->newton);
    mg_newton *newton = c->newton;
    for (int64_t i = 0; i < ROWS; i++) {
        newton->rows.lead[i] = i % 2 ? -1 : -INFINITY;
        newton->rows.reach[i] = -100;
    }
    mg_newton_reach(newton);
    mg_newton_move(newton, 1);
    for (int64_t i = 0; i < ROWS; i++)
        assert_true(newton->rows.reach[i] == 0 && newton->rows.lead[i] == (i % 2 ? -1 : -INFINITY));
    end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bound), cmocka_unit_test(test_explanation),
                                       cmocka_unit_test(test_reach)};
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
