// gradcheck.c - compares gradients with central differences. The differences use the loss in double
// precision. So only what is tested uses float32: the coefficients, and a step of the solver.
#include "inspect/gradcheck.h"

#include "base/memory.h"
#include "base/order.h"
#include "base/rng.h"
#include "solver/solver.h"
#include "solver/sgd/options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHECKED_WEIGHTS = 96, CHECKED_BIASES = 8, CHECKED_SCORES = 1024, TRIES = 32, PICK_STREAM = 201 };

#define STEP 1e-6    // step of a difference, relative to the size of the scores
#define KINK_STEPS 4 // a row is checked only if there is no kink within this many steps
#define ROUNDING 0x1p-24

typedef struct check {
    const mg_gradsample *sample;
    const mg_loss *loss;
    double delta;
    int64_t lanes;
    uint32_t *used; // [used_count] rows that are far enough from kinks
    int64_t used_count;
    double *h;        // [count] step of the difference for each row
    double *analytic; // [count][classes] coefficients, not multiplied by the weights of rows
    double *size;     // [count] norms of the gradients of the rows
    double coef_size; // median of `size`
    // Working memory for one row:
    double *scores;       // [classes]
    float *narrow, *coef; // [lanes]
} check;

// ---- d loss / d score ---------------------------------------------------------------------------

static double difference(const check *c, double *scores, int64_t y, int64_t k, double h) {
    int64_t classes = c->sample->problem->classes;
    double at = scores[k], up, down;
    scores[k] = at + h;
    up = c->loss->value(classes, scores, y, c->delta);
    scores[k] = at - h;
    down = c->loss->value(classes, scores, y, c->delta);
    scores[k] = at;
    return (up - down) / (2 * h);
}

// Computes the coefficients of a row as training does, from its scores in double, rounded to float. Returns
// their norm.
static double take_coefficients(check *c, int64_t i) {
    int64_t classes = c->sample->problem->classes, y = c->sample->label[i];
    const double *exact = c->sample->scores + i * classes;
    for (int64_t k = 0; k < c->lanes; k++) c->narrow[k] = k < classes ? (float)exact[k] : -INFINITY;
    for (int64_t k = 0; k < classes; k++)
        c->scores[k] = (double)c->narrow[k]; // the scores that the float code has used
    c->loss->row(c->lanes, c->narrow, y, (float)c->delta, c->coef);
    double square = 0;
    for (int64_t k = 0; k < classes; k++) {
        double coef = (double)c->coef[k];
        c->analytic[i * classes + k] = coef;
        square += coef * coef;
    }
    return sqrt(square);
}

// Returns the norm of the difference between the row's coefficients and the finite differences; *norm becomes
// the norm of the latter.
static double compare_row(check *c, int64_t i, double *norm) {
    int64_t classes = c->sample->problem->classes, y = c->sample->label[i],
            stride = (classes + CHECKED_SCORES - 1) / CHECKED_SCORES;
    double wrong = 0, square = 0;
    for (int64_t k = 0; k < classes; k++) {
        if (k % stride != i % stride && k != y)
            continue; // with very many classes, only some are checked for each row, and others for the next
                      // row
        double finite = difference(c, c->scores, y, k, c->h[i]), off = c->analytic[i * classes + k] - finite;
        wrong += off * off;
        square += finite * finite;
    }
    for (int64_t k = classes; k < c->lanes; k++)
        wrong += c->coef[k] == 0 ? 0 : 1; // padding lanes must have the coefficient 0
    *norm = sqrt(square);
    return sqrt(wrong);
}

// Sorts the norms and returns the median of those that are not zero.
static double median_size(double *size, int64_t count) {
    qsort(size, (size_t)count, sizeof *size, mg_order_double);
    int64_t first = 0;
    while (first < count && !(size[first] > 0)) first++;
    return first < count ? size[first + (count - first) / 2] : 0;
}

