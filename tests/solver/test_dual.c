// test_dual.c - whole runs of dual ascent give the same bits with any number of threads and after any
// interruption, and their certificates can be confirmed from the files alone.
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "loss/loss.h"

#include <hdf5.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 300, FEATURES = 20 };

// The losses of the registry that have a dual.
enum { MOST_LOSSES = 32 };
static const char *losses[MOST_LOSSES];
static int losses_count;

static int begin(void **unused) {
    for (int i = 0; mg_loss_at(i); i++)
        if (mg_loss_at(i)->dual && losses_count < MOST_LOSSES) losses[losses_count++] = mg_loss_name(i);
    return losses_count ? support_begin(unused) : -1;
}

// Few classes, and so many that only nonzero dual variables are stored.
static const int64_t class_counts[] = {3, 17};

static support_run dual_run(const char *data, const char *directory, const char *tolerance) {
    support_run run = support_new(data, directory);
    support_set(&run, "train.solver=dual");
    support_set(&run, "train.batch=40");
    support_set(&run, "model.lambda=0.01");
    support_set(&run, "data.scale=0.01");
    support_set(&run, "train.tolerance=%s", tolerance);
    return run;
}

static void test_threads(void **unused) {
    (void)unused;
    const char *data = support_path("threads.h5"), *reference = support_path("reference"),
               *other = support_path("other");
    const int threads[] = {3, 2, 8};
    for (int form = 0; form < SUPPORT_FORMS; form++)
        for (int c = 0; c < 2; c++) {
            support_data(data, form, ROWS, FEATURES, class_counts[c], 5);
            for (int l = 0; l < losses_count; l++) {
                support_run run = dual_run(data, reference, l % 2 ? "1e-3" : "0");
                support_set(&run, "model.loss=%s", losses[l]);
                if (form != SUPPORT_CSR && l == 3) support_set(&run, "data.scale=standard");
                support_expect(&run, MG_OK);
                for (size_t t = 0; t < (support_few() ? 1 : sizeof threads / sizeof *threads); t++) {
                    support_set(&run, "output.directory=%s", other);
                    support_set(&run, "train.threads=%d", threads[t]);
                    support_expect(&run, MG_OK);
                    support_expect_same_runs(reference, other, losses[l]);
                    support_remove(other);
                    run.count -= 2;
                }
                support_remove(reference);
            }
        }
}

static void test_resume(void **unused) {
    (void)unused;
    const char *data = support_path("resume.h5"), *whole = support_path("whole"),
               *pieces = support_path("pieces");
    for (int form = 0; form < SUPPORT_FORMS; form++)
        for (int c = 0; c < 2; c++)
            for (int certify = 0; certify < 2; certify++) {
                support_data(data, form, ROWS, FEATURES, class_counts[c], 6);
                support_run run = dual_run(data, whole, certify ? "1e-3" : "0");
                support_set(&run, "model.loss=%s", c ? "weston-watkins" : "crammer-singer");
                support_set(&run, "train.epochs=12"); // includes the epoch at which the first rows are shrunk
                if (certify) support_set(&run, "data.validation=0.2");
                support_expect(&run, MG_OK);
                for (int64_t at = 1; at < run.result.step; at += support_few() ? 9 + at / 2 : 1 + at / 12)
                    support_expect_resumes(&run, whole, pieces, at, support_form_names[form]);
                support_remove(whole);
            }
}

// ---- the certificate from the files alone -------------------------------------------------------

typedef struct problem {
    int64_t rows, features, classes;
    double *x; // [rows][features + 1] scaled, including the constant feature
    const int64_t *y;
    double *weight; // mean 1
    double lambda, delta;
    bool joint, squared, strongest;
} problem;

// The loss of one row from its scores, by its definition.
static double loss_of(const problem *p, const double *s, int64_t y) {
    double sum = 0, most = 0;
    for (int64_t k = 0; k < p->classes; k++) {
        if (p->joint && k == y) continue;
        double margin = p->joint ? s[k] - s[y] + p->delta : p->delta - (k == y ? s[k] : -s[k]);
        double hinge = margin > 0 ? margin : 0;
        sum += p->squared ? hinge * hinge : hinge;
        most = hinge > most ? hinge : most;
    }
    return p->strongest ? (p->squared ? most * most : most) : sum;
}

