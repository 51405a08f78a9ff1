// setup.c - opens the data and sets up the problem.
#include "train/setup.h"

#include "base/arithmetic.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/memory.h"
#include "base/number.h"
#include "parallel/cut.h"
#include "train/reach.h"

#include <margin/nearest.h>
#include <margin/version.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BESIDE = 2 }; // threads besides the team: one reads ahead, one writes checkpoints
// Rows for each stored value of a row. With fewer rows, the default lambda is often not the best.
enum { FEW_ROWS = 20 };
#define MOST_SPREAD 1000 // ratio of column scales above which a finished run gets a warning

static mg_preparation preparation_of(const mg_data_options *data, const mg_setup *setup) {
    mg_preparation preparation = mg_preparation_of(data->rows, data->transform);
    preparation.clip = setup->clip;
    return preparation;
}

static mg_dataset_request request_of(const mg_setup_options *options, const mg_setup *setup, const char *path,
                                     uint64_t seed) {
    const mg_data_options *data = options->data;
    return (mg_dataset_request){
        .path = path,
        .comm = options->comm,
        .features = data->features,
        .labels = data->labels,
        .drop_unlabelled = !strcmp(data->unlabelled, "drop"),
        .names = data->names,
        .preparation = preparation_of(data, setup),
        .seed = seed,
        .memory_limit = data->memory_limit,
        .window_bytes = data->window,
    };
}

// Opens rows whose unused columns are those of the training rows.
static mg_status open_beside(const mg_dataset_request *request, const mg_dataset *train, mg_dataset **out,
                             mg_error *error) {
    mg_status status = mg_dataset_open(request, out, error);
    if (!status) status = mg_dataset_use(*out, &train->used, error);
    if (status) {
        mg_dataset_close(*out);
        *out = NULL;
    }
    return status;
}

static mg_status open_data(const mg_setup_options *options, mg_setup *setup, mg_error *error) {
    const mg_data_options *data = options->data;
    if (!data->train) return mg_fail(error, MG_CONFIG, "data.train: is not set; it must name an HDF5 file");
    double fraction = 0;
    bool folds = options->folds > 0,
         split = !folds && data->validation && mg_data_fraction(data->validation, &fraction);
    if (split && !(fraction > 0 && fraction < 1))
        return mg_fail(error, MG_CONFIG,
                       "data.validation: %s is not allowed (the path of a file, or a fraction above 0 and "
                       "below 1, such as 0.1 or 10%%)",
                       data->validation);
    mg_dataset_request request = request_of(options, setup, data->train, (uint64_t)options->train->seed);
    request.weights = data->weights;
    request.file = options->train_file;
    request.selection = split || folds ? MG_SELECT_KEPT : MG_SELECT_ALL;
    request.held_out = fraction;
    request.folds = options->folds;
    request.fold = options->fold;
    request.survey = true;
    request.drop_unused = !options->start_from_weights;
    mg_status status = mg_dataset_open(&request, &setup->train, error);
    if (status || folds || !data->validation) return status;
    const mg_setup_file file = {data->validation, true, setup->read_validation};
    if (!split) return mg_setup_open_like(options, setup, &file, &setup->validation, error);
    request.selection = MG_SELECT_HELD_OUT;
    request.known = &setup->train->classes;
    request.weights = options->weigh_held_out ? data->weights : NULL;
    request.file = setup->train->file;
    request.drop_unused = false;
    status = open_beside(&request, setup->train, &setup->validation, error);
    if (status) return status;
    // Validation rows count once each, except for a calibration.
    setup->held_weight = setup->validation->weight;
    setup->validation->weight = NULL;
    return MG_OK;
}

// Converts a file that is not HDF5 by the recipe of the training file.
static mg_status open_raw(const mg_data_options *data, const mg_dataset *train, const mg_setup_file *file,
                          mg_raw *raw, mg_error *error) {
    size_t bytes;
    const mg_raw_request request = {.model = {.path = train->path,
                                              .columns = &train->columns,
                                              .features = mg_dataset_width(train),
                                              .classes = &train->classes,
                                              .of_run = true},
                                    .path = file->path,
                                    .drop_unlabelled = !strcmp(data->unlabelled, "drop")};
    bool converted = !strcmp(data->features, "X") && !strcmp(data->labels, "y");
    if (!converted && mg_recipe_find(train->columns.recipe, "format", &bytes))
        return mg_fail(
            error, MG_CONFIG,
            "%s: a file that is not HDF5 is read only if data.features is X and data.labels is y: %s",
            file->path, "convert it with margin convert --like and the training file");
    return mg_raw_open(&request, raw, error);
}

