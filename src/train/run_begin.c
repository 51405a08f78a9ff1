// run_begin.c - opens everything that a run needs, in such an order that mistakes of the user are found
// before anything is written.
#include "train/run.h"

#include "base/clock.h"
#include "base/cpu.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/memory.h"
#include "train/bridge.h"
#include "train/judge.h"
#include "train/ranks.h"
#include "train/run_calibrate.h"
#include "train/run_memory.h"
#include "train/run_own.h"
#include "train/sample.h"

#include <margin/version.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

void mg_run_init(mg_run *run, const mg_trainer_options *options, const mg_train_request *request,
                 const mg_run_points *points) {
    *run = (mg_run){
        .options = options,
        .request = request,
        .position.best_accuracy = -1,
        .log.metrics.fd = -1,
        .evaluated = {.train_step = -1, .accuracy_step = -1},
        .solver_options = {.train = options->train, .stop = {mg_run_give_up, run}},
    };
    if (points) run->points = *points;
}

void mg_run_replace_options(mg_run *run, const mg_trainer_options *options) {
    run->options = options;
    run->solver_options.train = options->train;
}

void mg_run_take_standing(mg_run *run) {
    if (run->solver->whole) run->solver->whole->standing(run->state, &run->last);
}

static mg_status create_solver(mg_run *run, mg_error *error) {
    const mg_problem *problem = &run->setup.problem;
    run->solver = run->setup.choice.solver;
    for (int i = 0; i < MG_SOLVERS; i++)
        if (mg_solver_at(i) == run->solver) run->solver_options.own = run->options->solver_options[i];
    run->solver_options.tolerance = run->setup.choice.tolerance;
    run->solver_options.handover = run->setup.choice.handover;
    mg_status status = run->solver->create(problem, &run->solver_options, &run->state, error);
    if (status) return status;
    if (run->solver->whole) {
        const mg_dataset *train = run->setup.train;
        mg_batch all = {.rows = mg_store_rows(&train->store), .label = train->label, .weight = train->weight};
        mg_memory_defer(false); // attach uses its memory at once, so its allocations are checked one by one
        status = run->solver->whole->attach(run->state, &all, error);
        mg_memory_defer(true);
        if (status) return status;
        mg_run_take_standing(run);
    }
    run->fields.count = run->solver->fields(run->state, run->fields.field);
    if (run->setup.validation) {
        mg_weights *best = &run->best;
        status = mg_problem_weights(problem, best, error);
        if (!status)
            run->fields.count += mg_field_weights(best, (mg_field_names){"best", "best_bias", "best_offset"},
                                                  run->fields.field + run->fields.count);
    }
    for (int f = 0; f < run->points.field_count; f++)
        run->fields.field[run->fields.count++] = run->points.fields[f];
    // counted twice: the field and its snapshot
    for (int f = 0; f < run->fields.count; f++)
        run->fields.bytes +=
            2.0 * (double)run->fields.field[f].count * (double)mg_h5_type_size(run->fields.field[f].type);
    return status;
}

// Checks that the model has the classes of the data, because the weights of a class are useless for another.
static mg_status check_same_classes(const mg_model *model, const mg_dataset *train, mg_error *error) {
    char before[MG_LABEL_BUFFER], now[MG_LABEL_BUFFER];
    for (int64_t k = 0; k < model->classes_count; k++) {
        const char *a = mg_classes_label(&model->classes, k, before),
                   *b = mg_classes_label(&train->classes, k, now);
        if (strcmp(a, b))
            return mg_fail(
                error, MG_DATA,
                "%s: class %lld is '%s' there, but '%s' in %s: give --init a model of these labels, or "
                "leave --init out",
                model->path, (long long)k, a, b, train->path);
    }
    return MG_OK;
}

// Fingerprint of a model's weights; never 0. It is computed from the biases, and from the weights that are
// not 0 with their classes and features. So it is the same when the file is moved or copied, and when the
// model stores weights of unused features too.
static int64_t fingerprint_of(const mg_model *model) {
    const mg_used *used = &model->used;
    uint64_t digest = mg_hash_bytes(0, model->bias, (size_t)model->classes_count * sizeof *model->bias);
    for (int64_t k = 0; k < model->classes_count; k++) {
        const float *weights = model->weights + k * model->per_class;
        for (int64_t i = 0, end; i < model->per_class; i = end) {
            end = i + 1;
            if (weights[i] == 0) continue;
            const int64_t place[2] = {k, mg_used_column(used, i)};
            // weights of adjacent features are hashed together
            while (end < model->per_class && weights[end] != 0 &&
                   mg_used_place(used, place[1] + end - i) == end)
                end++;
            digest = mg_hash_bytes(digest, place, sizeof place);
            digest = mg_hash_bytes(digest, weights + i, (size_t)(end - i) * sizeof *weights);
        }
    }
    return digest ? (int64_t)digest : 1;
}

