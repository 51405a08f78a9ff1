// choose.c - model.C: auto: finds the most accurate point of a path, and sets up the run that trains all rows
// with its C. If the search is interrupted, a resumed run repeats it and finds the same value.
#include "train/choose.h"

#include "base/activity.h"
#include "base/memory.h"
#include "data/files.h"
#include "train/path.h"
#include "train/run_own.h"
#include "train/run_previous.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char line_name[] = "\nchosen.C: ";

int mg_path_best(const mg_path_point *points, int count) {
    int best = -1;
    for (int i = 0; i < count; i++) {
        if (isnan(points[i].accuracy) || isnan(points[i].objective)) continue;
        if (best < 0 || points[i].accuracy > points[best].accuracy ||
            (points[i].accuracy == points[best].accuracy && points[i].C < points[best].C))
            best = i;
    }
    return best;
}

static bool is_fraction(const char *validation) {
    double fraction;
    return mg_data_fraction(validation, &fraction);
}

// ---- a run that has chosen ----------------------------------------------------------------------

// The C that the run in the directory has chosen; 0 if there is no run. The run there may have another
// configuration. Then any value will do, because resuming it is refused anyway.
static double chosen_before(const mg_run *run) {
    mg_origin origin;
    double C = 1;
    const mg_directory *directory = run->place.directory;
    if (!run->request->resume || !directory || mg_directory_holds(directory, MG_RUN_GATHERING) ||
        mg_run_read_origin(directory, &origin, NULL))
        return 0;
    const char *line = strstr(origin.config, line_name), *rest;
    if (line && !(mg_parse_real_prefix(line + strlen(line_name), &C, &rest) && C > 0)) C = 0;
    mg_checkpoint_origin_clear(&origin);
    return C;
}

// ---- the paths ----------------------------------------------------------------------------------

// The tolerance of the paths. Accuracies can be compared before the models are close to the optimum.
#define TOLERANCE 1e-2
// Without data.validation, tenths of the rows are held out one after the other, until this many rows were
// held out in total. Then the error of an accuracy near 80% is about half a point.
enum { FOLDS = 10, ENOUGH_ROWS = 5000 };

typedef struct search {
    const mg_run *run;
    const mg_chosen *chosen;
    mg_path_result path;                // result of the current fold
    mg_path_point mean[MG_PATH_POINTS]; // [points] C, and the accuracy averaged over the folds
    int points, folds;
    int64_t fold, rows; // rows on which a fold trains
} search;

static void take_plan(void *context, const mg_plan *plan) { ((search *)context)->rows = plan->data.rows; }

static bool stops(void *context, int64_t step) {
    const mg_observer *observer = ((const search *)context)->run->request->observer;
    return observer && observer->stop && observer->stop(observer->context, step);
}

static void report_point(void *context, int number, const mg_path_point *point) {
    const search *s = context;
    (void)number;
    if (s->fold == 0)
        mg_run_message(s->run, "note: model.C auto: C %-8.3g gives %.2f%% on held-out rows", point->C,
                       100 * point->accuracy);
}

// Follows a path on held-out rows. The epochs are not reported; instead, every point is one message.
static mg_status follow_path(search *s, const mg_grid *grid, mg_error *error) {
    const mg_observer observer = {.context = s, .plan = take_plan, .stop = stops};
    const mg_path_request request = {.observer = &observer, .context = s, .point = report_point};
    const mg_output_options nowhere = {.directory = (char *)(uintptr_t) ""};
    mg_trainer_options options = s->chosen->options;
    mg_train_options train = *options.train;
    mg_trainer_memory memory;
    mg_trainer_copies copies = {0}; // not reported: only the copies of the final run matter to the program
    mg_model *model = NULL;         // a trial returns no model
    train.tolerance = fmax(train.tolerance, TOLERANCE);
    options.train = &train;
    options.output = &nowhere;
    options.trial = true;
    options.folds = s->chosen->data.validation ? 0 : FOLDS;
    options.fold = s->fold;
    if (options.memory) {
        memory = *options.memory;
        memory.start = NULL;
        memory.model = &model;
        memory.copies = &copies;
        options.memory = &memory;
    }
    mg_error why = {0};
    mg_status status = mg_path_run(&options, grid, &request, &s->path, &why);
    if (status == MG_USAGE)
        return mg_fail(error, MG_CONFIG,
                       "model.C: auto needs at least %d rows, because it holds out tenths of them: set "
                       "data.validation, or a number",
                       FOLDS);
    if (status == MG_CONFIG)
        return mg_fail(error, MG_CONFIG, "model.C: auto is not possible here (%s): set a number", why.text);
    if (status != MG_STOPPED) return status ? mg_fail(error, status, "%s", why.text) : MG_OK;
    return mg_fail(error, status, "stopped while C was chosen: start again with the same command");
}

