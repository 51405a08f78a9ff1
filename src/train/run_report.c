// run_report.c - reports during a run: progress, and a line of metrics.jsonl for every epoch.
#include "train/run.h"

#include "base/clock.h"
#include "base/json.h"

#include <math.h>

bool mg_run_certificate(const mg_run *run, mg_certificate *certificate) {
    if (run->last.certified) *certificate = run->last.certificate;
    return run->last.certified;
}

// Complete fraction of the current epoch.
static double epoch_part(const mg_run *run) {
    return run->solver->whole ? run->last.epoch_part
                              : (double)run->position.batch / (double)run->setup.problem.steps_per_epoch;
}

void mg_run_report_progress(mg_run *run, const mg_measured *measured) {
    const mg_observer *observer = run->request->observer;
    const mg_problem *problem = &run->setup.problem;
    const mg_position *at = &run->position;
    double now = mg_clock_seconds();
    bool epoch_end = measured != NULL;
    mg_measured found = epoch_end ? *measured : MG_NOT_MEASURED;
    if (!observer || !observer->progress || (!epoch_end && now - run->log.shown < 0.1)) return;
    run->log.shown = now;
    double rate =
        run->counts.epoch_seconds > 0 ? (double)run->counts.epoch_rows / run->counts.epoch_seconds : 0;
    double left = (double)(problem->total_steps - at->step) * (double)problem->batch;
    mg_progress progress = {
        .epoch = at->epoch + 1,
        .epochs = problem->epochs,
        .step = at->step,
        .total_steps = problem->total_steps,
        .epoch_end = epoch_end,
        .epoch_fraction = epoch_end ? 1 : epoch_part(run),
        .pass_loss = at->loss_rows ? at->loss / (double)at->loss_rows : NAN,
        .train_loss = found.loss,
        .objective = found.objective,
        .accuracy = found.accuracy,
        .gap = found.gap,
        .rows_per_second = rate,
        .wait_share =
            run->counts.epoch_seconds > 0 ? run->counts.epoch_waited / run->counts.epoch_seconds : 0,
        .seconds = run->clock.seconds,
        .eta_seconds = rate > 0 ? left / rate : NAN,
        .learning_rate = mg_run_learning_rate(run, at->step),
    };
    observer->progress(observer->context, &progress);
}

// What rank 0 has sent so far, and how long it has waited for other ranks.
static void put_traffic(mg_run *run) {
    const mg_comm_traffic *traffic = &run->ranks.comm->traffic;
    if (mg_run_is_alone(run)) return;
    mg_json_put_int(&run->log.line, "sent_bytes", traffic->bytes);
    mg_json_put_int(&run->log.line, "sent_messages", traffic->messages);
    mg_json_put_real(&run->log.line, "rank_wait_seconds", traffic->waited);
}

void mg_run_log_epoch(mg_run *run, const mg_measured *measured) {
    mg_position *at = &run->position;
    mg_metrics_begin(&run->log.line, "epoch", at->step, at->epoch + 1, run->clock.seconds);
    mg_json_put_known(&run->log.line, "pass_loss", at->loss_rows ? at->loss / (double)at->loss_rows : NAN);
    mg_json_put_known(&run->log.line, "train_loss", measured->loss);
    mg_json_put_known(&run->log.line, "objective", measured->objective);
    if (run->solver->learning_rate)
        mg_json_put_real(&run->log.line, "learning_rate", mg_run_learning_rate(run, at->step - 1));
    mg_json_put_known(
        &run->log.line, "rows_per_second",
        run->counts.epoch_seconds > 0 ? (double)run->counts.epoch_rows / run->counts.epoch_seconds : NAN);
    mg_json_put_real(&run->log.line, "wait_seconds", run->counts.epoch_waited);
    put_traffic(run);
    mg_json_put_known(&run->log.line, "primal", isnan(measured->gap) ? NAN : measured->objective);
    mg_json_put_known(&run->log.line, "dual", measured->dual);
    mg_json_put_known(&run->log.line, "gap", measured->gap);
    mg_json_put_known(&run->log.line, "accuracy", measured->accuracy);
    const char *other = run->last.successor, *why = run->last.why;
    if (other) {
        mg_json_put_text(&run->log.line, "solver", other);
        mg_json_put_text(&run->log.line, "solver_why", why);
        if (!run->points.count) mg_run_message(run, "solver %s from here on: %s", other, why);
    }
    mg_metrics_end(&run->log.metrics, &run->log.line, 1);
}

void mg_run_warn_of_metrics(mg_run *run) {
    const mg_error *failure = &run->log.metrics.failure;
    if (failure->status && !run->log.warned)
        mg_run_message(run, "warning: %s; its lines are kept, and margin will try to write them again",
                       failure->text);
    run->log.warned = failure->status != MG_OK;
}
