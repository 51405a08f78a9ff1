// test_arrays.c - how mg_fit and mg_model_score read a program's arrays: never beyond their ends, and with
// how much memory.
#include "fit_arrays.h"

#include "base/memory.h"

#include <sys/mman.h>
#include <unistd.h>

enum { ROWS = 240, CLASSES = 4 };

static const char *const runs[][6] = {
    {"train.solver=sgd", "train.epochs=2", "train.batch=32", NULL}, // searches for a learning rate
    {"train.tolerance=1e-2", "model.loss=weston-watkins", NULL},
    {"train.solver=newton", "model.loss=softmax", "train.tolerance=1e-2", NULL},
};
enum { RUNS = sizeof runs / sizeof *runs };

static void fit_and_score(const mg_data *data, const char *const *sets, mg_fit_result *result) {
    mg_model *model;
    mg_error error = {0};
    mg_config *config = configure(sets);
    int32_t *best = calloc((size_t)data->rows, sizeof *best);
    const mg_fit_request request = {.train = data};
    if (mg_fit(config, &request, &model, result, &error)) fail_msg("%s: %s", sets[0], error.text);
    const mg_score_request score = {.data = data, .best = best};
    if (mg_model_score(model, &score, &error)) fail_msg("%s", error.text);
    int right = 0;
    for (int64_t i = 0; i < data->rows; i++) right += best[i] == i % CLASSES;
    assert_true(right > data->rows / 2);
    mg_model_destroy(model);
    mg_config_destroy(config);
    free(best);
}

// ---- the ends of arrays -------------------------------------------------------------------------

// Memory that ends directly before a page that cannot be read.
typedef struct fence {
    char *base;
    size_t bytes;
} fence;

