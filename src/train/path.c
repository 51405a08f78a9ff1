// path.c - owns a path: one run over a series of problems that differ in lambda. Each point starts from the
// result of the point before. Every checkpoint has the results of all earlier points, so a path is resumed
// like any run.
#include "train/path.h"

#include "base/json.h"
#include "base/memory.h"
#include "train/judge.h"
#include "train/path_check.h"
#include "train/path_model.h"
#include "train/ranks.h"
#include "train/run_calibrate.h"

#include <math.h>
#include <string.h>

#define TOLERANCE 1e-3
static const char points_name[] = "path.jsonl";

static const mg_bound point_bounds[] = {
    // Points that are not done yet are zero.
    {"C", 0, DBL_MAX, false},
    {"lambda", 0, DBL_MAX, false},
    {"objective", -DBL_MAX, DBL_MAX, false},
    {"dual", -INFINITY, DBL_MAX, true},
    {"gap", 0, INFINITY, true},
    {"accuracy", 0, 1, true},
    {"seconds", 0, DBL_MAX, false},
    {"passes", 0, DBL_MAX, false},
    {"converged", 0, 1, false},
};
static_assert(sizeof point_bounds / sizeof *point_bounds == sizeof(mg_path_point) / sizeof(double),
              "a bound for every number");
enum { REALS = sizeof(mg_path_point) / sizeof(double), OWN_FIELDS = 3 };

typedef struct path {
    mg_grid grid;
    const mg_path_request *request;
    mg_path_result *result; // its points are saved in checkpoints
    mg_model_options model; // the configuration's options, with the lambda of the current point
    mg_train_options train;
    mg_trainer_options trainer;
    mg_train_request train_request;
    mg_field field[OWN_FIELDS];
    mg_bound points; // bounds of `point` in a checkpoint
    int64_t point;   // current point, from 0; its epochs are counted from 0
    double begun;    // training time before this point
    mg_run run;
    mg_path_model kept; // model.h5
    mg_error *error;
    mg_status status;
} path;

// ---- results --------------------------------------------------------------------------------

static mg_status write_points(const path *p, mg_error *error) {
    char *text;
    mg_status status = mg_path_lines(p->result->point, p->point, &text, error);
    if (!status) status = mg_directory_write(p->run.place.directory, points_name, text, strlen(text), error);
    mg_memory_free(text);
    return status;
}

static mg_status check_points_file(const path *p, mg_error *error) {
    char *text;
    const mg_directory *directory = p->run.place.directory;
    mg_status status = mg_path_lines(p->result->point, p->point, &text, error);
    bool same = false;
    if (!status) status = mg_directory_is_text(directory, points_name, text, &same, error);
    const char *fault =
        mg_directory_holds(directory, points_name) ? "does not hold the points of this path" : "is missing";
    if (!status && !same) status = mg_fail(error, MG_DATA, "%s: %s", p->result->points_path, fault);
    mg_memory_free(text);
    return status;
}

static mg_status write_best(path *p, mg_error *error) {
    return mg_path_model_write(&p->kept, &p->run, &p->result->point[p->result->best],
                               p->point >= p->grid.count, error);
}

// ---- points -------------------------------------------------------------------------------------

// Sets the problem of the current point; `restored` as in mg_solver.set_lambda.
static void pose(path *p, bool restored) {
    mg_run *run = &p->run;
    run->setup.problem.lambda = mg_grid_lambda(&p->grid, (int)p->point, run->setup.train->total_weight);
    run->solver->set_lambda(run->state, run->setup.problem.lambda, restored);
    mg_run_take_standing(run);
}

static mg_status judge(path *p, const mg_weights *weights, double *accuracy, mg_error *error) {
    mg_run *run = &p->run;
    mg_evaluation evaluation = {0};
    mg_scorer scorer = mg_run_scorer(run);
    if (run->options->folds) return mg_run_test(run, weights, accuracy, error);
    *accuracy = NAN;
    if (!run->setup.validation) return MG_OK;
    mg_status status = mg_evaluate(&scorer, run->setup.validation, weights, NULL, &evaluation, error);
    if (!status) *accuracy = (double)evaluation.correct / (double)evaluation.rows;
    return status;
}

// Sets *out to what is known about the weights of the point: a certificate or, if train.epochs ended the
// point before its first certificate, only their objective. A lower bound that is useless is left out.
static mg_status certify(path *p, const mg_weights *weights, mg_certificate *out, mg_error *error) {
    mg_run *run = &p->run;
    mg_evaluation train = {0};
    mg_status status = MG_OK;
    *out = (mg_certificate){0};
    bool certified = mg_run_certificate(run, out);
    if (!certified) status = mg_run_evaluate(run, weights, NULL, &train, error);
    if (!certified) out->primal = mg_run_objective(run, weights, &train);
    if (!certified || (!out->reached && mg_judge_bound_is_vacuous(out->primal, out->dual)))
        out->dual = out->gap = NAN;
    return status;
}