mg_status mg_setup_open_like(const mg_setup_options *options, const mg_setup *setup,
                             const mg_setup_file *file, mg_dataset **out, mg_error *error) {
    const mg_dataset *train = setup->train;
    mg_h5 *opened = NULL;
    mg_raw raw = {0};
    mg_dataset_request request = request_of(options, setup, file->path, 0);
    char whose[PATH_MAX + 32];
    const mg_known_columns known = {.columns = &train->columns,
                                    .features = mg_dataset_width(train),
                                    .whose = whose,
                                    .complete = !strcmp(options->data->missing, "error")};
    snprintf(whose, sizeof whose, "in %s", train->path);
    request.like = &known;
    request.known = &train->classes;
    request.names_optional = true;
    request.survey = file->survey;
    if (file->path == options->data->validation) request.file = options->validation_file;
    mg_status status = request.file ? MG_OK : mg_raw_open_unless(file->path, NULL, &opened, error);
    if (!status && !request.file && !opened) status = open_raw(options->data, train, file, &raw, error);
    if (opened) request.file = opened;
    if (raw.file) {
        memcpy(file->how, raw.text, sizeof raw.text);
        request.file = raw.file;
        request.features = "X", request.labels = "y", request.names = "auto";
    }
    mg_recipe_places places = {&request.features, &request.labels, .note = file->how};
    if (!status && !raw.file)
        status = mg_recipe_place(mg_h5_part(request.file, 0), train->columns.recipe, &places, error);
    if (!status) status = open_beside(&request, train, out, error);
    mg_h5_close(opened);
    mg_h5_close(raw.file);
    return status;
}

mg_status mg_setup_open_fold(const mg_setup_options *options, const mg_setup *setup, mg_dataset **out,
                             mg_error *error) {
    mg_dataset_request request =
        request_of(options, setup, options->data->train, (uint64_t)options->train->seed);
    request.known = &setup->train->classes;
    request.weights = options->weigh_held_out ? options->data->weights : NULL;
    request.file = setup->train->file;
    request.selection = MG_SELECT_HELD_OUT;
    request.folds = options->folds;
    request.fold = options->fold;
    // A path evaluates these rows after every point, so they are kept in memory if they fit.
    request.survey = true;
    return open_beside(&request, setup->train, out, error);
}

static const char *text_label(int i, const void *context) {
    const mg_classes *classes = context;
    return classes->texts && i < classes->count ? classes->text[i] : NULL;
}

// Computes the weight of each class; *out is NULL if all are 1.
static mg_status class_weights(const mg_option_weights *option, const mg_dataset *train, double **out,
                               mg_error *error) {
    char hint[MG_NEAREST_TEXT];
    *out = NULL;
    if (option->word && !strcmp(option->word, "none")) return MG_OK;
    const mg_classes *classes = &train->classes;
    mg_status status = mg_memory_zeroed(out, (size_t)classes->count + 1, sizeof **out, error);
    if (train->all.comm) status = mg_comm_agree(train->all.comm, status, NULL, error);
    if (status) return status;
    if (option->word) { // balanced: rows / (classes * rows of the class); a row of weight 2 counts as two
        status = mg_dataset_sum_weights(train, *out, error);
        double rows = (*out)[classes->count], weighty = 0;
        for (int64_t k = 0; k < classes->count; k++)
            weighty += (*out)[k] > 0; // classes whose rows all have weight 0 do not count
        for (int64_t k = 0; k < classes->count; k++)
            (*out)[k] = (*out)[k] > 0 ? rows / (weighty * (*out)[k]) : 1;
        return status;
    }
    for (int64_t k = 0; k < classes->count; k++) (*out)[k] = 1;
    for (int64_t w = 0; !status && w < option->count; w++) {
        int64_t k = mg_classes_find(classes, option->labels[w]);
        if (k < 0)
            status =
                mg_fail(error, MG_CONFIG, "model.class_weight: %s is not a label of %s%s", option->labels[w],
                        train->path, mg_nearest_hint(option->labels[w], text_label, classes, hint));
        else (*out)[k] = option->weights[w];
    }
    if (status) {
        mg_memory_free(*out);
        *out = NULL;
    }
    return status;
}

static void find_unevenness(mg_setup *setup) {
    mg_spread *spread = &setup->spread;
    if (!mg_scale_spread(&setup->scale, &setup->train->moments, spread)) return;
    setup->uneven = spread->largest > MOST_SPREAD * spread->smallest;
    if (!mg_spread_uneven(spread)) return;
    snprintf(setup->uneven_note, sizeof setup->uneven_note,
             "columns differ in scale: the largest |x| is %.4g (column %lld), the median column's %.4g; "
             "training becomes slow and inaccurate: "
             "set data.scale to standard or max-abs, or data.rows to unit",
             spread->largest, (long long)spread->column, spread->median);
}