static void choose_step(check *c, int64_t i, double norm) {
    int64_t classes = c->sample->problem->classes;
    double size = c->delta, value = c->loss->value(classes, c->scores, c->sample->label[i], c->delta);
    for (int64_t k = 0; k < classes; k++) size = fmax(size, fabs(c->scores[k]));
    // The step is at least so wide that the rounding of the loss is negligible in the difference.
    c->h[i] = fmax(STEP * size, norm > 0 ? 2e-8 * value / norm : 0);
}

static mg_status check_scores(check *c, mg_gradcheck_result *result, mg_error *error) {
    const mg_gradsample *s = c->sample;
    double *wrong;
    mg_status status = mg_memory_zeroed(&wrong, (size_t)s->count, sizeof *wrong, error);
    if (status) return status;
    for (int64_t i = 0; i < s->count; i++) {
        int64_t classes = s->problem->classes;
        choose_step(c, i, take_coefficients(c, i));
        double kink = c->loss->kink(classes, s->scores + i * classes, s->label[i], c->delta);
        if (!(kink > KINK_STEPS * (c->h[i] + s->noise[i]))) continue;
        wrong[c->used_count] = compare_row(c, i, &c->size[c->used_count]);
        c->used[c->used_count++] = (uint32_t)i;
    }
    double *sorted = NULL;
    status = mg_memory_get(&sorted, (size_t)s->count, sizeof *sorted, error);
    if (!status) {
        memcpy(sorted, c->size, (size_t)c->used_count * sizeof *sorted);
        c->coef_size = median_size(sorted, c->used_count);
    }
    // If a row has hardly any loss, its error is divided by the norm of a typical row instead of its own.
    for (int64_t u = 0; !status && u < c->used_count; u++) {
        double size = fmax(c->size[u], c->coef_size), off = size > 0 ? wrong[u] / size : wrong[u];
        if (!(off <= result->score_error)) result->score_error = off; // written so that NaN is kept
    }
    mg_memory_free(sorted);
    result->rows = c->used_count;
    result->skipped = s->count - c->used_count;
    mg_memory_free(wrong);
    return status;
}

// ---- d objective / d W --------------------------------------------------------------------------

static double row_weight(const mg_gradsample *s, int64_t i) { return s->weight ? (double)s->weight[i] : 1; }

// The derivative of the mean loss of the checked rows with respect to one weight, as a central difference.
static double finite_weight(check *c, int64_t k, int64_t d) {
    const mg_gradsample *s = c->sample;
    int64_t classes = s->problem->classes;
    double h = INFINITY, sum = 0;
    for (int64_t u = 0; u < c->used_count; u++) {
        double x = fabs(mg_gradsample_feature(s, c->used[u], d));
        if (x > 0) h = fmin(h, c->h[c->used[u]] / x);
    }
    for (int64_t u = 0; u < c->used_count; u++) {
        int64_t i = c->used[u];
        double x = mg_gradsample_feature(s, i, d);
        if (x == 0) continue;
        memcpy(c->scores, s->scores + i * classes, (size_t)classes * sizeof *c->scores);
        sum += row_weight(s, i) * x * difference(c, c->scores, s->label[i], k, h * x);
    }
    return sum / (double)c->used_count;
}

// The sum of the magnitudes of all terms that float32 adds for this weight; its rounding error is relative to
// this sum.
static double terms_of_weight(const check *c, int64_t k, int64_t d) {
    const mg_problem *problem = c->sample->problem;
    double sum = 0, center = 0, scale = 1;
    if (d < problem->features && problem->center) center = fabs((double)problem->center[d]);
    if (d < problem->features && problem->scale) scale = (double)problem->scale[d];
    for (int64_t u = 0; u < c->used_count; u++) {
        int64_t i = c->used[u];
        double cell = d < problem->features ? fabs(mg_gradsample_cell(c->sample, i, d)) : problem->bias;
        sum += row_weight(c->sample, i) * fabs(c->analytic[i * problem->classes + k]) * (cell + center);
    }
    return scale * sum / (double)c->used_count;
}

