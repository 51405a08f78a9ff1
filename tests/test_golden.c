// test_golden.c - the same bits everywhere: the weights of a dense and a sparse run have hashes kept here, which every compiler,
// optimisation, kernel, number of threads and way of reading the rows must reproduce.
//
//     test_golden            every kernel of this machine, 1 to 16 threads, in memory and streamed
//     test_golden quick      this environment's kernel and threads, over and over: for tests/golden_*.sh
//
// A change that moves results on purpose puts the new hashes here and says so in CHANGELOG.md.
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

static const struct golden {
    const char *name;
    support_form form;
    int64_t memory_limit; // below what the rows take: they are streamed
    const char *settings[4];
    uint64_t hash;
} goldens[] = {
    {"dense", SUPPORT_U8, 12000, {"sgd.update=adagrad", "sgd.average=true", "data.scale=standard", "model.loss=crammer-singer"},
     UINT64_C(0x43e27ba8d1b65976)},
    {"sparse", SUPPORT_CSR, 34000, {"sgd.update=momentum", "sgd.average=true", "data.scale=none", "model.loss=weston-watkins"},
     UINT64_C(0x8596a5b207303ab0)},
};
enum { GOLDENS = sizeof goldens / sizeof *goldens };

// Nothing is left to a default, and nothing asks the mathematics library for more than a square root.
static const char *const all_settings[] = {
    "train.solver=sgd",  "train.epochs=3",    "train.batch=96", "train.parts=6",        "train.seed=5",        "sgd.rate=constant",
    "sgd.eta=0.02",      "sgd.momentum=0.9",  "data.window=4096", "data.validation=0.2", "data.rows=none",      "data.transform=none",
    "model.delta=1",     "model.bias=1",      "model.lambda=0.001", "train.patience=0",  "train.evaluate_every=1",
};

static uint64_t hash_of(const char *directory) {
    char path[4200];
    mg_model *model;
    mg_error error = {0};
    snprintf(path, sizeof path, "%s/model.h5", directory);
    if (mg_model_load(path, &model, &error)) fail_msg("%s", error.text);
    size_t size = (size_t)(model->classes_count * model->features) * sizeof *model->weights;
    uint64_t hash = mg_hash_bytes(mg_hash_bytes(0, model->weights, size), model->bias, (size_t)model->classes_count * sizeof *model->bias);
    mg_model_destroy(model);
    return hash;
}

static const char *data_of(const struct golden *golden) {
    const char *path = support_path("%s.h5", golden->name);
    if (!support_exists(path)) support_data(path, golden->form, 500, 37, 5, 3);
    return path;
}

// threads 0: as many as this environment says.
static void expect_golden(const struct golden *golden, int threads, bool streamed, const char *kernel) {
    const char *directory = support_path("run");
    support_run run = support_new(data_of(golden), directory);
    for (size_t s = 0; s < sizeof all_settings / sizeof *all_settings; s++) support_set(&run, "%s", all_settings[s]);
    for (int s = 0; s < 4; s++) support_set(&run, "%s", golden->settings[s]);
    support_set(&run, "train.threads=%d", threads);
    if (streamed) support_set(&run, "data.memory_limit=%d", (int)golden->memory_limit);
    support_expect(&run, MG_OK);
    assert_true(run.plan.streamed == streamed);
    uint64_t hash = hash_of(directory);
    if (hash != golden->hash)
        fail_msg("%s, %d threads, %s, kernel %s: the weights hash to 0x%016" PRIx64 ", not 0x%016" PRIx64, golden->name, threads,
                 streamed ? "streamed" : "in memory", kernel, hash, golden->hash);
    support_remove(directory);
}

static void test_everywhere(void **unused) {
    (void)unused;
    int kernels = 0;
    char *before = getenv("MARGIN_KERNEL") ? strdup(getenv("MARGIN_KERNEL")) : NULL;
    for (int k = 0; mg_kernel_at(k); k++) {
        const mg_kernel *kernel = mg_kernel_at(k);
        if (!kernel->usable()) continue;
        setenv("MARGIN_KERNEL", kernel->name, 1);
        kernels++;
        for (int g = 0; g < GOLDENS; g++)
            for (int threads = 1; threads <= 16; threads++)
                for (int streamed = 0; streamed < 2; streamed++) expect_golden(&goldens[g], threads, streamed, kernel->name);
    }
    if (before) setenv("MARGIN_KERNEL", before, 1);
    else unsetenv("MARGIN_KERNEL");
    free(before);
    printf("%d kernels, 1 to 16 threads, in memory and streamed: one hash each\n", kernels);
}

static void test_quick(void **unused) {
    (void)unused;
    const char *kernel = getenv("MARGIN_KERNEL");
    for (int again = 0; again < 2; again++)
        for (int g = 0; g < GOLDENS; g++)
            for (int streamed = 0; streamed < 2; streamed++)
                for (int threads = 0; threads <= 4; threads += 4) expect_golden(&goldens[g], threads, streamed, kernel ? kernel : "chosen");
}

int main(int argc, char **argv) {
    const struct CMUnitTest everywhere[] = {cmocka_unit_test(test_everywhere)}, quick[] = {cmocka_unit_test(test_quick)};
    if (argc > 1 && !strcmp(argv[1], "quick")) return cmocka_run_group_tests(quick, support_begin, support_end);
    return cmocka_run_group_tests(everywhere, support_begin, support_end);
}