static mg_status take_point(path *p, mg_path_point *out, mg_error *error) {
    mg_run *run = &p->run;
    const mg_problem *problem = &run->setup.problem;
    mg_certificate certificate;
    const mg_weights *weights = run->solver->weights(run->state);
    mg_status status = certify(p, weights, &certificate, error);
    if (status) return status;
    *out = (mg_path_point){
        .C = mg_grid_C(&p->grid, (int)p->point, run->setup.train->total_weight),
        .lambda = problem->lambda,
        .objective = certificate.primal,
        .dual = certificate.dual,
        .gap = certificate.gap,
        .seconds = run->clock.seconds - p->begun,
        .passes = (double)run->counts.visited / (double)problem->rows,
        .converged = certificate.gap <= p->train.tolerance,
    };
    status = judge(p, weights, &out->accuracy, error);
    if (!status && !isfinite(out->objective))
        status = mg_fail(error, MG_NONFINITE,
                         "point %lld (C %.4g): its objective is %g, too large to compare models: set "
                         "data.scale to max-abs",
                         (long long)p->point + 1, out->C, out->objective);
    if (status || !run->setup.validation) return status;
    p->result->best = mg_path_best(p->result->point, (int)p->point + 1);
    if (p->result->best == p->point) mg_run_keep_best(run, weights, out->accuracy);
    return MG_OK;
}

// Writes path.jsonl and, if the best model has changed, model.h5. If writing fails, for example on a full
// disk, this is reported and tried again at the next point; at the last point it is an error.
static mg_status write_results(path *p, mg_error *error) {
    mg_error failure = {0};
    if (!mg_run_has_files(&p->run)) return MG_OK;
    bool changed = p->result->best == p->point - 1;
    mg_status status = write_points(p, &failure);
    if (changed) p->kept.pending = true;
    if (!status && p->kept.pending) status = write_best(p, &failure);
    if (status == MG_IO && p->point < p->grid.count) {
        mg_run_message(&p->run, "warning: %s; it is tried again at the next point", failure.text);
        return MG_OK;
    }
    return status ? mg_fail(error, status, "%s", failure.text) : MG_OK;
}

// Number of points since the most accurate one.
static int64_t stale(const path *p) { return p->point - 1 - mg_path_best(p->result->point, (int)p->point); }

// Ends a point. The results are written before the checkpoint: if the process dies in between, the resumed
// path ends the point again and writes the same bytes.
static mg_status end_point(path *p, mg_error *error) {
    mg_run *run = &p->run;
    mg_path_point *point = &p->result->point[p->point];
    mg_status status = mg_run_agree(run, take_point(p, point, error), error);
    if (status) return status;
    p->point++;
    if (p->grid.patience && stale(p) >= p->grid.patience) p->grid.count = (int)p->point;
    status = mg_run_agree(run, write_results(p, error), error);
    if (status) return status;
    if (p->request->point) p->request->point(p->request->context, (int)p->point - 1, point);
    p->begun = run->clock.seconds;
    if (p->point < p->grid.count) pose(p, false);
    if (p->point < p->grid.count) mg_run_count_anew(run);
    return mg_run_try_checkpoint(run, error);
}

// Reports, in a single warning, all points that were not trained to the tolerance.
static void report_uncertified(path *p) {
    char text[MG_JUDGE_TEXT], advice[300], gap[32] = "no bound";
    int count = 0, first = -1, best = p->result->best;
    bool chosen = best >= 0 && !(p->result->point[best].converged > 0);
    for (int i = p->grid.count - 1; i >= 0; i--)
        if (!(p->result->point[i].converged > 0)) count++, first = i;
    if (!count) return;
    const mg_path_point *at = &p->result->point[first];
    if (!isnan(at->gap)) snprintf(gap, sizeof gap, "gap %.2g", at->gap);
    if (p->train.epochs)
        snprintf(advice, sizeof advice, "raise train.epochs (now %lld)", (long long)p->train.epochs);
    else mg_judge_advise(&p->run, advice, sizeof advice);
    snprintf(text, sizeof text,
             "%d of %d points are not certified to train.tolerance %g, the first at C %.4g (%s)%s: %s", count,
             p->grid.count, p->train.tolerance, at->C, gap, chosen ? ", the best among them" : "", advice);
    mg_judge_report(&p->run, text);
}

