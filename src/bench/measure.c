// measure.c - times the margin routine and the steps of solvers on one shape, and compares them with the
// limits of the machine.
#include "bench/measure.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/order.h"
#include "base/rng.h"
#include "solver/pass.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Long steps are repeated at least FEWEST times, and then not after LONGEST seconds.
enum { FEWEST = 3, LONGEST = 10 };
enum { SAMPLE = 2048, WEIGHT_STREAM = 311 };

// Cases of training: the time for a gradient depends on how many coefficients are not zero.
typedef struct bench_case {
    const char *name, *loss;
    double violating; // fraction of the rows that violate the margin
} bench_case;

static const bench_case passes[] = {
    {"pass", "crammer-singer", 1},                  // typical of early training
    {"pass, 30% violating", "crammer-singer", 0.3}, // typical of late training
    {"pass, every class", "weston-watkins", 1},     // the most work: no coefficient is zero
};

// ---- The pass -----------------------------------------------------------------------------------

static int64_t grad_floats(const mg_bench_run *b) {
    return mg_round_up(b->weights.size, MG_LANES); // a multiple of 16, which kernel->add needs
}

static void part_gradient(void *context, int64_t p) {
    mg_bench_run *b = context;
    mg_bench_part *one = &b->parts[p];
    int64_t parts = b->problem.parts;
    memset(one->grad, 0, (size_t)grad_floats(b) * sizeof(float));
    memset(one->coef_sum, 0, (size_t)b->weights.lanes * sizeof(double));
    one->loss = mg_pass_gradient(
        &one->pass, &b->problem, &b->weights, &b->all, mg_cut_begin(b->all.rows.count, parts, p),
        mg_cut_begin(b->all.rows.count, parts, p + 1), (mg_pass_sum){MG_SUM_ON, one->grad, one->coef_sum});
}

static void merge_range(void *context, int64_t range) {
    mg_bench_run *b = context;
    int64_t from = range * MG_BENCH_RANGE, n = mg_cut_next(from, grad_floats(b), MG_BENCH_RANGE);
    for (int64_t p = 1; p < b->problem.parts; p++)
        b->problem.kernel->add(n, b->parts[p].grad + from, b->parts[0].grad + from);
}

static void pass_over_all(mg_bench_run *b) {
    mg_team_for(b->team, b->problem.parts, part_gradient, b);
    mg_team_for(b->team, (grad_floats(b) + MG_BENCH_RANGE - 1) / MG_BENCH_RANGE, merge_range, b);
}

static void naive_pass(mg_bench_run *b) { mg_bench_naive_pass(&b->naive); }

// Scores the first rows. If delta is NULL, margin[i] becomes the highest score of a rival minus that of the
// row's class. Otherwise counts the rows that violate the margin.
static void look_at_sample(mg_bench_run *b, int64_t count, const float *delta, double *margin) {
    mg_pass *pass = &b->parts[0].pass;
    int64_t nonzero = 0, violating = 0;
    MG_EACH_BLOCK (first, n, 0, count, pass->block_rows) {
        mg_pass_scores(pass, b->problem.kernel, &b->weights, &b->all.rows, first, n);
        if (delta) mg_pass_losses(pass, b->problem.loss, *delta, &b->all, first, n);
        for (int64_t i = 0; i < n; i++) {
            const float *scores = pass->scores + i * pass->lanes, *coef = pass->coef + i * pass->lanes;
            int64_t y = b->data.label[first + i], of_row = 0;
            float most = -INFINITY;
            for (int64_t k = 0; k < b->problem.classes; k++) {
                if (k != y && scores[k] > most) most = scores[k];
                of_row += delta && coef[k] != 0;
            }
            if (!delta) margin[first + i] = (double)most - (double)scores[y];
            nonzero += of_row;
            violating += of_row > 0;
        }
    }
    b->nonzero = (double)nonzero / (double)count;
    b->violating = (double)violating / (double)count;
}

// Chooses delta such that the wanted fraction of the rows violates the margin.
static void choose_delta(mg_bench_run *b, const bench_case *wanted) {
    double margin[SAMPLE];
    int64_t count = mg_min(b->all.rows.count, SAMPLE);
    look_at_sample(b, count, NULL, margin);
    qsort(margin, (size_t)count, sizeof *margin, mg_order_double);
    double size = fmax(fabs(margin[0]), fabs(margin[count - 1]));
    b->problem.delta = wanted->violating < 1
                           ? (float)-margin[(int64_t)((1 - wanted->violating) * (double)count)]
                           : (float)(100 * size);
    look_at_sample(b, count, &b->problem.delta, NULL);
}