// Minus the conjugate of the loss at c. Also checks that c is feasible.
static double conjugate_of(const problem *p, const double *c, int64_t y) {
    double rivals = 0, squares = 0, total = 0;
    for (int64_t k = 0; k < p->classes; k++) {
        total += c[k];
        if (k != y) rivals += c[k], squares += c[k] * c[k];
        if (k != y) assert_true(c[k] >= 0 && (p->squared || c[k] <= 1 + 1e-6));
        else assert_true(c[k] <= 0);
    }
    if (p->joint) assert_true(fabs(total) <= 1e-5 * (1 + rivals));
    if (p->strongest && !p->squared) assert_true(rivals <= 1 + 1e-5);
    if (!p->joint) return p->delta * (rivals - c[y]) - (p->squared ? 0.25 * (squares + c[y] * c[y]) : 0);
    return p->delta * rivals - (!p->squared ? 0 : p->strongest ? 0.25 * rivals * rivals : 0.25 * squares);
}

static void read_set(const char *path, const char *name, hid_t type, void *to) {
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT), set = H5Dopen2(file, name, H5P_DEFAULT);
    assert_true(H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, to) >= 0);
    H5Dclose(set);
    H5Fclose(file);
}

static double read_real(const char *path, const char *name) {
    double value = 0;
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT), attribute = H5Aopen(file, name, H5P_DEFAULT);
    assert_true(H5Aread(attribute, H5T_NATIVE_DOUBLE, &value) >= 0);
    H5Aclose(attribute);
    H5Fclose(file);
    return value;
}

// Reads dual variables as docs/formats.md describes them.
static double *read_dual(const char *path, const problem *p) {
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT), set = H5Dopen2(file, "state/dual", H5P_DEFAULT),
          space = H5Dget_space(set);
    size_t size = (size_t)H5Sget_simple_extent_npoints(space), at = 0;
    unsigned char *bytes = malloc(size);
    H5Sclose(space);
    H5Dclose(set);
    H5Fclose(file);
    read_set(path, "state/dual", H5T_NATIVE_UINT8, bytes);
    double *c = calloc((size_t)(p->rows * p->classes), sizeof *c);
    for (int64_t i = 0; i < p->rows; i++) {
        uint16_t count, word;
        double sum = 0;
        memcpy(&count, bytes + at, 2);
        at += 2;
        for (int j = 0; j < count; j++) {
            float value = 1;
            memcpy(&word, bytes + at, 2);
            at += 2;
            if (!(word & 0x8000)) memcpy(&value, bytes + at, 4), at += 4;
            c[i * p->classes + (word & 0x7fff)] = (double)value;
            sum += (double)value;
        }
        if (p->joint) c[i * p->classes + p->y[i]] = -sum;
    }
    assert_true(at == size);
    free(bytes);
    return c;
}

static double lower_bound(const problem *p, const double *c) {
    int64_t line = p->features + 1;
    double *w = calloc((size_t)(p->classes * line), sizeof *w), value = 0, square = 0;
    for (int64_t i = 0; i < p->rows; i++) {
        value += p->weight[i] * conjugate_of(p, c + i * p->classes, p->y[i]) / (double)p->rows;
        for (int64_t k = 0; k < p->classes; k++)
            for (int64_t d = 0; d < line; d++)
                w[k * line + d] -=
                    p->weight[i] * c[i * p->classes + k] * p->x[i * line + d] / (p->lambda * (double)p->rows);
    }
    for (int64_t j = 0; j < p->classes * line; j++) square += w[j] * w[j];
    free(w);
    return value - 0.5 * p->lambda * square;
}

// The objective of the model's weights. The scale is 0.01 for every column, and the constant feature is 1.
static double primal(const problem *p, const char *model) {
    float *v = malloc((size_t)(p->classes * p->features) * sizeof *v),
          *bias = malloc((size_t)p->classes * sizeof *bias);
    double s[32], sum = 0, square = 0;
    read_set(model, "weights", H5T_NATIVE_FLOAT, v);
    read_set(model, "bias", H5T_NATIVE_FLOAT, bias);
    for (int64_t i = 0; i < p->rows; i++) {
        for (int64_t k = 0; k < p->classes; k++) {
            s[k] = (double)bias[k];
            for (int64_t d = 0; d < p->features; d++)
                s[k] += (double)v[k * p->features + d] * 100 * p->x[i * (p->features + 1) + d];
        }
        sum += p->weight[i] * loss_of(p, s, p->y[i]) / (double)p->rows;
    }
    for (int64_t j = 0; j < p->classes * p->features; j++) square += 1e4 * (double)v[j] * (double)v[j];
    for (int64_t k = 0; k < p->classes; k++) square += (double)bias[k] * (double)bias[k];
    free(v);
    free(bias);
    return sum + 0.5 * p->lambda * square;
}

