// newton_problem.h - a small problem; its optimum, found by a simple solver in double (coordinate ascent; for
// softmax, accelerated gradients); and the same problem in margin's solvers.
#ifndef MG_TEST_NEWTON_PROBLEM_H
#define MG_TEST_NEWTON_PROBLEM_H

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

// A test that needs a larger problem defines these sizes itself.
#ifndef PROBLEM_ROWS
#define PROBLEM_ROWS 90
#define PROBLEM_FEATURES 9
#define PROBLEM_BATCH 32
#endif

enum {
    ROWS = PROBLEM_ROWS,
    FEATURES = PROBLEM_FEATURES,
    CLASSES = 4,
    LINE = (FEATURES + 15) / 16 * 16,
    WIDTH = FEATURES + 1,
    MOST_STEPS = 400,
    MOST_VISITS = 800000
};

// ---- a problem and its optimum ------------------------------------------------------------------

typedef enum variant { PLAIN, WEIGHTED, SCALED, CENTRED, VARIANTS } variant;

typedef struct problem {
    double raw[ROWS][FEATURES]; // whole numbers, which all cell types can store
    double x[ROWS][WIDTH];      // x' including the constant feature
    int32_t label[ROWS];
    float weight[ROWS], scale[FEATURES], center[FEATURES];
    bool weighted, scaled, centred, free_bias;
    double bias, delta, lambda;
    double c[ROWS][CLASSES], w[CLASSES][WIDTH], primal, dual; // results of the simple solver
} problem;

static uint64_t seed;

static inline double uniform(void) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(seed >> 11) * 0x1p-53;
}

static inline void make(problem *p, variant v) {
    *p = (problem){.weighted = v == WEIGHTED,
                   .scaled = v >= SCALED,
                   .centred = v == CENTRED,
                   .delta = v == WEIGHTED ? 0.5 : 1};
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
            double mean = (d + p->label[i]) % CLASSES == 0 ? 3 : 0,
                   size = p->scaled ? 1 / (double)p->scale[d] : 1;
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

static inline double clip(double x, double low, double high) { return x < low ? low : x > high ? high : x; }

// Computes argmax of -l*(c) + <s, c> - q/2 ||c - before||^2 for one multiplier theta, by the definition
// (M25); `before`: the coefficients of the row so far. Returns the sum of the coefficients.
static inline double coefficients(const problem *p, const mg_prox *prox, int64_t row, const double *s,
                                  double q, double theta, double *c) {
    const double *before = p->c[row];
    int64_t y = p->label[row];
    double sum = 0;
    for (int64_t k = 0; k < CLASSES; k++) {
        double linear = k != y        ? p->delta
                        : prox->joint ? 0
                                      : -p->delta,
               curve = (double)(k == y ? prox->own_curve : prox->rival_curve);
        double v = (s[k] + linear + q * before[k] - theta) / (q + curve);
        sum += c[k] = k == y ? clip(v, (double)prox->own_least, 0) : clip(v, 0, (double)prox->rival_most);
    }
    return sum;
}

static inline void visit(problem *p, const mg_prox *prox, int64_t i) {
    double s[CLASSES], c[CLASSES], square = 0, low = -1e3, high = 1e3,
                                   scale = (double)p->weight[i] / (p->lambda * ROWS);
    for (int64_t d = 0; d < WIDTH; d++) square += p->x[i][d] * p->x[i][d];
    for (int64_t k = 0; k < CLASSES; k++) {
        s[k] = 0;
        for (int64_t d = 0; d < WIDTH; d++) s[k] += p->w[k][d] * p->x[i][d];
    }
    if (scale == 0 || square == 0) return;
    for (int t = 0; prox->joint && t < 70; t++) {
        double middle = 0.5 * (low + high);
        if (coefficients(p, prox, i, s, scale * square, middle, c) > 0) low = middle;
        else high = middle;
    }
    coefficients(p, prox, i, s, scale * square, prox->joint ? low : 0, c);
    for (int64_t k = 0; k < CLASSES; k++) {
        for (int64_t d = 0; d < WIDTH; d++) p->w[k][d] -= scale * (c[k] - p->c[i][k]) * p->x[i][d];
        p->c[i][k] = c[k];
    }
}

static inline double primal_of(const problem *p, const mg_loss *loss, double w[CLASSES][WIDTH]) {
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

// -l*(c) of one coefficient: by (M25); for softmax the entropy of c + 1(k = y), by (M31).
static inline double value_of(const problem *p, const mg_prox *prox, bool own, double c) {
    double share = own ? 1 + c : c;
    if (!prox) return share > 0 ? -share * log(share) : 0;
    return (!own          ? p->delta
            : prox->joint ? 0
                          : -p->delta) *
               c -
           0.5 * (double)(own ? prox->own_curve : prox->rival_curve) * c * c;
}

// The dual value of any coefficients c.
static inline double dual_of(const problem *p, const mg_prox *prox, double c[ROWS][CLASSES]) {
    double w[CLASSES][WIDTH] = {{0}}, sum = 0, square = 0;
    for (int64_t i = 0; i < ROWS; i++)
        for (int64_t k = 0; k < CLASSES; k++) {
            sum += (double)p->weight[i] * value_of(p, prox, k == p->label[i], c[i][k]);
            for (int64_t d = 0; d < WIDTH; d++)
                w[k][d] -= (double)p->weight[i] * c[i][k] * p->x[i][d] / (p->lambda * ROWS);
        }
    for (int64_t k = 0; k < CLASSES; k++)
        for (int64_t d = 0; d < WIDTH; d++) square += w[k][d] * w[k][d];
    return sum / ROWS - 0.5 * p->lambda * square;
}

// The gradient of the softmax objective, by its formula. Stores the coefficients in p->c.
static inline void softmax_gradient(problem *p, double w[CLASSES][WIDTH], double g[CLASSES][WIDTH]) {
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
            for (int64_t d = 0; d < WIDTH; d++)
                g[k][d] += (double)p->weight[i] * p->c[i][k] * p->x[i][d] / ROWS;
        }
    }
}

