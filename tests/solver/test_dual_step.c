// test_dual_step.c - compares the exact dual step of one row with a solution by bisection in double, for
// every loss and kernel.
#include "kernel/kernel.h"
#include "loss/loss.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

enum { LANES = 64, TRIES = 400 };

static uint64_t state = 1;

static double uniform(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (double)(state >> 11) * 0x1p-53;
}

typedef struct problem {
    const mg_prox *prox;
    int64_t classes, y;
    double delta, q;
    float scores[LANES], before[LANES];
} problem;

static double clip(double x, double low, double high) { return x < low ? low : x > high ? high : x; }

// The coefficients for one theta, by the definition (M26); returns their sum.
static double coefficients(const problem *p, double theta, double *c) {
    double sum = 0;
    for (int64_t k = 0; k < p->classes; k++) {
        bool own = k == p->y;
        double linear = own ? (p->prox->joint ? 0 : -p->delta) : p->delta;
        double curve = (double)(own ? p->prox->own_curve : p->prox->rival_curve);
        double v = ((double)p->scores[k] + linear + p->q * (double)p->before[k] - theta) / (p->q + curve);
        c[k] = own ? clip(v, (double)p->prox->own_least, 0) : clip(v, 0, (double)p->prox->rival_most);
        sum += c[k];
    }
    return sum;
}

static void solve(const problem *p, double *c) {
    double low = -1e6, high = 1e6;
    if (!p->prox->joint) {
        coefficients(p, 0, c);
        return;
    }
    for (int i = 0; i < 200; i++) {
        double middle = 0.5 * (low + high);
        if (coefficients(p, middle, c) > 0) low = middle;
        else high = middle;
    }
}

static void make(problem *p, const mg_loss *loss) {
    p->prox = loss->dual;
    p->classes = 2 + (int64_t)(uniform() * (LANES - 2));
    p->y = (int64_t)(uniform() * (double)p->classes);
    p->delta = uniform() < 0.5 ? 1 : 0.1 + uniform();
    p->q = pow(10, 4 * uniform() - 2);
    double size = pow(10, 2 * uniform() - 1), sum = 0;
    for (int64_t k = 0; k < LANES; k++) {
        p->scores[k] = k < p->classes ? (float)(size * (2 * uniform() - 1)) : -INFINITY;
        p->before[k] =
            k < p->classes && k != p->y && uniform() < 0.3 ? (float)(uniform() / (double)p->classes) : 0;
        sum += (double)p->before[k];
    }
    p->before[p->y] = (float)-sum;
}

static mg_dual_row row_of(const problem *p) {
    return (mg_dual_row){p->prox, LANES, p->scores, p->y, (float)p->delta};
}

// The step agrees with the bisection and respects the bounds; every kernel gives the bits of the reference.
static void test_step(void **unused) {
    (void)unused;
    for (int l = 0; mg_loss_at(l); l++) {
        if (!mg_loss_at(l)->dual) continue;
        for (int t = 0; t < TRIES; t++) {
            problem p;
            float z[LANES], first[LANES] = {0};
            double right[LANES];
            make(&p, mg_loss_at(l));
            mg_dual_row row = row_of(&p);
            solve(&p, right);
            int kernels = 0;
            while (mg_kernel_at(kernels)) kernels++;
            for (int k = kernels - 1; k >= 0; k--) {
                const mg_kernel *kernel = mg_kernel_at(k);
                if (!kernel->usable()) continue;
                float c[LANES];
                memcpy(c, p.before, sizeof c);
                kernel->dual_step(&row, (float)p.q, z, c);
                if (k == kernels - 1) memcpy(first, c, sizeof c);
                assert_memory_equal(c, first, sizeof c);
            }
            double most = 0, sum = 0;
            for (int64_t j = 0; j < p.classes; j++) most = fmax(most, fabs(right[j]));
            for (int64_t j = 0; j < p.classes; j++) {
                // Rounding errors of scores are relative to their size, and are divided by q.
                double tolerance = 2e-6 * (1 + most) + 1e-6 * 10 / p.q;
                if (!(fabs((double)first[j] - right[j]) <= tolerance))
                    fail_msg("%s: class %d of %d: %g, not %g (q %g)", mg_loss_at(l)->name, (int)j,
                             (int)p.classes, (double)first[j], right[j], p.q);
                assert_true(j == p.y ? first[j] <= 0 && first[j] >= p.prox->own_least * 1.000001f
                                     : first[j] >= 0 && first[j] <= p.prox->rival_most);
                sum += (double)first[j];
            }
            if (p.prox->joint) assert_true(fabs(sum) <= 1e-5 * (1 + most));
            for (int64_t j = p.classes; j < LANES; j++) assert_true(first[j] == 0);
        }
    }
}

