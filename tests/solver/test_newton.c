// test_newton.c - the Newton phase: it ends at the optimum that a plain solver in double finds, coordinate ascent for every loss with a dual and
// accelerated gradients for softmax, of every layout, weights, bias and scaled columns; its certificate is honest; its bits do not depend on threads, kernels or where it was resumed.
#include "solver/newton/newton.h"

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

enum { ROWS = 90, FEATURES = 9, CLASSES = 4, LINE = 16, WIDTH = FEATURES + 1, MOST_STEPS = 400, MOST_VISITS = 800000 };

// Newton's method with a wrong derivative still ends at the optimum, only late: the most outer iterations any of these problems needs is 20.
enum { MOST_OUTER = 30 };

// ---- a problem and its optimum -----------------------------------------------------------------------------------------

typedef enum variant { PLAIN, WEIGHTED, SCALED, CENTRED, VARIANTS } variant;

typedef struct problem {
    double raw[ROWS][FEATURES]; // whole numbers: every layout holds them as they are
    double x[ROWS][WIDTH];      // x' with the constant feature
    int32_t label[ROWS];
    float weight[ROWS], scale[FEATURES], center[FEATURES];
    bool weighted, scaled, centred;
    double bias, delta, lambda;
    double c[ROWS][CLASSES], w[CLASSES][WIDTH], primal, dual; // of the reference
} problem;

static uint64_t seed;

static double uniform(void) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(seed >> 11) * 0x1p-53;
}

static void make(problem *p, variant v) {
    *p = (problem){.weighted = v == WEIGHTED, .scaled = v >= SCALED, .centred = v == CENTRED, .delta = v == WEIGHTED ? 0.5 : 1};
    p->bias = v == PLAIN ? 0 : 1.5;
    p->lambda = 0.1;
    seed = 7 + (uint64_t)v;
    for (int64_t d = 0; d < FEATURES; d++) {
        p->scale[d] = p->scaled ? (float)(1 / (1 + floor(30 * uniform()))) : 1;
        p->center[d] = p->centred ? (float)floor(10 * uniform()) : 0;
    }
    double total = 0;
    for (int64_t i = 0; i < ROWS; i++) {
        p->label[i] = (int32_t)(uniform() * CLASSES);
        for (int64_t d = 0; d < FEATURES; d++) {
            double mean = (d + p->label[i]) % CLASSES == 0 ? 3 : 0, size = p->scaled ? 1 / (double)p->scale[d] : 1;
            p->raw[i][d] = uniform() < 0.4 ? 0 : floor(size * (mean + 4 * uniform()));
            p->x[i][d] = (double)p->scale[d] * (p->raw[i][d] - (double)p->center[d]);
        }
        p->x[i][FEATURES] = p->bias;
        p->weight[i] = p->weighted ? (float)floor(4 * uniform()) : 1;
        total += (double)p->weight[i];
        if (uniform() < 0.15) p->label[i] = (int32_t)(uniform() * CLASSES);
    }
    for (int64_t i = 0; i < ROWS; i++) p->weight[i] = (float)((double)p->weight[i] * ROWS / total);
}

static double clip(double x, double low, double high) {
    return x < low ? low : x > high ? high : x;
}

// argmax of -l*(c) + <s, c> - q/2 ||c - before||^2 for one multiplier, from the definition (M25); returns the sum.
static double coefficients(const problem *p, const mg_prox *prox, int64_t y, const double *s, const double *before, double q, double theta, double *c) {
    double sum = 0;
    for (int64_t k = 0; k < CLASSES; k++) {
        double linear = k != y ? p->delta : prox->joint ? 0 : -p->delta, curve = (double)(k == y ? prox->own_curve : prox->rival_curve);
        double v = (s[k] + linear + q * before[k] - theta) / (q + curve);
        sum += c[k] = k == y ? clip(v, (double)prox->own_least, 0) : clip(v, 0, (double)prox->rival_most);
    }
    return sum;
}