static void find_distance(mg_setup *setup) {
    double ratio;
    int64_t column;
    if (!mg_scale_far(&setup->scale, &setup->train->moments, &ratio, &column)) return;
    snprintf(setup->warning, sizeof setup->warning,
             "the mean of column %lld is %.4g times its standard deviation, so scores lose digits in single "
             "precision: subtract a constant near the mean from the column before it is converted to float32",
             (long long)column, ratio);
}

static void note_unseen(const mg_setup_options *options, mg_setup *setup) {
    const mg_dataset *train = setup->train;
    bool folds = options->folds > 0;
    // in a cross-validation, only the first fold reports it
    if (!train->left_out.unseen || (folds && options->fold > 0)) return;
    snprintf(setup->note, sizeof setup->note, "%lld of %lld classes %s (the first: '%s'): %s",
             (long long)train->left_out.unseen, (long long)train->classes.count,
             folds ? "have a single row, which is never held out" : "have no held-out row",
             train->left_out.unseen_label,
             folds ? "no fold measures them" : "the validation rows do not measure them");
}

// Notes that other values of lambda are worth a comparison. No rule that depends on shapes is better than the
// default on all data (docs/decisions.md), but with few rows a comparison pays. Centred sparse rows get no
// note, because they have no path.
static void note_lambda(const mg_setup_options *options, mg_setup *setup) {
    const mg_problem *problem = &setup->problem;
    bool given = !isnan(options->model->lambda) || !isnan(options->model->C),
         path = problem->layout == MG_DENSE || !problem->center;
    double values = problem->values_per_row;
    if (given || !path || options->fold > 0 || (double)problem->rows >= FEW_ROWS * values) return;
    snprintf(setup->lambda_note, sizeof setup->lambda_note,
             "%lld rows of %.0f values each are few: the default lambda (%.4g) may not be the best: compare "
             "values with margin cv --lambda 1e-4:1:10, and set model.lambda; or set model.C to auto",
             (long long)problem->rows, values, problem->lambda);
}

// The memory of all rows of the file. Those that are held out now are trained on later: in another fold, or
// when C was chosen.
static double bytes_in_memory(const mg_dataset *data) {
    int64_t rows = mg_source_rows(data->source);
    return mg_store_bytes(data->layout, data->cell, data->features, rows,
                          mg_source_stored(data->source, NULL, 0, rows));
}

// Solvers with certificates need every row in memory.
static mg_status check_resident(const mg_setup_options *options, const mg_dataset *data, mg_error *error) {
    char now[32] = "60% of the available memory";
    if (!options->needs_certificates || data->resident) return MG_OK;
    double bytes = bytes_in_memory(data);
    if (options->data->memory_limit > 0)
        snprintf(now, sizeof now, "%lld", (long long)options->data->memory_limit);
    return mg_fail(
        error, MG_CONFIG,
        "data.memory_limit: the rows need %.0f bytes, and a path or model.C: auto needs them all in "
        "memory (now %s): set it to %.0f, or use margin train with a number for model.C or "
        "model.lambda, which can stream rows",
        bytes, now, bytes);
}

static mg_status pose(const mg_setup_options *options, mg_setup *setup, mg_error *error) {
    const mg_train_options *train = options->train;
    mg_dataset *data = setup->train;
    mg_problem *problem = &setup->problem;
    int threads = train->threads ? (int)train->threads : mg_cpu_usable_threads(&setup->threads_bound_by);
    if (!mg_team_open(&setup->team, threads, BESIDE, setup->thread_warning, sizeof setup->thread_warning))
        setup->threads_bound_by = "threads that can be started";
    *problem = (mg_problem){
        .rows = data->all.count,
        .features = data->features,
        .classes = data->classes.count,
        .layout = data->layout,
        .cell = data->cell,
        .bare = data->store.bare,
        .loss = mg_loss_find(options->model->loss),
        .delta = (float)options->model->delta,
        .lambda = mg_model_lambda(options->model, data->total_weight),
        .bias = options->model->bias,
        .free_bias = !options->model->penalize_bias,
        .scale = setup->scale.scale,
        .center = setup->scale.center,
        .mean_square_norm = mg_scale_mean_square_norm(&setup->scale, &data->moments) +
                            options->model->bias * options->model->bias,
        .weight_sum = data->all.sums[data->classes.count],
        .values_per_row = (double)data->all.stored / (double)data->all.count,
        .most_values = mg_source_most_entries(data->source),
        .batch = mg_min(train->batch, data->all.count),
        .team = &setup->team,
        .comm = options->comm,
    };
    problem->parts = train->parts
                         ? train->parts
                         : mg_cut_parts(problem->batch, problem->classes, problem->features, problem->layout);
    problem->steps_per_epoch = (data->all.count + problem->batch - 1) / problem->batch;
    bool whole = !options->comm || options->comm->ranks == 1; // a rank has read the ends of its own rows only
    const mg_choice_facts facts = {.resident = data->resident,
                                   .from_weights = options->start_from_weights,
                                   .needs_certificates = options->needs_certificates,
                                   .row_bytes = whole && !data->resident ? bytes_in_memory(data) : 0};
    mg_status status = check_resident(options, data, error);
    if (!status) status = mg_solver_choose(train, problem, &facts, &setup->choice, error);
    if (status) return status;
    problem->epochs = setup->choice.epochs;
    problem->total_steps = problem->steps_per_epoch * problem->epochs;
    if (train->max_steps && train->max_steps < problem->total_steps) problem->total_steps = train->max_steps;
    return mg_kernel_select(&problem->kernel, error);
}