// -l*(c) + <scores, c>, by the definition (M25).
static double worth(const problem *p, const double *scores, const double *c) {
    double sum = 0;
    for (int64_t k = 0; k < p->classes; k++) {
        bool own = k == p->y;
        double linear = own ? (p->prox->joint ? 0 : -p->delta) : p->delta;
        sum += c[k] * (scores[k] + linear) -
               0.5 * (double)(own ? p->prox->own_curve : p->prox->rival_curve) * c[k] * c[k];
    }
    return sum;
}

// Compares value, slope and curvature of a step with the definition, from three points of the parabola. Every
// kernel gives the same bits.
static void check_worth(const problem *p, const mg_kernel *kernel, const float *after, mg_dual_terms *terms,
                        mg_dual_change *change) {
    double start[LANES] = {0}, c[LANES] = {0}, one[LANES] = {0}, factor = -0.37, inner = 0, largest = 0;
    float shift[LANES] = {0}, u[LANES];
    for (int64_t k = 0; k < p->classes; k++) {
        shift[k] = 0.25f * (float)(k % 3);
        start[k] = (double)p->scores[k] - (double)shift[k];
        c[k] = (double)p->before[k];
        one[k] = (double)after[k];
        inner += factor * (one[k] - c[k]) * start[k];
        largest = fmax(largest, fabs(one[k] - c[k]));
    }
    mg_dual_row row = row_of(p);
    *terms = kernel->dual_terms(&row, p->before);
    *change = kernel->dual_change(&row, shift, factor, p->before, after, u);
    double here = worth(p, start, c), there = worth(p, start, one), scores[LANES], middle[LANES] = {0};
    for (int64_t k = 0; k < LANES; k++) {
        middle[k] = 0.5 * (c[k] + one[k]);
        scores[k] = k < p->classes ? (double)p->scores[k] : 0;
        assert_true(fabs((double)u[k] - factor * (one[k] - c[k])) <= 1e-6 * (1 + largest));
    }
    double half = worth(p, start, middle), curve = -4 * (here + there - 2 * half),
           slope = there - here + 0.5 * curve, size = 1e-6;
    for (int64_t k = 0; k < p->classes; k++)
        size += 1e-6 * (fabs(start[k]) + 2) * (fabs(one[k]) + fabs(c[k]) + one[k] * one[k] + c[k] * c[k]);
    assert_true(fabs(terms->linear - 0.5 * terms->curve - worth(p, scores, c)) <= size);
    assert_true(fabs(change->slope - slope) <= size && fabs(change->curve - curve) <= size);
    assert_true(fabs(change->inner - inner) <= size &&
                fabs((double)change->largest - largest) <= 1e-6 * (1 + largest));
}

static void test_worth(void **unused) {
    (void)unused;
    for (int l = 0; mg_loss_at(l); l++)
        for (int t = 0; mg_loss_at(l)->dual && t < TRIES; t++) {
            problem p;
            float z[LANES], after[LANES];
            mg_dual_terms terms, first_terms = {0};
            mg_dual_change change, first_change = {0};
            make(&p, mg_loss_at(l));
            memcpy(after, p.before, sizeof after);
            mg_dual_row row = row_of(&p);
            mg_kernel_at(0)->dual_step(&row, (float)p.q, z, after);
            for (int k = 0, seen = 0; mg_kernel_at(k); k++) {
                if (!mg_kernel_at(k)->usable()) continue;
                check_worth(&p, mg_kernel_at(k), after, &terms, &change);
                if (seen++ == 0) first_terms = terms, first_change = change;
                assert_true(terms.linear == first_terms.linear && terms.curve == first_terms.curve);
                assert_true(change.slope == first_change.slope && change.curve == first_change.curve &&
                            change.inner == first_change.inner);
                assert_true(change.largest == first_change.largest);
            }
        }
}

