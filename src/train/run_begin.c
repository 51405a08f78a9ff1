// run_begin.c - opens everything a run needs, in the order that finds a user's mistake before anything is written.
#include "train/run.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "io/file.h"
#include "train/bridge.h"
#include "train/sample.h"

#include <errno.h>
#include <margin/version.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const traces[] = {"config.yaml", "metrics.jsonl", "model.h5", "checkpoints"};

static bool holds_a_run(const char *directory) {
    char path[2200];
    for (size_t i = 0; i < sizeof traces / sizeof *traces; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, traces[i]);
        if (access(path, F_OK) == 0) return true;
    }
    return false;
}

static mg_status check_directory(mg_run *run, mg_error *error) {
    const char *directory = run->options->output->directory;
    if (!directory) return mg_fail(error, MG_CONFIG, "output.directory: is not set");
    if (strlen(directory) >= sizeof run->directory - 64)
        return mg_fail(error, MG_CONFIG, "output.directory: a path of %zu bytes is too long", strlen(directory));
    snprintf(run->directory, sizeof run->directory, "%s", directory);
    if (run->request->resume || run->request->overwrite || !holds_a_run(directory)) return MG_OK;
    return mg_fail(error, MG_CONFIG, "%s: already holds a run: go on with --resume, start anew with --overwrite, or set output.directory",
                   directory);
}

// Of a directory that is there already, before anything is loaded: a second run is told at once.
static mg_status lock_directory(mg_run *run, bool make, mg_error *error) {
    if (run->lock.held) return MG_OK;
    char itself[2200];
    snprintf(itself, sizeof itself, "%s/.", run->directory);
    if (!make && access(itself, F_OK)) return MG_OK; // none is made before the data are known to be sound
    mg_status status = make ? mg_file_make_directory(run->directory, error) : MG_OK;
    return status ? status : mg_lock_take(run->directory, &run->lock, error);
}

static mg_status create_solver(mg_run *run, mg_error *error) {
    const mg_problem *problem = &run->setup.problem;
    run->solver = run->setup.solver;
    mg_status status = run->solver->create(problem, &run->solver_options, &run->state, error);
    if (status) return status;
    if (run->solver->whole) {
        const mg_dataset *train = run->setup.train;
        mg_batch all = {.rows = mg_store_rows(&train->store), .label = train->label, .weight = train->weight};
        status = run->solver->attach(run->state, &all, error);
        if (status) return status;
    }
    run->field_count = run->solver->fields(run->state, run->fields);
    if (run->setup.validation) {
        mg_weights *best = &run->best;
        status = mg_weights_create(best, problem->layout, problem->classes, problem->features, error);
        run->fields[run->field_count++] = mg_field_array("best", MG_H5_F32, best->size, best->v);
        run->fields[run->field_count++] = mg_field_array("best_bias", MG_H5_F32, best->lanes, best->bias);
        run->fields[run->field_count++] = mg_field_array("best_offset", MG_H5_F32, best->lanes, best->offset);
    }
    for (int f = 0; f < run->more_count; f++) run->fields[run->field_count++] = run->more[f];
    for (int f = 0; f < run->field_count; f++) // once for itself, once for its snapshot
        run->state_bytes += 2.0 * (double)run->fields[f].count * (double)mg_h5_type_size(run->fields[f].type);
    return status;
}

// Weights of a class are worth something to that class only.
static mg_status check_same_classes(const mg_model *model, const mg_dataset *train, mg_error *error) {
    char before[MG_LABEL_BUFFER], now[MG_LABEL_BUFFER];
    for (int64_t k = 0; k < model->classes_count; k++) {
        const char *a = mg_classes_label(&model->classes, k, before), *b = mg_classes_label(&train->classes, k, now);
        if (strcmp(a, b))
            return mg_fail(error, MG_DATA, "%s: class %lld is '%.60s' but '%.60s' in %s: --init needs the same labels", model->path,
                           (long long)k, a, b, train->path);
    }
    return MG_OK;
}

static mg_status start_from_model(mg_run *run, mg_error *error) {
    if (!run->request->init_model) return MG_OK;
    mg_model *model;
    mg_weights start = {0};
    char whose[600];
    mg_status status = mg_model_load(run->request->init_model, &model, error);
    if (status) return status;
    snprintf(whose, sizeof whose, "in the model %s", model->path);
    if (model->features == run->setup.problem.features) // else the bridge tells what differs
        status = mg_dataset_match(run->setup.train, &model->columns, model->features, whose, error);
    if (!status) status = mg_bridge_start(model, &run->setup.problem, &start, error);
    if (!status) status = check_same_classes(model, run->setup.train, error);
    if (!status) run->solver->begin_at(run->state, &start);
    mg_weights_destroy(&start);
    mg_model_destroy(model);
    return status;
}

