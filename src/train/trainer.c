// trainer.c - the loop: minibatches, ends of epochs, checkpoints when due, and the reasons to stop.
#include "train/run.h"

#include "base/clock.h"
#include "base/json.h"
#include "train/run_previous.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ADVICE "lower sgd.eta, or scale the data (data.scale)"

_Atomic int mg_run_stop;

void mg_train_stop(void) { mg_run_stop = 1; }

void mg_run_message(const mg_run *run, const char *format, ...) {
    const mg_observer *observer = run->request->observer;
    if (!observer || !observer->message) return;
    char line[2 * MG_PATH_TEXT];
    va_list arguments;
    va_start(arguments, format);
    mg_line_format(line, sizeof line, format, arguments);
    va_end(arguments);
    observer->message(observer->context, line);
}

mg_scorer mg_run_scorer(const mg_run *run) {
    const mg_problem *problem = &run->setup.problem;
    return (mg_scorer){
        .kernel = problem->kernel, .loss = problem->loss, .team = problem->team, .delta = problem->delta};
}

double mg_run_learning_rate(const mg_run *run, int64_t step) {
    return run->solver->learning_rate ? run->solver->learning_rate(run->state, step) : NAN;
}

// Its last step is done, its end is not dealt with.
static bool epoch_is_over(const mg_run *run) {
    if (run->solver->whole) return run->last.epochs > run->position.epoch;
    return run->position.batch == run->setup.problem.steps_per_epoch;
}

double mg_run_objective(const mg_run *run, const mg_weights *weights, const mg_evaluation *evaluation) {
    const mg_problem *problem = &run->setup.problem;
    return evaluation->loss + 0.5 * problem->lambda * mg_weights_square_norm(weights, problem->scale); // (M2)
}

// From 1: the epoch under way, or the one that just ended.
static int64_t epoch_number(const mg_position *at) { return at->epoch + (at->batch > 0); }

mg_status mg_run_evaluate(const mg_run *run, const mg_weights *weights, const mg_evaluate_visit *visit,
                          mg_evaluation *out, mg_error *error) {
    mg_scorer scorer = mg_run_scorer(run);
    mg_error why = {0};
    *out = (mg_evaluation){0};
    mg_status status = mg_evaluate(&scorer, run->setup.train, weights, visit, out, &why);
    if (status && out->overflow)
        return mg_fail(error, MG_NONFINITE, "training became non-finite at step %lld (epoch %lld): %s",
                       (long long)run->position.step, (long long)epoch_number(&run->position), why.text);
    if (status && error) *error = why;
    return status;
}

// ---- checkpoints --------------------------------------------------------------------------------

// Learns what became of the last checkpoint; true when it has just failed.
static bool learn_of_checkpoint(mg_run *run, bool wait) {
    if (!run->checkpointer) return false; // a finished run writes nothing
    bool news;
    int64_t step;
    double seconds;
    mg_error failure = {0};
    mg_status status = mg_checkpointer_result(run->checkpointer, wait, &news, &step, &seconds, &failure);
    if (!news) return false;
    run->checkpoint_failure = failure;
    if (status) return true;
    mg_metrics_begin(&run->line, "checkpoint", step, run->position.epoch, run->seconds);
    mg_json_put_real(&run->line, "write_seconds", seconds);
    mg_metrics_end(&run->metrics, &run->line, 0);
    return false;
}

// A failed checkpoint is a warning: the one before stands and the next is tried in turn.
static void hear_of_checkpoint(mg_run *run, bool wait) {
    if (learn_of_checkpoint(run, wait))
        mg_run_message(run, "warning: no checkpoint at step %lld: %s; the previous checkpoint is kept",
                       (long long)run->saved_step, run->checkpoint_failure.text);
}

static bool checkpoint_is_due(const mg_run *run, bool epoch_end) {
    const mg_checkpoint_options *every = run->options->checkpoint;
    return (every->every_seconds > 0 && run->seconds - run->saved_seconds >= every->every_seconds) ||
           (every->every_steps > 0 && run->position.step - run->saved_step >= every->every_steps) ||
           (epoch_end && every->every_epochs > 0 &&
            run->position.epoch - run->saved_epoch >= every->every_epochs);
}

