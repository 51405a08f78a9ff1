// plan.c - a dry run. It begins like a run that writes nothing, trains until a time limit, and extrapolates.
#include "train/plan.h"

#include "base/cpu.h"
#include "base/memory.h"
#include "train/run.h"
#include "train/run_memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SAMPLE_SECONDS 0.5 // training time that is measured; half of it, before, only warms caches up

typedef struct dry_run {
    mg_run run;
    mg_train_options train;
    double time_limit; // of the run that is planned; 0: none
    mg_model_options model;
    const mg_observer *given;
    const char *directory; // where the run would be
    mg_train_estimate *out;
    mg_error *error;
    mg_status status;
} dry_run;

static void keep_plan(void *context, const mg_plan *plan) {
    const dry_run *dry = context;
    mg_train_estimate *out = dry->out;
    out->plan = *plan;
    snprintf(out->directory, sizeof out->directory, "%s", dry->directory);
    snprintf(out->solver_why, sizeof out->solver_why, "%s", plan->solver_why);
    out->plan.directory = out->directory;
    out->plan.solver_why = out->solver_why;
}

static void pass_message(void *context, const char *line) {
    const mg_observer *given = ((const dry_run *)context)->given;
    if (given && given->message) given->message(given->context, line);
}

// Trains for `seconds` more.
static mg_status train_for(dry_run *dry, double seconds) {
    dry->train.time_limit = dry->run.clock.seconds + seconds;
    return mg_run_loop(&dry->run, dry->error);
}

// A run that ends within the time has been measured as a whole.
static void extrapolate(dry_run *dry, int64_t rows_before, double seconds_before) {
    const mg_run *run = &dry->run;
    mg_train_estimate *out = dry->out;
    const mg_problem *problem = &run->setup.problem;
    bool ended = strcmp(run->reason, "time_limit") != 0;
    out->measured_rows = run->counts.visited - rows_before;
    out->measured_seconds = run->clock.seconds - seconds_before;
    out->rows_per_second = (double)out->measured_rows / out->measured_seconds;
    if (!(out->rows_per_second > 0)) out->rows_per_second = NAN;
    out->epoch_seconds = (double)problem->rows / out->rows_per_second;
    out->seconds = NAN;
    if (ended) out->seconds = run->clock.seconds;
    else if (!(run->setup.choice.tolerance > 0))
        out->seconds = run->clock.prepare_seconds + out->epoch_seconds * (double)problem->epochs;
    if (!ended && dry->time_limit > 0 && !(out->seconds < dry->time_limit)) out->seconds = dry->time_limit;
}

static void measure(void *context) {
    dry_run *dry = context;
    mg_run *run = &dry->run;
    dry->status = mg_run_prepare(run, dry->error);
    if (!dry->status) dry->status = train_for(dry, SAMPLE_SECONDS / 2);
    int64_t rows = run->counts.visited;
    double seconds = run->clock.seconds;
    bool ended = strcmp(run->reason, "time_limit") != 0;
    if (!dry->status && !ended) dry->status = train_for(dry, SAMPLE_SECONDS);
    if (!dry->status) extrapolate(dry, ended ? 0 : rows, ended ? run->clock.prepare_seconds : seconds);
}

mg_status mg_trainer_plan(const mg_trainer_options *options, const mg_train_request *request,
                          mg_train_estimate *out, mg_error *error) {
    mg_trainer_options trial = *options;
    const mg_observer *given = request->observer;
    dry_run dry = {.train = *options->train,
                   .time_limit = options->train->time_limit,
                   .model = *options->model,
                   .given = given,
                   .directory = options->output->directory,
                   .out = out,
                   .error = error};
    const mg_observer observer = {.context = &dry, .plan = keep_plan, .message = pass_message};
    const mg_train_request quiet = {.init_model = request->init_model, .observer = &observer};
    *out = (mg_train_estimate){.chooses_C = options->model->C == MG_MODEL_C_AUTO};
    if (out->chooses_C) dry.model.C = NAN;
    dry.train.evaluate_every = dry.train.patience = 0;
    trial.train = &dry.train;
    trial.model = &dry.model;
    trial.trial = true;
    mg_run_init(&dry.run, &trial, &quiet, NULL);
    dry.status = mg_run_begin(&dry.run, error);
    out->memory_bytes = dry.status ? NAN : mg_run_memory_need(&dry.run);
    out->available_bytes = (double)mg_cpu_available_memory() + (double)mg_memory_own();
    if (!dry.status) mg_team_run(&dry.run.setup.team, measure, &dry);
    if (!dry.status && given && given->plan) given->plan(given->context, &out->plan);
    mg_run_clear(&dry.run);
    if (!options->memory) mg_run_stop = 0; // the request to stop was meant for this call
    return dry.status;
}