// Follows one path per fold. The values of C, and where the path ends, are decided by the first fold.
static mg_status follow_paths(search *s, mg_error *error) {
    mg_grid grid;
    mg_grid_auto(&grid);
    mg_status status = follow_path(s, &grid, error);
    s->points = s->path.points;
    s->folds = s->chosen->data.validation ? 1 : FOLDS;
    grid.patience = 0;
    grid.count = s->points;
    while (!status) {
        for (int i = 0; i < s->points; i++) {
            grid.value[i] = s->mean[i].C = s->path.point[i].C;
            s->mean[i].accuracy += s->path.point[i].accuracy;
        }
        if (++s->fold == s->folds || s->fold * (s->rows / (FOLDS - 1)) >= ENOUGH_ROWS) break;
        status = follow_path(s, &grid, error);
    }
    return status;
}

static mg_status find_C(const mg_run *run, const mg_chosen *chosen, double *C, mg_error *error) {
    MG_ACTIVITY("choosing C", 0);
    search *s;
    mg_status status = mg_memory_zeroed(&s, 1, sizeof *s, error);
    if (status) return status;
    *s = (search){.run = run, .chosen = chosen};
    status = follow_paths(s, error);
    int best = mg_path_best(s->mean, s->points);
    if (!status && best < 0)
        status = mg_fail(error, MG_NONFINITE,
                         "model.C: auto could not measure the accuracy of any model: set a number");
    if (!status) {
        *C = s->mean[best].C;
        mg_run_message(
            run,
            "note: model.C auto: C %.3g is the best of %d values (%.2f%% on held-out rows): the run "
            "trains with it",
            *C, s->points, 100 * s->mean[best].accuracy / (double)s->fold);
    }
    mg_memory_free(s);
    return status;
}

// ---- the run ------------------------------------------------------------------------------------

// Puts the chosen value, and which rows it was chosen with, into the configuration of the run.
static mg_status settle(const mg_run *run, mg_chosen *chosen, double C, mg_error *error) {
    mg_writer text = {0};
    char number[MG_REAL_TEXT];
    const char *validation = run->options->data->validation;
    bool fraction = validation && is_fraction(validation);
    mg_print_real(C, number);
    mg_writer_format(&text, "%s%s%s\nchosen.by: %s\n", run->options->canonical, line_name + 1, number,
                     !validation ? "folds"
                     : fraction  ? validation
                                 : "data.validation");
    chosen->model.C = C;
    // A default tolerance for the run: its accuracy was compared at this one.
    if (!(chosen->train.tolerance > 0)) chosen->train.tolerance = TOLERANCE;
    chosen->data.validation = fraction ? NULL : run->options->data->validation;
    chosen->data.test = run->options->data->test;
    mg_status status = mg_writer_take(&text, &chosen->canonical, error);
    mg_writer_clear(&text);
    chosen->options.canonical = chosen->canonical;
    chosen->options.needs_certificates = true;
    return status;
}

static mg_status open_files(mg_chosen *chosen, mg_error *error) {
    mg_trainer_options *options = &chosen->options;
    mg_status status = MG_OK;
    if (!options->train_file && chosen->data.train)
        status = mg_files_open(chosen->data.train, &chosen->train_file, error);
    if (chosen->train_file) options->train_file = chosen->train_file;
    const char *validation = chosen->data.validation;
    if (!status && validation && !is_fraction(validation) && !options->validation_file)
        status = mg_files_open(validation, &chosen->validation_file, error);
    if (chosen->validation_file) options->validation_file = chosen->validation_file;
    return status;
}

static mg_status choose(mg_run *run, mg_chosen *chosen, mg_error *error) {
    double C = chosen_before(run);
    mg_status status = open_files(chosen, error);
    if (!status && !(C > 0)) status = find_C(run, chosen, &C, error);
    return status ? status : settle(run, chosen, C, error);
}

mg_status mg_choose_C(mg_run *run, mg_chosen *chosen, mg_error *error) {
    const mg_trainer_options *options = run->options;
    if (options->model->C != MG_MODEL_C_AUTO || options->folds) return MG_OK;
    *chosen = (mg_chosen){
        .options = *options, .model = *options->model, .data = *options->data, .train = *options->train};
    chosen->options.train = &chosen->train;
    chosen->options.model = &chosen->model;
    chosen->options.data = &chosen->data;
    chosen->data.test = NULL;
    // From here on the lock is held, so that no other process makes the same choice at the same time.
    const char *path = options->output->directory;
    if (mg_run_has_files(run) && path && access(path, F_OK)) chosen->directory = path;
    mg_status status = mg_run_enter_directory(run, true, error);
    if (!status) status = choose(run, chosen, error);
    chosen->made = !status;
    return status;
}

void mg_chosen_clear(mg_chosen *chosen) {
    mg_h5_close(chosen->train_file);
    mg_h5_close(chosen->validation_file);
    mg_memory_free(chosen->canonical);
    // succeeds only if the directory is empty, because no run began
    if (chosen->directory) rmdir(chosen->directory);
    *chosen = (mg_chosen){0};
}