static bool weights_are_finite(const mg_run *run) {
    for (int f = 0; f < run->field_count; f++) {
        const mg_field *field = &run->fields[f];
        if (!field->weights) continue;
        const float *values = field->data;
        for (int64_t i = 0; i < field->count; i++)
            if (!isfinite(values[i])) return false;
    }
    return true;
}

static void submit_checkpoint(mg_run *run, bool still) {
    if (!run->checkpointer) return;
    if (!weights_are_finite(run))
        return; // the loss of the next step will say so; good checkpoints are not to make room for it
    run->position.events = run->metrics.events;
    if (!mg_checkpointer_submit(run->checkpointer, &run->position, still))
        return; // still writing: due again at the next step
    run->saved_seconds = run->seconds;
    run->saved_step = run->position.step;
    run->saved_epoch = run->position.epoch;
}

static mg_status check_weights(const mg_run *run, mg_error *error) {
    if (weights_are_finite(run)) return MG_OK;
    return mg_fail(error, MG_NONFINITE, "the weights became non-finite in step %lld (epoch %lld): " ADVICE,
                   (long long)run->position.step, (long long)epoch_number(&run->position));
}

mg_status mg_run_checkpoint(mg_run *run, mg_error *error) {
    if (run->finished) return MG_OK;
    mg_status status = check_weights(run, error);
    if (status) return status;
    hear_of_checkpoint(run, true);
    submit_checkpoint(run, true);
    learn_of_checkpoint(run, true);
    if (run->checkpoint_failure.status && error) *error = run->checkpoint_failure;
    return run->checkpoint_failure.status;
}

mg_status mg_run_try_checkpoint(mg_run *run, mg_error *error) {
    mg_status status = check_weights(run, error);
    if (status) return status;
    hear_of_checkpoint(run, true);
    submit_checkpoint(run, true);
    hear_of_checkpoint(run, true);
    return MG_OK;
}

// ---- ends of epochs -----------------------------------------------------------------------------

static bool stop_asked(void *context) {
    (void)context;
    return mg_run_stop != 0;
}

void mg_run_keep_best(mg_run *run, const mg_weights *weights, double accuracy) {
    mg_position *at = &run->position;
    at->stale = 0;
    at->best_accuracy = accuracy;
    at->best_epoch = epoch_number(at);
    at->best_step = at->step;
    memcpy(run->best.v, weights->v, (size_t)weights->size * sizeof(float));
    memcpy(run->best.bias, weights->bias, (size_t)weights->lanes * sizeof(float));
    memcpy(run->best.offset, weights->offset, (size_t)weights->lanes * sizeof(float));
}

// Objective on the training rows, unless there is a certificate, and accuracy on the validation rows of the
// weights as they would be saved now.
static mg_status evaluate(mg_run *run, mg_measured *measured, mg_error *error) {
    const mg_weights *weights = run->solver->weights(run->state);
    mg_scorer scorer = mg_run_scorer(run);
    mg_evaluate_visit visit = {.stop = stop_asked};
    mg_evaluation train = {0}, validation = {0};
    mg_certificate certificate;
    bool certified = mg_run_certificate(run, &certificate);
    mg_status status = certified ? MG_OK : mg_run_evaluate(run, weights, &visit, &train, error);
    if (!status && run->setup.validation)
        status = mg_evaluate(&scorer, run->setup.validation, weights, &visit, &validation, error);
    if (status) return status;
    if (!certified) {
        run->train_evaluation = train;
        run->evaluated_step = run->position.step;
        measured->loss = train.loss;
        measured->objective = mg_run_objective(run, weights, &train);
    }
    if (!run->setup.validation) return MG_OK;
    measured->accuracy = run->accuracy = (double)validation.correct / (double)validation.rows;
    run->validated_step = run->position.step;
    run->position.stale++;
    if (run->accuracy > run->position.best_accuracy) mg_run_keep_best(run, weights, run->accuracy);
    mg_metrics_begin(&run->line, "eval", run->position.step, epoch_number(&run->position), run->seconds);
    mg_json_put_real(&run->line, "accuracy", run->accuracy);
    mg_json_put_real(&run->line, "loss", validation.loss);
    mg_metrics_end(&run->metrics, &run->line, 1);
    return MG_OK;
}