// Takes one step of the real solver with the checked rows. `state` then has the new weights.
static mg_status take_step(const check *c, const mg_solver *solver, void *state, mg_error *error) {
    const mg_gradsample *s = c->sample;
    solver->begin_at(state, &s->weights);
    mg_batch batch = {.rows = mg_store_rows(&s->store), .label = s->label, .weight = s->weight};
    batch.rows.index = c->used;
    batch.rows.count = c->used_count;
    mg_step_result result;
    return solver->step(state, &batch, 0, &result, error);
}

// Chooses a feature to check; usually one that a checked row has.
static int64_t pick_feature(const check *c, uint64_t key, uint64_t *at, int64_t row) {
    const mg_gradsample *s = c->sample;
    const mg_problem *problem = s->problem;
    int64_t d = 0;
    for (int tries = 0; tries < TRIES; tries++) {
        uint64_t random = mg_rng_at(key, (*at)++);
        d = (int64_t)(random % (uint64_t)problem->features);
        // in seven of eight cases, a feature that the row stores
        if (s->store.layout == MG_CSR && random >> 61) {
            int64_t from = s->store.indptr[row], n = s->store.indptr[row + 1] - from;
            if (n) d = (int64_t)s->store.indices[from + (int64_t)(random % (uint64_t)n)];
        }
        bool lives = !problem->scale || problem->scale[d] > 0;
        if (lives && (mg_gradsample_cell(s, row, d) != 0 || tries > TRIES / 2)) break;
    }
    return d;
}

static void compare_weights(check *c, const mg_weights *after, double strength, double eta,
                            mg_gradcheck_result *result) {
    const mg_gradsample *s = c->sample;
    const mg_problem *problem = s->problem;
    uint64_t key = mg_rng_key(s->key, PICK_STREAM, 0), at = 0;
    double wrong = 0, square = 0, terms = 0, noise = 0;
    int64_t biases = problem->bias > 0 ? CHECKED_BIASES : 0;
    for (int64_t t = 0; t < CHECKED_WEIGHTS + biases; t++) {
        int64_t row = c->used[mg_rng_at(key, at++) % (uint64_t)c->used_count];
        int64_t k = t % 2 ? (int64_t)(mg_rng_at(key, at++) % (uint64_t)problem->classes) : s->label[row];
        int64_t d = t < CHECKED_WEIGHTS ? pick_feature(c, key, &at, row) : problem->features;
        if (d < problem->features && problem->scale && !(problem->scale[d] > 0)) continue;
        double lambda = d == problem->features && problem->free_bias ? 0 : strength;
        double before = mg_gradsample_weight(s, &s->weights, k, d),
               now = mg_gradsample_weight(s, after, k, d);
        // (M12) The step is implicit in the regulariser: W' = (W - eta g) / (1 + lambda eta). So g + lambda W
        // can be computed from the weights before and after the step.
        double step = (1 + lambda * eta) * (before - now) / eta;
        double finite = finite_weight(c, k, d) + lambda * before, size = terms_of_weight(c, k, d);
        wrong += (step - finite) * (step - finite);
        square += finite * finite;
        terms += size * size;
        result->weights++;
    }
    for (int64_t u = 0; u < c->used_count; u++) noise = fmax(noise, s->noise[c->used[u]]);
    result->weight_error = square > 0 ? sqrt(wrong / square) : sqrt(wrong);
    double lost = ROUNDING * sqrt(terms / (square > 0 ? square : 1)) + noise / c->delta;
    result->weight_allowed = fmax(MG_GRADCHECK_ALLOWED, 8 * lost);
}

