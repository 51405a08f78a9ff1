// loop.c - owns the training loop: minibatches, ends of epochs, checkpoints that are due, and the reasons
// to end.
#include "train/ranks.h"

#include "base/clock.h"
#include "base/json.h"
#include "parallel/replay.h"

#include <margin/printable.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

_Atomic int mg_run_stop;

void mg_run_message(const mg_run *run, const char *format, ...) {
    const mg_observer *observer = run->request->observer;
    if (!observer || !observer->message) return;
    char raw[2 * MG_PATH_TEXT], line[2 * MG_PATH_TEXT];
    va_list arguments;
    va_start(arguments, format);
    mg_line_format(raw, sizeof raw, format, arguments);
    va_end(arguments);
    mg_printable(raw, line, sizeof line); // names and paths may contain line feeds
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

// True if the last step of the epoch is done, but its end has not been processed.
static bool epoch_is_over(const mg_run *run) {
    if (run->solver->whole) return run->last.epochs > run->position.epoch;
    return run->position.batch == run->setup.problem.steps_per_epoch;
}

double mg_run_objective(const mg_run *run, const mg_weights *weights, const mg_evaluation *evaluation) {
    const mg_problem *problem = &run->setup.problem;
    return evaluation->loss + 0.5 * problem->lambda * mg_problem_square_norm(problem, weights); // (M2)
}

mg_status mg_run_evaluate(const mg_run *run, const mg_weights *weights, const mg_evaluate_visit *visit,
                          mg_evaluation *out, mg_error *error) {
    mg_scorer scorer = mg_run_scorer(run);
    mg_error why = {0};
    *out = (mg_evaluation){0};
    mg_status status = mg_evaluate(&scorer, run->setup.train, weights, visit, out, &why);
    if (status && out->overflow)
        return mg_fail(error, MG_NONFINITE,
                       "the loss or the weights became infinite or NaN at step %lld (epoch %lld): %s",
                       (long long)run->position.step, (long long)mg_position_epoch(&run->position), why.text);
    if (status && error) *error = why;
    return status;
}

// ---- ends of epochs -----------------------------------------------------------------------------

bool mg_run_is_told_to_stop(const mg_run *run) {
    const mg_trainer_memory *memory = run->options->memory;
    return run->log.told || (memory ? mg_stop_flagged(memory->stop) : mg_run_stop != 0);
}

static bool is_stopped(const void *context) {
    const mg_run *run = context;
    return mg_run_is_alone(run) ? mg_run_is_told_to_stop(run) : run->ranks.stop;
}

mg_stop mg_run_stop_of(const mg_run *run) { return (mg_stop){.asked = is_stopped, .context = run}; }

bool mg_run_is_told_to_finish(const mg_run *run) { return mg_stop_flagged(run->request->finish); }

// True if the program has asked for training to end early; the model of that moment is then the result.
static bool finish_asked(const mg_run *run) {
    return mg_run_is_alone(run) ? mg_run_is_told_to_finish(run) : run->ranks.finish;
}

void mg_run_keep_best(mg_run *run, const mg_weights *weights, double accuracy) {
    mg_position *at = &run->position;
    at->stale = 0;
    at->best_accuracy = accuracy;
    at->best_epoch = mg_position_epoch(at);
    at->best_step = at->step;
    memcpy(run->best.v, weights->v, (size_t)weights->size * sizeof(float));
    memcpy(run->best.bias, weights->bias, (size_t)weights->lanes * sizeof(float));
    memcpy(run->best.offset, weights->offset, (size_t)weights->lanes * sizeof(float));
}

// Measures the weights that would be saved now: the objective on the training rows, unless a certificate has
// it, and the accuracy on the validation rows.
static mg_status evaluate(mg_run *run, mg_measured *measured, mg_error *error) {
    const mg_weights *weights = run->solver->weights(run->state);
    mg_scorer scorer = mg_run_scorer(run);
    mg_evaluate_visit visit = {.stop = mg_run_stop_of(run)};
    mg_evaluation train = {0}, validation = {0};
    mg_certificate certificate;
    bool certified = mg_run_certificate(run, &certificate);
    mg_status status = certified ? MG_OK : mg_run_evaluate(run, weights, &visit, &train, error);
    if (!status && run->setup.validation)
        status = mg_evaluate(&scorer, run->setup.validation, weights, &visit, &validation, error);
    if (status) return status;
    if (!certified) {
        run->evaluated.train = train;
        run->evaluated.train_step = run->position.step;
        measured->loss = train.loss;
        measured->objective = mg_run_objective(run, weights, &train);
    }
    if (!run->setup.validation) return MG_OK;
    measured->accuracy = run->evaluated.accuracy = (double)validation.correct / (double)validation.rows;
    run->evaluated.accuracy_step = run->position.step;
    run->position.stale++;
    if (run->evaluated.accuracy > run->position.best_accuracy)
        mg_run_keep_best(run, weights, run->evaluated.accuracy);
    mg_metrics_begin(&run->log.line, "eval", run->position.step, mg_position_epoch(&run->position),
                     run->clock.seconds);
    mg_json_put_real(&run->log.line, "accuracy", run->evaluated.accuracy);
    mg_json_put_real(&run->log.line, "loss", validation.loss);
    mg_metrics_end(&run->log.metrics, &run->log.line, 1);
    return MG_OK;
}

// Takes objective and bound from a certificate of this epoch. They belong to the best weights so far, which
// are those that would be saved. A certificate of an earlier epoch is not reported again.
static void take_certificate(mg_run *run, mg_measured *measured) {
    const mg_problem *problem = &run->setup.problem;
    mg_certificate certificate;
    if (!mg_run_certificate(run, &certificate) || !certificate.fresh) return;
    measured->objective = certificate.primal;
    measured->dual = certificate.dual;
    measured->gap = certificate.gap;
    double square = mg_problem_square_norm(problem, run->solver->weights(run->state));
    measured->loss = fmax(0, certificate.primal - 0.5 * problem->lambda * square); // (M2)
}

static mg_status end_epoch(mg_run *run, mg_error *error) {
    const mg_train_options *train = run->options->train;
    mg_position *at = &run->position;
    mg_measured measured = MG_NOT_MEASURED;
    mg_status same = mg_run_check_weights(run, error);
    if (same) return same;
    take_certificate(run, &measured);
    if (train->evaluate_every && (at->epoch + 1) % train->evaluate_every == 0) {
        mg_status status = evaluate(run, &measured, error);
        if (status) return status;
    }
    mg_run_report_progress(run, &measured);
    mg_run_log_epoch(run, &measured);
    mg_run_warn_of_metrics(run);
    at->epoch++;
    // at->loss is kept until the next epoch begins, because the end of the run reports that of the last
    // epoch.
    at->batch = 0;
    run->counts.epoch_seconds = run->counts.epoch_waited = 0;
    run->counts.epoch_rows = 0;
    mg_run_checkpoint_if_due(run, true);
    return MG_OK;
}

// ---- the loop -----------------------------------------------------------------------------------

// Takes one step: with the next minibatch of the stream or, if the solver holds all rows, with rows that it
// chooses.
static mg_status step(mg_run *run, mg_error *error) {
    mg_position *at = &run->position;
    mg_batch batch;
    mg_step_result done;
    const mg_whole_solver *whole = run->solver->whole;
    mg_status status = whole ? MG_OK : mg_stream_next(run->stream, &batch, error);
    mg_replay_begin(run->setup.team.replay);
    if (!status)
        status = whole ? whole->next(run->state, at->batch, &done, error)
                       : run->solver->step(run->state, &batch, at->step, &done, error);
    mg_replay_end(run->setup.team.replay);
    if (status == MG_STOPPED && !is_stopped(run))
        return MG_OK; // the loop will find the limit that is reached
    if (status) return status;
    if (!isfinite(done.loss))
        return mg_fail(error, MG_NONFINITE,
                       "the loss became infinite or NaN at step %lld (epoch %lld, minibatch from row %lld of "
                       "the epoch's order): " MG_ADVICE_NONFINITE,
                       (long long)at->step, (long long)at->epoch + 1,
                       (long long)(at->batch * run->setup.problem.batch));
    run->last = done;
    if (done.no_step) return MG_OK;
    if (at->batch == 0) at->loss = 0, at->loss_rows = 0;
    at->loss += done.loss;
    at->loss_rows += done.rows;
    at->batch++;
    at->step++;
    run->counts.epoch_rows += done.rows;
    run->counts.visited += done.rows;
    return MG_OK;
}

// Returns the first reason to end training here; NULL: it continues.
static const char *limit_of(const mg_run *run) {
    const mg_train_options *train = run->options->train;
    const mg_position *at = &run->position;
    mg_certificate certificate;
    bool certified = mg_run_certificate(run, &certificate);
    if (certified && certificate.reached) return "tolerance";
    if (certified && certificate.stalled) return "stalled";
    if (at->epoch >= run->setup.problem.epochs) return "epochs";
    if (train->max_steps && at->step >= train->max_steps) return "max_steps";
    if (train->time_limit > 0 && run->clock.seconds >= train->time_limit) return "time_limit";
    if (finish_asked(run)) return "asked to";
    if (train->patience && at->stale >= train->patience) return "early stopping";
    return run->finished ? "asked to" : NULL; // a finished run was ended by a flag that is not set this time
}

static bool limit_reached(mg_run *run) {
    const char *reason = limit_of(run);
    if (reason) snprintf(run->reason, sizeof run->reason, "%s", reason);
    return reason != NULL;
}

static void count_time(mg_run *run, double seconds) {
    run->clock.seconds += seconds;
    run->counts.epoch_seconds += seconds;
    if (run->stream) run->counts.epoch_waited += mg_stream_waited(run->stream);
}

// Whether the solver must stop its step early. With several ranks, this is the answer of this rank only, and
// the solver asks all ranks. Only rank 0 compares the time limit with its clock.
bool mg_run_give_up(const void *context) {
    const mg_run *run = context;
    bool has_clock = mg_run_is_alone(run) || mg_comm_is_root(run->ranks.comm);
    double limit = has_clock ? run->options->train->time_limit : 0;
    return mg_run_is_told_to_stop(run) || mg_run_is_told_to_finish(run) ||
           (limit > 0 && run->clock.seconds + mg_clock_seconds() - run->clock.step_begun >= limit);
}

// Notes that the observer asked to stop. In a cross-validation this also stops the folds that follow.
static void tell(mg_run *run) {
    run->log.told = true;
    if (run->options->folds > 0 && !run->options->trial && !run->options->memory) mg_run_stop = 1;
}

// Takes steps until the epoch ends or there is a reason to stop.
static mg_status run_epoch(mg_run *run, mg_error *error) {
    const mg_observer *observer = run->request->observer;
    mg_status status = run->solver->whole
                           ? MG_OK
                           : mg_stream_seek(run->stream, run->position.epoch, run->position.batch, error);
    status = mg_run_agree_on_step(run, status, error);
    run->clock.step_begun = mg_clock_seconds();
    while (!status && !epoch_is_over(run) && !limit_reached(run)) {
        if (is_stopped(run)) return mg_fail(error, MG_STOPPED, "stopped");
        status = step(run, error);
        // Checked also if the loss is not finite, because changed rows may be the reason.
        bool computed = !status || status == MG_NONFINITE;
        mg_status changed = computed && run->stream ? mg_stream_check(run->stream, error) : MG_OK;
        if (changed) status = changed;
        double now = mg_clock_seconds();
        count_time(run, now - run->clock.step_begun);
        run->clock.step_begun = now;
        status = mg_run_agree_on_step(run, status, error);
        if (status) break;
        if (!epoch_is_over(run)) mg_run_report_progress(run, NULL);
        mg_run_checkpoint_if_due(run, false);
        if (!run->last.no_step && observer && observer->stop &&
            observer->stop(observer->context, run->position.step))
            tell(run);
    }
    return status;
}

void mg_run_count_anew(mg_run *run) {
    run->position.epoch = 0;
    run->counts.visited = 0;
}

// Proves what the run is about to claim, if it comes from a checkpoint.
static mg_status prove(mg_run *run, mg_error *error) {
    const mg_whole_solver *whole = run->solver->whole;
    const mg_stop stop = mg_run_stop_of(run);
    mg_certificate stored = {0}, proven = {0};
    bool forgotten = false;
    mg_run_certificate(run, &stored);
    mg_status status = whole ? whole->prove(run->state, &stop, &forgotten, error) : MG_OK;
    if (status || !forgotten) return status;
    mg_run_take_standing(run);
    mg_run_certificate(run, &proven);
    mg_run_message(run,
                   "warning: the lower bound %g of the checkpoint cannot be proven again: the run goes on "
                   "with %g, which is proven",
                   stored.dual, proven.dual);
    return MG_OK;
}

// Each epoch's end is processed before limits are checked, because a run that is resumed from the last step
// of an epoch must still process that end.
mg_status mg_run_loop(mg_run *run, mg_error *error) {
    mg_status status = MG_OK;
    while (!status) {
        if (epoch_is_over(run)) status = end_epoch(run, error);
        else if (!limit_reached(run)) status = run_epoch(run, error);
        else if ((status = prove(run, error)) || limit_reached(run)) break;
    }
    return status;
}

bool mg_run_evaluates_last(const mg_run *run) {
    const mg_position *at = &run->position;
    int64_t every = run->options->train->evaluate_every;
    bool done = at->batch == 0 && every && at->epoch % every == 0;
    return run->setup.validation && !run->points.count && !epoch_is_over(run) && !done;
}

// Writes the last checkpoint, then the model. If the checkpoint fails, the model is written all the same.
static mg_status finish(mg_run *run, mg_train_result *result, mg_error *error) {
    mg_error failure = {0};
    // Applies deferred updates now, so that the last evaluation does not change the state after the
    // checkpoint.
    run->solver->weights(run->state);
    mg_status saved = mg_run_checkpoint(run, &failure);
    mg_comm_forgive(run->ranks.comm); // the model is written all the same
    if (saved == MG_NONFINITE || saved == MG_DATA) return mg_fail(error, saved, "%s", failure.text);
    mg_measured unused;
    mg_status status = mg_run_evaluates_last(run) ? evaluate(run, &unused, error) : MG_OK;
    if (!status) status = mg_run_end(run, result, error);
    if (!status) status = mg_run_conclude(run, error);
    if (!status && saved) status = mg_fail(error, saved, "%s; the model was written", failure.text);
    return status;
}

static mg_status end_stopped(mg_run *run, mg_error *error) {
    if (!mg_trainer_has_files(run->options))
        return mg_fail(error, MG_STOPPED, "stopped at step %lld of %lld", (long long)run->position.step,
                       (long long)run->setup.problem.total_steps);
    if (!run->ready)
        return mg_fail(error, MG_STOPPED,
                       "stopped before the first step: start again with --resume or --overwrite");
    mg_status status = mg_run_checkpoint(run, error);
    if (status) return status;
    return mg_fail(error, MG_STOPPED,
                   "stopped at step %lld of %lld, checkpoint written to %s: continue with --resume",
                   (long long)run->position.step, (long long)run->setup.problem.total_steps,
                   run->options->output->directory);
}

// A call inside mg_team_run, with its result.
typedef struct run_call {
    mg_run *run;
    mg_train_result *result;
    mg_error *error;
    mg_status status;
} run_call;

static void run_with_team(void *context) {
    run_call *all = context;
    all->status = mg_run_prepare(all->run, all->error);
    if (!all->status) all->status = mg_run_loop(all->run, all->error);
    if (!all->status) all->status = finish(all->run, all->result, all->error);
    bool saves = all->run->saving.checkpointer || !mg_run_has_files(all->run);
    if (all->status == MG_STOPPED && saves) all->status = end_stopped(all->run, all->error);
}

mg_status mg_run_train(mg_run *run, mg_train_result *result, mg_error *error) {
    run_call all = {.run = run, .result = result, .error = error};
    all.status = mg_run_begin(run, error);
    mg_team_record(&run->setup.team, run->options->replay);
    if (!all.status) mg_team_run(&run->setup.team, run_with_team, &all);
    return all.status;
}
