// judge.c - decides whether a finished run has failed, and which options to recommend.
#include "train/judge.h"

#include "base/json.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// a model has learnt nothing if its objective is above this fraction of the baseline's
#define NO_BETTER 0.999
#define VACUOUS_GAP 0.9
#define WIDE_GAP 0.5
#define SMALL_GAP 0.01  // if a run stalls below this gap, single precision is the reason, not the data
#define LEAST_SIZE 0.03 // range of root mean squares of cells with which solvers work well
#define MOST_SIZE 30.0
#define MANY_VALUES 1e6 // fewer values are certified fast, whatever their size
#define FAR 30.0        // cells are far outside of this range if they exceed it by this factor
// An objective below this fraction of the baseline's is clearly good: if cells are not far from that range,
// and if they are.
#define CLEAR 0.5
#define CLEAR_IF_FAR 0.1
// regularisation is too strong unless weights could gain this fraction of the objective of zeros
#define WEAK 0.1
#define ADVISED_TOLERANCE 1e-3

// ---- models that have learnt nothing ------------------------------------------------------------

// A model that gives every row the same scores: one for the most frequent class, and one for all other
// classes. Then the loss of a row can have only two values.
typedef struct constant_model {
    const mg_problem *problem;
    double *scores; // [classes]; class 0 stands for the most frequent class
    double share;   // the most frequent class's fraction of the total weight of the rows
    double score[2];
} constant_model;

static double objective_of(constant_model *m) {
    const mg_problem *p = m->problem;
    int64_t classes = p->classes;
    for (int64_t k = 0; k < classes; k++) m->scores[k] = m->score[k > 0];
    double loss = m->share * p->loss->value(classes, m->scores, 0, (double)p->delta) +
                  (1 - m->share) * p->loss->value(classes, m->scores, 1, (double)p->delta);
    double square = m->score[0] * m->score[0] + (double)(classes - 1) * m->score[1] * m->score[1];
    if (p->free_bias) return loss;
    return loss + 0.5 * p->lambda * square / (p->bias * p->bias);
}

// Minimises over one of the two scores by golden-section search; the objective is convex in each of them. The
// result is in m->score[which].
static double minimise(constant_model *m, int which) {
    const double part = 0.6180339887498949;
    double low = -2 * (double)m->problem->delta - 50, high = -low;
    double a = high - part * (high - low), b = low + part * (high - low);
    m->score[which] = a;
    double at_a = objective_of(m);
    m->score[which] = b;
    double at_b = objective_of(m);
    for (int i = 0; i < 60; i++) {
        bool left = at_a < at_b;
        if (left) high = b, b = a, at_b = at_a, a = high - part * (high - low);
        else low = a, a = b, at_a = at_b, b = low + part * (high - low);
        m->score[which] = left ? a : b;
        double here = objective_of(m);
        if (left) at_a = here;
        else at_b = here;
    }
    m->score[which] = at_a < at_b ? a : b;
    return fmin(at_a, at_b);
}

static double largest_share(const mg_dataset *train, double *sums) {
    double all = 0, most = 0;
    for (int64_t k = 0; k < train->classes.count; k++) {
        sums[k] = train->all.sums[k];
        all += sums[k];
        if (sums[k] > most) most = sums[k];
    }
    return most / all;
}

// Objectives that a useful model must be clearly below.
typedef struct baseline {
    double zeros;    // objective of weights of zero
    double constant; // objective of the best constant model; at most `zeros`
} baseline;

// The baselines of the current problem. If memory runs out, `constant` is `zeros`.
static baseline find_baseline(const mg_run *run) {
    const mg_problem *problem = &run->setup.problem;
    constant_model m = {.problem = problem};
    baseline found = {NAN, NAN};
    if (mg_memory_zeroed(&m.scores, (size_t)problem->classes, sizeof *m.scores, NULL)) return found;
    found.zeros = found.constant =
        problem->loss->value(problem->classes, m.scores, 0, (double)problem->delta);
    if (problem->bias > 0) {
        m.share = largest_share(run->setup.train, m.scores);
        minimise(&m, 0);
        minimise(&m, 1);
        double best = minimise(&m, 0);
        if (best < found.constant) found.constant = best;
    }
    mg_memory_free(m.scores);
    return found;
}

