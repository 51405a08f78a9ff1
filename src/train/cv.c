// cv.c - trains the folds one after the other, each in a directory of its own, and summarises them.
#include "train/cv.h"

#include "base/json.h"
#include "base/memory.h"
#include "data/files.h"
#include "train/path.h"
#include "train/run.h"
#include "train/run_inputs.h"
#include "train/run_own.h"
#include "train/run_previous.h"
#include "train/run_traces.h"
#include "train/trainer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FOLD_TEXT = 32 };

typedef struct validation {
    const mg_trainer_options *options;
    const mg_grid *grid;
    const mg_cv_request *request;
    mg_cv_result *result;
    mg_cv_fold *fold;    // [folds][points]
    mg_path_result path; // result of the current fold
    double tolerance;    // of the folds, if there is no grid; 0: none
    mg_comm *comm;       // the ranks, which train every fold together
    mg_directory *place; // output.directory; NULL: this process writes no files
    mg_lock lock;        // lock of output.directory
    mg_h5 *data;         // data.train; all folds read the same open file. NULL: the rows are in memory
} validation;

// ---- one fold -----------------------------------------------------------------------------------

static mg_status train_fold(validation *v, const mg_trainer_options *options, mg_cv_fold *out,
                            mg_error *error) {
    // `overwrite` is not passed on: the old results of all folds have already been moved to `previous`. If
    // another run has begun in fold-N meanwhile, it is refused.
    const mg_train_request request = {.resume = v->request->resume, .observer = v->request->observer};
    mg_train_result result;
    mg_status status = mg_trainer_run(options, &request, &result, error);
    if (status) return status;
    v->tolerance = result.tolerance;
    *out = (mg_cv_fold){
        .fold = (int)options->fold,
        .C = NAN,
        .lambda = NAN,
        .accuracy = result.test_accuracy,
        .objective = result.objective,
        .gap = result.gap,
        .seconds = result.seconds,
        .missed = result.tolerance > 0 && !result.converged,
    };
    return MG_OK;
}

static mg_status follow_path(validation *v, const mg_trainer_options *options, mg_cv_fold *out,
                             mg_error *error) {
    const mg_path_request request = {.resume = v->request->resume, .observer = v->request->observer};
    mg_status status = mg_path_run(options, v->grid, &request, &v->path, error);
    for (int i = 0; !status && i < v->path.points; i++) {
        const mg_path_point *at = &v->path.point[i];
        out[i] = (mg_cv_fold){
            .fold = (int)options->fold,
            .point = i,
            .C = at->C,
            .lambda = at->lambda,
            .accuracy = at->accuracy,
            .objective = at->objective,
            .gap = at->gap,
            .seconds = at->seconds,
            .missed = !(at->converged > 0),
        };
    }
    return status;
}

// Called before the first fold changes anything. The directory was checked under the lock, which is still
// held.
static mg_status set_aside(void *context, mg_error *error) {
    const validation *v = context;
    const mg_run_inputs inputs = {.options = v->options, .overwrite = v->request->overwrite};
    mg_status status = mg_run_check_inputs(v->place, &inputs, error);
    if (!status) status = mg_run_set_aside(v->place, v->request->overwrite, error);
    if (!status) mg_run_remove_empty_folds(v->place);
    return status;
}

// The directory of a fold, for a rank that only reads it.
static mg_status name_fold(const validation *v, const char *name, char **out, mg_error *error) {
    mg_writer text = {0};
    mg_writer_format(&text, "%s/%s", v->options->output->directory, name);
    mg_status status = mg_writer_take(&text, out, error);
    mg_writer_clear(&text);
    return status;
}

static mg_status do_fold(validation *v, int64_t number, mg_error *error) {
    mg_writer text = {0};
    char *directory = NULL, *canonical = NULL, name[FOLD_TEXT];
    mg_trainer_options options = *v->options;
    // FOLD_TEXT is long enough for every number
    snprintf(name, sizeof name, "fold-%lld", (long long)number + 1);
    mg_status status = v->place ? mg_directory_name(v->place, name, &directory, error) : MG_OK;
    if (!v->place && mg_trainer_has_files(v->options)) status = name_fold(v, name, &directory, error);
    mg_writer_format(&text, "%scv.folds: %lld\ncv.fold: %lld\n", v->options->canonical,
                     (long long)v->request->folds, (long long)number + 1);
    if (!status) status = mg_writer_take(&text, &canonical, error);
    const mg_output_options output = {.directory = directory};
    options.output = &output;
    const mg_before_change before = {set_aside, v};
    if (v->data) options.train_file = v->data;
    options.before_change = v->place && number == 0 ? &before : NULL;
    options.within = v->place;
    options.name_within = v->place ? name : NULL;
    options.canonical = canonical;
    options.folds = v->request->folds;
    options.fold = number;
    mg_cv_fold *out = v->fold + number * v->result->points;
    if (!status)
        status = v->grid ? follow_path(v, &options, out, error) : train_fold(v, &options, out, error);
    for (int i = 0; !status && v->request->fold && i < v->result->points; i++)
        v->request->fold(v->request->context, &out[i]);
    mg_writer_clear(&text);
    mg_memory_free(directory);
    mg_memory_free(canonical);
    return status;
}

