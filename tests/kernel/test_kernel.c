// test_kernel.c - all kernels that this machine can run give the bits of the reference, and the reference is
// correct.
#include "kernel_cells.h"

#include "kernel/kernel.h"
#include "rows/rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TWO_LEFT = 101 }; // instead of a percentage of zero coefficients: only two are not zero

static const mg_kernel *reference(void) {
    const mg_kernel *last = NULL;
    for (int i = 0; mg_kernel_at(i); i++) last = mg_kernel_at(i);
    assert_string_equal(last->name, "reference");
    return last;
}

// Calls `check` for every kernel but the reference.
static void each_kernel(void (*check)(const mg_kernel *)) {
    int checked = 0;
    for (int i = 0; mg_kernel_at(i) != reference(); i++)
        if (mg_kernel_at(i)->usable()) check(mg_kernel_at(i)), checked++;
    if (!checked) skip();
}

// ---- Dense --------------------------------------------------------------------------------------

typedef struct dense {
    int64_t rows, dp, classes, lds;
    float *cells, *w, *offset, *coef;
    const float *x[MG_BLOCK_ROWS];
} dense;

static dense dense_make(int64_t rows, int64_t dp, int64_t classes, unsigned percent_zero) {
    dense d = {.rows = rows, .dp = dp, .classes = classes, .lds = classes + draw() % 4};
    d.cells = drawn(rows * dp);
    d.w = drawn(classes * dp);
    d.offset = drawn(classes);
    d.coef = drawn(rows * d.lds);
    // Rows are not in order, and some occur twice.
    for (int64_t i = 0; i < rows; i++) d.x[i] = d.cells + i * 7 % rows * dp;
    for (int64_t j = 0; j < rows * d.lds; j++)
        if (draw() % 100 < percent_zero) d.coef[j] = draw() % 2 ? 0.0f : -0.0f;
        else if (d.coef[j] == 0 && percent_zero == 0) d.coef[j] = 1;
    return d;
}

// Keeps at most two nonzero coefficients per row, as the Crammer-Singer loss has them.
static void keep_two(dense *d) {
    for (int64_t i = 0; i < d->rows; i++) {
        int64_t a = draw() % (uint32_t)d->classes, b = draw() % (uint32_t)d->classes;
        bool none = draw() % 3 == 0;
        for (int64_t k = 0; k < d->classes; k++)
            if (none || (k != a && k != b)) d->coef[i * d->lds + k] = draw() % 2 ? 0.0f : -0.0f;
    }
}

static void dense_free(dense *d) {
    mg_memory_free(d->cells), mg_memory_free(d->w), mg_memory_free(d->offset), mg_memory_free(d->coef);
}

static void check_dense(const mg_kernel *kernel, int64_t rows, int64_t dp, int64_t classes, unsigned zeros) {
    dense d = dense_make(rows, dp, classes, zeros == TWO_LEFT ? 0 : zeros);
    if (zeros == TWO_LEFT) keep_two(&d);
    int64_t shape[] = {rows, dp, classes}, ns = rows * d.lds, ng = classes * dp;
    float *s = guarded(ns, CANARY), *want_s = guarded(ns, CANARY);
    float *g = guarded(ng, 0), *want_g = guarded(ng, 0);
    for (int64_t j = 0; j < ng; j++) g[j] = want_g[j] = draw_cell();
    mg_dense_rows all = mg_dense_floats(rows, dp, d.x);
    mg_kernel_weights weights = {classes, d.w, d.offset};
    kernel->dense_scores(&all, &weights, s, d.lds);
    reference()->dense_scores(&all, &weights, want_s, d.lds);
    check_same("dense scores", s, want_s, ns, shape);
    float *apart = guarded(ng, 0), *alone = guarded(ng, CANARY), *want_alone = guarded(ng, 0);
    memcpy(apart, g, (size_t)ng * sizeof *g);
    kernel->dense_accumulate(&all, MG_SUM_ON, classes, d.coef, d.lds, g);
    reference()->dense_accumulate(&all, MG_SUM_ON, classes, d.coef, d.lds, want_g);
    check_same("dense gradient", g, want_g, ng, shape);
    kernel->dense_accumulate(&all, MG_SUM_NEW, classes, d.coef, d.lds, alone);
    reference()->dense_accumulate(&all, MG_SUM_ON, classes, d.coef, d.lds, want_alone);
    check_same("dense gradient alone", alone, want_alone, ng, shape);
    memcpy(want_g, apart, (size_t)ng * sizeof *g);
    reference()->add(ng, want_alone, want_g);
    kernel->dense_accumulate(&all, MG_SUM_APART, classes, d.coef, d.lds, apart);
    check_same("dense gradient, added", apart, want_g, ng, shape);
    drop(apart), drop(alone), drop(want_alone);
    drop(s), drop(want_s), drop(g), drop(want_g);
    dense_free(&d);
}