static void *fenced(fence *f, const void *from, size_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (bytes + page - 1) / page * page;
    f->bytes = whole + page;
    f->base = mmap(NULL, f->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (f->base == MAP_FAILED || mprotect(f->base + whole, page, PROT_NONE)) abort();
    memcpy(f->base + whole - bytes, from, bytes);
    return f->base + whole - bytes;
}

// Rows of any width are used in place, and no byte after the last cell is read.
static void test_last_cell(void **unused) {
    (void)unused;
    for (int f = 0; f <= FORM_F32; f++)
        for (int64_t features = 31; features <= 34; features += 1 + (features == 32))
            for (int r = 0; r < RUNS; r++) {
                arrays a;
                fence f1;
                mg_fit_result result;
                make_arrays(&a, &array_forms[f], ROWS, features, CLASSES);
                size_t bytes = (size_t)(ROWS * features) * size_of(array_forms[f].type);
                a.dense.cells = fenced(&f1, a.cells, bytes);
                fit_and_score(&a.data, runs[r], &result);
                assert_int_equal(result.copied_bytes, 0);
                munmap(f1.base, f1.bytes);
                free_arrays(&a);
            }
}

static void test_last_value(void **unused) {
    (void)unused;
    for (int r = 0; r < RUNS; r++) {
        arrays a;
        fence values, indices;
        mg_fit_result result;
        make_arrays(&a, &array_forms[FORM_CSR], ROWS, 34, CLASSES);
        a.csr.values = fenced(&values, a.values, sizeof(float) * (size_t)a.csr.stored);
        a.csr.indices = fenced(&indices, a.indices, sizeof(int32_t) * (size_t)a.csr.stored);
        fit_and_score(&a.data, runs[r], &result);
        assert_int_equal(result.copied_bytes, 8 * (ROWS + 1));
        munmap(values.base, values.bytes);
        munmap(indices.base, indices.bytes);
        free_arrays(&a);
    }
}

// What is between rows is never used as a cell; here it is NaN.
static void test_apart(void **unused) {
    (void)unused;
    enum { APART = 53 };
    for (int64_t features = 32; features <= 37; features += 5)
        for (int r = 0; r < RUNS; r++) {
            arrays a;
            fence f;
            mg_fit_result result;
            make_arrays(&a, &array_forms[FORM_F32], ROWS, features, CLASSES);
            size_t cells = (size_t)((ROWS - 1) * APART + features);
            float *wide = malloc(cells * sizeof *wide);
            memset(wide, 0xff, cells * sizeof *wide);
            for (int64_t i = 0; i < ROWS; i++)
                memcpy(wide + i * APART, (float *)a.cells + i * features, (size_t)features * sizeof *wide);
            a.dense = (mg_data_dense){MG_DATA_FLOAT32, fenced(&f, wide, cells * sizeof *wide),
                                      APART * sizeof *wide};
            fit_and_score(&a.data, runs[r], &result);
            assert_int_equal(result.copied_bytes, 0);
            munmap(f.base, f.bytes);
            free(wide);
            free_arrays(&a);
        }
}

// ---- memory -------------------------------------------------------------------------------------

static int64_t most; // largest number of bytes allocated at the end of a step

static bool measure(void *context, int64_t step) {
    (void)context, (void)step;
    if (mg_memory_live() > most) most = mg_memory_live();
    return false;
}

// A run whose rows are used in place allocates only a fraction of their 40 MB.
static void test_no_copy(void **unused) {
    (void)unused;
    enum { MANY = 20000, FEATURES = 500 };
    static const char *const sets[] = {"train.solver=sgd", "sgd.eta=0.01", "train.epochs=1", NULL};
    arrays a;
    mg_fit_result result;
    make_arrays(&a, &array_forms[FORM_F32], MANY, FEATURES, CLASSES);
    mg_config *config = configure(
        (const char *const[]){sets[0], sets[1], sets[2], "data.memory_limit=1MiB", "train.threads=1", NULL});
    mg_model *model;
    mg_error error = {0};
    const mg_observer observer = {.stop = measure};
    const mg_fit_request request = {.train = &a.data, .observer = &observer};
    // data.memory_limit only limits rows that margin copies. These are not copied, so they are not streamed
    // either.
    if (mg_fit(config, &request, &model, &result, &error)) fail_msg("%s", error.text);
    assert_int_equal(result.copied_bytes, 0);
    assert_true(most > 0 && most < 10000000);
    mg_model_destroy(model);
    mg_config_destroy(config);
    free_arrays(&a);
}

// Rows that must be copied and exceed data.memory_limit are streamed, and give the same bits.
static void test_streamed(void **unused) {
    (void)unused;
    enum { MANY = 3000, FEATURES = 40 };
    arrays a;
    mg_model *models[2];
    mg_model_parts parts[2];
    mg_fit_result results[2];
    mg_error error = {0};
    make_arrays(&a, &array_forms[4], MANY, FEATURES, CLASSES);
    const mg_fit_request request = {.train = &a.data};
    for (int i = 0; i < 2; i++) {
        mg_config *config = configure(
            (const char *const[]){"train.solver=sgd", "sgd.eta=0.01", "train.epochs=2", "data.window=32KiB",
                                  i ? "data.memory_limit=128KiB" : "train.batch=64", "train.batch=64", NULL});
        if (mg_fit(config, &request, &models[i], &results[i], &error)) fail_msg("%s", error.text);
        mg_model_get(models[i], &parts[i]);
        mg_config_destroy(config);
    }
    assert_true(results[1].copied_bytes < results[0].copied_bytes / 2 && results[1].copied_bytes > 0);
    assert_memory_equal(parts[0].weights, parts[1].weights, sizeof(float) * FEATURES * CLASSES);
    for (int i = 0; i < 2; i++) mg_model_destroy(models[i]);
    free_arrays(&a);
}

// Each allocation fails in turn. The call then reports it, returns no model, and frees everything.
static void test_failures(void **unused) {
    (void)unused;
    static const int forms[] = {FORM_F32, 4, FORM_CSR};
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        arrays a;
        mg_model *model = NULL;
        int32_t best[ROWS];
        make_arrays(&a, &array_forms[forms[f]], ROWS, 20, CLASSES);
        mg_config *config = configure((const char *const[]){"train.solver=sgd", "sgd.eta=0.01",
                                                            "train.epochs=1", "train.threads=1", NULL});
        const mg_fit_request request = {.train = &a.data};
        mg_status status = MG_MEMORY;
        int64_t before = mg_memory_live();
        for (int64_t k = 1; status; k++) {
            mg_error error = {0};
            mg_memory_fail_at(k, false);
            status = mg_fit(config, &request, &model, NULL, &error);
            bool failed = mg_memory_fail_at(0, false) > 0;
            if (status && (status != MG_MEMORY || model || !failed || mg_memory_live() != before))
                fail_msg("allocation %d: status %d, %s", (int)k, (int)status, error.text);
        }
        status = MG_MEMORY;
        for (int64_t k = 1; status; k++) {
            mg_error error = {0};
            const mg_score_request score = {.data = &a.data, .best = best, .threads = 1};
            mg_memory_fail_at(k, false);
            status = mg_model_score(model, &score, &error);
            mg_memory_fail_at(0, false);
            if (status && status != MG_MEMORY)
                fail_msg("allocation %d: status %d, %s", (int)k, (int)status, error.text);
        }
        mg_model_destroy(model); // also frees what scoring has stored with the model
        assert_int_equal(mg_memory_live(), before);
        mg_config_destroy(config);
        free_arrays(&a);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_last_cell), cmocka_unit_test(test_last_value), cmocka_unit_test(test_apart),
        cmocka_unit_test(test_no_copy),   cmocka_unit_test(test_streamed),   cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, support_begin, support_end);
}