// `weighted`: the weights of the rows are 0 to 3 in turn.
static void make_problem(problem *p, support_rows *rows, support_form form, int l, int64_t classes,
                         bool weighted) {
    double total = 0, *weight = malloc(ROWS * sizeof *weight);
    *rows = support_make(ROWS, FEATURES, classes, 9);
    *p = (problem){.rows = ROWS,
                   .features = FEATURES,
                   .classes = classes,
                   .y = rows->y,
                   .weight = weight,
                   .lambda = 0.01,
                   .delta = 1};
    rows->weight = calloc(ROWS, sizeof *rows->weight);
    for (int64_t i = 0; i < ROWS; i++) total += rows->weight[i] = weighted ? (double)(i % 4) : 1;
    for (int64_t i = 0; i < ROWS; i++) weight[i] = rows->weight[i] * ROWS / total;
    p->joint = !strstr(losses[l], "one-vs-rest");
    p->squared = strstr(losses[l], "squared") != NULL;
    p->strongest = strstr(losses[l], "crammer") != NULL;
    p->x = malloc(ROWS * (FEATURES + 1) * sizeof *p->x);
    for (int64_t i = 0; i < ROWS; i++)
        for (int64_t d = 0; d <= FEATURES; d++)
            p->x[i * (FEATURES + 1) + d] =
                d == FEATURES ? 1 : 0.01 * (double)rows->x[i * FEATURES + d] / (form == SUPPORT_U8 ? 1 : 7);
}

static void free_problem(problem *p, support_rows *rows) {
    free(p->x);
    free(p->weight);
    support_free(rows);
}

static void expect_certified(support_form form, int l, int64_t classes, bool weighted) {
    const char *data = support_path("certified.h5"), *directory = support_path("certified");
    problem p;
    support_rows rows;
    make_problem(&p, &rows, form, l, classes, weighted);
    support_save(&rows, form, data);
    support_run run = dual_run(data, directory, "1e-4");
    support_set(&run, "model.loss=%s", losses[l]);
    support_set(&run, "data.weights=w");
    support_expect(&run, MG_OK);
    assert_string_equal(run.result.reason, "tolerance");
    assert_true(run.result.converged && run.result.gap <= 1e-4 && run.result.gap >= 0);
    char model[600];
    snprintf(model, sizeof model, "%s/model.h5", directory);
    double *c = read_dual(support_newest(directory), &p), upper = primal(&p, model),
           lower = lower_bound(&p, c);
    if (!(fabs(upper - read_real(model, "objective")) <= 2e-6 * upper) ||
        !(lower <= read_real(model, "dual") + 2e-6 * upper) || !(upper - lower <= 3e-4 * upper) ||
        !(upper - lower >= -2e-6 * upper))
        fail_msg("%s, %s, %d classes: primal %.9g (%.9g), dual %.9g (%.9g)", losses[l],
                 support_form_names[form], (int)classes, upper, read_real(model, "objective"), lower,
                 read_real(model, "dual"));
    free(c);
    free_problem(&p, &rows);
    support_remove(directory);
}

static void test_certificate(void **unused) {
    (void)unused;
    for (int form = 0; form < SUPPORT_FORMS; form++)
        for (int l = 0; l < losses_count; l++)
            for (int c = 0; c < 2; c++)
                if (!support_few() || (form + l + c) % 2)
                    expect_certified(form, l, class_counts[c], (l + c) % 2);
}

// Checks that the dual value, computed from checkpoints alone, never falls from one step to the next.
static void expect_ascent(support_form form, int l, int64_t classes) {
    const char *data = support_path("ascent.h5"), *directory = support_path("ascent");
    char path[600];
    problem p;
    support_rows rows;
    make_problem(&p, &rows, form, l, classes, false);
    support_save(&rows, form, data);
    support_run run = dual_run(data, directory, "0");
    support_set(&run, "model.loss=%s", losses[l]);
    support_set(&run,
                "model.lambda=1e-4"); // without line searches, the steps of a round together would be much
                                      // too long
    // because the steps of the bias of sparse rows are not part of the line search
    support_set(&run, "model.bias=0");
    for (int64_t i = 0; i < ROWS; i++) p.x[i * (FEATURES + 1) + FEATURES] = 0;
    support_set(&run, "train.epochs=4");
    support_set(&run, "checkpoint.every_steps=1");
    support_set(&run, "checkpoint.keep=1000");
    p.lambda = 1e-4;
    double before = 0; // before the first step
    for (int64_t at = 1; at <= 4 * ((ROWS + 39) / 40); at++) {
        run.resume = at > 1;
        run.stop_after = at;
        support_train(&run);
        snprintf(path, sizeof path, "%s/checkpoints/step-%012d.h5", directory, (int)at);
        double *c = read_dual(path, &p), now = lower_bound(&p, c);
        if (!(now >= before - 1e-5 * fabs(before)))
            fail_msg("%s, %s: step %d changes the dual value from %.9g to %.9g", losses[l],
                     support_form_names[form], (int)at, before, now);
        before = now;
        free(c);
    }
    assert_true(before > 0);
    free_problem(&p, &rows);
    support_remove(directory);
}

