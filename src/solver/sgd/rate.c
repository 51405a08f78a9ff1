// rate.c - finds the learning rate (M22). Rates around the rule's first guess are tried: each by training on
// three quarters of a sample and measuring the accuracy on the fourth. Sample, order and rates depend only on
// the data and the configuration, so the result is deterministic.
#include "solver/sgd/sgd.h"

#include "base/activity.h"
#include "base/memory.h"
#include "base/rng.h"

#include <math.h>

enum {
    QUARTERS = 4,
    LOWEST = -4,
    HIGHEST = 6,
    RUNGS = HIGHEST - LOWEST + 1,
    FEWEST_ROWS = 40,
    MOST_EPOCHS = 20,
    RATE_STREAM = 4
};

typedef struct rate_search {
    const mg_sgd *sgd; // the solver that needs a rate
    const mg_sample *sample;
    mg_problem problem; // its problem, for a part of the sample
    mg_sgd_options sgd_options;
    mg_solver_options options;
    int folds;           // number of quarters that are used for measuring in turn
    int64_t fit;         // largest number of training rows of a fold
    uint32_t *order;     // [fit] order of the rows in an epoch
    uint32_t *fitted;    // [fit] training rows of the fold
    double right[RUNGS]; // [rung] total weight of the rows classified correctly
    bool tried[RUNGS];
    const mg_stop *stop;
} rate_search;

static int64_t fold_begin(const rate_search *search, int fold) {
    return search->sample->rows.count * fold / QUARTERS;
}

// Returns the total weight of those rows of the fold that are classified correctly. Uses the memory of parts,
// which is free between steps.
static double judge(const rate_search *search, int fold, mg_sgd *trial) {
    const mg_weights *weights = mg_solver_sgd.weights(trial);
    mg_pass *pass = &trial->parts[0].pass;
    double right = 0;
    int64_t end = fold_begin(search, fold + 1);
    for (int64_t first = fold_begin(search, fold); first < end; first += pass->block_rows) {
        int64_t count = mg_cut_next(first, end, pass->block_rows);
        mg_pass_scores(pass, search->problem.kernel, weights, &search->sample->rows, first, count);
        for (int64_t i = 0; i < count; i++) {
            const float *scores = pass->scores + i * pass->lanes;
            int64_t best = 0;
            for (int64_t k = 1; k < weights->classes; k++)
                if (scores[k] > scores[best]) best = k;
            double weight = search->sample->weight ? (double)search->sample->weight[first + i] : 1;
            right += best == search->sample->label[first + i] ? weight : 0;
        }
    }
    return right;
}

// Lists the rows outside the fold, in the order of the sample; returns their number.
static int64_t list_fitted(rate_search *search, int fold) {
    int64_t n = 0;
    for (int64_t i = 0; i < search->sample->rows.count; i++)
        if (i < fold_begin(search, fold) || i >= fold_begin(search, fold + 1))
            search->fitted[n++] = (uint32_t)i;
    return n;
}

// Trains on the rows outside the fold. *finite becomes false if the rate is too high for these data.
static mg_status train(rate_search *search, int fold, mg_sgd *trial, bool *finite, mg_error *error) {
    const mg_problem *problem = &search->problem;
    int64_t fit = list_fitted(search, fold);
    *finite = true;
    int64_t epochs = problem->total_steps / problem->steps_per_epoch, step = 0;
    for (int64_t epoch = 0; epoch < epochs; epoch++) {
        mg_rng_permutation(mg_rng_key((uint64_t)search->options.train->seed, RATE_STREAM, (uint64_t)epoch),
                           (uint32_t)fit, search->order);
        for (int64_t i = 0; i < fit; i++) search->order[i] = search->fitted[search->order[i]];
        for (int64_t first = 0; first < fit; first += problem->batch, step++) {
            if (mg_stop_asked(search->stop))
                return mg_fail(error, MG_STOPPED,
                               "stopped by a signal while the learning rate was chosen: start again with "
                               "--resume or --overwrite");
            mg_batch batch = {.rows = search->sample->rows,
                              .label = search->sample->label,
                              .weight = search->sample->weight};
            batch.rows.index = search->order + first;
            batch.rows.count = mg_cut_next(first, fit, problem->batch);
            mg_step_result result;
            mg_status status = mg_solver_sgd.step(trial, &batch, step, &result, error);
            *finite = isfinite(result.loss);
            if (status || !*finite) return status;
        }
    }
    return MG_OK;
}

static double rate_of(const mg_sgd *sgd, int rung) {
    return sgd->rule->eta(sgd->problem->mean_square_norm) * pow(10, 0.5 * rung);
}

void mg_sgd_searched_rates(const mg_sgd *sgd, double *low, double *high) {
    *low = rate_of(sgd, LOWEST);
    *high = rate_of(sgd, HIGHEST) * cbrt((double)sgd->problem->rows);
}

