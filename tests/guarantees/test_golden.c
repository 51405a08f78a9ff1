// test_golden.c - the bits are the same everywhere. golden.txt has the golden hashes: those of the weights of
// one run for every solver, dense and sparse. Every compiler, optimisation level, kernel and number of
// threads must give them, with rows in memory and streamed.
//
//     test_golden            every kernel of this machine, 1 to 16 threads, in memory and streamed; if
//                            MARGIN_FEW is set, only 1 and 16 threads
//     test_golden quick      only this environment's kernel and threads, for tests/guarantees/golden_*.sh
//     test_golden bless      writes golden.txt again, and prints what has changed
//
// New hashes are stored only for a change that is meant to change results; CHANGELOG.md must say so.
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/hash.h"
#include "kernel/kernel.h"
#include "model/model.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SETTINGS = 9 };

static const struct golden {
    const char *name;
    support_form form;
    // Less memory than the rows need, so that they are streamed. 0: the solver needs all rows in memory.
    int64_t memory_limit;
    const char *settings[MOST_SETTINGS];
    int64_t features; // 0: the usual 37 features
} goldens[] = {
    {"sgd-dense",
     SUPPORT_U8,
     12000,
     {"train.solver=sgd", "sgd.update=adagrad", "data.scale=standard", "model.loss=crammer-singer"}},
    // sums of floats depend on their order
    {"sgd-floats",
     SUPPORT_F32,
     48000,
     {"train.solver=sgd", "sgd.update=plain", "data.scale=none", "model.loss=weston-watkins"}},
    // A row fills whole cache lines, and no rows are held out, so streamed rows are used in place.
    {"sgd-in-place",
     SUPPORT_F32,
     48000,
     {"train.solver=sgd", "sgd.update=momentum", "data.validation=", "data.scale=max-abs",
      "model.loss=crammer-singer"},
     48},
    {"sgd-sparse",
     SUPPORT_CSR,
     34000,
     {"train.solver=sgd", "sgd.update=momentum", "data.scale=none", "model.loss=weston-watkins"}},
    {"dual-bytes",
     SUPPORT_U8,
     0,
     {"train.solver=dual", "data.validation=", "data.scale=standard", "model.loss=crammer-singer",
      "model.class_weight=balanced"}},
    {"dual-floats",
     SUPPORT_F32,
     0,
     {"train.solver=dual", "data.validation=", "data.scale=none", "model.loss=one-vs-rest-squared"}},
    {"dual-sparse",
     SUPPORT_CSR,
     0,
     {"train.solver=dual", "data.validation=", "data.scale=max-abs", "model.loss=weston-watkins"}},
    // rows are so wide that they are cut into ranges for several threads
    {"dual-wide",
     SUPPORT_U8,
     0,
     {"train.solver=dual", "data.validation=", "data.scale=0.01", "model.loss=crammer-singer"},
     1600},
    {"dual-wide-sparse",
     SUPPORT_CSR,
     0,
     {"train.solver=dual", "data.validation=", "data.scale=none", "model.loss=crammer-singer"},
     700},
    {"certified-dense",
     SUPPORT_F32,
     0,
     {"train.solver=dual", "train.tolerance=0.01", "train.epochs=0", "model.lambda=0.3",
      "data.validation=", "data.scale=standard", "model.loss=weston-watkins"}},
    {"certified-sparse",
     SUPPORT_CSR,
     0,
     {"train.solver=dual", "train.tolerance=0.01", "train.epochs=0", "model.lambda=0.3",
      "data.validation=", "data.scale=0.1", "model.loss=crammer-singer", "model.class_weight=balanced"}},
    {"newton-dense",
     SUPPORT_U8,
     0,
     {"train.solver=newton", "train.tolerance=1e-4", "train.epochs=0", "model.lambda=0.3",
      "data.validation=", "data.scale=standard", "model.loss=crammer-singer"}},
    {"newton-sparse",
     SUPPORT_CSR,
     0,
     {"train.solver=newton", "train.tolerance=1e-4", "train.epochs=0", "model.lambda=0.3",
      "data.validation=", "data.scale=max-abs", "model.loss=weston-watkins"}},
    {"shards-dense",
     SUPPORT_U8,
     0,
     {"train.solver=newton", "train.tolerance=1e-4", "train.epochs=0", "model.lambda=0.3", "train.shards=8",
      "data.scale=standard", "model.loss=crammer-singer"}},
    {"shards-sparse",
     SUPPORT_CSR,
     0,
     {"train.solver=newton", "train.tolerance=1e-4", "train.epochs=0", "model.lambda=0.3", "train.shards=64",
      "data.validation=", "data.scale=max-abs", "model.loss=weston-watkins"}},
};
enum { GOLDENS = sizeof goldens / sizeof *goldens };

// All options are set, and none needs another function of the mathematics library than the square root.
static const char *const all_settings[] = {
    "train.tolerance=0",
    "train.epochs=3",
    "train.batch=96",
    "train.parts=6",
    "train.seed=5",
    "sgd.rate=constant",
    "sgd.eta=0.02",
    "sgd.momentum=0.9",
    "sgd.average=true",
    "data.window=4096",
    "data.validation=0.2",
    "data.rows=none",
    "model.delta=1",
    "model.bias=1",
    "model.lambda=0.001",
    "train.patience=0",
    "train.evaluate_every=1",
    "data.transform=none",
    "model.class_weight=none",
};

// ---- the hashes kept ----------------------------------------------------------------------------

#define KEPT MG_TEST_DATA "/golden.txt"

