// run_end.c - owns the results of a finished run: evaluates the model and writes it, and the last line of
// metrics.jsonl.
#include "train/run.h"

#include "base/json.h"
#include "base/memory.h"
#include "train/bridge.h"
#include "train/collect.h"
#include "train/judge.h"
#include "train/ranks.h"
#include "train/run_calibrate.h"
#include "train/run_previous.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LEAST_GAP 0x1p-24 // relative rounding error of the scores; a smaller gap is not reported

// True if the result is the weights with the best validation accuracy. With a tolerance the result is the
// certified optimum instead.
static bool keeps_best(const mg_run *run) {
    return run->setup.validation && run->position.best_step > 0 && run->setup.choice.tolerance == 0;
}

static mg_status find_shares(const mg_dataset *train, mg_model *model, mg_error *error) {
    int64_t classes = model->classes_count;
    mg_status status =
        mg_memory_zeroed(&model->classes.shares, (size_t)classes, sizeof *model->classes.shares, error);
    for (int64_t k = 0; !status && k < classes; k++)
        model->classes.shares[k] = train->all.sums[k] / train->all.sums[classes];
    return status;
}

static mg_status fill_model(mg_run *run, const mg_weights *weights, const mg_run_facts *facts,
                            mg_model *model, mg_error *error) {
    const mg_problem *problem = &run->setup.problem;
    const mg_data_options *data = run->options->data;
    mg_bridge_model(weights, model);
    model->delta = run->options->model->delta;
    model->lambda = facts->lambda;
    model->objective = facts->objective;
    model->dual = facts->dual;
    model->square_norm = mg_problem_square_norm(problem, weights);
    model->bias_value = problem->bias;
    model->step = facts->step;
    model->epoch = facts->epoch;
    model->training_rows = problem->rows;
    mg_status status = mg_classes_copy(&run->setup.train->classes, &model->classes, error);
    if (!status) status = mg_columns_copy(&run->setup.train->columns, &model->columns, error);
    if (!status)
        status = mg_column_values_copy(problem->scale, model->per_class, &model->columns.scale, error);
    const mg_clip *clip = run->setup.clip;
    if (!status && clip) status = mg_column_values_copy(clip->low, clip->count, &model->columns.low, error);
    if (!status && clip) status = mg_column_values_copy(clip->high, clip->count, &model->columns.high, error);
    if (!status) status = mg_memory_text(&model->loss, problem->loss->name, error);
    if (!status) status = mg_memory_text(&model->rows, data->rows, error);
    if (!status) status = mg_memory_text(&model->transform, data->transform, error);
    if (!status) status = mg_memory_text(&model->features_name, data->features, error);
    if (!status) status = mg_memory_text(&model->labels_name, data->labels, error);
    if (!status) status = find_shares(run->setup.train, model, error);
    if (status || !facts->calibration) return status;
    mg_calibration calibration;
    status = mg_calibration_copy(facts->calibration, model->classes_count, &calibration, error);
    if (!status) mg_model_calibrate(model, &calibration);
    return status;
}

// Fails if weights or objective are not finite. Without an objective a model could not be compared with
// others.
static mg_status check_finite(const mg_weights *weights, const mg_run_facts *facts, mg_error *error) {
    if (isfinite(facts->objective) && mg_weights_finite(weights)) return MG_OK;
    return mg_fail(error, MG_NONFINITE,
                   "the model of step %lld is not finite (objective %g) and is not written: lower sgd.eta, "
                   "or scale the data (data.scale)",
                   (long long)facts->step, facts->objective);
}

static mg_status create_model(const mg_run *run, const mg_weights *weights, mg_model **out, mg_error *error) {
    const mg_dataset *train = run->setup.train;
    return mg_model_new_used(weights->classes, mg_dataset_width(train), &train->used, out, error);
}

static mg_status write_model(mg_run *run, const mg_model *model, mg_error *error) {
    static const char name[] = "model.h5";
    mg_named *was = &run->place.model;
    mg_status status = mg_model_write(model, run->place.directory, name, was, error);
    if (status) return status;
    mg_named_clear(was);
    mg_directory_look(run->place.directory, name, was);
    return MG_OK;
}