// What a certificate of this epoch says of the best weights so far, which are those that would be saved; an
// older one is not told again.
static void take_certificate(mg_run *run, mg_measured *measured) {
    const mg_problem *problem = &run->setup.problem;
    mg_certificate certificate;
    if (!mg_run_certificate(run, &certificate) || !certificate.fresh) return;
    measured->objective = certificate.primal;
    measured->dual = certificate.dual;
    measured->gap = certificate.gap;
    double square = mg_weights_square_norm(run->solver->weights(run->state), problem->scale);
    measured->loss = fmax(0, certificate.primal - 0.5 * problem->lambda * square); // (M2)
}

static mg_status end_epoch(mg_run *run, mg_error *error) {
    const mg_train_options *train = run->options->train;
    mg_position *at = &run->position;
    mg_measured measured = MG_NOT_MEASURED;
    take_certificate(run, &measured);
    if (train->evaluate_every && (at->epoch + 1) % train->evaluate_every == 0) {
        mg_status status = evaluate(run, &measured, error);
        if (status) return status;
    }
    mg_run_tell_progress(run, &measured);
    bool told = run->metrics.failure.status != MG_OK;
    mg_run_log_epoch(run, &measured);
    if (run->metrics.failure.status && !told)
        mg_run_message(run, "warning: %s; its lines are kept and tried again", run->metrics.failure.text);
    at->epoch++;
    at->batch =
        0; // the losses stay until the next epoch begins: the end of the run looks at those of the last one
    run->epoch_seconds = run->epoch_waited = 0;
    run->epoch_rows = 0;
    hear_of_checkpoint(run, false);
    if (checkpoint_is_due(run, true)) submit_checkpoint(run, false);
    return MG_OK;
}

// ---- the loop -----------------------------------------------------------------------------------

// The next minibatch of the stream; solvers that hold all rows take their own.
static mg_status step(mg_run *run, mg_error *error) {
    mg_position *at = &run->position;
    mg_batch batch;
    mg_step_result done;
    const mg_whole_solver *whole = run->solver->whole;
    mg_status status = whole ? MG_OK : mg_stream_next(run->stream, &batch, error);
    if (!status)
        status = whole ? whole->next(run->state, at->batch, &done, error)
                       : run->solver->step(run->state, &batch, at->step, &done, error);
    if (status == MG_STOPPED && !mg_run_stop) return MG_OK; // the time is up, and the loop will see it
    if (status) return status;
    if (!isfinite(done.loss))
        return mg_fail(error, MG_NONFINITE,
                       "training became non-finite at step %lld (epoch %lld, rows from place %lld of its "
                       "order): " ADVICE,
                       (long long)at->step, (long long)at->epoch + 1,
                       (long long)(at->batch * run->setup.problem.batch));
    run->last = done;
    if (at->batch == 0) at->loss = 0, at->loss_rows = 0;
    at->loss += done.loss;
    at->loss_rows += done.rows;
    at->batch++;
    at->step++;
    run->epoch_rows += done.rows;
    run->visited += done.rows;
    return MG_OK;
}

static bool limit_reached(mg_run *run) {
    const mg_train_options *train = run->options->train;
    const mg_position *at = &run->position;
    mg_certificate certificate;
    bool certified = mg_run_certificate(run, &certificate);
    const char *reason = certified && certificate.reached                             ? "tolerance"
                         : certified && certificate.stalled                           ? "stalled"
                         : at->epoch >= run->setup.problem.epochs                     ? "epochs"
                         : train->max_steps && at->step >= train->max_steps           ? "max_steps"
                         : train->time_limit > 0 && run->seconds >= train->time_limit ? "time_limit"
                         : train->patience && at->stale >= train->patience            ? "early stopping"
                                                                                      : NULL;
    if (reason) snprintf(run->reason, sizeof run->reason, "%s", reason);
    return reason != NULL;
}

static void count_time(mg_run *run, double seconds) {
    run->seconds += seconds;
    run->epoch_seconds += seconds;
    if (run->stream) run->epoch_waited += mg_stream_waited(run->stream);
}

bool mg_run_give_up(void *context) {
    const mg_run *run = context;
    double limit = run->options->train->time_limit;
    return mg_run_stop || (limit > 0 && run->seconds + mg_clock_seconds() - run->step_begun >= limit);
}