static const mg_model *model_of_program(const mg_run *run) {
    return run->options->memory ? run->options->memory->start : NULL;
}

static mg_status start_from(mg_run *run, const mg_model *model, mg_error *error) {
    mg_weights start = {0};
    char whose[PATH_MAX + 32];
    mg_status status = MG_OK;
    snprintf(whose, sizeof whose, "in the model %s", model->path);
    const mg_known_columns known = {
        .columns = &model->columns, .features = model->features, .whose = whose, .same = true};
    if (model->features == run->setup.problem.features) // otherwise mg_bridge_start reports the difference
        status = mg_dataset_match(run->setup.train, &known, error);
    if (!status) status = mg_bridge_start(model, &run->setup.problem, &start, error);
    if (!status) status = check_same_classes(model, run->setup.train, error);
    if (!status) run->solver->begin_at(run->state, &start);
    if (!status) run->start.fingerprint = fingerprint_of(model);
    mg_weights_destroy(&start);
    return status;
}

static mg_status start_from_model(mg_run *run, mg_error *error) {
    mg_model *model = NULL;
    if (model_of_program(run)) return start_from(run, model_of_program(run), error);
    if (!run->request->init_model) return MG_OK;
    mg_status status = mg_model_read(run->request->init_model, &model, error);
    if (!status) status = start_from(run, model, error);
    mg_model_free(model);
    return status;
}

// Adds what is copied of a data set: its rows, unless kernels read them in place; and indptr, labels and
// weights, if they are converted.
static void count_copies(const mg_dataset *dataset, mg_trainer_copies *copies) {
    if (!dataset) return;
    int64_t indptr = mg_source_indptr_bytes(dataset->source);
    copies->bytes += (double)indptr;
    copies->converted += (double)dataset->count * (dataset->label ? (double)sizeof *dataset->label : 0);
    copies->converted += (double)dataset->count * (dataset->weight ? (double)sizeof *dataset->weight : 0);
    if (dataset->store.borrowed) {
        if (indptr && !copies->why) copies->why = "indptr is converted to int64";
        return;
    }
    int64_t rows = dataset->resident ? dataset->count : mg_min(2 * dataset->window_rows, dataset->count);
    double share = (double)rows / (double)dataset->count;
    copies->bytes += mg_store_bytes(dataset->layout, dataset->cell, dataset->features, rows,
                                    (int64_t)(share * (double)dataset->stored));
    if (dataset->left_out.unlabelled) copies->why = "rows without a label are left out";
    else if (dataset->select) copies->why = "a part of them is held out";
    else if (dataset->used.width) copies->why = "features that occur in no training row are left out";
    else copies->why = mg_source_unlent(dataset->source);
}

static bool rate_is_searched(const mg_run *run) {
    return run->solver->needs_sample && run->solver->needs_sample(run->state);
}

// Chooses what the configuration leaves open, once, before the first step. The time counts as training time.
static mg_status prepare_solver(mg_run *run, mg_error *error) {
    if (!rate_is_searched(run)) return MG_OK;
    double start = mg_clock_seconds();
    mg_sample_store store;
    mg_sample sample;
    mg_status status = mg_sample_draw(run->stream, run->setup.train, &store, &sample, error);
    if (status) return status;
    const mg_stop stop = mg_run_stop_of(run);
    status = run->solver->prepare(run->state, &sample, &stop, error);
    mg_sample_clear(&store);
    run->clock.prepare_seconds = mg_clock_seconds() - start;
    run->clock.seconds += run->clock.prepare_seconds;
    return status;
}

// Rows of a data file that were left out. In a cross-validation, only the first fold reports them.
static void note_unlabelled(mg_run *run) {
    const mg_dataset *const data[] = {run->setup.train, run->setup.validation, run->test};
    char text[MG_UNLABELLED_TEXT];
    for (size_t i = 0; i < sizeof data / sizeof *data && run->options->fold == 0; i++) {
        if (!data[i]) continue;
        mg_dataset_unlabelled_text(data[i], text);
        if (text[0]) mg_run_message(run, "note: %s", text);
    }
}