bool mg_judge_bound_is_vacuous(double objective, double dual) {
    return !isfinite(dual) || !(dual > 0) || !(objective - dual < VACUOUS_GAP * objective);
}

// ---- advice -------------------------------------------------------------------------------------

// An upper bound of how much weights can gain over zeros, as a fraction of P(0), for rows with this mean
// square. It follows from P(W) >= P(0) - ||gradient||^2 / (2 lambda). The norm of the gradient is at most the
// norm of the coefficients times that of the rows.
static double most_gain(const mg_run *run, double mean_square) {
    const mg_problem *problem = &run->setup.problem;
    int64_t lanes = mg_round_up(problem->classes, MG_LANES);
    float *rows, square = 0;
    if (mg_memory_zeroed(&rows, 2, (size_t)lanes * sizeof *rows, NULL)) return INFINITY;
    float *scores = rows, *coef = rows + lanes;
    for (int64_t k = problem->classes; k < lanes; k++) scores[k] = -INFINITY;
    double loss = (double)problem->loss->row(lanes, scores, 0, problem->delta, coef);
    for (int64_t k = 0; k < problem->classes; k++) square += coef[k] * coef[k];
    mg_memory_free(rows);
    return (double)square * mean_square / (2 * problem->lambda * loss);
}

// Recommends a value of model.lambda (or of model.C, if the user set that) with which weights can gain
// enough.
static void advise_regularisation(const mg_run *run, double gain, char *out, size_t size) {
    double now = run->setup.problem.lambda, lambda = now * gain * WEAK * WEAK;
    if (isnan(run->options->model->C))
        snprintf(out, size, "set model.lambda to %.1g (now %.3g)", lambda, now);
    else
        snprintf(out, size, "set model.C to %.1g (now %.3g)", 1 / (lambda * run->setup.train->total_weight),
                 run->options->model->C);
}

static bool can_be_certified(const mg_run *run) {
    mg_train_options train = *run->options->train;
    mg_choice choice;
    train.solver = "auto";
    train.tolerance = ADVISED_TOLERANCE;
    const mg_choice_facts facts = {.resident = run->setup.train->resident,
                                   .from_weights = run->request->init_model != NULL};
    return !mg_solver_choose(&train, &run->setup.problem, &facts, &choice, NULL);
}

static void advise_training(const mg_run *run, char *out, size_t size) {
    if (run->setup.choice.tolerance > 0) snprintf(out, size, "lower model.C, or raise train.tolerance");
    else if (can_be_certified(run))
        snprintf(out, size, "set train.tolerance to %g%s, which trains to a certified optimum",
                 ADVISED_TOLERANCE,
                 strcmp(run->options->train->solver, "auto") ? " with train.solver: auto" : "");
    else if (run->solver->needs_sample && !run->solver->needs_sample(run->state))
        snprintf(out, size, "leave %s unset, so that a rate is searched for", run->solver->rate_option);
    else snprintf(out, size, "raise train.epochs (now %lld)", (long long)run->setup.problem.epochs);
}

static double feature_square(const mg_run *run) {
    const mg_problem *problem = &run->setup.problem;
    return problem->mean_square_norm - problem->bias * problem->bias;
}

// Root mean square of the stored values, after data.scale.
static double size_of_cells(const mg_run *run) {
    return sqrt(feature_square(run) / run->setup.problem.values_per_row);
}

// True if another data.scale would not help.
static bool is_well_scaled(const mg_run *run) {
    const char *scale = run->options->data->scale;
    double cells = size_of_cells(run);
    return !strcmp(scale, "standard") || !strcmp(scale, "max-abs") ||
           (cells >= LEAST_SIZE && cells <= MOST_SIZE && !run->setup.uneven);
}

