// run_check.c - checks that the contents of a restored checkpoint fit together and fit this run, which a
// correct seal does not prove; and that the data files have not changed since the run began.
#include "train/run.h"

#include <math.h>

// How far two computations of one objective may differ: relative to it, and, where scores are so large that
// their rounding is seen in the losses, relative to the size of scores.
#define OBJECTIVE_SLACK 1e-3
#define SCORE_SLACK 1e-5
// The same for the rounding of the two sums alone: relative to the objective and to the size of scores and
// offsets.
#define ROUNDING_SLACK 0x1p-22
#define ACCURACY_SLACK 1e-3 // of two computations of one accuracy, besides one row

static mg_status check_range(const char *name, int64_t value, int64_t least, int64_t most, mg_error *error) {
    if (value >= least && value <= most) return MG_OK;
    if (least == most)
        return mg_fail(error, MG_DATA, "%s is %lld (only %lld is allowed)", name, (long long)value,
                       (long long)least);
    return mg_fail(error, MG_DATA, "%s is %lld (%lld to %lld is allowed)", name, (long long)value,
                   (long long)least, (long long)most);
}

// Far more steps than a run can make, and far below what fits in the name of a checkpoint.
static const int64_t most_steps = 500000000000;

// Checks the number of steps, which follows from epochs and minibatches. There is only an upper limit for
// solvers whose epochs skip rows, and for paths, which restart the count of epochs at every point.
static mg_status check_steps(const mg_run *run, const mg_position *at, mg_error *error) {
    int64_t steps = run->setup.problem.steps_per_epoch, most;
    if (run->points.count > 0 || __builtin_mul_overflow(at->epoch, steps, &most))
        return check_range("step", at->step, at->batch, most_steps, error);
    most += at->batch;
    if (run->solver->whole && most > most_steps) most = most_steps;
    return check_range("step", at->step, run->solver->whole ? at->batch : most, most, error);
}

// Checks the number of summed losses, which follows from the steps of the current epoch, or of the one that
// has just ended. For paths, and for solvers that choose their rows, there is only an upper limit: such a
// solver may take fewer rows in the last step of an epoch.
static mg_status check_loss(const mg_run *run, const mg_position *at, bool over, mg_error *error) {
    int64_t rows = run->setup.problem.rows, summed = rows, visited;
    if (at->batch > 0 && !over && !__builtin_mul_overflow(at->batch, run->setup.problem.batch, &visited) &&
        visited < rows)
        summed = visited;
    if (at->batch == 0 && at->epoch == 0 && !run->points.count) summed = 0;
    bool fewer = over || run->last.ending || (at->batch == 0 && run->solver->whole);
    return check_range("loss_rows", at->loss_rows, fewer ? 0 : summed, summed, error);
}

// Checks the number of epoch and eval lines. There are at most a few of them for each step. The limit grows
// with the steps, so that later checkpoints are within it too.
static mg_status check_events(const mg_position *at, mg_error *error) {
    enum { MOST_A_STEP = 1000 };
    int64_t most = at->step < INT64_MAX / MOST_A_STEP - 1 ? (at->step + 1) * MOST_A_STEP : INT64_MAX;
    mg_status status = check_range("events", at->events, 0, most, error);
    return status ? status : check_range("stale", at->stale, 0, at->events, error);
}

// Checks that the best epoch is one that was evaluated on the validation rows, and that `stale` is the number
// of evaluations since then. The last evaluation of a run comes after its last checkpoint.
static mg_status check_best(const mg_run *run, const mg_position *at, mg_error *error) {
    int64_t every = run->options->train->evaluate_every,
            done = run->setup.validation && every > 0 ? at->epoch / every : 0, stale = at->stale;
    mg_status status = check_range("stale", stale, 0, done > 0 ? done - 1 : 0, error);
    int64_t epoch = (done - stale) * every, least = epoch;
    int64_t most = epoch > 0 ? at->step - at->batch - (at->epoch - epoch) : 0;
    if (!status) status = check_range("best_epoch", at->best_epoch, epoch, epoch, error);
    if (!run->solver->whole && !__builtin_mul_overflow(epoch, run->setup.problem.steps_per_epoch, &least))
        most = least;
    if (!status) status = check_range("best_step", at->best_step, least, most, error);
    if (!status && (at->best_accuracy >= 0) != (done > 0))
        return mg_fail(error, MG_DATA, "best_accuracy is %g, after %lld evaluations", at->best_accuracy,
                       (long long)done);
    return status;
}

static double size_of_scores(const mg_run *run, const mg_weights *weights) {
    const mg_problem *problem = &run->setup.problem;
    return sqrt(mg_weights_square_norm(weights, problem->scale, true) * problem->mean_square_norm);
}

double mg_run_objective_slack(const mg_run *run, const mg_weights *weights, double objective) {
    return OBJECTIVE_SLACK * fabs(objective) + SCORE_SLACK * size_of_scores(run, weights);
}

