// test_dual_rounds.c - compares the rounds of dual ascent with sequential dual ascent in double, which visits
// the same rows in the same order. The dual value of rounds never falls, and they need at most a tenth more
// passes. Their bits do not depend on threads, and not on where a run is resumed.
#define PROBLEM_ROWS 640
#define PROBLEM_FEATURES 60
#define PROBLEM_BATCH 128
#include "newton_problem.h"

enum { PASSES = 20, MOST_THREADS = 16 };

static double dual_now(const problem *p, const setting *s) {
    static double c[ROWS][CLASSES];
    expect_feasible(s, c);
    return dual_of(p, s->problem.loss->dual, c);
}

static void fail_if_falls(const setting *s, double before, double now) {
    if (now < before - 1e-6 * fabs(now))
        fail_msg("%s, step %d: the dual value falls from %.9g to %.9g", s->problem.loss->name, (int)s->place,
                 before, now);
}

// Computes the dual values after each of `passes` epochs: of sequential ascent, and of margin.
static void compare(problem *p, const mg_loss *loss, support_form form, int passes, double *sequential,
                    double *rounds) {
    static setting s;
    begin(&s, p, loss, form, "dual", 0, 1);
    const mg_dual_visits *visits = &((const mg_certified *)s.state)->ascent->visits;
    double last = 0;
    memset(p->c, 0, sizeof p->c);
    memset(p->w, 0, sizeof p->w);
    for (int pass = 0; pass < passes; pass++) {
        int64_t listed = 0;
        do {
            int64_t at = s.place * PROBLEM_BATCH;
            step(&s);
            if (s.place == 1) listed = visits->listed;
            for (int64_t i = at; i < mg_min(at + PROBLEM_BATCH, listed); i++)
                visit(p, loss->dual, visits->list[i]);
            rounds[pass] = dual_now(p, &s);
            fail_if_falls(&s, last, rounds[pass]);
            last = rounds[pass];
        } while (s.place > 0);
        sequential[pass] = dual_of(p, loss->dual, p->c);
    }
    end(&s);
}

// The dual value after a number of passes that may have a fraction.
static double after(const double *passes, double count) {
    int whole = (int)count;
    return passes[whole - 1] + (count - whole) * (passes[whole] - passes[whole - 1]);
}

static void test_passes(void **unused) {
    (void)unused;
    static problem p;
    double sequential[PASSES], rounds[PASSES];
    const double lambdas[] = {0.1, 0.003};
    for (int v = 0; v < VARIANTS; v++)
        for (int l = 0; mg_loss_at(l); l++)
            for (int i = 0; mg_loss_at(l)->dual && i < 2 * SUPPORT_CSR; i++) {
                support_form form = (support_form)(i / 2);
                if (support_few() && (l + i) % VARIANTS != v) continue;
                make(&p, (variant)v);
                p.lambda = lambdas[i % 2];
                compare(&p, mg_loss_at(l), form, PASSES, sequential, rounds);
                for (int pass = 5; pass <= PASSES; pass += 5) {
                    double now = rounds[pass - 1], then = after(sequential, pass / 1.1);
                    if (now < then - 1e-5 * fabs(then))
                        fail_msg(
                            "%s, %s, set %d, lambda %g: after %d passes %.9g, sequential ascent has %.9g",
                            mg_loss_at(l)->name, support_form_names[form], v, p.lambda, pass, now, then);
                }
            }
}

// ---- the same bits ------------------------------------------------------------------------------

typedef struct run {
    setting s;
    int steps, done;
    float weights[CLASSES * LINE * 2];
    double dual;
} run;

static void finish(void *context) {
    run *r = context;
    for (; r->done < r->steps; r->done++) step(&r->s);
    const mg_weights *w = &((const mg_certified *)r->s.state)->iterate.weights;
    assert_true(w->size <= (int64_t)(sizeof r->weights / sizeof *r->weights));
    memset(r->weights, 0, sizeof r->weights);
    memcpy(r->weights, w->v, (size_t)w->size * sizeof *w->v);
}

static void start(run *r, const problem *p, support_form form, int threads) {
    r->done = 0;
    begin(&r->s, p, mg_loss_find("crammer-singer"), form, "dual", 0, threads);
}

static void expect_same(problem *p, run *a, run *b, const char *what, int which) {
    double dual = dual_now(p, &b->s);
    if (dual != a->dual || memcmp(a->weights, b->weights, sizeof a->weights))
        fail_msg("%s %d: other weights, or the dual value %.17g instead of %.17g", what, which, dual,
                 a->dual);
    end(&b->s);
}

static void test_same_bits(void **unused) {
    (void)unused;
    static problem p;
    static run whole, other, rest;
    for (int form = 0; form < SUPPORT_FORMS; form++)
        for (int v = 0; v < (form == SUPPORT_CSR ? CENTRED : VARIANTS); v++) {
            make(&p, (variant)v);
            p.lambda = 0.003;
            whole.steps = other.steps = rest.steps = 3 * ROWS / PROBLEM_BATCH;
            start(&whole, &p, form, 1);
            finish(&whole);
            whole.dual = dual_now(&p, &whole.s);
            for (int threads = 2; threads <= MOST_THREADS; threads += support_few() ? 7 : 1) {
                start(&other, &p, form, threads);
                mg_team_run(&other.s.team, finish, &other);
                expect_same(&p, &whole, &other, "threads", threads);
            }
            for (int at = 1; at < whole.steps; at += support_few() ? 4 : 1) {
                start(&other, &p, form, 1);
                start(&rest, &p, form, 1);
                for (int i = 0; i < at; i++) step(&other.s);
                hand_over(&other.s, &rest.s);
                rest.done = at;
                finish(&rest);
                end(&other.s);
                expect_same(&p, &whole, &rest, "resumed after step", at);
            }
            end(&whole.s);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_passes), cmocka_unit_test(test_same_bits)};
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