void mg_judge_advise(const mg_run *run, char *out, size_t size) {
    const mg_problem *problem = &run->setup.problem;
    const char *how = problem->layout == MG_DENSE ? "standard" : "max-abs";
    double gain = most_gain(run, feature_square(run)), scaled = most_gain(run, problem->values_per_row);
    char then[160];
    // After scaling, columns that vary have values near 1. If all values are still nearly zero, no column
    // varies, and neither a scale nor a weaker regularisation would help.
    bool scaled_columns = strcmp(run->options->data->scale, "none") != 0;
    if (!(feature_square(run) > (scaled_columns ? 1e-9 : 0))) {
        snprintf(
            out, size,
            "no feature differs between rows, so nothing can be learned; look at how the data were made");
    } else if (is_well_scaled(run)) {
        if (gain < WEAK) advise_regularisation(run, gain, out, size);
        else advise_training(run, out, size);
    } else if (scaled < WEAK) {
        advise_regularisation(run, scaled, then, sizeof then);
        snprintf(out, size, "set data.scale to %s and %s", how, then);
    } else {
        snprintf(out, size, "set data.scale to %s", how);
    }
}

void mg_judge_start(const mg_run *run, char out[MG_JUDGE_TEXT]) {
    const mg_problem *problem = &run->setup.problem;
    double cells = size_of_cells(run), values = (double)problem->rows * problem->values_per_row;
    *out = 0;
    if (!(run->setup.choice.tolerance > 0) || is_well_scaled(run)) return;
    if (cells > MOST_SIZE && values > MANY_VALUES)
        snprintf(out, MG_JUDGE_TEXT,
                 "the root mean square of the values is %.3g, but solvers need about 1, so reaching "
                 "train.tolerance may take very long: set data.scale to %s",
                 cells, problem->layout == MG_DENSE ? "standard" : "max-abs");
}

// ---- verdicts -----------------------------------------------------------------------------------

// The smallest number with one significant digit that is clearly above the gap.
static double tolerance_above(double gap) {
    double least = 1.5 * gap, power = pow(10, floor(log10(least)));
    return ceil(least / power) * power;
}

// The option that ended the run, and that must be raised for it to continue. NULL if it stalled: then no
// option helps.
static const char *advise_limit(const char *reason) {
    if (!strcmp(reason, "stalled")) return NULL;
    if (!strcmp(reason, "epochs")) return "raise train.epochs";
    if (!strcmp(reason, "max_steps")) return "raise train.max_steps";
    if (!strcmp(reason, "time_limit")) return "raise train.time_limit";
    if (!strcmp(reason, "asked to")) return "let training go on";
    return "set train.patience to 0";
}

static void judge_certified(const mg_run *run, const mg_train_result *result, char out[MG_JUDGE_TEXT]) {
    const char *limit = advise_limit(result->reason);
    bool by_default = !strcmp(result->reason, "epochs") && !run->options->train->epochs;
    char found[160], advice[300];
    if (isnan(result->gap))
        snprintf(found, sizeof found, "no useful lower bound was found for the objective %.6g",
                 result->objective);
    else
        snprintf(found, sizeof found, "the gap is %.2g, above train.tolerance %g", result->gap,
                 run->setup.choice.tolerance);
    if (by_default && is_well_scaled(run))
        snprintf(advice, sizeof advice, "set train.tolerance to %g, then the epochs are not limited",
                 run->setup.choice.tolerance);
    else if (by_default) mg_judge_advise(run, advice, sizeof advice);
    else if (limit) snprintf(advice, sizeof advice, "%s", limit);
    else if (result->gap < SMALL_GAP && is_well_scaled(run))
        snprintf(advice, sizeof advice, "set train.tolerance to %g, because scores are in single precision",
                 tolerance_above(result->gap));
    else mg_judge_advise(run, advice, sizeof advice);
    snprintf(out, MG_JUDGE_TEXT, "the model is not certified (ended by %s): %s: %s", result->reason, found,
             advice);
}

// Mean loss of the rows of the last epoch, each computed before the row's own step. NaN if that epoch ran in
// an earlier process.
static double passing_loss(const mg_run *run) {
    const mg_position *at = &run->position;
    return at->loss_rows > 0 ? at->loss / (double)at->loss_rows : NAN;
}

// True if the run made dual ascent, so that it has dual variables.
static bool has_bound(const mg_run *run) {
    return run->solver->whole && run->setup.problem.loss->dual && !run->setup.problem.free_bias;
}