static void pass_message(void *context, const char *line) {
    mg_run_message(context, "warning: %s", line);
}

static mg_identity identity_of(const mg_run *run) {
    return (mg_identity){
        .config = run->options->canonical,
        .solver = run->solver->name,
        .train_fingerprint = (int64_t)run->setup.train->fingerprint,
        .validation_fingerprint = run->setup.validation ? (int64_t)run->setup.validation->fingerprint : 0,
    };
}

// Lines of a file, as many as matter; of one that is there but cannot be read all of those.
static int64_t count_lines(const char *path, int64_t most) {
    FILE *file = fopen(path, "r");
    int64_t count = 0;
    if (!file) return errno == ENOENT ? 0 : most;
    for (int c; count < most && (c = getc(file)) != EOF;) count += c == '\n';
    fclose(file);
    return count;
}

// Without a checkpoint: is there what only comes after one? Then somebody took it away, or it could not be written. A path's first point
// and then its model are on disk shortly before its first checkpoint.
static mg_status expect_no_results(const mg_run *run, mg_error *error) {
    char points[2200], model[2200];
    int64_t least = run->points > 1 ? 2 : 1;
    snprintf(points, sizeof points, "%s/path.jsonl", run->directory);
    snprintf(model, sizeof model, "%s/model.h5", run->directory);
    int64_t lines = count_lines(points, least);
    const char *there = lines == least ? "path.jsonl" : lines == 0 && access(model, F_OK) == 0 ? "model.h5" : NULL;
    if (!there) return MG_OK;
    return mg_fail(error, MG_CONFIG, "%s: nothing to resume: %s is there, but no checkpoint to go on from: keep it, start anew with --overwrite, or set output.directory",
                   run->directory, there);
}

static mg_status open_directory(mg_run *run, mg_error *error) {
    char path[2200], checkpoints[2200];
    snprintf(checkpoints, sizeof checkpoints, "%s/checkpoints", run->directory);
    mg_identity identity = identity_of(run);
    bool found = false;
    run->position.best_accuracy = -1;
    mg_status status = lock_directory(run, true, error);
    if (!status && run->request->resume) {
        mg_resume_hooks hooks = {.context = run, .message = pass_message, .difference = run->options->difference};
        status = mg_checkpoint_resume(checkpoints, &identity, run->fields, run->field_count, &hooks, &run->position, &found, error);
        if (!status && !found) status = expect_no_results(run, error);
        if (!status && !found) mg_run_message(run, "note: %s holds no checkpoint yet: starting from the beginning", run->directory);
    }
    if (!status) mg_file_remove_leftovers(run->directory, "config.yaml.");
    if (!status) mg_file_remove_leftovers(run->directory, "model.h5.");
    if (!status) mg_file_remove_leftovers(run->directory, "path.jsonl.");
    if (!status && !found) status = mg_checkpoint_clear(checkpoints, error);
    snprintf(path, sizeof path, "%s/model.h5", run->directory);
    if (!status && !found) mg_file_calls.unlink(path); // the model of a run that is being overwritten
    snprintf(path, sizeof path, "%s/path.jsonl", run->directory);
    if (!status && !found) mg_file_calls.unlink(path);
    snprintf(path, sizeof path, "%s/config.yaml", run->directory);
    if (!status) status = mg_file_write(path, run->options->resolved, strlen(run->options->resolved), error);
    snprintf(path, sizeof path, "%s/metrics.jsonl", run->directory);
    if (!status) status = mg_metrics_open(path, found ? run->position.events : -1, &run->metrics, &run->seconds, error);
    if (!status)
        status = mg_checkpointer_create(checkpoints, run->options->checkpoint->keep, &identity, run->fields, run->field_count,
                                        &run->checkpointer, error);
    run->saved_seconds = run->seconds;
    run->saved_step = run->position.step;
    run->saved_epoch = run->position.epoch;
    if (!found) run->position.events = -1; // tells the plan that this is a fresh run
    return status;
}

static bool stop_asked(void) {
    return mg_run_stop != 0;
}

// What the configuration leaves open is chosen once, before the first step; its time is training time.
static mg_status prepare_solver(mg_run *run, mg_error *error) {
    if (!run->solver->needs_sample || !run->solver->needs_sample(run->state)) return MG_OK;
    double start = mg_clock_seconds();
    mg_sample_store store;
    mg_sample sample;
    mg_status status = mg_sample_draw(run->stream, run->setup.train, &store, &sample, error);
    if (status) return status;
    status = run->solver->prepare(run->state, &sample, stop_asked, error);
    mg_sample_clear(&store);
    run->prepare_seconds = mg_clock_seconds() - start;
    run->seconds += run->prepare_seconds;
    return status;
}