static void tell_matched(const mg_run *run, const mg_dataset *data) {
    char text[MG_ALIGN_TEXT];
    mg_dataset_matched(data, 0, text);
    if (text[0]) mg_run_message(run, "note: %s: %s", data->path, text);
}

static void report_plan(mg_run *run) {
    const mg_setup *setup = &run->setup;
    const mg_problem *problem = &setup->problem;
    const mg_dataset *train = setup->train;
    const mg_observer *observer = run->request->observer;
    double rows = train->resident ? (double)train->count : 2 * (double)train->window_rows;
    mg_plan plan = {
        .directory = mg_trainer_has_files(run->options) ? run->options->output->directory : NULL,
        .data = {.rows = train->all.count,
                 .features = mg_dataset_width(train),
                 .used_features = train->features,
                 .classes = problem->classes,
                 .validation_rows = setup->validation ? setup->validation->all.count : 0,
                 .stored = (double)train->all.stored,
                 .sparse = train->layout == MG_CSR,
                 .streamed = !train->resident,
                 .row_bytes = mg_store_bytes(train->layout, train->cell, train->features, (int64_t)rows,
                                             (int64_t)(rows * problem->values_per_row)),
                 .load_seconds = setup->load_seconds,
                 .cell = mg_source_type_name(train->source)},
        .state_bytes = run->fields.bytes,
        .lambda = problem->lambda,
        .learning_rate = mg_run_learning_rate(run, 0),
        .prepare_seconds = run->clock.prepare_seconds,
        .threads = setup->team.threads,
        .threads_bound_by = setup->threads_bound_by,
        .parts = problem->parts,
        .batch = problem->batch,
        .epochs = problem->epochs,
        .loss = problem->loss->name,
        .solver = run->solver->name,
        .solver_why = setup->choice.why,
        .tolerance = run->setup.choice.tolerance,
        .kernel = problem->kernel->name,
        .resumed_step = run->resumed ? run->position.step : -1,
        .shards = run->ranks.comm->shards,
        .ranks = run->ranks.comm->ranks,
    };
    if (observer && observer->plan) observer->plan(observer->context, &plan);
    if (setup->thread_warning[0]) mg_run_message(run, "warning: %s", setup->thread_warning);
    if (setup->vanished[0]) mg_run_message(run, "warning: %s", setup->vanished);
    if (setup->rounding[0]) mg_run_message(run, "warning: %s", setup->rounding);
    if (setup->warning[0]) mg_run_message(run, "warning: %s", setup->warning);
    char slow[MG_JUDGE_TEXT];
    mg_judge_start(run, slow);
    if (slow[0]) mg_run_message(run, "note: %s", slow);
    if (setup->uneven_note[0]) mg_run_message(run, "note: %s", setup->uneven_note);
    if (setup->lambda_note[0]) mg_run_message(run, "note: %s", setup->lambda_note);
    if (setup->note[0]) mg_run_message(run, "note: %s", setup->note);
    if (setup->read_validation[0]) mg_run_message(run, "note: %s", setup->read_validation);
    if (setup->read_test[0]) mg_run_message(run, "note: %s", setup->read_test);
    note_unlabelled(run);
    if (setup->validation) tell_matched(run, setup->validation);
    if (run->test) tell_matched(run, run->test);
}