static void only_finite_halves(int64_t n, uint16_t *halves) {
    for (int64_t j = 0; j < n; j++)
        if ((halves[j] & 0x7c00) == 0x7c00) halves[j] ^= 0x4000;
}

// Compares a block of rows with any type of cell, widened or not, with the same rows as floats. Rows after
// the block are only prefetched.
static void check_block(const mg_kernel *kernel, mg_cell cell, bool widened, int64_t rows, int64_t dp,
                        int64_t classes) {
    dense d = dense_make(rows, dp, classes, 50);
    int64_t line = dp + MG_LANES * (int64_t)(draw() % 2), shape[] = {rows, dp, classes}, ns = rows * d.lds,
            nx = rows * line, ng = classes * dp;
    float *s = guarded(ns, CANARY), *want_s = guarded(ns, CANARY), *wide = guarded(nx, CANARY),
          *want = guarded(nx, CANARY);
    float *g = guarded(ng, 0), *want_g = guarded(ng, 0);
    const void *raw[2 * MG_BLOCK_ROWS];
    const float *x[MG_BLOCK_ROWS];
    if (cell == MG_CELL_F16) only_finite_halves(2 * rows * dp, (uint16_t *)(void *)d.cells);
    for (int64_t i = 0; i < rows; i++) {
        raw[i] = raw[rows + i] = (const char *)d.x[i];
        x[i] = want + i * line;
        for (int64_t j = 0; j < dp; j++) want[i * line + j] = mg_cell_at(cell, raw[i], j);
    }
    mg_dense_block block = {
        cell, rows, dp, raw, (int64_t)(draw() % (uint32_t)(rows + 1)), widened ? wide : NULL, line};
    mg_kernel_weights weights = {classes, d.w, d.offset};
    mg_dense_rows cells = {cell, rows, dp, raw}, all = mg_dense_floats(rows, dp, x);
    kernel->dense_block_scores(&block, &weights, s, d.lds);
    reference()->dense_scores(&all, &weights, want_s, d.lds);
    check_same("block scores", s, want_s, ns, shape);
    if (widened) check_same("widened rows", wide, want, nx, shape);
    kernel->dense_accumulate(&cells, MG_SUM_ON, classes, d.coef, d.lds, g);
    reference()->dense_accumulate(&all, MG_SUM_ON, classes, d.coef, d.lds, want_g);
    check_same("block gradient", g, want_g, ng, shape);
    drop(s), drop(want_s), drop(wide), drop(want), drop(g), drop(want_g);
    dense_free(&d);
}

static void check_block_shapes(const mg_kernel *kernel) {
    for (int c = 0; c < 2 * (MG_CELL_F32 + 1); c++) {
        mg_cell cell = (mg_cell)(c / 2);
        bool widened = c % 2; // float cells too can be copied
        for (int64_t rows = 1; rows <= 13; rows++)
            for (int64_t classes = 1; classes <= 25; classes++)
                check_block(kernel, cell, widened, rows, 16 * (1 + draw() % 5), classes);
        check_block(kernel, cell, widened, MG_BLOCK_ROWS, 784, 10);
        check_block(kernel, cell, widened, 9, 3072, 10);
        // Large enough that weights are prefetched tile by tile.
        if (widened == (cell % 2 == 0)) check_block(kernel, cell, widened, 13, 1024, 272);
    }
}

