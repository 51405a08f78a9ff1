// bench_gemm.c - the loss and gradient over all rows of a file, computed by margin and by two SGEMM calls of
// a BLAS, in turns in one process. scripts/bench.sh compiles it. The step between the two products, the
// coefficients, is not measured for the BLAS: it uses those that margin computed.
//
//   bench_gemm DATA.h5 THREADS REPETITIONS      prints one JSON object
#include "base/clock.h"
#include "base/memory.h"
#include "data/dataset.h"
#include "solver/pass.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern void openblas_set_num_threads(int threads);
extern char *openblas_get_config(void);

enum { MOST = 101, PARTS = 16, CLASSES_MOST = 1024 };

// Idle threads of either library spin for a while before they sleep, and would take cores from the other.
#define PAUSE_MICROSECONDS 80000

typedef struct side {
    mg_rows rows;
    const int32_t *label;
    mg_problem problem;
    mg_weights weights;
    mg_pass pass[PARTS];
    float *grad[PARTS]; // the first one receives the sum
    double coef_sum[PARTS][CLASSES_MOST];
    double seconds[MOST];
    int at;
} side;

typedef struct blas {
    int rows, features, classes;
    float *x, *w, *s, *c, *g;
    double seconds[MOST];
} blas;

static void stop(const mg_error *error) {
    fprintf(stderr, "bench_gemm: %s\n", error->text);
    exit(mg_status_exit(error->status));
}

static void part(void *context, int64_t p) {
    side *one = context;
    memset(one->grad[p], 0, (size_t)one->weights.size * sizeof(float));
    memset(one->coef_sum[p], 0, sizeof one->coef_sum[p]);
    const mg_batch batch = {.rows = one->rows, .label = one->label};
    const mg_pass_sum to = {MG_SUM_ON, one->grad[p], one->coef_sum[p]};
    mg_pass_gradient(&one->pass[p], &one->problem, &one->weights, &batch, one->rows.count * p / PARTS,
                     one->rows.count * (p + 1) / PARTS, to);
}

static void merge(void *context, int64_t k) {
    side *one = context;
    for (int p = 1; p < PARTS; p++)
        one->problem.kernel->add(one->weights.line, one->grad[p] + k * one->weights.line, one->grad[0] + k * one->weights.line);
}

static void pass_twice(void *context) {
    side *one = context;
    for (int turn = 0; turn < 2; turn++) { // the first call wakes the threads
        double start = mg_clock_seconds();
        mg_team_for(one->problem.team, PARTS, part, one);
        mg_team_for(one->problem.team, one->problem.classes, merge, one);
        one->seconds[one->at] = mg_clock_seconds() - start;
    }
}

static void gemm_twice(blas *b, int at) {
    for (int turn = 0; turn < 2; turn++) {
        double start = mg_clock_seconds();
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, b->rows, b->classes, b->features, 1, b->x, b->features, b->w,
                    b->features, 0, b->s, b->classes);
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, b->classes, b->features, b->rows, 1, b->c, b->classes, b->x,
                    b->features, 0, b->g, b->features);
        b->seconds[at] = mg_clock_seconds() - start;
    }
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *seconds, int count) {
    qsort(seconds, (size_t)count, sizeof *seconds, ascending);
    return seconds[count / 2];
}

// Small random weights, the same for all.
static void set_weights(mg_weights *weights) {
    srand(1);
    for (int64_t k = 0; k < weights->classes; k++)
        for (int64_t d = 0; d < weights->features; d++) *mg_weights_at(weights, k, d) = ((float)rand() / (float)RAND_MAX - 0.5f) * 1e-5f;
}

static void prepare(side *one, const mg_rows *rows, const mg_dataset *data, const char *loss, const mg_kernel *kernel, mg_team *team) {
    mg_error error;
    one->rows = *rows;
    one->label = data->label;
    one->problem = (mg_problem){.rows = rows->count, .features = rows->features, .classes = data->classes.count, .layout = MG_DENSE,
                                .cell = rows->cell, .loss = mg_loss_find(loss), .delta = 1, .kernel = kernel, .team = team};
    if (mg_weights_create(&one->weights, MG_DENSE, one->problem.classes, rows->features, &error)) stop(&error);
    set_weights(&one->weights);
    for (int p = 0; p < PARTS; p++) {
        if (mg_pass_create(&one->pass[p], MG_DENSE, rows->cell, one->problem.classes, rows->features, &error)) stop(&error);
        if (mg_memory_get(&one->grad[p], (size_t)one->weights.size, sizeof(float), &error)) stop(&error);
    }
}