// Gives the best model to the program, if writing model.h5 has not done so: without files, or if the path had
// already ended in an earlier process.
static mg_status give_model(path *p, mg_error *error) {
    const mg_trainer_options *options = p->run.options;
    bool wanted = options->memory && !options->trial && !options->folds && p->result->best >= 0;
    return wanted && (!mg_run_has_files(&p->run) || p->run.finished) ? write_best(p, error) : MG_OK;
}

// Ends a path whose points and model are written: measures the best model and reports what went wrong.
static mg_status conclude(path *p, mg_error *error) {
    const mg_error *failure = &p->run.saving.failure;
    mg_status status = give_model(p, error);
    if (!status && p->result->best >= 0 && !p->run.options->folds)
        status = mg_run_test(&p->run, &p->run.best, &p->result->test_accuracy, error);
    if (status) return status;
    report_uncertified(p);
    if (!failure->status) return MG_OK;
    return mg_fail(error, failure->status, "%s; the points%s are written", failure->text,
                   p->result->best >= 0 ? " and the model" : "");
}

static void find_best(path *p) {
    p->result->best = p->run.setup.validation ? mg_path_best(p->result->point, (int)p->point) : -1;
}

static mg_status check_results(void *context, mg_error *error) {
    path *p = context;
    find_best(p);
    mg_status status = check_points_file(p, error);
    return status || p->result->best < 0 ? status : mg_run_check_model(&p->run, &p->run.best, error);
}

// After a resume: writes path.jsonl and model.h5 as the checkpoint has them. There may be no checkpoint yet.
static mg_status take_up(path *p, mg_error *error) {
    find_best(p);
    bool writes = p->run.setup.validation && mg_run_has_files(&p->run) && !p->run.finished;
    mg_status status = writes ? mg_path_model_find(&p->kept, &p->run, p->result->point, (int)p->point,
                                                   p->result->best, error)
                              : MG_OK;
    if (status || !p->run.resumed) return status;
    for (int i = 0; p->request->point && i < p->point; i++)
        p->request->point(p->request->context, i, &p->result->point[i]);
    if (p->run.finished) return MG_OK;
    // The time at which the current point began is the sum of the times of the points before. metrics.jsonl
    // is not used for this, because it may have lost lines.
    p->begun = 0;
    for (int i = 0; i < p->point; i++) p->begun += p->result->point[i].seconds;
    p->begun = fmin(p->begun, p->run.clock.seconds);
    if (!mg_run_has_files(&p->run)) return MG_OK;
    status = write_points(p, error);
    if (!status && p->result->best >= 0) status = write_best(p, error);
    return status;
}

static mg_status end_stopped(path *p, mg_error *error) {
    if (!mg_trainer_has_files(p->run.options))
        return mg_fail(error, MG_STOPPED, "stopped in point %lld of %d", (long long)p->point + 1,
                       p->grid.count);
    mg_status status = mg_run_checkpoint(&p->run, error);
    if (status) return status;
    return mg_fail(error, MG_STOPPED,
                   "stopped in point %lld of %d, checkpoint written to %s: continue with --resume",
                   (long long)p->point + 1, p->grid.count, p->run.options->output->directory);
}

// Writes the end of metrics.jsonl as a run does, so that a later --resume finds that nothing is left to do.
static mg_status end_path(path *p, mg_error *error) {
    mg_run *run = &p->run;
    mg_metrics_begin(&run->log.line, "end", run->position.step, run->position.epoch, run->clock.seconds);
    mg_json_put_text(&run->log.line, "reason", "points");
    if (!isnan(p->result->test_accuracy))
        mg_json_put_real(&run->log.line, "test_accuracy", p->result->test_accuracy);
    mg_metrics_end(&run->log.metrics, &run->log.line, 0);
    return mg_run_conclude(run, error);
}

static void run_points(void *context) {
    path *p = context;
    const mg_setup *setup = &p->run.setup;
    mg_status status = mg_run_prepare(&p->run, p->error);
    if (!status && p->grid.patience)
        mg_grid_fit(&p->grid, setup->problem.mean_square_norm - setup->problem.bias * setup->problem.bias,
                    setup->problem.delta, setup->train->total_weight);
    if (!status && p->point < p->grid.count) pose(p, true);
    if (!status && p->request->resume) status = take_up(p, p->error);
    status = mg_run_agree(&p->run, status, p->error);
    while (!status && p->point < p->grid.count) {
        status = mg_run_loop(&p->run, p->error);
        if (!status) status = end_point(p, p->error);
    }
    p->result->points = p->grid.count;
    if (!status) status = mg_run_agree(&p->run, conclude(p, p->error), p->error);
    if (!status) status = end_path(p, p->error);
    p->status = status == MG_STOPPED ? end_stopped(p, p->error) : status;
}