// ---- all folds -----------------------------------------------------------------------------------

static void average(validation *v) {
    mg_path_point point[MG_PATH_POINTS];
    int64_t folds = v->result->folds, points = v->result->points;
    for (int64_t p = 0; p < points; p++) {
        double sum = 0, squares = 0;
        int missed = 0;
        for (int64_t f = 0; f < folds; f++) {
            sum += v->fold[f * points + p].accuracy;
            missed += v->fold[f * points + p].missed;
        }
        double mean = sum / (double)folds;
        for (int64_t f = 0; f < folds; f++) squares += pow(v->fold[f * points + p].accuracy - mean, 2);
        v->result->mean[p] = (mg_cv_mean){.value = v->grid ? v->grid->value[p] : NAN,
                                          .mean = mean,
                                          .deviation = sqrt(squares / (double)(folds - 1)),
                                          .missed = missed};
        point[p] = (mg_path_point){.accuracy = mean, .C = v->fold[p].C};
    }
    v->result->best = mg_path_best(point, (int)points);
}

// True if every fold is trained to a tolerance.
static bool certifies(const validation *v) { return v->grid || v->tolerance > 0; }

static void put_fold(mg_writer *out, const validation *v, const mg_cv_fold *fold) {
    mg_writer_add(out, "{");
    mg_json_put_text(out, "event", "fold");
    mg_json_put_int(out, "fold", fold->fold + 1);
    if (v->grid) mg_json_put_real(out, "C", fold->C);
    if (v->grid) mg_json_put_real(out, "lambda", fold->lambda);
    mg_json_put_real(out, "accuracy", fold->accuracy);
    mg_json_put_real(out, "objective", fold->objective);
    mg_json_put_real(out, "gap", fold->gap);
    if (certifies(v)) mg_json_put_bool(out, "converged", !fold->missed);
    mg_json_put_real(out, "seconds", fold->seconds);
    mg_writer_add(out, "}\n");
}

static mg_status put_in_place(const validation *v, const char *text, mg_error *error) {
    const mg_observer *observer = v->request->observer;
    char line[MG_PATH_TEXT + 80];
    snprintf(line, sizeof line,
             "warning: %s: does not have the results of these folds, so it is written again",
             v->result->folds_path);
    if (mg_directory_holds(v->place, "cv.jsonl") && observer && observer->message)
        observer->message(observer->context, line);
    mg_status status = mg_directory_write(v->place, "cv.jsonl", text, strlen(text), error);
    if (!status) mg_run_forget_previous(v->place, observer);
    return status;
}

static mg_status write_lines(const validation *v, mg_error *error) {
    mg_writer out = {0};
    char *text;
    for (int64_t i = 0; i < (int64_t)v->result->folds * v->result->points; i++)
        put_fold(&out, v, &v->fold[i]);
    for (int p = 0; p < v->result->points; p++) {
        mg_writer_add(&out, "{");
        mg_json_put_text(&out, "event", "mean");
        if (v->grid) mg_json_put_real(&out, v->grid->name, v->result->mean[p].value);
        mg_json_put_real(&out, "mean", v->result->mean[p].mean);
        mg_json_put_real(&out, "deviation", v->result->mean[p].deviation);
        if (certifies(v)) mg_json_put_int(&out, "not_converged", v->result->mean[p].missed);
        if (v->grid) mg_json_put_bool(&out, "best", p == v->result->best);
        mg_writer_add(&out, "}\n");
    }
    mg_status status = mg_writer_take(&out, &text, error);
    // A finished cross-validation that is resumed has the same text, so nothing is written.
    bool same = false;
    if (!status) status = mg_directory_is_text(v->place, "cv.jsonl", text, &same, error);
    if (!status && !same) status = put_in_place(v, text, error);
    mg_memory_free(text);
    return status;
}

static void report_unused(const validation *v) {
    const mg_observer *observer = v->request->observer;
    const mg_data_options *data = v->options->data;
    const char *what = data->validation && data->test ? "data.validation and data.test are"
                       : data->validation             ? "data.validation is"
                                                      : "data.test is";
    char line[200];
    if (!observer || !observer->message) return;
    if (strcmp(v->options->model->calibration, "none"))
        observer->message(observer->context, "note: model.calibration is not used: folds are only measured");
    if (!data->validation && !data->test) return;
    snprintf(line, sizeof line, "note: %s not used: folds of data.train are held out instead", what);
    observer->message(observer->context, line);
}