// The free bias of a class without rows of positive weight has no optimum if the loss is softmax: it falls
// forever.
static mg_status check_free_bias(const mg_setup_options *options, const mg_dataset *data, mg_error *error) {
    const mg_loss *loss = mg_loss_find(options->model->loss);
    char label[MG_LABEL_BUFFER];
    mg_status status = MG_OK;
    if (options->model->penalize_bias || loss->dual || !data->weight) return MG_OK;
    for (int64_t k = 0; !status && k < data->classes.count; k++)
        if (!(data->all.sums[k] > 0))
            status = mg_fail(error, MG_CONFIG,
                             "%s: all rows of class %s have weight 0, so its bias has no optimum with "
                             "model.penalize_bias: false: leave these rows out, or set it to true",
                             data->path, mg_classes_label(&data->classes, k, label));
    return status;
}

// (M39) Clips the rows that are open. Those that are opened later are clipped when they are read.
static mg_status clip_rows(mg_setup *setup, mg_clip_limits limits, mg_error *error) {
    mg_dataset *train = setup->train;
    mg_status status =
        mg_clip_find(setup->clip, limits, &setup->scale, &train->used, mg_dataset_width(train), error);
    if (!status) status = mg_dataset_clip(train, setup->clip, error);
    if (!status && setup->validation) status = mg_dataset_clip(setup->validation, setup->clip, error);
    return status;
}

mg_status mg_setup_open(const mg_setup_options *options, mg_setup *setup, mg_error *error) {
    *setup = (mg_setup){.threads_bound_by = "train.threads"};
    double start = mg_clock_seconds();
    double *weights = NULL;
    if (options->model->C == MG_MODEL_C_AUTO)
        return mg_fail(error, MG_CONFIG,
                       "model.C: auto is only for margin train: set a number, or give path or cv a grid (--C "
                       "1e-3:1:10)");
    const mg_clip_limits limits = {options->data->clip, options->data->clip_below};
    bool clips = limits.above > 0 || limits.below > 0;
    mg_status status = clips ? mg_memory_zeroed(&setup->clip, 1, sizeof *setup->clip, error) : MG_OK;
    if (!status) status = open_data(options, setup, error);
    if (!status && setup->train->classes.count < 2)
        status =
            mg_fail(error, MG_DATA,
                    "%s: all %lld rows have the same label; at least 2 classes are needed: check data.labels",
                    setup->train->path, (long long)setup->train->all.count);
    if (!status) status = class_weights(&options->model->class_weight, setup->train, &weights, error);
    if (!status) status = mg_dataset_weigh(setup->train, weights, error);
    if (!status) status = check_free_bias(options, setup->train, error);
    if (!status) status = mg_scale_create(options->data->scale, &setup->train->moments, &setup->scale, error);
    if (!status && setup->clip) status = clip_rows(setup, limits, error);
    if (!status) status = mg_reach_check(setup->train, &setup->scale, options->model->bias, error);
    if (!status) status = pose(options, setup, error);
    if (!status) find_unevenness(setup);
    if (!status) find_distance(setup);
    if (!status)
        mg_vanished_text(mg_source_vanished(setup->train->source), setup->train->path,
                         options->data->features, setup->vanished);
    if (!status) mg_source_rounding_text(setup->train->source, setup->rounding);
    if (!status) note_unseen(options, setup);
    if (!status) note_lambda(options, setup);
    mg_memory_free(weights);
    setup->load_seconds = mg_clock_seconds() - start;
    if (options->comm) status = mg_comm_agree(options->comm, status, NULL, error);
    if (status) mg_setup_close(setup);
    return status;
}

void mg_setup_close(mg_setup *setup) {
    mg_dataset_close(setup->train);
    mg_dataset_close(setup->validation);
    mg_memory_free(setup->held_weight);
    mg_scale_destroy(&setup->scale);
    if (setup->clip) mg_clip_clear(setup->clip);
    mg_memory_free(setup->clip);
    *setup = (mg_setup){0};
}