// Scores of cells that are far from zero are small differences of large terms, as large as offsets.
static double rounding_slack(const mg_run *run, const mg_weights *weights, double objective) {
    double size = fabs(objective) + size_of_scores(run, weights);
    for (int64_t k = 0; k < weights->classes; k++) size += fabs((double)weights->offset[k]);
    return ROUNDING_SLACK * size;
}

static mg_status find_objective(const mg_run *run, const mg_weights *weights, double lambda, double *out,
                                mg_error *error) {
    mg_evaluation evaluation;
    mg_status status = mg_run_evaluate(run, weights, NULL, &evaluation, error);
    double square = mg_problem_square_norm(&run->setup.problem, weights);
    *out = status ? INFINITY : evaluation.loss + 0.5 * lambda * square;
    return status == MG_NONFINITE ? MG_OK : status;
}

mg_status mg_run_check_objective(const mg_run *run, const mg_weights *weights, double lambda,
                                 mg_stored_objective *stored, mg_error *error) {
    mg_status status = find_objective(run, weights, lambda, &stored->own, error);
    if (status || fabs(stored->own - stored->value) <= mg_run_objective_slack(run, weights, stored->value))
        return status;
    return mg_fail(error, MG_DATA, "%s is %g, but the objective of the weights in %s is %g", stored->name,
                   stored->value, stored->whose, stored->own);
}

// The check tolerates small differences, but the gap at which a run ends may be smaller than these. So the
// run does not use a stored objective that is too low by more than rounding.
static void correct_primal(const mg_run *run, const mg_weights *weights, const mg_stored_objective *stored) {
    if (stored->own > stored->value + rounding_slack(run, weights, stored->value))
        run->solver->whole->set_primal(run->state, stored->own);
}

// The bounds of the certificate are those of the best weights, which are the result of the run. The lower
// bound is proven before the run claims it (mg_whole_solver.prove).
static mg_status check_certificate(mg_run *run, mg_error *error) {
    mg_certificate certificate;
    if (!mg_run_certificate(run, &certificate)) return MG_OK;
    const mg_weights *weights = run->solver->weights(run->state);
    if (certificate.dual > certificate.primal + mg_run_objective_slack(run, weights, certificate.primal))
        return mg_fail(error, MG_DATA, "state/bounds (dual value) is %g, but the primal value is %g",
                       certificate.dual, certificate.primal);
    mg_stored_objective stored = {
        .value = certificate.primal, .name = "state/bounds (primal value)", .whose = "state/result"};
    mg_status status = mg_run_check_objective(run, weights, run->setup.problem.lambda, &stored, error);
    if (!status) correct_primal(run, weights, &stored);
    mg_run_take_standing(run);
    return status;
}

// The best weights, which become the model, must have the accuracy that made them the best.
static mg_status check_accuracy(const mg_run *run, const mg_position *at, mg_error *error) {
    mg_evaluation evaluation = {0};
    const mg_problem *problem = &run->setup.problem;
    if (!run->setup.validation || !(at->best_accuracy >= 0)) return MG_OK;
    mg_scorer scorer = mg_run_scorer(run);
    mg_status offset =
        problem->free_bias
            ? MG_OK // its constant feature has another value
            : mg_weights_check_offset(&run->best, problem->bias, problem->center, "state/best_offset", error);
    if (offset) return offset;
    mg_status status = mg_evaluate(&scorer, run->setup.validation, &run->best, NULL, &evaluation, error);
    if (status && !evaluation.overflow) return status;
    double rows = (double)run->setup.validation->all.count,
           own = status ? 0 : (double)evaluation.correct / (double)evaluation.rows;
    if (fabs(own - at->best_accuracy) <= ACCURACY_SLACK + 1 / rows) return MG_OK;
    return mg_fail(error, MG_DATA, "best_accuracy is %g, but the accuracy of the weights in state/best is %g",
                   at->best_accuracy, own);
}

mg_status mg_run_check_restored(void *context, const mg_position *at, mg_error *error) {
    mg_run *run = context;
    const mg_solver *solver = run->solver;
    mg_run_take_standing(run);
    int64_t epoch = solver->whole ? run->last.epochs : at->epoch;
    bool over = epoch > at->epoch;
    mg_status status = check_range("batch", at->batch, over || run->last.ending ? 1 : 0,
                                   run->setup.problem.steps_per_epoch, error);
    if (!status) status = check_loss(run, at, over, error);
    if (!status) status = check_range("best_step", at->best_step, 0, at->step, error);
    if (!status) status = check_steps(run, at, error);
    if (!status) status = check_events(at, error);
    if (!status && !run->points.count) status = check_best(run, at, error);
    if (!status) status = check_range("the epoch of the state", epoch, at->epoch, at->epoch + 1, error);
    if (!status && solver->check) status = solver->check(run->state, at->step, over ? 0 : at->batch, error);
    if (!status && run->points.check) status = run->points.check(run->points.context, error);
    if (!status) status = check_certificate(run, error);
    return status ? status : check_accuracy(run, at, error);
}

mg_status mg_run_check_data(const mg_run *run, mg_error *error) {
    mg_status status = mg_dataset_check(run->setup.train, error);
    return status || !run->setup.validation ? status : mg_dataset_check(run->setup.validation, error);
}