static void tell_plan(mg_run *run, int64_t resumed_step) {
    const mg_setup *setup = &run->setup;
    const mg_problem *problem = &setup->problem;
    const mg_dataset *train = setup->train;
    const mg_observer *observer = run->request->observer;
    double rows = train->resident ? (double)train->count : 2 * (double)train->window_rows;
    mg_plan plan = {
        .directory = run->directory,
        .rows = train->count,
        .features = train->features,
        .classes = problem->classes,
        .validation_rows = setup->validation ? setup->validation->count : 0,
        .entries = (double)train->entries,
        .sparse = train->layout == MG_CSR,
        .streamed = !train->resident,
        .row_bytes = mg_store_bytes(train->layout, train->cell, train->features, (int64_t)rows,
                                    (int64_t)(rows * problem->entries_per_row)),
        .state_bytes = run->state_bytes,
        .load_seconds = setup->load_seconds,
        .lambda = problem->lambda,
        .learning_rate = mg_run_learning_rate(run, 0),
        .prepare_seconds = run->prepare_seconds,
        .threads = setup->team.threads,
        .threads_bound_by = setup->threads_bound_by,
        .parts = problem->parts,
        .batch = problem->batch,
        .epochs = problem->epochs,
        .loss = problem->loss->name,
        .solver = run->solver->name,
        .solver_why = setup->solver_why,
        .tolerance = run->options->train->tolerance,
        .kernel = problem->kernel->name,
        .cell = mg_source_type_name(train->source),
        .resumed_step = resumed_step,
    };
    if (observer && observer->plan) observer->plan(observer->context, &plan);
    if (setup->thread_warning[0]) mg_run_message(run, "warning: %s", setup->thread_warning);
    if (setup->warning[0]) mg_run_message(run, "warning: %s", setup->warning);
}

static void log_start(mg_run *run) {
    const mg_problem *problem = &run->setup.problem;
    mg_writer *line = &run->line;
    mg_metrics_begin(line, "start", run->position.step, run->position.epoch, run->seconds);
    mg_json_put_text(line, "version", MG_VERSION);
    mg_json_put_int(line, "rows", problem->rows);
    mg_json_put_int(line, "features", problem->features);
    mg_json_put_int(line, "classes", problem->classes);
    mg_json_put_text(line, "loss", problem->loss->name);
    mg_json_put_text(line, "solver", run->solver->name);
    mg_json_put_real(line, "lambda", problem->lambda);
    if (run->setup.solver_why[0]) mg_json_put_text(line, "solver_why", run->setup.solver_why);
    if (run->solver->learning_rate) {
        mg_json_put_real(line, "learning_rate", mg_run_learning_rate(run, 0));
        mg_json_put_text(line, "learning_rate_from", run->options->sgd->eta == run->options->sgd->eta ? "sgd.eta" : "search");
        mg_json_put_real(line, "search_seconds", run->prepare_seconds);
    }
    mg_json_put_real(line, "mean_square_norm", problem->mean_square_norm);
    mg_json_put_int(line, "batch", problem->batch);
    mg_json_put_int(line, "parts", problem->parts);
    mg_json_put_int(line, "threads", run->setup.team.threads);
    mg_json_put_text(line, "kernel", problem->kernel->name);
    mg_json_put_real(line, "load_seconds", run->setup.load_seconds);
    mg_json_put_int(line, "streamed", !run->setup.train->resident);
    mg_metrics_end(&run->metrics, line, 0);
}

mg_status mg_run_begin(mg_run *run, mg_error *error) {
    mg_setup_options options = {.data = run->options->data, .model = run->options->model, .train = run->options->train,
                                .start_from_weights = run->request->init_model != NULL,
                                .folds = run->options->folds, .fold = run->options->fold};
    mg_status status = mg_h5_check_library(error);
    if (!status) status = check_directory(run, error);
    if (!status) status = lock_directory(run, false, error);
    if (!status) status = mg_setup_open(&options, &run->setup, error);
    if (!status && options.folds > 0) status = mg_setup_open_fold(&options, &run->setup, &run->test, error);
    else if (!status && options.data->test) status = mg_setup_open_like(&options, &run->setup, options.data->test, false, &run->test, error);
    run->setup.problem.team = &run->setup.team;
    if (!status) status = create_solver(run, error);
    if (!status) status = start_from_model(run, error);
    if (!status)
        status = mg_stream_create(run->setup.train, run->setup.problem.batch, (uint64_t)run->options->train->seed, true,
                                  run->options->data->memory_limit, &run->stream, error);
    if (!status) status = open_directory(run, error);
    return status;
}

mg_status mg_run_prepare(mg_run *run, mg_error *error) {
    int64_t resumed = run->position.events < 0 ? -1 : run->position.step;
    if (resumed < 0) {
        run->position.events = 0;
        mg_status status = prepare_solver(run, error);
        if (status) return status;
    }
    run->ready = true;
    tell_plan(run, resumed);
    log_start(run);
    return MG_OK;
}