// ---- the path -----------------------------------------------------------------------------------

static mg_status check(const mg_trainer_options *options, mg_error *error) {
    const mg_train_options *train = options->train;
    const mg_solver *solver = mg_solver_find(train->solver); // NULL: auto
    const char *limit = train->max_steps ? "max_steps" : train->time_limit > 0 ? "time_limit" : NULL;
    if (mg_trainer_has_files(options)) {
        mg_status status = mg_run_check_path(options->output->directory, 0, error);
        if (status) return status;
    }
    if (solver && !solver->set_lambda)
        return mg_fail(error, MG_CONFIG,
                       "train.solver: %s cannot start from the previous point of a path: use dual",
                       solver->name);
    if (limit)
        return mg_fail(error, MG_CONFIG,
                       "train.%s limits a run, not a path: set it to 0; train.epochs limits each point",
                       limit);
    return mg_path_check_calibration(options, error);
}

// Checks a restored checkpoint: the finished points, and that the current point visited no row more than once
// an epoch.
static mg_status check_points(void *context, mg_error *error) {
    path *p = context;
    mg_run *run = &p->run;
    double rows = (double)run->setup.problem.rows, weight = run->setup.train->total_weight;
    const mg_bound visits = {.most = ((double)run->position.epoch + 1) * rows};
    mg_status status = mg_bound_check(&visits, "state/path_visited", -1, (double)run->counts.visited, error);
    find_best(p);
    run->setup.problem.lambda = mg_grid_lambda(&p->grid, (int)mg_min(p->point, p->grid.count - 1), weight);
    const mg_path_restored restored = {&p->grid, p->result->point, p->point, p->result->best,
                                       p->train.tolerance};
    return status ? status : mg_path_check(run, &restored, error);
}

static void prepare(path *p, const mg_trainer_options *options) {
    const mg_grid *grid = &p->grid;
    p->model = *options->model;
    p->model.C = grid->holds_C ? grid->value[0] : NAN;
    p->model.lambda = grid->holds_C ? NAN : grid->value[0];
    p->train = *options->train;
    if (!(p->train.tolerance > 0)) p->train.tolerance = TOLERANCE;
    p->train.evaluate_every = p->train.patience = 0; // points are evaluated only when they end
    p->trainer = *options;
    p->trainer.model = &p->model;
    p->trainer.train = &p->train;
    p->train_request = (mg_train_request){
        .resume = p->request->resume, .overwrite = p->request->overwrite, .observer = p->request->observer};
    p->points = (mg_bound){.most = grid->count};
    p->field[0] = mg_field_bounded("path_point", MG_H5_I64, 1, &p->point, &p->points, 1);
    p->field[1] =
        mg_field_bounded("path_visited", MG_H5_I64, 1, &p->run.counts.visited, &mg_bound_not_negative, 1);
    p->field[2] = mg_field_bounded("path_points", MG_H5_F64, (int64_t)grid->count * REALS, p->result->point,
                                   point_bounds, REALS);
    const mg_run_points points = {.count = grid->count,
                                  .fields = p->field,
                                  .field_count = OWN_FIELDS,
                                  .check = check_points,
                                  .check_results = check_results,
                                  .context = p};
    mg_run_init(&p->run, &p->trainer, &p->train_request, &points);
    p->result->tolerance = p->train.tolerance;
    if (!mg_run_has_files(&p->run)) return;
    mg_run_path(options->output->directory, "model.h5", p->result->model_path);
    mg_run_path(options->output->directory, "path.jsonl", p->result->points_path);
}

mg_status mg_path_run(const mg_trainer_options *options, const mg_grid *grid, const mg_path_request *request,
                      mg_path_result *result, mg_error *error) {
    path *p;
    mg_status status = check(options, error);
    if (!status) status = mg_memory_zeroed(&p, 1, sizeof *p, error);
    if (status) return status;
    *result = (mg_path_result){.best = -1, .test_accuracy = NAN};
    p->grid = *grid;
    p->request = request;
    p->result = result;
    p->error = error;
    prepare(p, options);
    p->status = mg_run_begin(&p->run, error);
    if (!p->status && !p->run.setup.validation && !options->folds)
        mg_run_message(&p->run, "note: without data.validation no point can be chosen, so no model.h5 is "
                                "written: set data.validation, for example to 0.1");
    if (!p->status) mg_team_run(&p->run.setup.team, run_points, p);
    status = p->status;
    mg_run_clear(&p->run);
    mg_memory_free(p);
    return status;
}