static void visit(problem *p, const mg_prox *prox, int64_t i) {
    double s[CLASSES], c[CLASSES], square = 0, low = -1e3, high = 1e3, scale = (double)p->weight[i] / (p->lambda * ROWS);
    int64_t y = p->label[i];
    for (int64_t d = 0; d < WIDTH; d++) square += p->x[i][d] * p->x[i][d];
    for (int64_t k = 0; k < CLASSES; k++) {
        s[k] = 0;
        for (int64_t d = 0; d < WIDTH; d++) s[k] += p->w[k][d] * p->x[i][d];
    }
    if (scale == 0 || square == 0) return;
    for (int t = 0; prox->joint && t < 70; t++) {
        double middle = 0.5 * (low + high);
        if (coefficients(p, prox, y, s, p->c[i], scale * square, middle, c) > 0) low = middle;
        else high = middle;
    }
    coefficients(p, prox, y, s, p->c[i], scale * square, prox->joint ? low : 0, c);
    for (int64_t k = 0; k < CLASSES; k++) {
        for (int64_t d = 0; d < WIDTH; d++) p->w[k][d] -= scale * (c[k] - p->c[i][k]) * p->x[i][d];
        p->c[i][k] = c[k];
    }
}

static double primal_of(const problem *p, const mg_loss *loss, double w[CLASSES][WIDTH]) {
    double sum = 0, square = 0;
    for (int64_t i = 0; i < ROWS; i++) {
        double s[CLASSES] = {0};
        for (int64_t k = 0; k < CLASSES; k++)
            for (int64_t d = 0; d < WIDTH; d++) s[k] += w[k][d] * p->x[i][d];
        sum += (double)p->weight[i] * loss->value(CLASSES, s, p->label[i], p->delta);
    }
    for (int64_t k = 0; k < CLASSES; k++)
        for (int64_t d = 0; d < WIDTH; d++) square += w[k][d] * w[k][d];
    return sum / ROWS + 0.5 * p->lambda * square;
}

// -l*(c) of one coefficient: from (M25), or of softmax from (M31), the entropy of c + 1(k = y).
static double value_of(const problem *p, const mg_prox *prox, bool own, double c) {
    double share = own ? 1 + c : c;
    if (!prox) return share > 0 ? -share * log(share) : 0;
    return (!own ? p->delta : prox->joint ? 0 : -p->delta) * c - 0.5 * (double)(own ? prox->own_curve : prox->rival_curve) * c * c;
}

// The dual at coefficients c, which need not be the reference's.
static double dual_of(const problem *p, const mg_prox *prox, double c[ROWS][CLASSES]) {
    double w[CLASSES][WIDTH] = {{0}}, sum = 0, square = 0;
    for (int64_t i = 0; i < ROWS; i++)
        for (int64_t k = 0; k < CLASSES; k++) {
            sum += (double)p->weight[i] * value_of(p, prox, k == p->label[i], c[i][k]);
            for (int64_t d = 0; d < WIDTH; d++) w[k][d] -= (double)p->weight[i] * c[i][k] * p->x[i][d] / (p->lambda * ROWS);
        }
    for (int64_t k = 0; k < CLASSES; k++)
        for (int64_t d = 0; d < WIDTH; d++) square += w[k][d] * w[k][d];
    return sum / ROWS - 0.5 * p->lambda * square;
}

// Gradient of the softmax objective, from its formula; leaves the coefficients in p->c.
static void softmax_gradient(problem *p, double w[CLASSES][WIDTH], double g[CLASSES][WIDTH]) {
    for (int64_t k = 0; k < CLASSES; k++)
        for (int64_t d = 0; d < WIDTH; d++) g[k][d] = p->lambda * w[k][d];
    for (int64_t i = 0; i < ROWS; i++) {
        double e[CLASSES], sum = 0;
        for (int64_t k = 0; k < CLASSES; k++) {
            double s = 0;
            for (int64_t d = 0; d < WIDTH; d++) s += w[k][d] * p->x[i][d];
            sum += e[k] = exp(s);
        }
        for (int64_t k = 0; k < CLASSES; k++) {
            p->c[i][k] = e[k] / sum - (k == p->label[i]);
            for (int64_t d = 0; d < WIDTH; d++) g[k][d] += (double)p->weight[i] * p->c[i][k] * p->x[i][d] / ROWS;
        }
    }
}