mg_status mg_run_save_model(mg_run *run, const mg_weights *weights, const mg_run_facts *facts,
                            mg_error *error) {
    mg_model *model = NULL;
    mg_status status = mg_run_check_data(run, error);
    if (!status) status = check_finite(weights, facts, error);
    if (!status) status = create_model(run, weights, &model, error);
    if (!status) status = fill_model(run, weights, facts, model, error);
    if (!status && mg_run_has_files(run) && !run->finished) status = write_model(run, model, error);
    const mg_trainer_memory *memory = run->options->memory;
    if (!status && memory) status = mg_model_expand(model, error);
    if (!status && memory) status = mg_memory_text(&model->path, MG_MODEL_IN_MEMORY, error);
    if (!status && memory) { // on a path, the model of an earlier point is replaced
        mg_model_free(*memory->model);
        *memory->model = model;
    } else mg_model_free(model);
    return status;
}

static bool holds_weights(const mg_model *model, const mg_model *other) {
    size_t classes = (size_t)model->classes_count, values = classes * (size_t)model->per_class;
    return model->classes_count == other->classes_count && model->features == other->features &&
           mg_used_same(&model->used, &other->used) &&
           !memcmp(model->weights, other->weights, values * sizeof *model->weights) &&
           !memcmp(model->bias, other->bias, classes * sizeof *model->bias);
}

static mg_status compare_model(const mg_run *run, const mg_model *model, const char *path,
                               const mg_weights *weights, mg_error *error) {
    mg_model *own = NULL;
    mg_status status = create_model(run, weights, &own, error);
    if (status) return status;
    mg_bridge_model(weights, own);
    if (!holds_weights(model, own))
        status = mg_fail(error, MG_CONFIG,
                         "%s: is intact, but not the model of this run: move it away; --resume then writes "
                         "the model of this run again",
                         path);
    mg_model_free(own);
    return status;
}

mg_status mg_run_read_model(const mg_run *run, mg_model **out, char **path, mg_error *error) {
    static const char name[] = "model.h5";
    const mg_directory *directory = run->place.directory;
    int fd = -1;
    *out = NULL;
    mg_status status = mg_directory_name(directory, name, path, error);
    if (!status && faccessat(mg_directory_descriptor(directory), name, F_OK, 0) && errno == ENOENT)
        status = mg_fail(error, MG_DATA, "%s: is missing", *path);
    if (!status) status = mg_directory_open_file(directory, name, &fd, error);
    if (!status) status = mg_model_read_open(fd, *path, out, error);
    if (fd >= 0) close(fd);
    return status;
}

mg_status mg_run_check_model(const mg_run *run, const mg_weights *weights, mg_error *error) {
    mg_model *model;
    char *path;
    mg_status status = mg_run_read_model(run, &model, &path, error);
    if (!status && weights) status = compare_model(run, model, path, weights, error);
    mg_model_free(model);
    mg_memory_free(path);
    return status;
}

// The model is written at the end of the run, after its last checkpoint. It is of a later step than the
// newest checkpoint if those of the end could not be written.
mg_status mg_run_check_early_model(const mg_run *run, bool *there, mg_error *error) {
    mg_model *model;
    char *path;
    mg_error why = {0};
    const mg_position *at = &run->position;
    mg_status status = mg_run_read_model(run, &model, &path, &why);
    if (status && status != MG_DATA) mg_fail(error, status, "%s", why.text);
    else if (status) status = MG_OK; // missing, or damaged and written again
    else if (model->step >= at->step || (at->best_step > 0 && model->step == at->best_step)) *there = true;
    else
        status = mg_fail(error, MG_CONFIG,
                         "%s: is not a model of this run, which has a checkpoint of step %lld but has not "
                         "ended: move it away, and continue with --resume",
                         path, (long long)at->step);
    mg_model_free(model);
    mg_memory_free(path);
    return status;
}

mg_status mg_run_test(mg_run *run, const mg_weights *weights, double *accuracy, mg_error *error) {
    mg_evaluation evaluation = {0};
    mg_scorer scorer = mg_run_scorer(run);
    *accuracy = NAN;
    if (!run->test) return MG_OK;
    mg_collection *rows = run->options->held_out;
    mg_status status =
        rows ? mg_collect(rows, &scorer, run->test, weights, run->test->weight, &evaluation, error)
             : mg_evaluate(&scorer, run->test, weights, NULL, &evaluation, error);
    if (!status) *accuracy = (double)evaluation.correct / (double)evaluation.rows;
    return status;
}