// Checks, once for all folds and under the lock, what the directory contains. Changes nothing.
static mg_status look(const validation *v, mg_error *error) {
    mg_run_traces traces;
    const mg_cv_request *request = v->request;
    bool vouched = request->resume && mg_run_kind_of_fold(v->place, "fold-1") == MG_RUN_OWN_FOLD;
    mg_status status = mg_run_find_traces(v->place, &traces, error);
    if (!status) status = mg_run_check_marks(v->place, vouched, error);
    if (!status) status = mg_run_check_folds(v->place, request->folds, error);
    if (!status) status = mg_run_check_command(v->place, "cv", error);
    if (status || request->overwrite) return status;
    if (traces.run)
        return mg_fail(error, MG_CONFIG,
                       "%s: already holds files of a run: set output.directory, or move them away",
                       mg_directory_path(v->place));
    if (traces.folds && !request->resume)
        return mg_fail(error, MG_CONFIG,
                       "%s: already holds a cross-validation: continue it with --resume, start a new one "
                       "with --overwrite, or set output.directory",
                       mg_directory_path(v->place));
    return request->resume ? MG_OK : mg_run_check_previous(v->place, &traces, error);
}

static void warn_if_moved(const validation *v) {
    char line[MG_PATH_TEXT + 200];
    const mg_observer *observer = v->request->observer;
    if (!observer || !observer->message) return;
    snprintf(line, sizeof line,
             "warning: %s was replaced during the cross-validation: all folds used the file that was opened "
             "at its beginning",
             v->data ? mg_h5_path(v->data) : "");
    if (v->data && !mg_h5_has_its_path(v->data)) observer->message(observer->context, line);
    if (mg_directory_has_its_path(v->place)) return;
    snprintf(line, sizeof line,
             "warning: %s is not the directory this cross-validation began in: that directory was renamed or "
             "deleted, and the files of this cross-validation are in it",
             mg_directory_path(v->place));
    observer->message(observer->context, line);
}

static mg_status begin(validation *v, mg_error *error) {
    const char *train = v->options->data->train;
    mg_status status = v->place ? look(v, error) : MG_OK;
    if (!status && train && !v->options->memory) status = mg_files_open(train, &v->data, error);
    if (!status && v->place) mg_directory_remove_leftovers(v->place, "cv.jsonl.");
    return status;
}

static mg_status do_folds(validation *v, mg_error *error) {
    mg_status status = mg_comm_agree(v->comm, begin(v, error), NULL, error);
    if (!status) report_unused(v);
    for (int64_t f = 0; !status && f < v->request->folds; f++) status = do_fold(v, f, error);
    if (status) return status;
    average(v);
    status = v->place ? write_lines(v, error) : MG_OK;
    return mg_comm_agree(v->comm, status, NULL, error);
}

static mg_status do_folds_in(validation *v, const char *directory, mg_error *error) {
    bool there = access(directory, F_OK) == 0;
    mg_status status = mg_directory_open(directory, true, &v->place, error);
    if (!status) status = mg_lock_take(v->place, &v->lock, error);
    if (status) mg_comm_agree(v->comm, status, NULL, error); // the others are in do_folds
    else status = do_folds(v, error);
    if (v->lock.held) warn_if_moved(v);
    bool made = status && !there && v->place && mg_directory_has_its_path(v->place);
    mg_lock_release(&v->lock);
    mg_directory_close(v->place);
    if (made) rmdir(directory); // it is empty if the data were refused
    return status;
}

mg_status mg_cv_run(const mg_trainer_options *options, const mg_grid *grid, const mg_cv_request *request,
                    mg_cv_result *result, mg_error *error) {
    validation *v;
    if (request->folds < 2 || request->folds > MG_CV_FOLDS)
        return mg_fail(error, MG_USAGE, "--folds: %lld is not allowed (2 to %d)", (long long)request->folds,
                       MG_CV_FOLDS);
    const char *directory = options->output->directory;
    bool files = mg_trainer_has_files(options);
    mg_status status = files ? mg_run_check_path(directory, FOLD_TEXT, error) : MG_OK;
    if (!status) status = mg_memory_zeroed(&v, 1, sizeof *v, error);
    if (status) return status;
    *result = (mg_cv_result){.folds = (int)request->folds, .points = grid ? grid->count : 1};
    *v = (validation){.options = options, .grid = grid, .request = request, .result = result};
    if (files) mg_run_path(directory, "cv.jsonl", result->folds_path);
    const mg_train_options *train = options->train;
    status =
        mg_memory_zeroed(&v->fold, (size_t)result->folds * (size_t)result->points, sizeof *v->fold, error);
    if (!status)
        status = mg_comm_create(mg_transport_current(), train->shards, train->rank_timeout, &v->comm, error);
    bool writes = files && !status && mg_comm_is_root(v->comm);
    if (!status) status = writes ? do_folds_in(v, directory, error) : do_folds(v, error);
    mg_comm_destroy(v->comm);
    mg_h5_close(v->data);
    if (!options->memory) mg_run_stop = 0; // the request to stop was meant for these folds
    mg_memory_free(v->fold);
    mg_memory_free(v);
    return status;
}