// Accelerated gradient steps with what the objective's curvature is at most and at least (Nesterov 2004).
static void solve_softmax(problem *p, const mg_loss *loss) {
    double most = p->lambda, v[CLASSES][WIDTH] = {{0}}, g[CLASSES][WIDTH];
    for (int64_t i = 0; i < ROWS; i++)
        for (int64_t d = 0; d < WIDTH; d++) most += 0.5 * (double)p->weight[i] * p->x[i][d] * p->x[i][d] / ROWS;
    double root = sqrt(most / p->lambda), keep = (root - 1) / (root + 1);
    memset(p->w, 0, sizeof p->w);
    for (int n = 0; n < 20000; n++) {
        softmax_gradient(p, v, g);
        for (int64_t k = 0; k < CLASSES; k++)
            for (int64_t d = 0; d < WIDTH; d++) {
                double next = v[k][d] - g[k][d] / most;
                v[k][d] = next + keep * (next - p->w[k][d]);
                p->w[k][d] = next;
            }
        if (n % 100) continue;
        softmax_gradient(p, p->w, g);
        p->primal = primal_of(p, loss, p->w);
        p->dual = dual_of(p, loss->dual, p->c);
        if (p->primal - p->dual <= 1e-8 * p->primal) return;
    }
    fail_msg("%s: the reference did not converge: %.10g to %.10g", loss->name, p->dual, p->primal);
}

static void solve(problem *p, const mg_loss *loss) {
    if (!loss->dual) {
        solve_softmax(p, loss);
        return;
    }
    for (int epoch = 1; epoch <= 20000; epoch++) {
        for (int64_t i = 0; i < ROWS; i++) visit(p, loss->dual, (i * 37 + epoch) % ROWS);
        if (epoch % 100) continue;
        p->primal = primal_of(p, loss, p->w);
        p->dual = dual_of(p, loss->dual, p->c);
        if (p->primal - p->dual <= 1e-8 * p->primal) return;
    }
    fail_msg("%s: the reference did not converge: %.10g to %.10g", loss->name, p->dual, p->primal);
}

// ---- the same for a solver ---------------------------------------------------------------------------------------------

typedef struct setting {
    mg_problem problem;
    mg_batch all;
    mg_train_options train;
    mg_solver_options options;
    mg_team team;
    const mg_solver *solver;
    void *state;
    void *memory[4];
    mg_field fields[MG_MOST_FIELDS];
    int field_count;
    int64_t place; // in the epoch: what a trainer knows
} setting;

static void put_rows(setting *s, const problem *p, support_form form) {
    mg_rows *rows = &s->all.rows;
    *rows = (mg_rows){.layout = form == SUPPORT_CSR ? MG_CSR : MG_DENSE, .cell = form == SUPPORT_U8 ? MG_CELL_U8 : MG_CELL_F32,
                      .count = ROWS, .features = FEATURES, .stride = LINE};
    int64_t *indptr;
    uint32_t *indices;
    float *values;
    uint8_t *bytes;
    mg_memory_zeroed(&indptr, ROWS + 1, sizeof *indptr, NULL);
    mg_memory_zeroed(&indices, ROWS * LINE, sizeof *indices, NULL);
    mg_memory_zeroed(&values, ROWS * LINE, sizeof *values, NULL);
    mg_memory_zeroed(&bytes, ROWS * LINE, 1, NULL);
    void *const memory[] = {indptr, indices, values, bytes};
    memcpy(s->memory, memory, sizeof memory);
    int64_t n = 0;
    for (int64_t i = 0; i < ROWS; i++) {
        for (int64_t d = 0; d < FEATURES; d++) {
            bytes[i * LINE + d] = (uint8_t)p->raw[i][d];
            if (form == SUPPORT_F32) values[i * LINE + d] = (float)p->raw[i][d];
            if (form != SUPPORT_CSR || p->raw[i][d] == 0) continue;
            indices[n] = (uint32_t)d;
            values[n++] = (float)p->raw[i][d];
        }
        indptr[i + 1] = n;
    }
    rows->dense = form == SUPPORT_U8 ? (const void *)bytes : values;
    rows->indptr = indptr;
    rows->indices = indices;
    rows->values = values;
}