static void log_end(mg_run *run, const mg_train_result *result) {
    mg_writer *line = &run->log.line;
    mg_metrics_begin(line, "end", run->position.step, run->position.epoch, run->clock.seconds);
    mg_json_put_text(line, "reason", run->reason);
    mg_json_put_real(line, "objective", result->objective);
    if (!isnan(result->gap)) {
        mg_json_put_real(line, "dual", result->dual);
        mg_json_put_real(line, "gap", result->gap);
    }
    if (run->setup.choice.tolerance > 0) mg_json_put_bool(line, "converged", result->converged);
    mg_json_put_real(line, "train_accuracy", result->train_accuracy);
    if (run->setup.validation) {
        mg_json_put_real(line, "accuracy", result->accuracy);
        mg_json_put_int(line, "best_epoch", result->best_epoch);
    }
    if (run->test) mg_json_put_real(line, "test_accuracy", result->test_accuracy);
    if (result->calibration.method[0]) {
        mg_json_put_text(line, "calibration", result->calibration.method);
        mg_json_put_real(line, "log_loss_before", result->calibration.log_loss_before);
        mg_json_put_real(line, "log_loss", result->calibration.log_loss);
        mg_json_put_real(line, "ece_before", result->calibration.ece_before);
        mg_json_put_real(line, "ece", result->calibration.ece);
    }
    mg_metrics_end(&run->log.metrics, line, 0);
}

// Without a tolerance: the lower bound that dual variables prove at the end of dual ascent. It holds for the
// average of snapshots and for the weights of the best validation accuracy too. A bound above the objective
// is wrong, and is left out. So is one for which there is no memory.
static void take_bound(const mg_run *run, const mg_weights *weights, mg_train_result *result) {
    const mg_whole_solver *whole = run->solver->whole;
    double bound = NAN, objective = result->objective;
    bool wanted = whole && run->setup.choice.tolerance == 0 && isfinite(objective);
    if (!wanted || whole->lower_bound(run->state, &bound, NULL)) return;
    if (mg_judge_bound_is_vacuous(objective, bound)) return;
    if (bound > objective + mg_run_objective_slack(run, weights, objective)) return;
    result->dual = bound;
    result->gap = fmax(fabs(objective - bound) / objective, LEAST_GAP);
}

// Copies the certificate, or the bound of dual ascent, into the result. A useless lower bound is left out.
static void take_certificate(const mg_run *run, const mg_weights *weights, mg_train_result *result) {
    mg_certificate certificate;
    result->dual = result->gap = NAN;
    if (!mg_run_certificate(run, &certificate)) {
        take_bound(run, weights, result);
        return;
    }
    result->objective = certificate.primal;
    result->converged = certificate.reached;
    if (!certificate.reached && mg_judge_bound_is_vacuous(certificate.primal, certificate.dual)) return;
    result->dual = certificate.dual;
    result->gap = certificate.gap;
}

// Measures the final weights on the validation rows, unless the end of an epoch in this process has done so.
// It does not count as an evaluation for train.patience.
static mg_status validate(mg_run *run, const mg_weights *weights, int64_t step, mg_error *error) {
    mg_scorer scorer = mg_run_scorer(run);
    mg_evaluation validation = {0};
    if (run->evaluated.accuracy_step == step) return MG_OK;
    run->evaluated.accuracy = NAN;
    run->evaluated.accuracy_step = step;
    if (!run->setup.validation) return MG_OK;
    mg_status status = mg_evaluate(&scorer, run->setup.validation, weights, NULL, &validation, error);
    if (!status) run->evaluated.accuracy = (double)validation.correct / (double)validation.rows;
    return status;
}

// If the model cannot be calibrated, it is written without a calibration, and the call fails.
static mg_status calibrate_and_save(mg_run *run, const mg_weights *weights, mg_run_facts *facts,
                                    mg_calibration *calibration, mg_error *error) {
    mg_error why = {0};
    mg_status calibrated = mg_run_calibrate(run, weights, calibration, &why);
    if (calibrated == MG_STOPPED) return mg_fail(error, calibrated, "%s", why.text);
    if (calibrated) mg_calibration_clear(calibration);
    facts->calibration = calibration;
    mg_status status = mg_run_save_model(run, weights, facts, error);
    if (status || !calibrated) return status;
    return mg_fail(error, calibrated, "%s%s", why.text,
                   mg_run_has_files(run) ? "; model.h5 was written without a calibration" : "");
}

