// run_calibrate.c - calibrates the model of a run. An interrupted calibration is repeated from its beginning
// when the run is resumed, and has the same result.
#include "train/run_calibrate.h"

#include "base/activity.h"
#include "base/memory.h"
#include "train/collect.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FOLDS = 5 };

static mg_calibration_method method_of(const mg_run *run) {
    return (mg_calibration_method)mg_calibration_find(run->options->model->calibration);
}

bool mg_run_calibrates(const mg_run *run) {
    return method_of(run) != MG_CALIBRATION_NONE && !run->options->folds && !run->points.count;
}

void mg_calibration_tell(const mg_calibration *c, mg_calibration_report *out) {
    bool none = c->method == MG_CALIBRATION_NONE;
    *out = (mg_calibration_report){
        .rows = c->rows,
        .temperature = none || c->method == MG_CALIBRATION_SIGMOID ? NAN : c->temperature,
        .exponent = c->method == MG_CALIBRATION_ADAPTIVE ? c->exponent : NAN,
        .log_loss_before = none ? NAN : c->before.log_loss,
        .log_loss = none ? NAN : c->after.log_loss,
        .ece_before = none ? NAN : c->before.ece,
        .ece = none ? NAN : c->after.ece,
    };
    if (!none) snprintf(out->method, sizeof out->method, "%s", mg_calibration_name((int)c->method));
}

mg_status mg_path_check_calibration(const mg_trainer_options *options, mg_error *error) {
    bool wanted = strcmp(options->model->calibration, mg_calibration_name(MG_CALIBRATION_NONE)) != 0;
    if (!wanted || options->trial || options->folds) return MG_OK;
    return mg_fail(
        error, MG_CONFIG,
        "model.calibration: %s is not for paths: leave it out, and run margin calibrate MODEL DATA on the "
        "model of the path",
        options->model->calibration);
}

bool mg_calibration_says_nothing(const mg_calibration *calibration) {
    // The log-loss is then that of equal probabilities, at least log(2). That of the rule of succession is
    // lower for any weight of the rows.
    return calibration->after.log_loss > 0.69;
}

const char *mg_calibration_limit(const mg_calibration *calibration) {
    return mg_calibration_says_nothing(calibration) ? "the scores say nothing about their classes"
                                                    : "the model puts every one of them into its class";
}

// ---- before training ----------------------------------------------------------------------------

#define OTHERWISE                                                                                            \
    "leave it out, and run margin calibrate MODEL DATA on labelled rows that were not trained on"

// Rows that folds can hold out, and their weight: a class with a single row keeps it.
static mg_status count_for_folds(const mg_dataset *train, int64_t *count, double *weight, mg_error *error) {
    int64_t *rows;
    mg_status status = mg_memory_zeroed(&rows, (size_t)train->classes.count, sizeof *rows, error);
    *count = 0;
    for (int64_t i = 0; !status && i < train->count; i++) rows[train->label[i]]++;
    for (int64_t i = 0; !status && i < train->count; i++) {
        if (rows[train->label[i]] < 2) continue;
        *count += 1;
        *weight += train->weight ? (double)train->weight[i] : 1;
    }
    mg_memory_free(rows);
    return status;
}

mg_status mg_run_check_calibration(const mg_run *run, mg_error *error) {
    const mg_dataset *train = run->setup.train, *validation = run->setup.validation;
    const char *name = run->options->model->calibration;
    int64_t rows = 0;
    if (!mg_run_calibrates(run)) return MG_OK;
    double held = 0;
    for (int64_t i = 0; validation && i < validation->count; i++)
        held += run->setup.held_weight ? (double)run->setup.held_weight[i] : 1;
    mg_status status = validation ? MG_OK : count_for_folds(train, &rows, &held, error);
    if (!status && !(held > 0) && (validation || rows))
        return mg_fail(error, MG_CONFIG, "model.calibration: %s: all %s rows have the weight 0: " OTHERWISE,
                       name, validation ? "validation" : "held-out");
    if (!status && !validation && rows < FOLDS)
        return mg_fail(error, MG_CONFIG,
                       "model.calibration: %s holds out fifths of the rows, and there are fewer than %d in "
                       "classes with two or more: " OTHERWISE,
                       name, FOLDS);
    double bytes = (double)(validation ? validation->count : rows) * (double)sizeof(float) *
                   ((double)train->classes.count + 2);
    char need[32], room[32];
    if (!status && bytes > (double)mg_memory_room() / 2)
        return mg_fail(
            error, MG_CONFIG,
            "model.calibration: %s keeps the scores of the rows that are held out, which need %s, but "
            "half of the free memory is %s: " OTHERWISE,
            name, mg_print_bytes(bytes, need), mg_print_bytes((double)mg_memory_room() / 2, room));
    return status;
}