// ---- Timing -------------------------------------------------------------------------------------

static void repeat(void *context) {
    mg_bench_run *b = context;
    int least = b->request->quick ? 3 : 7;
    double budget = b->request->quick ? 0.05 : 1, start = mg_clock_seconds();
    b->work(b); // not counted: it fills caches and allocates pages
    b->repetitions = 0;
    while (b->repetitions < MG_BENCH_REPETITIONS &&
           (b->repetitions < least || mg_clock_seconds() - start < budget) &&
           (b->repetitions < FEWEST || mg_clock_seconds() - start < LONGEST)) {
        double before = mg_clock_seconds();
        b->work(b);
        b->seconds[b->repetitions++] = mg_clock_seconds() - before;
    }
    qsort(b->seconds, (size_t)b->repetitions, sizeof *b->seconds, mg_order_double);
}

// The median time with one thread; 0 if there is only one thread anyway. The parts, and so all bits, are the
// same.
static double median_alone(mg_bench_run *b) {
    int threads = b->team->threads;
    if (threads == 1) return 0;
    b->team->threads = 1;
    mg_team_run(b->team, repeat, b);
    b->team->threads = threads;
    return b->seconds[b->repetitions / 2];
}

static double values_of(const mg_rows *rows) {
    return rows->layout == MG_CSR ? (double)rows->indptr[rows->count]
                                  : (double)rows->count * (double)rows->features;
}

// The bytes that must come from memory: rows, weights and gradient, once each.
static double bytes_of(const mg_bench_run *b) {
    double rows = b->all.rows.layout == MG_CSR
                      ? 8 * (values_of(&b->all.rows) + (double)b->all.rows.count)
                      : values_of(&b->all.rows) * (double)mg_cell_size(b->all.rows.cell);
    return rows + 8 * (double)b->problem.classes * (double)b->problem.features;
}

void mg_bench_time(mg_bench_run *b, const char *what, void (*work)(mg_bench_run *)) {
    mg_bench_report *report = b->report;
    if (report->count == MG_BENCH_MOST) return;
    b->work = work;
    double alone = median_alone(b);
    mg_team_run(b->team, repeat, b);
    mg_bench_result *result = &report->results[report->count++];
    double stored = values_of(&b->all.rows), median = b->seconds[b->repetitions / 2];
    double flops = 2 * stored * ((double)b->problem.classes + b->nonzero), bytes = bytes_of(b);
    double by_memory = flops / bytes * report->read_gbps;
    double limit = fmin(report->peak_gflops, by_memory);
    *result = (mg_bench_result){
        .shape = b->shape->name,
        .dtype = mg_cell_name(b->all.rows.cell),
        .sparse = b->all.rows.layout == MG_CSR,
        .rows = b->all.rows.count,
        .features = b->problem.features,
        .classes = b->problem.classes,
        .stored = stored,
        .threads = b->team->threads,
        .repetitions = b->repetitions,
        .seconds = median,
        .speedup = alone > 0 ? alone / median : 1,
        .spread = (b->seconds[b->repetitions - 1] - b->seconds[0]) / median,
        .gflops = flops / median / 1e9,
        .gbps = bytes / median / 1e9,
        .violating = b->violating,
        .fraction_of_limit = flops / median / 1e9 / limit,
        .memory_bound = by_memory < report->peak_gflops,
        .what = what,
    };
    if (b->request->progress) b->request->progress(b->request->context, report, result);
}

// ---- A shape ------------------------------------------------------------------------------------

static double mean_square_norm(const mg_rows *rows) {
    if (rows->layout == MG_CSR) return 1;                 // rows have unit length
    double cell = mg_cell_size(rows->cell) > 1 ? 1 : 255; // cells are uniform from 0 to this
    return (double)rows->features * cell * cell / 3;
}

static int64_t most_values(const mg_rows *rows) {
    if (rows->layout == MG_DENSE) return rows->features;
    int64_t most = 0;
    for (int64_t i = 0; i < rows->count; i++)
        if (rows->indptr[i + 1] - rows->indptr[i] > most) most = rows->indptr[i + 1] - rows->indptr[i];
    return most;
}