// csr_update changes weights as csr_accumulate does, and also returns the change of their squared norm.
static void test_update(void **unused) {
    (void)unused;
    enum { FEATURES = 40, ENTRIES = 17 };
    for (int t = 0; t < TRIES; t++) {
        int64_t kp = 8 * (1 + (int64_t)(uniform() * 5));
        float start[FEATURES * LANES], w[FEATURES * LANES], plain[FEATURES * LANES], values[ENTRIES],
            coef[LANES] = {0}, first = 0;
        uint32_t indices[ENTRIES];
        for (int64_t i = 0; i < FEATURES * LANES; i++) start[i] = (float)(2 * uniform() - 1);
        for (uint32_t e = 0; e < ENTRIES; e++) indices[e] = 2 * e, values[e] = (float)uniform();
        double few = uniform();
        for (int64_t k = 0; k < kp; k++) coef[k] = uniform() < few ? (float)(uniform() - 0.5) : 0;
        mg_csr_row row = {ENTRIES, indices, values};
        int kernels = 0;
        while (mg_kernel_at(kernels)) kernels++;
        for (int k = kernels - 1; k >= 0; k--) {
            const mg_kernel *kernel = mg_kernel_at(k);
            if (!kernel->usable()) continue;
            double change = 0;
            memcpy(w, start, sizeof w);
            memcpy(plain, start, sizeof plain);
            float told = kernel->csr_update(&row, kp, coef, w);
            kernel->csr_accumulate(&row, kp, coef, plain);
            assert_memory_equal(w, plain, sizeof w);
            for (int64_t i = 0; i < FEATURES * kp; i++)
                change += (double)w[i] * (double)w[i] - (double)start[i] * (double)start[i];
            assert_true(fabs((double)told - change) <= 1e-4);
            if (k == kernels - 1) first = told;
            assert_true(told == first);
        }
    }
}

// If a step is so small that rounding of the weights changes it noticeably, the returned change is still
// exact to a millionth of its terms. The line search needs this.
static void test_small_update(void **unused) {
    (void)unused;
    enum { FEATURES = 400, KP = 24 };
    for (int t = 0; t < TRIES; t++) {
        static float start[FEATURES * KP], w[FEATURES * KP];
        float values[FEATURES], coef[LANES] = {0};
        uint32_t indices[FEATURES];
        int few = 1 + (int)(uniform() * 8);
        for (int i = 0; i < FEATURES * KP; i++) start[i] = (float)(2 * uniform() - 1);
        for (uint32_t e = 0; e < FEATURES; e++) indices[e] = e, values[e] = (float)uniform();
        for (int k = 0; k < few; k++) coef[2 * k] = 1e-6f * (float)(uniform() + 0.5);
        mg_csr_row row = {FEATURES, indices, values};
        double exact = 0, size = 0;
        for (int e = 0; e < FEATURES; e++)
            for (int k = 0; k < KP; k++) {
                double change = (double)values[e] * (double)coef[k],
                       term = change * (2 * (double)start[e * KP + k] + change);
                exact += term, size += fabs(term);
            }
        for (int k = 0; mg_kernel_at(k); k++) {
            if (!mg_kernel_at(k)->usable()) continue;
            memcpy(w, start, sizeof w);
            double told = (double)mg_kernel_at(k)->csr_update(&row, KP, coef, w);
            if (!(fabs(told - exact) <= 1e-6 * size))
                fail_msg("%s returned %.9g instead of %.9g", mg_kernel_at(k)->name, told, exact);
        }
    }
}

// ---- rounds of rows -----------------------------------------------------------------------------

enum { MOST_ROWS = 21, DIRECTIONS = 5, SWEEP_FLOATS = MOST_ROWS * LANES };

typedef struct swept {
    float seen[SWEEP_FLOATS], after[SWEEP_FLOATS], u[SWEEP_FLOATS], moved[DIRECTIONS * LANES], total[LANES];
} swept;

typedef struct round_problem {
    problem row[MOST_ROWS];
    float scores[SWEEP_FLOATS], before[SWEEP_FLOATS], z[MOST_ROWS * DIRECTIONS], curvature[MOST_ROWS],
        factor[MOST_ROWS];
    int32_t label[MOST_ROWS];
} round_problem;

static mg_dual_sweep make_round(round_problem *p, const mg_loss *loss) {
    mg_dual_sweep sweep = {.prox = loss->dual, .rows = 1 + (int64_t)(uniform() * MOST_ROWS), .lanes = LANES};
    const int64_t blocks[] = {1, 4, 8, 16};
    sweep.block = blocks[(int)(uniform() * 4)];
    sweep.directions = (int64_t)(uniform() * (DIRECTIONS + 1));
    make(&p->row[0], loss);
    sweep.classes = p->row[0].classes;
    sweep.delta = (float)p->row[0].delta;
    for (int64_t r = 0; r < sweep.rows; r++) {
        problem *row = &p->row[r];
        do make(row, loss);
        while (row->classes < sweep.classes);
        row->classes = sweep.classes;
        row->delta = (double)sweep.delta;
        row->y = row->y % sweep.classes;
        float sum = 0;
        for (int64_t k = 0; k < LANES; k++) {
            if (k >= sweep.classes) row->scores[k] = -INFINITY;
            if (k >= sweep.classes || k == row->y) row->before[k] = 0;
            sum += row->before[k];
        }
        row->before[row->y] = -sum;
        memcpy(p->scores + r * LANES, row->scores, sizeof row->scores);
        memcpy(p->before + r * LANES, row->before, sizeof row->before);
        p->curvature[r] = (float)row->q;
        p->factor[r] = -0.1f * (float)uniform();
        p->label[r] = (int32_t)row->y;
        for (int64_t j = 0; j < DIRECTIONS; j++) p->z[r * DIRECTIONS + j] = (float)(uniform() - 0.5);
    }
    sweep.scores = p->scores, sweep.before = p->before, sweep.z = p->z, sweep.curvature = p->curvature;
    sweep.factor = p->factor, sweep.label = p->label;
    return sweep;
}