static void test_never_falls(void **unused) {
    (void)unused;
    for (int form = 0; form < SUPPORT_FORMS; form++)
        for (int l = 0; l < losses_count; l++)
            if (!support_few() || l % SUPPORT_FORMS == form) expect_ascent(form, l, class_counts[l % 2]);
}

// A run that ends because of a limit reports its gap, and is no failure.
static void test_limits(void **unused) {
    (void)unused;
    const char *data = support_path("limits.h5"), *directory = support_path("limits");
    support_data(data, SUPPORT_F32, ROWS, FEATURES, 3, 12);
    support_run run = dual_run(data, directory, "1e-6");
    support_set(&run, "train.epochs=2");
    support_expect(&run, MG_OK);
    assert_string_equal(run.result.reason, "epochs");
    assert_true(!run.result.converged && run.result.gap > 1e-6);
}

// A run whose tolerance is below the precision of float32 also ends, and reports that it has stalled.
static void test_stalled(void **unused) {
    (void)unused;
    const char *data = support_path("stalled.h5"),
               *directory = support_path("stalled"), *const solvers[] = {"dual", "newton", "auto"};
    for (int form = support_few() ? SUPPORT_CSR : 0; form < SUPPORT_FORMS; form++)
        for (int s = 0; s < (support_few() ? 1 : 3); s++) {
            support_data(data, form, ROWS, FEATURES, 3, 12);
            support_run run = dual_run(data, directory, "1e-13");
            support_set(&run, "train.solver=%s", solvers[s]);
            support_set(&run, "train.epochs=0");
            // reached only if the run does not end for another reason
            support_set(&run, "train.max_steps=1000000");
            support_expect(&run, MG_OK);
            if (strcmp(run.result.reason, "stalled") || run.result.converged ||
                !(run.result.gap > 1e-13 && run.result.gap < 1e-3))
                fail_msg("%s, %s: ended by %s at a gap of %g", support_form_names[form], solvers[s],
                         run.result.reason, run.result.gap);
            support_remove(directory);
        }
}

// Problems that dual ascent cannot solve are refused with a message.
static void test_refused(void **unused) {
    (void)unused;
    const char *data = support_path("refused.h5"), *directory = support_path("refused");
    static const char *const cases[][2] = {
        {"model.loss=softmax",
         "train.solver: dual cannot be used: the loss has no dual that this solver can use; use newton"},
        {"data.scale=standard", "train.solver: dual cannot be used: sparse rows are centred; use sgd"},
        {"data.memory_limit=20000", "train.solver: dual cannot be used: the rows do not fit in memory; use "
                                    "sgd, or set data.memory_limit to "},
        {"train.solver=sgd",
         "train.tolerance: 0.001 cannot be certified by solver sgd; leave it at 0, or use dual"},
    };
    support_data(data, SUPPORT_CSR, ROWS, FEATURES, 3, 13);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        support_run run = dual_run(data, directory, "1e-3");
        support_set(&run, "%s", cases[i][0]);
        support_expect(&run, MG_CONFIG);
        if (!strstr(run.error.text, cases[i][1])) fail_msg("%s", run.error.text);
    }
}

// If the rows do not fit in memory, the message names a data.memory_limit with which they do, and the memory
// of the dual variables.
static void test_memory_limit(void **unused) {
    (void)unused;
    const char *data = support_path("limit.h5"), *directory = support_path("limit");
    static const char *const solvers[] = {"dual", "auto"};
    support_data(data, SUPPORT_F32, ROWS, FEATURES, 3, 14);
    for (int s = 0; s < 2; s++) {
        support_run run = dual_run(data, directory, "1e-2");
        support_set(&run, "train.solver=%s", solvers[s]);
        support_set(&run, "data.memory_limit=20000");
        support_expect(&run, MG_CONFIG);
        const char *advice = strstr(run.error.text, "set data.memory_limit to ");
        if (!advice || !strstr(advice, "(their dual variables take at least 3600 bytes more)"))
            fail_msg("%s", run.error.text);
        support_set(&run, "data.memory_limit=%lld", atoll(advice + strlen("set data.memory_limit to ")));
        support_expect(&run, MG_OK);
        support_remove(directory);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),     cmocka_unit_test(test_resume),
        cmocka_unit_test(test_certificate), cmocka_unit_test(test_never_falls),
        cmocka_unit_test(test_limits),      cmocka_unit_test(test_stalled),
        cmocka_unit_test(test_refused),     cmocka_unit_test(test_memory_limit)};
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return cmocka_run_group_tests(tests, begin, support_end);
}