static void pose(mg_bench_run *b, const mg_kernel *kernel) {
    const mg_bench_shape *shape = b->shape;
    int64_t rows = b->all.rows.count;
    // A gradient of all weights is large for CSR rows, so there is only one part for each thread. Here the
    // bits of the result do not matter.
    int64_t parts = shape->layout == MG_CSR
                        ? b->team->threads
                        : mg_cut_parts(rows, shape->classes, shape->features, shape->layout);
    b->problem = (mg_problem){
        .rows = rows,
        .features = shape->features,
        .classes = shape->classes,
        .layout = shape->layout,
        .cell = shape->cell,
        .delta = 1,
        .lambda = 1 / (double)rows,
        .bias = 1,
        .mean_square_norm = mean_square_norm(&b->all.rows) + 1,
        .values_per_row = values_of(&b->all.rows) / (double)rows,
        .most_values = most_values(&b->all.rows),
        .batch = shape->batch,
        .parts = parts,
        .kernel = kernel,
        .team = b->team,
    };
}

static void destroy_parts(mg_bench_run *b) {
    for (int64_t p = 0; b->parts && p < b->problem.parts; p++) {
        mg_pass_destroy(&b->parts[p].pass);
        mg_memory_free(b->parts[p].grad);
        mg_memory_free(b->parts[p].coef_sum);
    }
    mg_memory_free(b->parts);
    mg_weights_destroy(&b->weights);
    b->parts = NULL;
}

static mg_status create_parts(mg_bench_run *b, mg_error *error) {
    const mg_problem *problem = &b->problem;
    mg_status status = mg_memory_zeroed(&b->parts, (size_t)problem->parts, sizeof *b->parts, error);
    if (!status) status = mg_problem_weights(problem, &b->weights, error);
    for (int64_t p = 0; !status && p < problem->parts; p++) {
        mg_bench_part *one = &b->parts[p];
        status = mg_pass_create(&one->pass, problem->layout, problem->cell, problem->classes,
                                problem->features, error);
        if (!status) status = mg_memory_get(&one->grad, (size_t)grad_floats(b), sizeof(float), error);
        if (!status) status = mg_memory_get(&one->coef_sum, (size_t)b->weights.lanes, sizeof(double), error);
    }
    uint64_t key = mg_rng_key(1, WEIGHT_STREAM, 0);
    for (int64_t k = 0; !status && k < problem->classes; k++)
        for (int64_t d = 0; d < problem->features; d++)
            *mg_weights_at(&b->weights, k, d) =
                (float)(mg_rng_at(key, (uint64_t)(k * problem->features + d)) >> 40) * 0x1p-24f - 0.5f;
    return status;
}

static mg_status measure_naive(mg_bench_run *b, bool by_class, mg_error *error) {
    mg_status status =
        mg_bench_naive_create(&b->naive, &b->all.rows, b->data.label, &b->weights, by_class, b->team, error);
    if (status) return status;
    b->naive.delta = b->problem.delta;
    mg_bench_time(b, by_class ? "plain loops by class" : "plain loops by feat.", naive_pass);
    mg_bench_naive_destroy(&b->naive);
    return MG_OK;
}

static mg_status measure_passes(mg_bench_run *b, mg_error *error) {
    mg_status status = create_parts(b, error);
    for (size_t c = 0; !status && c < sizeof passes / sizeof *passes; c++) {
        b->problem.loss = mg_loss_find(passes[c].loss);
        choose_delta(b, &passes[c]);
        mg_bench_time(b, passes[c].name, pass_over_all);
        for (int by_class = 1; by_class >= 0 && !status && c == 0 && b->all.rows.layout == MG_CSR; by_class--)
            status = measure_naive(b, by_class, error);
    }
    destroy_parts(b);
    return status;
}

mg_status mg_bench_measure(const mg_bench_request *request, const mg_bench_shape *shape,
                           const mg_kernel *kernel, mg_team *team, mg_bench_report *report, mg_error *error) {
    mg_bench_run b = {.request = request, .report = report, .shape = shape, .team = team};
    int64_t rows = request->quick ? shape->quick_rows : shape->rows;
    if (request->rows) rows = request->rows;
    mg_status status = mg_bench_data_create(shape, rows, team, &b.data, error);
    if (status) return status;
    b.all = (mg_batch){.rows = mg_store_rows(&b.data.store), .label = b.data.label};
    pose(&b, kernel);
    status = measure_passes(&b, error);
    if (!status) status = mg_bench_training(&b, error);
    mg_bench_data_destroy(&b.data);
    return status;
}