// ---- the folds ----------------------------------------------------------------------------------

// What all folds have in common.
typedef struct folds {
    mg_run *run;
    mg_collection *rows;
    mg_trainer_options options;
    mg_model_options model;
    mg_output_options output;
    mg_trainer_memory memory;
    mg_trainer_copies copies; // those of the run itself count
} folds;

static bool stops(void *context, int64_t step) {
    const mg_observer *observer = ((const folds *)context)->run->request->observer;
    return observer && observer->stop && observer->stop(observer->context, step);
}

static mg_status train_fold(folds *all, int64_t fold, mg_error *error) {
    const mg_observer observer = {.context = all, .stop = stops};
    // No flag `finish`: a fold that ends early would have other scores.
    const mg_train_request request = {.observer = &observer};
    mg_train_result result;
    mg_error why = {0};
    mg_run run;
    all->options.fold = fold;
    mg_run_init(&run, &all->options, &request, NULL);
    mg_status status = mg_run_train(&run, &result, &why);
    mg_run_clear(&run);
    if (status == MG_STOPPED) return mg_fail(error, status, "stopped while the model was calibrated");
    if (!status) return MG_OK;
    return mg_fail(error, status, "model.calibration: fold %lld of %d: %s", (long long)fold + 1, FOLDS,
                   why.text);
}

// Trains as the run does, but from weights of zero and without the rows of a fold.
static mg_status collect_folds(mg_run *run, mg_collection *rows, mg_error *error) {
    MG_ACTIVITY("calibrating on folds", FOLDS);
    folds all = {.run = run,
                 .rows = rows,
                 .options = *run->options,
                 .model = *run->options->model,
                 .output.directory = (char *)(uintptr_t) ""};
    all.model.calibration = mg_calibration_name(MG_CALIBRATION_NONE);
    all.options.model = &all.model;
    all.options.output = &all.output;
    all.options.train_file = run->setup.train->file;
    all.options.before_change = NULL;
    all.options.within = NULL;
    all.options.name_within = NULL;
    all.options.trial = true;
    all.options.folds = FOLDS;
    all.options.held_out = rows;
    if (run->options->memory) {
        all.memory = *run->options->memory;
        all.memory.start = NULL;
        all.memory.model = NULL;
        all.memory.copies = &all.copies;
        all.options.memory = &all.memory;
    }
    mg_run_message(run, "note: model.calibration: %s: trains %d times, each time without a fifth of the rows",
                   run->options->model->calibration, FOLDS);
    mg_status status = MG_OK;
    for (int64_t f = 0; !status && f < FOLDS; f++) {
        status = train_fold(&all, f, error);
        mg_activity_advance(activity, 1);
    }
    return status;
}

// ---- the calibration ----------------------------------------------------------------------------

static void warn_of_limit(mg_run *run, const mg_calibration *c) {
    mg_run_message(
        run,
        "warning: model.calibration: the rows that are held out do not determine a temperature, because %s: "
        "%.3g is used",
        mg_calibration_limit(c), c->temperature);
}

mg_status mg_run_calibrate(mg_run *run, const mg_weights *weights, mg_calibration *out, mg_error *error) {
    static const mg_calibration none;
    mg_collection rows = {.stop = mg_run_stop_of(run)};
    mg_evaluation evaluation = {0};
    mg_scorer scorer = mg_run_scorer(run);
    bool limited = false;
    *out = none;
    if (!mg_run_calibrates(run)) return MG_OK;
    mg_status status = run->setup.validation ? mg_collect(&rows, &scorer, run->setup.validation, weights,
                                                          run->setup.held_weight, &evaluation, error)
                                             : collect_folds(run, &rows, error);
    const mg_scored scored = mg_collected(&rows);
    if (!status)
        status = mg_calibration_fit(method_of(run), &scored, &none, scorer.team, out, &limited, error);
    if (!status && limited) warn_of_limit(run, out);
    mg_collection_clear(&rows);
    return status;
}