static void begin(setting *s, const problem *p, const mg_loss *loss, support_form form, const char *solver, double tolerance, int threads) {
    *s = (setting){.team = {.threads = threads}, .solver = mg_solver_find(strcmp(solver, "auto") ? solver : "dual")};
    s->train = (mg_train_options){.solver = solver, .tolerance = tolerance, .seed = 1};
    s->options.train = &s->train;
    put_rows(s, p, form);
    s->all.label = p->label;
    s->all.weight = p->weighted ? p->weight : NULL;
    s->problem = (mg_problem){
        .rows = ROWS, .features = FEATURES, .classes = CLASSES, .layout = s->all.rows.layout, .cell = s->all.rows.cell, .loss = loss,
        .delta = (float)p->delta, .lambda = p->lambda, .bias = p->bias, .scale = p->scaled ? p->scale : NULL,
        .center = p->centred ? p->center : NULL, .entries_per_row = FEATURES, .most_entries = FEATURES, .batch = 32, .team = &s->team,
    };
    mg_error error = {0};
    assert_int_equal(mg_kernel_select(&s->problem.kernel, &error), MG_OK);
    if (s->solver->create(&s->problem, &s->options, &s->state, &error)) fail_msg("%s", error.text);
    assert_int_equal(s->solver->attach(s->state, &s->all, &error), MG_OK);
    s->field_count = s->solver->fields(s->state, s->fields);
}

static void end(setting *s) {
    s->solver->destroy(s->state);
    for (int m = 0; m < 4; m++) mg_memory_free(s->memory[m]);
}

static mg_certificate certificate_of(const setting *s) {
    mg_certificate c = {.gap = INFINITY};
    s->solver->certificate(s->state, &c);
    return c;
}

static bool step(setting *s) {
    int64_t rows, epochs = s->solver->epochs(s->state);
    mg_batch batch = {.first = s->place};
    assert_true(isfinite(s->solver->step(s->state, &batch, 0, &rows)));
    s->place = s->solver->epochs(s->state) > epochs ? 0 : s->place + rows;
    return certificate_of(s).reached;
}

// Coefficients of every row lie in their box and sum to zero where they must. Of softmax they are what the last Newton step ended with.
static void expect_feasible(const setting *s, double c[ROWS][CLASSES]) {
    static const mg_prox simplex = {.joint = true, .rival_most = 1, .own_least = -1};
    const mg_dual_state *dual = s->state;
    const mg_prox *prox = s->problem.loss->dual ? s->problem.loss->dual : &simplex;
    for (int64_t i = 0; i < ROWS; i++) {
        float row[MG_LANES];
        double sum = 0;
        if (dual->rows) mg_dual_rows_get(dual->rows, i, MG_LANES, row);
        else memcpy(row, dual->newton->coef + i * MG_LANES, sizeof row);
        for (int64_t k = 0; k < CLASSES; k++) {
            bool own = k == s->all.label[i];
            assert_true(own ? row[k] <= 0 && row[k] >= prox->own_least * (1 + 1e-6f) : row[k] >= 0 && row[k] <= prox->rival_most);
            sum += c[i][k] = (double)row[k];
        }
        if (prox->joint) assert_true(fabs(sum) <= 1e-6 * (1 - c[i][s->all.label[i]]));
    }
}

// ---- tests -------------------------------------------------------------------------------------------------------------