static void test_blocks_equal_reference(void **unused) {
    (void)unused;
    each_kernel(check_block_shapes);
    check_block_shapes(reference());
}

static void check_dense_shapes(const mg_kernel *kernel) {
    static const unsigned zeros[] = {0, 3, 50, 90, 100, TWO_LEFT};
    for (int64_t rows = 0; rows <= 33; rows++)
        for (int64_t classes = 1; classes <= 33; classes++)
            check_dense(kernel, rows, 16 * (1 + draw() % 5), classes, zeros[draw() % 6]);
    for (int64_t dp = 16; dp <= 800; dp += 16)
        check_dense(kernel, 1 + draw() % 9, dp, 1 + draw() % 21, zeros[draw() % 6]);
    // rows so long that sums are stored between visits
    for (int64_t dp = 1008; dp <= 3200; dp = dp * 5 / 64 * 16)
        check_dense(kernel, 1 + draw() % 9, dp, 1 + draw() % 21, zeros[draw() % 6]);
    for (unsigned z = 0; z < 6; z++) {
        check_dense(kernel, MG_BLOCK_ROWS, 784, 10, zeros[z]);
        check_dense(kernel, MG_BLOCK_ROWS - 1, 48, 100, zeros[z]);
    }
}

// Scores of more rows than fit in a block.
static void check_many_rows(const mg_kernel *kernel) {
    enum { ROWS = 3 * MG_BLOCK_ROWS + 5, WIDE = 1040, CLASSES = 12 };
    dense d = dense_make(MG_BLOCK_ROWS, WIDE, CLASSES, 0);
    const float *x[ROWS];
    for (int64_t i = 0; i < ROWS; i++) x[i] = d.x[i % MG_BLOCK_ROWS];
    int64_t shape[] = {ROWS, WIDE, CLASSES}, n = ROWS * CLASSES;
    float *s = guarded(n, CANARY), *want = guarded(n, CANARY);
    mg_dense_rows all = mg_dense_floats(ROWS, WIDE, x);
    mg_kernel_weights weights = {CLASSES, d.w, d.offset};
    kernel->dense_scores(&all, &weights, s, CLASSES);
    reference()->dense_scores(&all, &weights, want, CLASSES);
    check_same("scores of many rows", s, want, n, shape);
    drop(s), drop(want);
    dense_free(&d);
}

static void test_dense_equals_reference(void **unused) {
    (void)unused;
    each_kernel(check_dense_shapes);
    each_kernel(check_many_rows);
}

// A row with the coefficient zero adds nothing to the gradient: no NaN, and not the sign of a zero.
static void check_zero_skipped(const mg_kernel *kernel) {
    enum { ROWS = 20, WIDE = 112, CLASSES = 13 };
    for (unsigned every = 1; every <= 5; every++) { // few zeros and many, which are added in different ways
        dense d = dense_make(ROWS, WIDE, CLASSES, 0);
        for (int64_t i = 0; i < ROWS; i += every) {
            float *bad = d.cells + (d.x[i] - d.cells);
            for (int64_t j = 0; j < WIDE; j++) bad[j] = j % 3 ? NAN : j % 2 ? INFINITY : 1.0f;
        }
        for (int64_t i = 0; i < ROWS; i++)
            for (int64_t k = 0; k < CLASSES; k++)
                if (isnan(d.x[i][1])) d.coef[i * d.lds + k] = k % 2 ? 0.0f : -0.0f;
        int64_t shape[] = {ROWS, WIDE, CLASSES}, n = CLASSES * WIDE;
        float *g = guarded(n, -0.0f), *want = guarded(n, -0.0f);
        mg_dense_rows all = mg_dense_floats(ROWS, WIDE, d.x);
        kernel->dense_accumulate(&all, MG_SUM_ON, CLASSES, d.coef, d.lds, g);
        reference()->dense_accumulate(&all, MG_SUM_ON, CLASSES, d.coef, d.lds, want);
        check_same("gradient with zero coefficients", g, want, n, shape);
        for (int64_t j = 0; j < n; j++) assert_false(isnan(g[j]));
        drop(g), drop(want);
        dense_free(&d);
    }
}

