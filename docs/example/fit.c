/* fit.c - trains on arrays in memory, and classifies the same rows. */
#include <margin/margin.h>

#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 1000, FEATURES = 64, CLASSES = 3 };

/* Called once, before training begins. */
static void show(void *context, const mg_plan *plan) {
    (void)context;
    printf("%lld rows, %lld features, %lld classes\n", (long long)plan->data.rows,
           (long long)plan->data.features, (long long)plan->data.classes);
}

/* Prints what went wrong and ends the program. */
static void check(mg_status status, const mg_error *error) {
    if (!status) return;
    fprintf(stderr, "%s\n", error->text);
    exit(mg_status_exit(status));
}

int main(void) {
    static float x[ROWS][FEATURES];
    static int64_t y[ROWS], predicted[ROWS];
    for (int i = 0; i < ROWS; i++) {
        y[i] = i % CLASSES;
        for (int d = 0; d < FEATURES; d++)
            x[i][d] = (float)((i * 7 + d * 13) % 11) / 11 + (d % CLASSES == y[i]);
    }

    const char *sets[] = {"model.loss=crammer-singer", "model.C=1", "train.tolerance=1e-3",
                          "train.threads=2"};
    const mg_data_dense dense = {.type = MG_DATA_FLOAT32, .cells = x};
    const mg_data data = {.rows = ROWS, .features = FEATURES, .dense = &dense, .labels = y};
    const mg_observer observer = {.plan = show};
    const mg_fit_request fit = {.train = &data, .observer = &observer};
    mg_error error = {0};
    mg_config *config;
    mg_model *model;
    mg_fit_result result;
    check(mg_config_load(NULL, sets, 4, &config, &error), &error);
    check(mg_fit(config, &fit, &model, &result, &error), &error);
    printf("certified: %s, bytes copied: %lld\n", result.train.converged ? "yes" : "no",
           (long long)result.copied_bytes);

    const mg_score_request score = {.data = &data, .labels = predicted};
    int right = 0;
    check(mg_model_score(model, &score, &error), &error);
    for (int i = 0; i < ROWS; i++) right += predicted[i] == y[i];
    printf("right: %d of %d\n", right, ROWS);

    mg_model_destroy(model);
    mg_config_destroy(config);
    return 0;
}