static void log_start(mg_run *run) {
    const mg_problem *problem = &run->setup.problem;
    mg_writer *line = &run->log.line;
    char processor[128];
    mg_cpu_model(processor, sizeof processor);
    mg_metrics_begin(line, "start", run->position.step, run->position.epoch, run->clock.seconds);
    mg_json_put_text(line, "version", MG_VERSION);
    mg_json_put_int(line, "rows", problem->rows);
    mg_json_put_int(line, "features", mg_dataset_width(run->setup.train));
    mg_json_put_int(line, "used_features", problem->features);
    mg_json_put_int(line, "classes", problem->classes);
    mg_json_put_text(line, "loss", problem->loss->name);
    mg_json_put_text(line, "solver", run->solver->name);
    mg_json_put_real(line, "lambda", problem->lambda);
    if (run->setup.choice.why[0]) mg_json_put_text(line, "solver_why", run->setup.choice.why);
    if (run->setup.choice.tolerance > 0) mg_json_put_real(line, "tolerance", run->setup.choice.tolerance);
    if (run->solver->learning_rate) {
        mg_json_put_real(line, "learning_rate", mg_run_learning_rate(run, 0));
        mg_json_put_text(line, "learning_rate_from",
                         rate_is_searched(run) ? "search" : run->solver->rate_option);
        mg_json_put_real(line, "search_seconds", run->clock.prepare_seconds);
    }
    mg_json_put_real(line, "mean_square_norm", problem->mean_square_norm);
    mg_json_put_int(line, "batch", problem->batch);
    mg_json_put_int(line, "parts", problem->parts);
    mg_json_put_int(line, "threads", run->setup.team.threads);
    if (run->ranks.comm->shards > 1) mg_json_put_int(line, "shards", run->ranks.comm->shards);
    if (!mg_run_is_alone(run)) mg_json_put_int(line, "ranks", run->ranks.comm->ranks);
    mg_json_put_text(line, "kernel", problem->kernel->name);
    mg_json_put_text(line, "processor", processor);
    mg_json_put_real(line, "load_seconds", run->setup.load_seconds);
    mg_json_put_int(line, "streamed", !run->setup.train->resident);
    mg_metrics_end(&run->log.metrics, line, 0);
    mg_run_warn_of_metrics(run);
}

// True if the run started from the weights of a model. A run that is resumed without --init says so in its
// files. If there is a previous.new, these files belong to an older run, which mg_run_set_aside will move.
static bool begun_from_weights(const mg_run *run) {
    mg_origin origin;
    const mg_directory *directory = run->place.directory;
    if (run->request->init_model || model_of_program(run)) return true;
    if (!run->request->resume || !directory || mg_directory_holds(directory, MG_RUN_GATHERING) ||
        mg_run_read_origin(directory, &origin, NULL))
        return false;
    bool from_weights = origin.init_fingerprint != 0;
    mg_checkpoint_origin_clear(&origin);
    return from_weights;
}

mg_status mg_run_begin(mg_run *run, mg_error *error) {
    mg_status connected = mg_run_connect(run, error);
    if (connected) return connected;
    mg_setup_options options = {.data = run->options->data,
                                .model = run->options->model,
                                .train = run->options->train,
                                .train_file = run->options->train_file,
                                .validation_file = run->options->validation_file,
                                .comm = run->ranks.comm,
                                .needs_certificates =
                                    run->options->needs_certificates || run->points.count > 0,
                                .folds = run->options->folds,
                                .fold = run->options->fold,
                                .weigh_held_out = run->options->held_out || mg_run_calibrates(run)};
    const mg_before_change *before = run->options->before_change;
    mg_status status = mg_h5_check_library(error);
    if (!status && !before) status = mg_run_enter_directory(run, false, error);
    status = mg_run_agree(run, status, error);
    options.start_from_weights = begun_from_weights(run);
    if (!status) status = mg_setup_open(&options, &run->setup, error);
    if (!status && options.folds > 0) status = mg_setup_open_fold(&options, &run->setup, &run->test, error);
    const mg_setup_file test = {options.data->test, false, run->setup.read_test};
    if (!status && !options.folds && test.path)
        status = mg_setup_open_like(&options, &run->setup, &test, &run->test, error);
    if (!status) status = mg_run_check_calibration(run, error);
    status = mg_run_agree(run, status, error);
    if (status) return status;
    if (run->options->memory) count_copies(run->setup.train, run->options->memory->copies);
    if (run->options->memory) count_copies(run->setup.validation, run->options->memory->copies);
    mg_run_memory memory;
    mg_run_memory_begin(&memory);
    status = create_solver(run, error);
    mg_run_memory_state(&memory);
    if (!status && !(run->solver->whole && !mg_run_is_alone(run))) // a rank may have no rows
        status =
            mg_stream_create(run->setup.train, run->setup.problem.batch, (uint64_t)run->options->train->seed,
                             true, run->options->data->memory_limit, &run->stream, error);
    mg_run_memory_windows(&memory);
    status = mg_run_memory_check(&memory, run, status, error);
    if (!status) status = start_from_model(run, error);
    if (!status && before) status = before->call(before->context, error);
    status = mg_run_agree(run, status, error);
    if (!status) status = mg_run_take_directory(run, error);
    return status;
}

mg_status mg_run_prepare(mg_run *run, mg_error *error) {
    mg_status status = run->resumed ? MG_OK : prepare_solver(run, error);
    if (status) return status;
    run->ready = true;
    report_plan(run);
    log_start(run);
    return MG_OK;
}