// Calibrates and saves the model. If the run had ended in an earlier process, its file is only checked.
static mg_status save(mg_run *run, const mg_weights *weights, mg_run_facts *facts, mg_train_result *result,
                      mg_error *error) {
    mg_calibration calibration = {0};
    bool needed = !run->finished || run->options->memory;
    bool there = run->finished || run->place.has_model;
    mg_status status = there ? mg_run_check_model(run, weights, error) : MG_OK;
    if (!status && needed && !run->options->trial)
        status = calibrate_and_save(run, weights, facts, &calibration, error);
    mg_calibration_tell(&calibration, &result->calibration);
    mg_calibration_clear(&calibration);
    return status;
}

mg_status mg_run_end(mg_run *run, mg_train_result *result, mg_error *error) {
    bool best = keeps_best(run);
    const mg_weights *weights = best ? &run->best : run->solver->weights(run->state);
    int64_t step = best ? run->position.best_step : run->position.step;
    mg_status status = MG_OK;
    if (run->evaluated.train_step != step) {
        status = mg_run_evaluate(run, weights, NULL, &run->evaluated.train, error);
        run->evaluated.train_step = step;
    }
    if (!status && !best) status = validate(run, weights, step, error);
    if (status) return status;
    *result = (mg_train_result){
        .step = run->position.step,
        .epoch = run->position.epoch,
        .seconds = run->clock.seconds,
        .objective = mg_run_objective(run, weights, &run->evaluated.train),
        .train_accuracy = (double)run->evaluated.train.correct / (double)run->evaluated.train.rows,
        .accuracy = best ? run->position.best_accuracy : run->evaluated.accuracy,
        .tolerance = run->setup.choice.tolerance,
        .best_epoch = best ? run->position.best_epoch : run->position.epoch,
    };
    take_certificate(run, weights, result);
    snprintf(result->reason, sizeof result->reason, "%s", run->reason);
    if (mg_run_has_files(run)) mg_run_path(run->place.path, "model.h5", result->model_path);
    if (!status && !isfinite(result->objective))
        status = mg_fail(error, MG_NONFINITE,
                         "the objective of step %lld is %g, too large to compare models: lower sgd.eta, or "
                         "scale the data (data.scale)",
                         (long long)step, result->objective);
    // Frees the rows, because writing the model needs memory for several copies of it.
    mg_dataset_release_rows(run->setup.train);
    mg_run_facts facts = {
        .lambda = run->setup.problem.lambda,
        .objective = result->objective,
        .dual = result->dual,
        .step = step,
        .epoch = best ? run->position.best_epoch : run->position.epoch,
    };
    bool writes = mg_run_is_alone(run) || mg_comm_is_root(run->ranks.comm);
    if (!status && writes) status = save(run, weights, &facts, result, error);
    status = mg_run_agree(run, status, error);
    // After the model is saved, so that an error in data.test does not lose it.
    if (!status) status = mg_run_test(run, weights, &result->test_accuracy, error);
    if (status) return status;
    mg_judge_run(run, result, result->warning);
    if (result->warning[0]) mg_judge_report(run, result->warning);
    log_end(run, result);
    return MG_OK;
}

mg_status mg_run_conclude(mg_run *run, mg_error *error) {
    const mg_error *failure = &run->log.metrics.failure;
    mg_status status = failure->status ? mg_fail(error, failure->status, "%s", failure->text) : MG_OK;
    status = mg_run_agree(run, status, error);
    if (status) return status;
    if (!run->finished && !run->saving.failure.status && mg_run_has_files(run))
        mg_run_forget_previous(run->place.directory, run->request->observer);
    return MG_OK;
}

void mg_run_clear(mg_run *run) {
    mg_checkpointer_destroy(run->saving.checkpointer);
    mg_stream_destroy(run->stream);
    if (run->state) run->solver->destroy(run->state);
    mg_weights_destroy(&run->best);
    mg_dataset_close(run->test);
    if (!mg_metrics_are_there(&run->log.metrics, run->place.directory))
        mg_run_message(run, "warning: %s: was deleted or renamed while the run wrote to it",
                       run->log.metrics.path);
    mg_metrics_close(&run->log.metrics);
    mg_writer_clear(&run->log.line);
    mg_checkpoint_origin_clear(&run->start.origin);
    mg_run_leave_directory(run);
    mg_setup_close(&run->setup);
    mg_memory_free(run->ranks.collected.bytes);
    mg_comm_destroy(run->ranks.comm);
    // Clears the request to stop, which was meant for this run. In a cross-validation it must also stop the
    // folds that follow, and in a trial the run that the trial belongs to.
    if (run->options->folds == 0 && !run->options->memory && !run->options->trial) mg_run_stop = 0;
}