// True if a run without a tolerance may have ended far above the optimum. The bound of dual ascent alone does
// not show that: its average of snapshots is often near the optimum long before its dual variables are. So
// the objective counts too. Without dual variables only the size of the cells can tell.
static bool may_be_far(const mg_run *run, const mg_train_result *result, const baseline *beat) {
    double cells = size_of_cells(run);
    bool far = !is_well_scaled(run) && (cells < LEAST_SIZE / FAR || cells > MOST_SIZE * FAR),
         doubtful = has_bound(run) ? !(result->gap <= WIDE_GAP) : far;
    return doubtful && result->objective > (far ? CLEAR_IF_FAR : CLEAR) * beat->constant;
}

static void judge_distance(const mg_run *run, const mg_train_result *result, const char *advice,
                           char out[MG_JUDGE_TEXT]) {
    char known[120];
    if (!has_bound(run))
        snprintf(known, sizeof known, "the root mean square of the values is %.2g, but solvers need about 1",
                 size_of_cells(run));
    else if (isnan(result->gap)) snprintf(known, sizeof known, "no useful lower bound is known");
    else
        snprintf(known, sizeof known, "its lower bound is %.6g, so the gap may be %.2g", result->dual,
                 result->gap);
    snprintf(out, MG_JUDGE_TEXT, "the objective %.6g may be far above the optimum (%s): %s",
             result->objective, known, advice);
}

static void judge_failure(const mg_train_result *result, const baseline *beat, const char *advice,
                          char out[MG_JUDGE_TEXT]) {
    snprintf(out, MG_JUDGE_TEXT, "training has failed: the objective %.6g is %s below the %.6g of %s: %s",
             result->objective, result->objective < beat->constant ? "hardly" : "not", beat->constant,
             beat->constant < NO_BETTER * beat->zeros ? "a model that always answers the most frequent class"
                                                      : "weights of zero",
             advice);
}

static void judge_unevenness(const mg_run *run, const char *advice, char out[MG_JUDGE_TEXT]) {
    snprintf(out, MG_JUDGE_TEXT,
             "columns differ in scale by more than a factor of 1,000 (largest |x| of a column: from %.3g to "
             "%.3g), so those with small values have little effect: %s",
             run->setup.spread.smallest, run->setup.spread.largest, advice);
}

// Judges a run that was certified to a tolerance that the user has not asked for: its weights are optimal,
// but the problem may be one with which nothing can be learned.
static void judge_problem(const mg_run *run, const mg_train_result *result, const baseline *beat,
                          const char *advice, char out[MG_JUDGE_TEXT]) {
    bool sound = is_well_scaled(run) && most_gain(run, feature_square(run)) >= WEAK;
    if (result->objective >= NO_BETTER * beat->constant && !sound) judge_failure(result, beat, advice, out);
    else if (run->setup.uneven) judge_unevenness(run, advice, out);
}

void mg_judge_run(const mg_run *run, const mg_train_result *result, char out[MG_JUDGE_TEXT]) {
    char advice[300];
    bool certifies = run->setup.choice.tolerance > 0, asked = run->options->train->tolerance > 0;
    *out = 0;
    if (certifies && !result->converged) judge_certified(run, result, out);
    if (*out || asked) return;
    const baseline beat = find_baseline(run);
    mg_judge_advise(run, advice, sizeof advice);
    if (certifies) judge_problem(run, result, &beat, advice, out);
    else if (result->objective >= NO_BETTER * beat.constant) judge_failure(result, &beat, advice, out);
    else if (passing_loss(run) > beat.zeros)
        snprintf(out, MG_JUDGE_TEXT,
                 "training does not converge: the mean loss in the last epoch is %.6g, above the %.6g of "
                 "weights of zero: %s",
                 passing_loss(run), beat.zeros, advice);
    else if (may_be_far(run, result, &beat)) judge_distance(run, result, advice, out);
    else if (run->setup.uneven) judge_unevenness(run, advice, out);
}

void mg_judge_report(mg_run *run, const char *text) {
    const mg_trainer_options *options = run->options;
    if (options->folds) mg_run_message(run, "warning: fold %lld: %s", (long long)options->fold + 1, text);
    else mg_run_message(run, "warning: %s", text);
    mg_metrics_begin(&run->log.line, "warning", run->position.step, run->position.epoch, run->clock.seconds);
    mg_json_put_text(&run->log.line, "text", text);
    mg_metrics_end(&run->log.metrics, &run->log.line, 0);
}