static bool kept_hash(const struct golden *golden, uint64_t *hash) {
    char line[200], name[100];
    bool found = false;
    FILE *file = fopen(KEPT, "r");
    while (file && !found && fgets(line, sizeof line, file))
        found = sscanf(line, "%99s 0x%" SCNx64, name, hash) == 2 && !strcmp(name, golden->name);
    if (file) fclose(file);
    return found;
}

// ---- runs ---------------------------------------------------------------------------------------

static uint64_t hash_of(const char *directory) {
    char path[4200];
    mg_model *model;
    mg_error error = {0};
    snprintf(path, sizeof path, "%s/model.h5", directory);
    if (mg_model_read(path, &model, &error)) fail_msg("%s", error.text);
    size_t size = (size_t)(model->classes_count * model->features) * sizeof *model->weights;
    uint64_t hash = mg_hash_bytes(mg_hash_bytes(0, model->weights, size), model->bias,
                                  (size_t)model->classes_count * sizeof *model->bias);
    mg_model_free(model);
    return hash;
}

static const char *data_of(const struct golden *golden) {
    int64_t features = golden->features ? golden->features : 37;
    const char *path = support_path("%s%d.h5", support_form_names[golden->form], (int)features);
    if (!support_exists(path)) support_data(path, golden->form, 500, features, 5, 3);
    return path;
}

// threads 0: as many as this environment allows.
static uint64_t train(const struct golden *golden, int threads, bool streamed) {
    const char *directory = support_path("run");
    support_run run = support_new(data_of(golden), directory);
    for (size_t s = 0; s < sizeof all_settings / sizeof *all_settings; s++)
        support_set(&run, "%s", all_settings[s]);
    for (int s = 0; s < MOST_SETTINGS && golden->settings[s]; s++)
        support_set(&run, "%s", golden->settings[s]);
    support_set(&run, "train.threads=%d", threads);
    if (streamed) support_set(&run, "data.memory_limit=%d", (int)golden->memory_limit);
    support_expect(&run, MG_OK);
    assert_true(run.plan.data.streamed == streamed);
    if (run.plan.tolerance > 0)
        assert_true(run.result.converged); // otherwise the hash would not include a certificate
    uint64_t hash = hash_of(directory);
    support_remove(directory);
    return hash;
}

static void expect_golden(const struct golden *golden, int threads, const char *kernel) {
    uint64_t kept;
    if (!kept_hash(golden, &kept)) fail_msg("%s: has no hash of %s", KEPT, golden->name);
    for (int streamed = 0; streamed <= (golden->memory_limit > 0); streamed++) {
        uint64_t hash = train(golden, threads, streamed);
        if (hash != kept)
            fail_msg("%s, %d threads, %s, kernel %s: the weights hash to 0x%016" PRIx64 ", not 0x%016" PRIx64,
                     golden->name, threads, streamed ? "streamed" : "in memory", kernel, hash, kept);
    }
}

// Distance between the numbers of threads that are tried: with the fastest kernel; with the other kernels.
static int step = 1, others_step = 5;

static void test_everywhere(void **unused) {
    (void)unused;
    int kernels = 0; // the first kernel is the fastest one
    char *before = getenv("MARGIN_KERNEL") ? strdup(getenv("MARGIN_KERNEL")) : NULL;
    for (int k = 0; mg_kernel_at(k); k++) {
        const mg_kernel *kernel = mg_kernel_at(k);
        if (!kernel->usable()) continue;
        setenv("MARGIN_KERNEL", kernel->name, 1);
        kernels++;
        for (int g = 0; g < GOLDENS; g++)
            for (int threads = 1; threads <= 16; threads += kernels == 1 ? step : others_step)
                expect_golden(&goldens[g], threads, kernel->name);
    }
    if (before) setenv("MARGIN_KERNEL", before, 1);
    else unsetenv("MARGIN_KERNEL");
    free(before);
    printf("%d kernels, 1 to 16 threads, in memory and streamed: %d runs, one hash each\n", kernels, GOLDENS);
}

static void test_quick(void **unused) {
    (void)unused;
    const char *kernel = getenv("MARGIN_KERNEL");
    for (int again = 0; again < 2; again++)
        for (int g = 0; g < GOLDENS; g++)
            for (int threads = 0; threads <= 4; threads += 4)
                expect_golden(&goldens[g], threads, kernel ? kernel : "chosen");
}

static void bless(void **unused) {
    (void)unused;
    char text[100 * (GOLDENS + 1)];
    int size = snprintf(text, sizeof text,
                        "# Hashes of the weights of test_golden's runs. Written by `test_golden bless`.\n");
    for (int g = 0; g < GOLDENS; g++) {
        uint64_t before, hash = train(&goldens[g], 1, false);
        if (!kept_hash(&goldens[g], &before) || before != hash)
            printf("%s: another hash than before\n", goldens[g].name);
        size +=
            snprintf(text + size, sizeof text - (size_t)size, "%s 0x%016" PRIx64 "\n", goldens[g].name, hash);
    }
    support_write(KEPT, text, (size_t)size);
}

int main(int argc, char **argv) {
    const struct CMUnitTest everywhere[] = {cmocka_unit_test(test_everywhere)},
                            quick[] = {cmocka_unit_test(test_quick)};
    const struct CMUnitTest anew[] = {cmocka_unit_test(bless)};
    const char *what = argc > 1 ? argv[1] : "";
    if (support_few()) step = others_step = 15;
    if (!strcmp(what, "quick")) return cmocka_run_group_tests(quick, support_begin, support_end);
    if (!strcmp(what, "bless")) return cmocka_run_group_tests(anew, support_begin, support_end);
    return cmocka_run_group_tests(everywhere, support_begin, support_end);
}