static void test_zero_coefficients_are_skipped(void **unused) {
    (void)unused;
    each_kernel(check_zero_skipped);
    check_zero_skipped(reference());
}

// ---- CSR ----------------------------------------------------------------------------------------

enum { FEATURES = 97 };

typedef struct csr {
    int64_t n, kp;
    uint32_t indices[FEATURES];
    float values[FEATURES], *w, *offset, *coef;
} csr;

static csr csr_make(int64_t n, int64_t kp, int64_t nonzero) {
    csr c = {.n = n, .kp = kp, .w = drawn(FEATURES * kp), .offset = drawn(kp), .coef = floats(kp)};
    int64_t at = 0;
    for (uint32_t f = 0; f < FEATURES && at < n; f++) // ascending; every selection is possible
        if (draw() % (FEATURES - f) < (uint32_t)(n - at)) c.indices[at] = f, c.values[at++] = draw_cell();
    for (int64_t k = 0; k < kp; k++) c.coef[k] = draw() % 2 ? 0.0f : -0.0f;
    for (int64_t j = 0; j < nonzero; j++) c.coef[draw() % (uint32_t)kp] = 0.25f + (float)(draw() % 100);
    return c;
}

static void csr_free(csr *c) { mg_memory_free(c->w), mg_memory_free(c->offset), mg_memory_free(c->coef); }

static void check_csr(const mg_kernel *kernel, int64_t n, int64_t kp, int64_t nonzero) {
    csr c = csr_make(n, kp, nonzero);
    int64_t shape[] = {n, kp, nonzero}, ng = FEATURES * kp;
    float *s = guarded(kp, CANARY), *want_s = guarded(kp, CANARY);
    float *g = guarded(ng, 0), *want_g = guarded(ng, 0);
    for (int64_t j = 0; j < ng; j++) g[j] = want_g[j] = draw_cell();
    mg_csr_row row = {n, c.indices, c.values};
    mg_kernel_weights weights = {kp, c.w, c.offset};
    kernel->csr_scores(&row, n % 3 ? &row : NULL, &weights, s);
    reference()->csr_scores(&row, NULL, &weights, want_s);
    check_same("CSR scores", s, want_s, kp, shape);
    kernel->csr_accumulate(&row, kp, c.coef, g);
    reference()->csr_accumulate(&row, kp, c.coef, want_g);
    check_same("CSR gradient", g, want_g, ng, shape);
    drop(s), drop(want_s), drop(g), drop(want_g);
    csr_free(&c);
}

static void check_csr_shapes(const mg_kernel *kernel) {
    for (int64_t n = 0; n <= 33; n++) {
        for (int64_t kp = 8; kp <= 72; kp += 8)
            for (int64_t nonzero = 0; nonzero <= 8; nonzero++) check_csr(kernel, n, kp, nonzero);
        check_csr(kernel, n, 136, 60);
        check_csr(kernel, n, 1000, n % 6);
        check_csr(kernel, n, 1000, 900);
    }
}

static void test_csr_equals_reference(void **unused) {
    (void)unused;
    each_kernel(check_csr_shapes);
}