// Accelerated gradient steps, which use the largest and the smallest curvature of the objective (Nesterov
// 2004).
static inline void solve_softmax(problem *p, const mg_loss *loss) {
    double most = p->lambda, v[CLASSES][WIDTH] = {{0}}, g[CLASSES][WIDTH];
    for (int64_t i = 0; i < ROWS; i++)
        for (int64_t d = 0; d < WIDTH; d++)
            most += 0.5 * (double)p->weight[i] * p->x[i][d] * p->x[i][d] / ROWS;
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

static inline void solve(problem *p, const mg_loss *loss) {
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

// ---- the same in margin's solvers ----------------------------------------------------------------

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
    int64_t place; // step within the epoch, which the trainer would count
} setting;

static inline void put_rows(setting *s, const problem *p, support_form form) {
    mg_rows *rows = &s->all.rows;
    *rows = (mg_rows){.layout = form == SUPPORT_CSR ? MG_CSR : MG_DENSE,
                      .cell = form == SUPPORT_U8 ? MG_CELL_U8 : MG_CELL_F32,
                      .count = ROWS,
                      .features = FEATURES,
                      .stride = LINE};
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

static inline double mean_square_norm(const problem *p) {
    double sum = 0;
    for (int64_t i = 0; i < ROWS; i++)
        for (int64_t d = 0; d < WIDTH; d++) sum += p->x[i][d] * p->x[i][d];
    return sum / ROWS;
}

static inline void begin(setting *s, const problem *p, const mg_loss *loss, support_form form,
                         const char *solver, double tolerance, int threads) {
    *s = (setting){.team = {.threads = threads},
                   .solver = mg_solver_find(strcmp(solver, "auto") ? solver : "dual")};
    s->train = (mg_train_options){.solver = solver, .tolerance = tolerance, .seed = 1};
    s->options.train = &s->train;
    s->options.tolerance = tolerance;
    s->options.handover = !strcmp(solver, "auto")   ? MG_HANDOVER_BY_COST
                          : !strcmp(solver, "dual") ? MG_HANDOVER_NEVER
                                                    : MG_HANDOVER_AT_ONCE;
    put_rows(s, p, form);
    s->all.label = p->label;
    s->all.weight = p->weighted ? p->weight : NULL;
    s->problem = (mg_problem){
        .rows = ROWS,
        .features = FEATURES,
        .classes = CLASSES,
        .layout = s->all.rows.layout,
        .cell = s->all.rows.cell,
        .loss = loss,
        .delta = (float)p->delta,
        .lambda = p->lambda,
        .bias = p->bias,
        .free_bias = p->free_bias,
        .mean_square_norm = mean_square_norm(p),
        .scale = p->scaled ? p->scale : NULL,
        .center = p->centred ? p->center : NULL,
        .values_per_row = FEATURES,
        .most_values = FEATURES,
        .batch = PROBLEM_BATCH,
        .epochs = 1 << 20,
        .team = &s->team,
    };
    mg_error error = {0};
    assert_int_equal(mg_kernel_select(&s->problem.kernel, &error), MG_OK);
    if (s->solver->create(&s->problem, &s->options, &s->state, &error)) fail_msg("%s", error.text);
    assert_int_equal(s->solver->whole->attach(s->state, &s->all, &error), MG_OK);
    s->field_count = s->solver->fields(s->state, s->fields);
}

static inline void end(setting *s) {
    s->solver->destroy(s->state);
    for (int m = 0; m < 4; m++) mg_memory_free(s->memory[m]);
}

// Copies the state of one solver to another through its fields only, as a checkpoint does.
static inline void hand_over(setting *from, setting *to) {
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

static inline mg_certificate certificate_of(const setting *s) {
    mg_step_result now;
    s->solver->whole->standing(s->state, &now);
    return now.certified ? now.certificate : (mg_certificate){.gap = INFINITY};
}

static inline bool step(setting *s) {
    mg_step_result before, done;
    s->solver->whole->standing(s->state, &before);
    assert_int_equal(s->solver->whole->next(s->state, s->place, &done, NULL), MG_OK);
    assert_true(isfinite(done.loss));
    s->place = done.epochs > before.epochs ? 0 : s->place + 1;
    return certificate_of(s).reached;
}

// Checks that the coefficients of every row are in their box and, where required, sum to zero. For softmax
// they are those after the last Newton step.
static inline void expect_feasible(const setting *s, double c[ROWS][CLASSES]) {
    static const mg_prox simplex = {.joint = true, .rival_most = 1, .own_least = -1};
    const mg_certified *state = s->state;
    const mg_prox *prox = s->problem.loss->dual ? s->problem.loss->dual : &simplex;
    for (int64_t i = 0; i < ROWS; i++) {
        float row[MG_LANES];
        double sum = 0;
        if (state->iterate.duals) mg_dual_rows_get(state->iterate.duals, i, MG_LANES, row);
        else memcpy(row, state->newton->rows.coef + i * MG_LANES, sizeof row);
        for (int64_t k = 0; k < CLASSES; k++) {
            bool own = k == s->all.label[i];
            assert_true(own ? row[k] <= 0 && row[k] >= prox->own_least * (1 + 1e-6f)
                            : row[k] >= 0 && row[k] <= prox->rival_most);
            sum += c[i][k] = (double)row[k];
        }
        if (prox->joint) assert_true(fabs(sum) <= 1e-6 * (1 - c[i][s->all.label[i]]));
    }
}

#endif