static void expect_optimum(const problem *p, const mg_loss *loss, support_form form, const char *solver, const char *what) {
    setting s;
    double best = -INFINITY, lower = -INFINITY, c[ROWS][CLASSES];
    // Nearly all end within 1e-6; dual ascent of the weighted sparse rows stays at 1 to 5e-6, where single steps are of its scores' rounding.
    double tolerance = strcmp(solver, "newton") ? 5e-6 : 1e-6;
    begin(&s, p, loss, form, solver, tolerance, 1);
    for (int i = 0; i < MOST_VISITS && ((mg_dual_state *)s.state)->clock.newton < MOST_OUTER && !step(&s); i++) {
        mg_certificate now = certificate_of(&s);
        if (now.gap == INFINITY) continue;
        expect_feasible(&s, c);
        lower = fmax(lower, dual_of(p, loss->dual, c));
        // A certificate must be true, and a lower bound once known stays.
        if (now.primal < p->dual * (1 - 1e-7) || now.dual > p->primal * (1 + 1e-7) || now.dual < best)
            fail_msg("%s: certified %.9g to %.9g, but the optimum is %.9g and %.9g was known", what, now.dual, now.primal, p->primal, best);
        best = now.dual;
    }
    mg_certificate last = certificate_of(&s);
    if (!last.reached || !(fabs(last.primal - p->primal) <= tolerance * p->primal) || !(fabs(last.dual - p->primal) <= tolerance * p->primal))
        fail_msg("%s: %.9g to %.9g, but the optimum is %.9g", what, last.dual, last.primal, p->primal);
    // What is certified is what the coefficients and the weights give.
    expect_feasible(&s, c);
    const mg_weights *w = s.solver->weights(s.state);
    double mine[CLASSES][WIDTH];
    for (int64_t k = 0; k < CLASSES; k++) {
        for (int64_t d = 0; d < FEATURES; d++) mine[k][d] = (double)*mg_weights_at(w, k, d) / (double)p->scale[d];
        mine[k][FEATURES] = (double)w->bias[k];
    }
    double primal = primal_of(p, loss, mine);
    lower = fmax(lower, dual_of(p, loss->dual, c));
    if (fabs(primal - last.primal) > 1e-6 * primal) fail_msg("%s: objective %.9g, said to be %.9g", what, primal, last.primal);
    if (lower < last.dual - 1e-6 * primal) fail_msg("%s: dual %.9g, said to be %.9g", what, lower, last.dual);
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
                const char *const solvers[] = {"newton", "dual", "auto"};
                for (int i = 0; i < (loss->dual ? 3 : 1); i++) {
                    char what[200];
                    snprintf(what, sizeof what, "%s, variant %d, %s, solver %s", loss->name, v, support_form_names[form], solvers[i]);
                    if (form != SUPPORT_CSR || !p.centred) expect_optimum(&p, loss, form, solvers[i], what);
                }
            }
        }
    }
}

// Runs the solver to its end and keeps what it would save.
typedef struct outcome {
    setting *s;
    float weights[CLASSES * LINE * 2];
    int64_t size;
    mg_certificate certificate;
    int steps;
} outcome;

static void finish(void *context) {
    outcome *o = context;
    while (o->steps < MOST_STEPS && ((mg_dual_state *)o->s->state)->clock.newton < MOST_OUTER && !step(o->s)) o->steps++;
    const mg_weights *w = o->s->solver->weights(o->s->state);
    o->size = w->size;
    assert_true(w->size <= (int64_t)(sizeof o->weights / sizeof *o->weights));
    memcpy(o->weights, w->v, (size_t)w->size * sizeof *w->v);
    o->certificate = certificate_of(o->s);
}