static mg_status try_fold(rate_search *search, int fold, double *right, mg_error *error) {
    void *trial = NULL;
    bool finite;
    mg_status status = mg_solver_sgd.create(&search->problem, &search->options, &trial, error);
    if (status) return status;
    // The average starts again in every epoch, so only snapshots of the last epoch are needed.
    ((mg_sgd *)trial)->average.first = search->problem.total_steps - search->problem.steps_per_epoch;
    status = train(search, fold, trial, &finite, error);
    if (!status) *right += finite ? judge(search, fold, trial) : -1;
    mg_solver_sgd.destroy(trial);
    return status;
}

static mg_status try_rung(rate_search *search, int rung, mg_error *error) {
    if (rung < LOWEST || rung > HIGHEST || search->tried[rung - LOWEST]) return MG_OK;
    search->sgd_options.eta = rate_of(search->sgd, rung);
    mg_status status = MG_OK;
    for (int fold = 0; !status && fold < search->folds; fold++)
        status = try_fold(search, fold, &search->right[rung - LOWEST], error);
    search->tried[rung - LOWEST] = !status;
    return status;
}

// Returns the best rung; rung r is the first guess times 10^(r/2). It is the lowest one whose accuracy is
// within a quarter of a standard error of the highest accuracy. A lower rate usually also gives a lower
// objective.
static int best_rung(const rate_search *search) {
    double most = -QUARTERS - 1, rows = (double)(search->folds * search->sample->rows.count / QUARTERS);
    for (int r = 0; r < RUNGS; r++)
        if (search->tried[r] && search->right[r] > most) most = search->right[r];
    double share = mg_clamp_real(most / rows, 0, 1);
    double slack = 0.25 * sqrt(rows * share * (1 - share));
    for (int r = 0; r < RUNGS; r++)
        if (search->tried[r] && search->right[r] >= most - slack) return r + LOWEST;
    return 0;
}

// Tries every second rung. While the best one is at an end of the rungs tried, goes on in that direction.
// Finally tries the rungs on both sides of the best one.
static mg_status climb(rate_search *search, mg_error *error) {
    int low = -2, high = 2;
    mg_status status = MG_OK;
    for (int rung = low; !status && rung <= high; rung += 2) status = try_rung(search, rung, error);
    while (!status &&
           ((best_rung(search) == low && low > LOWEST) || (best_rung(search) == high && high < HIGHEST))) {
        if (best_rung(search) == low) status = try_rung(search, low -= 2, error);
        else status = try_rung(search, high += 2, error);
    }
    int best = best_rung(search);
    if (!status) status = try_rung(search, best - 1, error);
    if (!status) status = try_rung(search, best + 1, error);
    return status;
}

mg_status mg_sgd_prepare(void *state, const mg_sample *sample, const mg_stop *stop, mg_error *error) {
    mg_sgd *sgd = state;
    if (!sgd->eta_is_open || sample->rows.count < FEWEST_ROWS)
        return MG_OK; // too few rows to measure accuracies: the first guess is used
    rate_search search = {.sgd = sgd, .sample = sample, .problem = *sgd->problem, .stop = stop};
    search.sgd_options = *sgd->own;
    search.options = (mg_solver_options){.train = sgd->train, .own = &search.sgd_options};
    search.folds = sample->whole ? QUARTERS : 1; // with few rows, a quarter is too small to measure on, so
                                                 // all quarters are used in turn
    search.fit = sample->rows.count - sample->rows.count / QUARTERS;
    mg_problem *problem = &search.problem;
    problem->rows = search.fit;
    problem->batch = mg_min(problem->batch, search.fit);
    int64_t epochs = mg_min(sgd->problem->epochs, MOST_EPOCHS);
    problem->steps_per_epoch = mg_divide_up(search.fit, problem->batch);
    problem->total_steps = problem->steps_per_epoch * epochs;
    MG_ACTIVITY("searching for a learning rate", 0);
    mg_status status = mg_memory_get(&search.order, (size_t)search.fit, sizeof *search.order, error);
    if (!status) status = mg_memory_get(&search.fitted, (size_t)search.fit, sizeof *search.fitted, error);
    if (!status) status = climb(&search, error);
    // The best rate grows with the number of rows: on the languages data it is 0.3 for a sixteenth of the
    // rows and 1 for all of them. The cube root of the ratio of rows agrees with this (docs/benchmarks.md).
    // It was measured with adagrad only.
    double growth = sample->whole ? 1 : cbrt((double)sgd->problem->rows / (double)search.fit);
    if (!status) sgd->eta = rate_of(sgd, best_rung(&search)) * growth;
    mg_memory_free(search.fitted);
    mg_memory_free(search.order);
    return status;
}