static mg_status check_step(check *c, mg_gradcheck_result *result, mg_error *error) {
    const mg_gradsample *s = c->sample;
    const mg_solver *solver = mg_solver_find("sgd");
    const mg_train_options train = {.epochs = 1};
    mg_sgd_options sgd = {.update = "plain", .rate = "constant", .average = false};
    mg_solver_options options = {.train = &train, .own = &sgd};
    mg_problem problem = *s->problem;
    void *state;
    problem.loss = c->loss;
    problem.rows = problem.batch = problem.total_steps = c->used_count;
    problem.steps_per_epoch = problem.total_steps = 1;
    problem.parts = c->used_count < 4 ? 1 : 4; // several parts, if possible, so that the sum over parts is
                                               // tested too
    // Chooses lambda and the rate such that the regulariser weighs about as much as the loss, and the step is
    // about as long as the weights. Then errors in either are visible.
    double size = c->coef_size * sqrt(problem.mean_square_norm / (double)problem.features);
    problem.lambda = s->weight_size > 0 && size > 0 ? 0.3 * size / s->weight_size : 1;
    sgd.eta = 1 / problem.lambda;
    mg_status status = solver->create(&problem, &options, &state, error);
    if (status) return status;
    status = take_step(c, solver, state, error);
    if (!status) compare_weights(c, solver->weights(state), problem.lambda, sgd.eta, result);
    solver->destroy(state);
    return status;
}

// ---- one loss, all losses -----------------------------------------------------------------------

static mg_status create(check *c, mg_error *error) {
    size_t n = (size_t)c->sample->count, classes = (size_t)c->sample->problem->classes;
    mg_status status = mg_memory_get(&c->used, n, sizeof *c->used, error);
    if (!status) status = mg_memory_get(&c->h, n, sizeof *c->h, error);
    if (!status) status = mg_memory_get(&c->size, n, sizeof *c->size, error);
    if (!status) status = mg_memory_get(&c->analytic, n, classes * sizeof *c->analytic, error);
    if (!status) status = mg_memory_get(&c->scores, classes, sizeof *c->scores, error);
    if (!status) status = mg_memory_zeroed(&c->narrow, (size_t)c->lanes, sizeof *c->narrow, error);
    if (!status) status = mg_memory_zeroed(&c->coef, (size_t)c->lanes, sizeof *c->coef, error);
    return status;
}

mg_status mg_gradcheck_loss(const mg_gradsample *sample, const mg_loss *loss, mg_gradcheck_result *result,
                            mg_error *error) {
    check c = {.sample = sample,
               .loss = loss,
               .delta = (double)sample->problem->delta,
               .lanes = sample->weights.lanes};
    *result = (mg_gradcheck_result){.loss = loss->name, .weight_allowed = MG_GRADCHECK_ALLOWED};
    mg_status status = create(&c, error);
    if (!status) status = check_scores(&c, result, error);
    if (!status && c.used_count) status = check_step(&c, result, error);
    // Written so that NaN fails, and also a loss for which no row could be checked.
    result->passed = c.used_count > 0 && result->score_error <= MG_GRADCHECK_ALLOWED &&
                     result->weight_error <= result->weight_allowed;
    void *const blocks[] = {c.used, c.h, c.size, c.analytic, c.scores, c.narrow, c.coef};
    for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++) mg_memory_free(blocks[b]);
    return status;
}

mg_status mg_gradcheck_run(const mg_setup *setup, int64_t rows, uint64_t seed, mg_gradcheck_report *report,
                           mg_error *error) {
    const mg_problem *problem = &setup->problem;
    mg_gradsample sample;
    mg_status status = mg_gradsample_create(setup->train, problem, rows, seed, &sample, error);
    if (status) return status;
    *report = (mg_gradcheck_report){
        .rows = sample.count,
        .features = mg_dataset_width(setup->train),
        .classes = problem->classes,
        .layout = problem->layout == MG_CSR ? "sparse" : "dense",
        .kernel = problem->kernel->name,
        .forward_error = sample.forward_error,
        .passed = sample.forward_error <= MG_GRADCHECK_FORWARD_ALLOWED,
    };
    const mg_loss *loss;
    for (int i = 0; !status && report->count < MG_GRADCHECK_LOSSES && (loss = mg_loss_at(i)); i++) {
        mg_gradcheck_result *result = &report->results[report->count++];
        status = mg_gradcheck_loss(&sample, loss, result, error);
        report->passed = report->passed && result->passed;
    }
    mg_gradsample_destroy(&sample);
    return status;
}
