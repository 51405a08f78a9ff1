// test_dual_rounds.c - compares rounds of dense rows with sequential dual ascent in double, which visits the
// same rows in the same order. The dual value of rounds never falls, and they need at most a tenth more
// passes.
#define PROBLEM_ROWS 640
#define PROBLEM_FEATURES 60
#define PROBLEM_BATCH 128
#include "newton_problem.h"

enum { PASSES = 20, STEPS = ROWS / PROBLEM_BATCH };

static double dual_now(const problem *p, const setting *s) {
    static double c[ROWS][CLASSES];
    expect_feasible(s, c);
    return dual_of(p, s->problem.loss->dual, c);
}

// Computes the dual values after each step of `passes` epochs: of sequential ascent, and of margin.
static void compare(problem *p, const mg_loss *loss, support_form form, int passes, double *sequential,
                    double *rounds) {
    static setting s;
    begin(&s, p, loss, form, "dual", 0, 1);
    const mg_certified *state = s.state;
    memset(p->c, 0, sizeof p->c);
    memset(p->w, 0, sizeof p->w);
    for (int t = 0; t < passes * STEPS; t++) {
        int64_t at = s.place * PROBLEM_BATCH;
        step(&s);
        for (int64_t i = at; i < at + PROBLEM_BATCH; i++) visit(p, loss->dual, state->ascent->visits.list[i]);
        sequential[t] = dual_of(p, loss->dual, p->c);
        rounds[t] = dual_now(p, &s);
    }
    end(&s);
}

static const support_form forms[] = {SUPPORT_U8, SUPPORT_F32};

// Not WEIGHTED: rows of weight 0 are not visited, so the steps of the two would contain different rows.
static const variant sets[] = {PLAIN, SCALED, CENTRED};

static void test_passes(void **unused) {
    (void)unused;
    static problem p;
    static double sequential[PASSES * STEPS], rounds[PASSES * STEPS];
    const double lambdas[] = {0.1, 0.003};
    for (size_t v = 0; v < sizeof sets / sizeof *sets; v++)
        for (int l = 0; mg_loss_at(l); l++)
            for (int i = 0; mg_loss_at(l)->dual && i < 4; i++) {
                make(&p, sets[v]);
                p.lambda = lambdas[i / 2];
                compare(&p, mg_loss_at(l), forms[i % 2], PASSES, sequential, rounds);
                for (int t = 1; t < PASSES * STEPS; t++)
                    if (rounds[t] < rounds[t - 1] - 1e-6 * fabs(rounds[t]))
                        fail_msg("%s, set %d: step %d: the dual value falls from %.9g to %.9g",
                                 mg_loss_at(l)->name, (int)sets[v], t, rounds[t - 1], rounds[t]);
                for (int pass = 5; pass <= PASSES; pass += 5) {
                    double now = rounds[pass * STEPS - 1], then = sequential[(int)(pass * STEPS / 1.1) - 1];
                    if (now < then - 1e-5 * fabs(then))
                        fail_msg("%s, set %d, lambda %g: after %d passes %.9g, sequential ascent has %.9g",
                                 mg_loss_at(l)->name, (int)sets[v], p.lambda, pass, now, then);
                }
            }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_passes)};
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