static void expect_same(const outcome *a, const outcome *b, const char *what, int which) {
    if (a->steps != b->steps || memcmp(a->weights, b->weights, (size_t)a->size * sizeof *a->weights) ||
        memcmp(&a->certificate, &b->certificate, offsetof(mg_certificate, reached)))
        fail_msg("%s %d: %d steps to a gap of %g, not %d steps to %g", what, which, b->steps, b->certificate.gap, a->steps, a->certificate.gap);
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
            assert_true(((mg_dual_state *)s.state)->clock.newton > 0 && first.certificate.reached);
            end(&s);
            for (int threads = 2; threads <= 8; threads++) {
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

// The state of one solver becomes another's by its fields alone, as a checkpoint does it.
static void hand_over(setting *from, setting *to) {
    to->place = from->place;
    for (int f = 0; f < from->field_count; f++) {
        mg_field *a = &from->fields[f], *b = &to->fields[f];
        assert_string_equal(a->name, b->name);
        if (!a->pack) {
            memcpy(b->data, a->data, (size_t)a->count * mg_h5_type_size(a->type));
            continue;
        }
        int64_t size = a->pack(a->data, NULL);
        unsigned char *bytes = malloc((size_t)size + 1);
        a->pack(a->data, bytes);
        assert_int_equal(b->unpack(b->data, bytes, size, NULL), MG_OK);
        free(bytes);
    }
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
            assert_true(((mg_dual_state *)s.state)->clock.newton > 0); // auto must have gone over for this to test anything
            end(&s);
            for (int at = 0; at < whole.steps; at++) {
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

// The preconditioner against its definition (M29), with more features than one block of its factor has: M times what it makes of a
// vector is the vector.
static void test_precondition(void **unused) {
    (void)unused;
    enum { WIDE = 75, WIDE_LINE = 80 };
    setting s = {.team = {.threads = 1}, .solver = mg_solver_find("newton"), .train = {.solver = "newton", .tolerance = 1e-9, .seed = 1}};
    float *x;
    int32_t label[ROWS];
    int64_t rows;
    seed = 3;
    mg_memory_zeroed(&x, ROWS * WIDE_LINE, sizeof *x, NULL);
    for (int64_t i = 0; i < ROWS; i++) {
        label[i] = (int32_t)(uniform() * CLASSES);
        for (int64_t d = 0; d < WIDE; d++) x[i * WIDE_LINE + d] = (float)(uniform() - 0.3);
    }
    s.options.train = &s.train;
    s.all = (mg_batch){.label = label, .rows = {.layout = MG_DENSE, .cell = MG_CELL_F32, .count = ROWS, .features = WIDE, .stride = WIDE_LINE, .dense = x}};
    s.problem = (mg_problem){.rows = ROWS, .features = WIDE, .classes = CLASSES, .layout = MG_DENSE, .cell = MG_CELL_F32,
                             .loss = mg_loss_find("one-vs-rest-squared"), .delta = 1, .lambda = 0.01, .bias = 2, .entries_per_row = WIDE,
                             .most_entries = WIDE, .batch = ROWS, .team = &s.team};
    assert_int_equal(mg_kernel_select(&s.problem.kernel, NULL), MG_OK);
    assert_int_equal(s.solver->create(&s.problem, &s.options, &s.state, NULL), MG_OK);
    assert_int_equal(s.solver->attach(s.state, &s.all, NULL), MG_OK);
    for (int i = 0; i < 2; i++) s.solver->step(s.state, &(mg_batch){0}, 0, &rows);
    mg_newton *n = ((mg_dual_state *)s.state)->newton;
    mg_newton_evaluate(n); // slopes of free rows
    mg_precondition_build(n->precondition, n);
    assert_true(n->free_count > ROWS / 2);
    int64_t size = ((mg_dual_state *)s.state)->weights.size;
    for (int64_t k = 0; k < CLASSES; k++) {
        for (int64_t d = 0; d < WIDE; d++) n->downhill[k * WIDE_LINE + d] = (float)(uniform() - 0.5);
        n->downhill[size + k] = (float)uniform();
    }
    mg_precondition_apply(n->precondition, n, n->downhill, n->better);
    for (int64_t k = 0; k < CLASSES; k++) {
        double product[WIDE + 1];
        for (int64_t d = 0; d <= WIDE; d++) product[d] = 0.01 * (double)n->better[d < WIDE ? k * WIDE_LINE + d : size + k];
        for (int64_t f = 0; f < n->free_count; f++) {
            const float *row = x + n->free[f] * WIDE_LINE;
            double inner = 2 * (double)n->better[size + k], weight = (double)n->slope[n->free[f] * MG_LANES + k] / ROWS;
            for (int64_t d = 0; d < WIDE; d++) inner += (double)row[d] * (double)n->better[k * WIDE_LINE + d];
            for (int64_t d = 0; d <= WIDE; d++) product[d] += weight * inner * (d < WIDE ? (double)row[d] : 2);
        }
        for (int64_t d = 0; d <= WIDE; d++)
            assert_true(fabs(product[d] - (double)n->downhill[d < WIDE ? k * WIDE_LINE + d : size + k]) < 1e-3);
    }
    s.solver->destroy(s.state);
    mg_memory_free(x);
}

// Out of memory anywhere in the first outer iteration: the step says so, and going on is possible.
static void test_memory(void **unused) {
    (void)unused;
    for (int form = 0; form < 2 * SUPPORT_FORMS; form++) {
        problem p;
        setting s;
        int64_t rows, failures = 0;
        make(&p, PLAIN);
        begin(&s, &p, mg_loss_find(form < SUPPORT_FORMS ? "crammer-singer" : "softmax"), form % SUPPORT_FORMS, "newton", 1e-5, 1);
        while (((mg_dual_state *)s.state)->clock.newton < 0) step(&s);
        for (bool failed = true; failed; failures += failed) {
            mg_memory_fail_at(failures + 1, false);
            failed = !isfinite(s.solver->step(s.state, &(mg_batch){0}, 0, &rows));
            mg_memory_fail_at(0, false);
        }
        assert_true(failures > 20 && certificate_of(&s).gap < 1);
        end(&s);
    }
}

// Classes that can be told apart and hardly any regularisation: probabilities are nearly 1, and what is missing must keep its digits.
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
            fail_msg("%s: %.9g to %.9g after %d steps", support_form_names[form], o.certificate.dual, o.certificate.primal, o.steps);
        end(&s);
    }
}

static int polls_left;

static bool patience_ends(void *context) {
    (void)context;
    return polls_left-- <= 0;
}

// A step given up anywhere has not happened: the next one ends as if it had been the first try.
static void test_given_up(void **unused) {
    (void)unused;
    const char *const losses[] = {"crammer-singer", "softmax"};
    for (int l = 0; l < 2; l++) {
        problem p;
        setting s, whole;
        int64_t rows, given_up = 0;
        mg_error error = {0};
        make(&p, WEIGHTED);
        begin(&whole, &p, mg_loss_find(losses[l]), SUPPORT_F32, "newton", 1e-5, 1);
        begin(&s, &p, mg_loss_find(losses[l]), SUPPORT_F32, "newton", 1e-5, 1);
        outcome first = {.s = &whole}, second = {.s = &s};
        finish(&first);
        while (((mg_dual_state *)s.state)->clock.newton < 0) step(&s), second.steps++;
        s.options.stop = patience_ends;
        for (int64_t epochs = s.solver->epochs(s.state);; given_up++) {
            polls_left = (int)given_up;
            if (isfinite(s.solver->step(s.state, &(mg_batch){0}, 0, &rows))) break;
            assert_int_equal(s.solver->failure(s.state, &error), MG_STOPPED);
            assert_int_equal(s.solver->epochs(s.state), epochs);
        }
        assert_true(given_up > 4);
        s.options.stop = NULL;
        second.steps++;
        finish(&second);
        expect_same(&first, &second, losses[l], (int)given_up);
        end(&whole);
        end(&s);
    }
}

// Whole runs: files too.
static void test_runs(void **unused) {
    (void)unused;
    for (int i = 0; i < 2 * SUPPORT_FORMS; i++) {
        support_form form = (support_form)(i % SUPPORT_FORMS);
        const char *data = support_path("data.h5"), *whole = support_path("whole-%d", i), *stopped = support_path("stopped-%d", i);
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
        int64_t least = i < SUPPORT_FORMS ? 3 : 1; // Newton steps of softmax go four to one of the run's
        assert_true(run.result.step > least && run.result.step < 60);
        support_run other = run;
        support_set(&other, "output.directory=%s", stopped);
        other.stop_after = least;
        support_expect(&other, MG_STOPPED);
        other.resume = true;
        other.stop_after = 0;
        support_expect(&other, MG_OK);
        support_expect_same_runs(whole, stopped, support_form_names[form]);
        // Where dual ascent ends and Newton steps begin is told once; softmax begins with them.
        char *lines = support_lines(support_path("whole-%d/metrics.jsonl", i), NULL), *told = strstr(lines, "\"solver_why\": \"a gap of ");
        assert_true((told != NULL) == (i < SUPPORT_FORMS) && (!told || !strstr(told + 1, "\"solver_why\"")));
        if (told && !strstr(run.messages, "solver newton from here on: a gap of ")) fail_msg("not told: %s", run.messages);
        free(lines);
        support_set(&run, "train.tolerance=0");
        support_expect(&run, MG_CONFIG);
    }
}

// More features than factors are made for: their diagonal does.
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
        cmocka_unit_test(test_optimum), cmocka_unit_test(test_same_bits), cmocka_unit_test(test_resume), cmocka_unit_test(test_memory), cmocka_unit_test(test_precondition), cmocka_unit_test(test_given_up), cmocka_unit_test(test_separable),
        cmocka_unit_test(test_runs), cmocka_unit_test(test_wide)};
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