// With four nonzero coefficients, the weights of all other classes keep their bits. (Adding a zero could
// change the sign of a zero.)
static void check_few(const mg_kernel *kernel) {
    enum { KP = 24 };
    static const uint32_t index[] = {2};
    static const float value[] = {1};
    float coef[KP] = {0}, g[3 * KP];
    for (int count = 0; count <= MG_FEW + 1; count++) {
        for (int k = 0; k < KP; k++) coef[k] = k < count ? 1.0f : 0.0f;
        for (int j = 0; j < 3 * KP; j++) g[j] = -0.0f;
        kernel->csr_accumulate(&(mg_csr_row){1, index, value}, KP, coef, g);
        for (int j = 0; j < 3 * KP; j++) {
            bool added = j >= 2 * KP && j < 2 * KP + count, whole = j >= 2 * KP && count > MG_FEW;
            assert_true(g[j] == (added ? 1.0f : 0.0f));
            assert_int_equal(signbit(g[j]) != 0, !added && !whole);
        }
    }
}

static void test_few_classes(void **unused) {
    (void)unused;
    each_kernel(check_few);
    check_few(reference());
}

// ---- The reference itself -----------------------------------------------------------------------

static void check_near(double got, double want, double magnitude) {
    if (!(fabs(got - want) <= 1e-5 * magnitude + 1e-30))
        fail_msg("%.9g, double precision gives %.9g", got, want);
}

static void test_reference_sums(void **unused) {
    (void)unused;
    for (int64_t rows = 1; rows <= 7; rows++) {
        dense d = dense_make(rows, 16 * rows, 5, 30);
        float s[7 * 16], *g = guarded(5 * d.dp, 0.5f);
        mg_dense_rows all = mg_dense_floats(rows, d.dp, d.x);
        reference()->dense_scores(&all, &(mg_kernel_weights){5, d.w, d.offset}, s, d.lds);
        reference()->dense_accumulate(&all, MG_SUM_ON, 5, d.coef, d.lds, g);
        for (int64_t i = 0; i < rows; i++)
            for (int64_t k = 0; k < 5; k++) {
                double sum = (double)d.offset[k], size = fabs(sum);
                for (int64_t j = 0; j < d.dp; j++) {
                    double term = (double)d.x[i][j] * (double)d.w[k * d.dp + j];
                    sum += term, size += fabs(term);
                }
                check_near((double)s[i * d.lds + k], sum, size);
            }
        for (int64_t k = 0; k < 5; k++)
            for (int64_t j = 0; j < d.dp; j++) {
                double sum = 0.5, size = 0.5;
                for (int64_t i = 0; i < rows; i++) {
                    double term = (double)d.coef[i * d.lds + k] * (double)d.x[i][j];
                    sum += term, size += fabs(term);
                }
                check_near((double)g[k * d.dp + j], sum, size);
            }
        drop(g);
        dense_free(&d);
    }
}

// A row has the same gradient as a dense row and as a CSR row, and the same scores except for rounding.
static void check_layouts(const mg_kernel *kernel) {
    enum { DP = 112, KP = 24, CLASSES = 20 };
    csr c = csr_make(40, KP, 12);
    float *x = drawn(DP), *w = drawn(CLASSES * DP), s[CLASSES], t[KP];
    float *g = guarded(CLASSES * DP, 0), *h = guarded(DP * KP, 0);
    memset(x, 0, DP * sizeof *x);
    memset(w, 0, CLASSES * DP * sizeof *w);
    for (int64_t e = 0; e < c.n; e++) x[c.indices[e]] = c.values[e];
    for (int64_t f = 0; f < FEATURES; f++)
        for (int64_t k = 0; k < CLASSES; k++) w[k * DP + f] = c.w[f * KP + k];
    const float *row[] = {x};
    mg_dense_rows wide = mg_dense_floats(1, DP, row);
    mg_csr_row sparse = {c.n, c.indices, c.values};
    kernel->dense_scores(&wide, &(mg_kernel_weights){CLASSES, w, c.offset}, s, CLASSES);
    kernel->csr_scores(&sparse, NULL, &(mg_kernel_weights){KP, c.w, c.offset}, t);
    kernel->dense_accumulate(&wide, MG_SUM_ON, CLASSES, c.coef, CLASSES, g);
    kernel->csr_accumulate(&sparse, KP, c.coef, h);
    for (int64_t k = 0; k < CLASSES; k++) {
        double size = fabs((double)c.offset[k]);
        for (int64_t f = 0; f < FEATURES; f++) size += fabs((double)x[f] * (double)w[k * DP + f]);
        check_near((double)s[k], (double)t[k], size);
        for (int64_t f = 0; f < FEATURES; f++) assert_true(g[k * DP + f] == h[f * KP + k]);
    }
    mg_memory_free(x), mg_memory_free(w), drop(g), drop(h);
    csr_free(&c);
}