// Batches until the epoch ends or a reason to stop comes up.
static mg_status run_epoch(mg_run *run, mg_error *error) {
    const mg_observer *observer = run->request->observer;
    mg_status status = run->solver->whole
                           ? MG_OK
                           : mg_stream_seek(run->stream, run->position.epoch, run->position.batch, error);
    run->step_begun = mg_clock_seconds();
    while (!status && !epoch_is_over(run) && !limit_reached(run)) {
        if (mg_run_stop) return mg_fail(error, MG_STOPPED, "stopped");
        status = step(run, error);
        if (!status && run->stream) status = mg_stream_check(run->stream, error);
        double now = mg_clock_seconds();
        count_time(run, now - run->step_begun);
        run->step_begun = now;
        if (status) break;
        if (!epoch_is_over(run)) mg_run_tell_progress(run, NULL);
        if (checkpoint_is_due(run, false)) {
            hear_of_checkpoint(run, false);
            submit_checkpoint(run, false);
        }
        if (observer && observer->stop && observer->stop(observer->context, run->position.step))
            mg_train_stop();
    }
    return status;
}

// The end of an epoch comes before any limit: a run resumed from its last step must still deal with it.
mg_status mg_run_loop(mg_run *run, mg_error *error) {
    mg_status status = MG_OK;
    while (!status) {
        if (epoch_is_over(run)) status = end_epoch(run, error);
        else if (limit_reached(run)) break;
        else status = run_epoch(run, error);
    }
    return status;
}

// The weights a run ends with are judged like those of an epoch, unless its end just did so.
static mg_status evaluate_last(mg_run *run, mg_error *error) {
    const mg_position *at = &run->position;
    int64_t every = run->options->train->evaluate_every;
    mg_measured unused;
    if (!run->setup.validation || (at->batch == 0 && every && at->epoch % every == 0)) return MG_OK;
    return evaluate(run, &unused, error);
}

// The last checkpoint, then the model. A checkpoint that cannot be written does not take the model with it.
static mg_status finish(mg_run *run, mg_train_result *result, mg_error *error) {
    mg_error failure = {0};
    run->solver->weights(
        run->state); // what was put off is done now, so that the last evaluation leaves the state as it is
    mg_status saved = mg_run_checkpoint(run, &failure);
    if (saved == MG_NONFINITE) return mg_fail(error, saved, "%s", failure.text);
    mg_status status = evaluate_last(run, error);
    if (!status) status = mg_run_end(run, result, error);
    if (!status) mg_run_forget_previous(run->place);
    if (!status && saved) status = mg_fail(error, saved, "%s; the model was written", failure.text);
    return status;
}

static mg_status end_stopped(mg_run *run, mg_error *error) {
    if (!run->ready)
        return mg_fail(error, MG_STOPPED,
                       "stopped before the first step: start again with --resume or --overwrite");
    mg_status status = mg_run_checkpoint(run, error);
    if (status) return status;
    return mg_fail(error, MG_STOPPED,
                   "stopped at step %lld of %lld, checkpoint written to %s: continue with --resume",
                   (long long)run->position.step, (long long)run->setup.problem.total_steps, run->directory);
}

// What runs with the team's threads standing by, and its outcome.
typedef struct whole {
    mg_run *run;
    mg_train_result *result;
    mg_error *error;
    mg_status status;
} whole;

static void run_whole(void *context) {
    whole *all = context;
    all->status = mg_run_prepare(all->run, all->error);
    if (!all->status) all->status = mg_run_loop(all->run, all->error);
    if (!all->status) all->status = finish(all->run, all->result, all->error);
    if (all->status == MG_STOPPED && all->run->checkpointer) all->status = end_stopped(all->run, all->error);
}

mg_status mg_trainer_run(const mg_trainer_options *options, const mg_train_request *request,
                         mg_train_result *result, mg_error *error) {
    mg_run run = {.options = options,
                  .request = request,
                  .metrics = {.fd = -1},
                  .evaluated_step = -1,
                  .validated_step = -1};
    run.solver_options = (mg_solver_options){
        .train = options->train, .sgd = options->sgd, .stop = mg_run_give_up, .context = &run};
    whole all = {.run = &run, .result = result, .error = error};
    all.status = mg_run_begin(&run, error);
    if (!all.status) mg_team_run(&run.setup.team, run_whole, &all);
    mg_run_clear(&run);
    return all.status;
}