// The coefficients of every row, as the pass computes them.
static void find_coefficients(side *one, float *c) {
    mg_pass *pass = &one->pass[0];
    int64_t classes = one->problem.classes;
    for (int64_t first = 0; first < one->rows.count; first += pass->block_rows) {
        int64_t count = one->rows.count - first < pass->block_rows ? one->rows.count - first : pass->block_rows;
        mg_pass_scores(pass, one->problem.kernel, &one->weights, &one->rows, first, count);
        const mg_batch batch = {.rows = one->rows, .label = one->label};
        mg_pass_losses(pass, one->problem.loss, one->problem.delta, &batch, first, count);
        for (int64_t i = 0; i < count; i++)
            memcpy(c + (first + i) * classes, pass->coef + i * pass->lanes, (size_t)classes * sizeof *c);
    }
}

// The same rows as floats, padded as in margin and unpadded for the BLAS.
static void widen(const mg_rows *rows, mg_rows *floats, float *plain) {
    mg_error error;
    float *wide;
    if (mg_memory_zeroed(&wide, (size_t)(rows->count * rows->stride), sizeof *wide, &error)) stop(&error);
    for (int64_t i = 0; i < rows->count; i++)
        for (int64_t d = 0; d < rows->features; d++)
            plain[i * rows->features + d] = wide[i * rows->stride + d] = (float)((const uint8_t *)rows->dense)[i * rows->stride + d];
    *floats = *rows;
    floats->cell = MG_CELL_F32;
    floats->dense = wide;
}

static void *get(size_t count) {
    mg_error error;
    float *block;
    if (mg_memory_zeroed(&block, count, sizeof *block, &error)) stop(&error);
    return block;
}

// Both must have computed the same: the largest difference relative to the largest value.
static double difference(const side *one, const blas *b) {
    double worst = 0, size = 0;
    for (int64_t k = 0; k < b->classes; k++)
        for (int64_t d = 0; d < b->features; d++) {
            double theirs = (double)b->g[k * b->features + d];
            worst = fmax(worst, fabs((double)one->grad[0][k * one->weights.line + d] - theirs));
            size = fmax(size, fabs(theirs));
        }
    return worst / size;
}

int main(int argc, char **argv) {
    static const char *const losses[] = {"crammer-singer", "weston-watkins"};
    static side sides[4]; // losses x (uint8, float32)
    static const char *const names[] = {"crammer_singer_uint8", "crammer_singer_float32", "weston_watkins_uint8", "weston_watkins_float32"};
    if (argc != 4) return 2;
    int threads = atoi(argv[2]), repetitions = atoi(argv[3]);
    if (threads < 1 || repetitions < 1 || repetitions > MOST) return 2;
    mg_error error;
    mg_dataset *data;
    const mg_kernel *kernel;
    mg_team team = {.threads = threads};
    mg_dataset_request request = {.path = argv[1], .features = "X", .labels = "y", .survey = true, .window_bytes = 64 << 20};
    request.preparation = mg_preparation_of("none", "none");
    if (mg_dataset_open(&request, &data, &error) || mg_kernel_select(&kernel, &error)) stop(&error);
    if (data->cell != MG_CELL_U8 || data->classes.count > CLASSES_MOST) return 2;
    mg_rows rows = mg_store_rows(&data->store), floats;
    blas b = {.rows = (int)rows.count, .features = (int)rows.features, .classes = (int)data->classes.count};
    size_t n = (size_t)b.rows, d = (size_t)b.features, k = (size_t)b.classes;
    b.x = get(n * d), b.w = get(k * d), b.s = get(n * k), b.c = get(n * k), b.g = get(k * d);
    widen(&rows, &floats, b.x);
    for (int i = 0; i < 4; i++) prepare(&sides[i], i % 2 ? &floats : &rows, data, losses[i / 2], kernel, &team);
    for (size_t j = 0; j < k; j++) memcpy(b.w + j * d, sides[0].weights.v + (int64_t)j * sides[0].weights.line, d * sizeof *b.w);
    openblas_set_num_threads(threads);
    find_coefficients(&sides[0], b.c);
    for (int r = 0; r < repetitions; r++) {
        for (int i = 0; i < 4; i++) {
            sides[i].at = r;
            mg_team_run(&team, pass_twice, &sides[i]);
            usleep(PAUSE_MICROSECONDS);
        }
        gemm_twice(&b, r);
        usleep(PAUSE_MICROSECONDS);
    }
    printf("{\"threads\": %d, \"repetitions\": %d, \"kernel\": \"%s\", \"blas\": \"%s\", \"difference\": %.3g", threads, repetitions,
           kernel->name, openblas_get_config(), difference(&sides[1], &b));
    for (int i = 0; i < 4; i++) printf(", \"%s\": %.6f", names[i], median(sides[i].seconds, repetitions));
    printf(", \"sgemm\": %.6f}\n", median(b.seconds, repetitions));
    return 0;
}