static void test_dense_and_csr_agree(void **unused) {
    (void)unused;
    each_kernel(check_layouts);
    check_layouts(reference());
}

// ---- The rest -----------------------------------------------------------------------------------

static void check_widen_add(const mg_kernel *kernel) {
    _Alignas(64) uint8_t cells[512];
    for (int j = 0; j < 512; j++) cells[j] = (uint8_t)(j * 37 + 5);
    only_finite_halves(256, (uint16_t *)(void *)cells);
    for (int64_t n = 0; n <= 256; n += 16) {
        int64_t shape[] = {n, 0, 0};
        float *a = guarded(n, 7), *b = guarded(n, 7), *from = drawn(n);
        for (mg_cell cell = MG_CELL_U8; cell < MG_CELL_F32; cell++) {
            kernel->widen(cell, n, cells, a);
            for (int64_t j = 0; j < n; j++) b[j] = mg_cell_at(cell, cells, j);
            check_same("widen", a, b, n, shape);
        }
        for (int centred = 0; centred < 2; centred++) {
            const float *center = centred ? from : NULL;
            kernel->scale_columns(n, center, from, a);
            for (int64_t j = 0; j < n; j++) b[j] = from[j] * (center ? b[j] - center[j] : b[j]);
            check_same("scale_columns", a, b, n, shape);
        }
        kernel->add(n, from, a);
        for (int64_t j = 0; j < n; j++) b[j] += from[j];
        check_same("add", a, b, n, shape);
        mg_memory_free(from), drop(a), drop(b);
    }
}

static void test_widen_and_add(void **unused) {
    (void)unused;
    each_kernel(check_widen_add);
    check_widen_add(reference());
}

static void test_select(void **unused) {
    (void)unused;
    const mg_kernel *kernel;
    mg_error error;
    unsetenv("MARGIN_KERNEL");
    assert_int_equal(mg_kernel_select(&kernel, &error), MG_OK);
    assert_true(kernel->usable());
    for (int i = 0; mg_kernel_at(i) != kernel; i++) assert_false(mg_kernel_at(i)->usable());
    setenv("MARGIN_KERNEL", "reference", 1);
    assert_int_equal(mg_kernel_select(&kernel, &error), MG_OK);
    assert_ptr_equal(kernel, reference());
    setenv("MARGIN_KERNEL", "", 1);
    assert_int_equal(mg_kernel_select(&kernel, &error), MG_OK);
    setenv("MARGIN_KERNEL", "abacus", 1);
    assert_int_equal(mg_kernel_select(&kernel, &error), MG_USAGE);
    assert_null(kernel);
    assert_non_null(strstr(error.text, "abacus"));
    assert_non_null(strstr(error.text, "reference"));
    unsetenv("MARGIN_KERNEL");
    assert_null(mg_kernel_at(-1));
    assert_null(mg_kernel_at(1000));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dense_equals_reference),
        cmocka_unit_test(test_blocks_equal_reference),
        cmocka_unit_test(test_zero_coefficients_are_skipped),
        cmocka_unit_test(test_csr_equals_reference),
        cmocka_unit_test(test_few_classes),
        cmocka_unit_test(test_reference_sums),
        cmocka_unit_test(test_dense_and_csr_agree),
        cmocka_unit_test(test_widen_and_add),
        cmocka_unit_test(test_select),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