// Checks that every row steps to the maximum for the scores that it sees, which include the steps of earlier
// blocks.
static void check_sweep(const mg_dual_sweep *w, round_problem *p, const swept *of, const char *name) {
    double moved[DIRECTIONS * LANES] = {0};
    for (int64_t r = 0; r < w->rows; r++) {
        problem row = p->row[r];
        double right[LANES], most = 0, score = (double)w->delta;
        for (int64_t k = 0; k < w->classes; k++) {
            double s = (double)p->scores[r * LANES + k];
            for (int64_t j = 0; j < w->directions; j++)
                s += (double)p->z[r * w->directions + j] * moved[j * LANES + k];
            assert_true(fabs((double)of->seen[r * LANES + k] - s) <= 1e-5 * (1 + fabs(s)));
            row.scores[k] = of->seen[r * LANES + k];
            score = fmax(score, fabs(s));
        }
        solve(&row, right);
        for (int64_t k = 0; k < w->classes; k++) most = fmax(most, fabs(right[k]));
        for (int64_t k = 0; k < LANES; k++) {
            float after = of->after[r * LANES + k], before = p->before[r * LANES + k];
            double tolerance = 2e-6 * (1 + most) + 1e-5 * (10 + score) / row.q;
            if (k < w->classes && !(fabs((double)after - right[k]) <= tolerance))
                fail_msg("%s: row %d, class %d: %g, not %g", name, (int)r, (int)k, (double)after, right[k]);
            assert_true(k < w->classes || after == 0);
            assert_true(of->u[r * LANES + k] == w->factor[r] * (after - before));
        }
        bool last = (r + 1) % w->block == 0 || r + 1 == w->rows; // the last row of its block
        for (int64_t i = last ? r / w->block * w->block : r + 1; i <= r; i++)
            for (int64_t j = 0; j < w->directions; j++)
                for (int64_t k = 0; k < LANES; k++)
                    moved[j * LANES + k] +=
                        (double)p->z[i * w->directions + j] * (double)of->u[i * LANES + k];
    }
    for (int64_t i = 0; i < w->directions * LANES; i++)
        assert_true(fabs((double)of->moved[i] - moved[i]) <= 1e-5 * (1 + fabs(moved[i])));
}

static void sweep_in_blocks(const mg_kernel *kernel, const mg_dual_sweep *sweep) {
    static float scratch[2 * LANES * MG_SWEEP_ROWS];
    for (int64_t first = 0; first < sweep->rows; first += sweep->block) {
        int64_t rows = sweep->block < sweep->rows - first ? sweep->block : sweep->rows - first;
        kernel->dual_sweep(sweep, first, rows, scratch);
        for (int64_t k = 0; k < LANES; k += 16) kernel->dual_sweep_add(sweep, first, rows, k, 16);
    }
}

static void test_sweep(void **unused) {
    (void)unused;
    for (int l = 0; mg_loss_at(l); l++)
        for (int t = 0; mg_loss_at(l)->dual && t < TRIES; t++) {
            static round_problem p;
            static swept first, other;
            mg_dual_sweep sweep = make_round(&p, mg_loss_at(l));
            for (int k = 0, done = 0; mg_kernel_at(k); k++) {
                if (!mg_kernel_at(k)->usable()) continue;
                swept *to = done++ ? &other : &first;
                memset(to, 0, sizeof *to);
                sweep.seen = to->seen, sweep.after = to->after, sweep.u = to->u, sweep.moved = to->moved;
                sweep.total = to->total;
                sweep_in_blocks(mg_kernel_at(k), &sweep);
                if (done == 1) check_sweep(&sweep, &p, to, mg_loss_at(l)->name);
                else if (memcmp(&first, &other, sizeof first))
                    fail_msg("kernel %s differs", mg_kernel_at(k)->name);
            }
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_step), cmocka_unit_test(test_sweep),
                                       cmocka_unit_test(test_worth), cmocka_unit_test(test_update),
                                       cmocka_unit_test(test_small_update)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
