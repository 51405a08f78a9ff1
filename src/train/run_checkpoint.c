// run_checkpoint.c - owns the decision when a run writes a checkpoint, and what happens if that fails.
#include "train/ranks.h"

#include "base/activity.h"
#include "base/json.h"

#include <math.h>

// Takes the result of the last checkpoint, if there is one. Returns true if that checkpoint failed.
static bool take_result(mg_run *run, bool wait) {
    if (!run->saving.checkpointer) return false; // a finished run writes nothing
    bool news;
    int64_t step;
    double seconds;
    mg_error failure = {0};
    bool activity = wait && mg_activity_begin("writing a checkpoint", 0);
    mg_status status =
        mg_checkpointer_result(run->saving.checkpointer, wait, &news, &step, &seconds, &failure);
    mg_activity_end(&activity);
    if (!news) return false;
    run->saving.failure = failure;
    if (status) return true;
    mg_metrics_begin(&run->log.line, "checkpoint", step, run->position.epoch, run->clock.seconds);
    mg_json_put_real(&run->log.line, "write_seconds", seconds);
    mg_metrics_end(&run->log.metrics, &run->log.line, 0);
    return false;
}

static void warn(const mg_run *run, const mg_error *failure) {
    mg_run_message(run, "warning: no checkpoint at step %lld: %s; the previous checkpoint is kept",
                   (long long)run->saving.step, failure->text);
}

// The same, but if the checkpoint failed, warns the user. The previous checkpoint is kept; the next one is
// tried when it is due.
static void report_result(mg_run *run, bool wait) {
    if (take_result(run, wait)) warn(run, &run->saving.failure);
}

static bool is_due(const mg_run *run, bool epoch_end) {
    const mg_checkpoint_options *every = run->options->checkpoint;
    return (every->every_seconds > 0 && run->clock.seconds - run->saving.seconds >= every->every_seconds) ||
           (every->every_steps > 0 && run->position.step - run->saving.step >= every->every_steps) ||
           (epoch_end && every->every_epochs > 0 &&
            run->position.epoch - run->saving.epoch >= every->every_epochs);
}

static bool weights_are_finite(const mg_run *run) {
    for (int f = 0; f < run->fields.count; f++) {
        const mg_field *field = &run->fields.field[f];
        if (!field->weights) continue;
        const float *values = field->data;
        for (int64_t i = 0; i < field->count; i++)
            if (!isfinite(values[i])) return false;
    }
    return true;
}

static void note_attempt(mg_run *run) {
    run->saving.seconds = run->clock.seconds;
    run->saving.step = run->position.step;
    run->saving.epoch = run->position.epoch;
}

static void submit(mg_run *run, bool still) {
    if (!run->saving.checkpointer) return;
    if (!weights_are_finite(run) || mg_run_check_data(run, NULL))
        return; // the end of training reports it; the checkpoints on disk are good and are kept
    run->position.events = run->log.metrics.events;
    if (!mg_checkpointer_submit(run->saving.checkpointer, &run->position, still))
        return; // the previous one is still being written: tried again after the next step
    note_attempt(run);
}

static mg_status check_finite(const mg_run *run, mg_error *error) {
    if (weights_are_finite(run)) return MG_OK;
    return mg_fail(error, MG_NONFINITE,
                   "the weights became infinite or NaN in step %lld (epoch %lld): " MG_ADVICE_NONFINITE,
                   (long long)run->position.step, (long long)mg_position_epoch(&run->position));
}

// Checks the state of all ranks before it is written, and collects it.
static mg_status check_state(mg_run *run, mg_error *error) {
    mg_status status = mg_run_check_data(run, error);
    if (!status) status = check_finite(run, error);
    status = mg_run_agree(run, status, error);
    return status ? status : mg_run_collect(run, error);
}

void mg_run_checkpoint_if_due(mg_run *run, bool epoch_end) {
    bool due = mg_run_root_says(run, is_due(run, epoch_end));
    if (due || epoch_end) report_result(run, false);
    if (!due) return;
    mg_error failure = {0};
    if (!mg_run_collect(run, &failure)) {
        submit(run, false);
        return;
    }
    mg_comm *comm = run->ranks.comm;
    if (comm->lost.status) return; // the next agreement of the ranks fails
    mg_comm_forgive(comm);         // all ranks have the same failure here, and train on
    note_attempt(run);
    warn(run, &failure);
}

mg_status mg_run_checkpoint(mg_run *run, mg_error *error) {
    if (run->finished) return MG_OK;
    mg_status status = check_state(run, error);
    if (status) return status;
    report_result(run, true);
    submit(run, true);
    take_result(run, true);
    if (run->saving.failure.status && error) *error = run->saving.failure;
    return mg_run_agree(run, run->saving.failure.status, error);
}

mg_status mg_run_try_checkpoint(mg_run *run, mg_error *error) {
    mg_status status = check_state(run, error);
    if (status) return status;
    report_result(run, true);
    submit(run, true);
    report_result(run, true);
    return MG_OK;
}
