// calibrate.c - mg_calibrate: fits the probabilities of a model to labelled rows of a file, and writes the
// model again.
#include "base/float_mode.h"
#include "base/memory.h"
#include "io/lock.h"
#include "io/output.h"
#include "train/collect.h"
#include "train/metrics.h"
#include "train/run_calibrate.h"
#include "train/run_own.h"
#include "train/scoring.h"

#include <margin/calibrate.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FEW_ROWS = 10 }; // with fewer rows of a class, there is a warning

typedef struct work {
    const mg_calibrate_request *request;
    mg_scoring scoring;
    mg_dataset *data;
    mg_collection rows;
    mg_evaluation evaluation;
    mg_place place;    // the model, behind any symbolic links
    int fd;            // the model that was read
    struct stat about; // its state at that time
    mg_lock lock;      // of the directory of the model, if that is a run's
} work;

// ---- the file of the model ----------------------------------------------------------------------

// Locks the directory of the model, and refuses it if a run there is active or unfinished: that run would
// write its model again, without the calibration.
static mg_status enter(work *w, mg_error *error) {
    mg_metrics_ending end;
    const mg_directory *directory = w->place.directory;
    if (strcmp(w->place.name, "model.h5") || !mg_run_is_there(directory)) return MG_OK;
    mg_status status =
        mg_lock_take_or(directory, "copy the model elsewhere and calibrate the copy", &w->lock, error);
    if (status) return status;
    bool run = mg_directory_holds(directory, "begun.h5") || mg_run_has_checkpoints(directory);
    bool ended = !run;
    if (run) status = mg_metrics_find_end(directory, &end, &ended, error);
    if (status || ended) return status;
    return mg_fail(
        error, MG_CONFIG,
        "%s: belongs to a run that has not ended, and would be written again without the "
        "calibration: end the run with --resume, or copy the model elsewhere and calibrate the copy",
        w->request->model);
}

// Opens and reads the model, and finds the directory in which it will be written again: behind links.
static mg_status load(work *w, mg_error *error) {
    const mg_calibrate_request *request = w->request;
    mg_status status = mg_file_open(request->model, MG_FILE_REGULAR, &w->fd, error);
    if (!status) status = mg_place_find(request->model, &w->place, error);
    if (!status && w->place.descriptor >= 0)
        return mg_fail(error, MG_IO, "%s: is an open file of this process: give the name of the file",
                       request->model);
    if (!status) status = enter(w, error);
    if (!status && fstat(w->fd, &w->about))
        status = mg_fail(error, MG_IO, "%s: cannot be examined: %s", request->model, strerror(errno));
    return status ? status
                  : mg_scoring_load(request->model, w->fd, request->threads, &request->notices, &w->scoring,
                                    error);
}

// Writes the model again, unless it is another one than was read. The lock on the file that was read keeps
// two calibrations of it from being written at the same time. A file system may not have such locks.
static mg_status write_again(work *w, mg_error *error) {
    struct stat now;
    const char *path = w->request->model;
    // A shared lock is enough if another program, such as h5py, has the model open for reading.
    bool busy = flock(w->fd, LOCK_EX | LOCK_NB) && flock(w->fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
    bool same = !busy && mg_directory_leads_to(w->place.directory, w->place.name, w->fd) &&
                !fstat(w->fd, &now) && now.st_size == w->about.st_size &&
                now.st_mtim.tv_sec == w->about.st_mtim.tv_sec &&
                now.st_mtim.tv_nsec == w->about.st_mtim.tv_nsec;
    if (!same)
        return mg_fail(error, MG_CONFIG,
                       "%s: was replaced, changed or deleted while it was calibrated, and is not written: "
                       "calibrate it again",
                       path);
    if (!mg_directory_has_its_path(w->place.directory))
        mg_scoring_tell(&w->request->notices, "warning",
                        "%s: its directory was renamed; the model is written in that directory", path);
    return mg_model_write(w->scoring.model, w->place.directory, w->place.name, &w->place.was, error);
}

// ---- the rows -----------------------------------------------------------------------------------

static mg_status open_data(work *w, mg_error *error) {
    const mg_calibrate_request *request = w->request;
    const mg_scoring_data data = {
        .path = request->data,
        .features = request->features,
        .names = request->names,
        .labels = request->labels ? request->labels : w->scoring.model->labels_name,
        .weights = request->weights,
        .allow_unknown = request->skip_unknown,
        .drop_unlabelled = request->drop_unlabelled,
        .complete = request->complete,
        .stop = request->stop,
    };
    return mg_scoring_open_labelled(&w->scoring, &data, &w->data, error);
}

static mg_status score(work *w, mg_error *error) {
    double weight = 0;
    w->rows.stop = (mg_stop){mg_stop_by_flag, &w->request->stop};
    mg_status status = mg_collect(&w->rows, &w->scoring.scorer, w->data, &w->scoring.weights, w->data->weight,
                                  &w->evaluation, error);
    for (int64_t i = 0; i < w->rows.count; i++) weight += (double)w->rows.weight[i];
    if (status || weight > 0) return status;
    return mg_fail(error, MG_DATA,
                   "%s: none of its %lld rows has a label that the model knows%s: check --labels%s",
                   w->request->data, (long long)w->data->count,
                   w->data->weight ? " and a weight above 0" : "", w->data->weight ? " and --weights" : "");
}

// Warns of classes with few rows, because few rows say little about a probability.
static mg_status warn_of_few(work *w, mg_error *error) {
    const mg_classes *classes = &w->scoring.model->classes;
    char label[MG_LABEL_BUFFER], shown[MG_NAME_SHOWN];
    int64_t *rows, few = 0, least = 0;
    mg_status status = mg_memory_zeroed(&rows, (size_t)classes->count, sizeof *rows, error);
    if (status) return status;
    for (int64_t i = 0; i < w->rows.count; i++) rows[w->rows.label[i]]++;
    for (int64_t k = 0; k < classes->count; k++) {
        few += rows[k] < FEW_ROWS;
        if (rows[k] < rows[least]) least = k;
    }
    mg_name_shown(mg_classes_label(classes, least, label), shown);
    if (few)
        mg_scoring_tell(&w->request->notices, "warning",
                        "%lld of %lld classes have fewer than %d rows in %s ('%s' has %lld): their "
                        "probabilities are uncertain",
                        (long long)few, (long long)classes->count, FEW_ROWS, w->request->data, shown,
                        (long long)rows[least]);
    mg_memory_free(rows);
    return MG_OK;
}

// Warns if the objective on these rows is that of the model, which was computed on its training rows: then
// they are probably the same rows.
static void warn_of_training_rows(const work *w) {
    const mg_model *model = w->scoring.model;
    double mean = w->evaluation.loss, objective = mean + 0.5 * model->lambda * model->square_norm; // (M2)
    if (w->rows.count != model->training_rows || w->data->weight ||
        fabs(objective - model->objective) > 1e-4 * fabs(model->objective))
        return;
    mg_scoring_tell(&w->request->notices, "warning",
                    "%s seems to be the training data (as many rows, the same objective), for which the "
                    "model is too certain: calibrate on other rows",
                    w->request->data);
}

static void warn_of_limit(const work *w, const mg_calibration *calibration) {
    mg_scoring_tell(&w->request->notices, "warning",
                    "the rows do not determine a temperature, because %s: %.3g is used; %s",
                    mg_calibration_limit(calibration), calibration->temperature,
                    mg_calibration_says_nothing(calibration) ? "check the labels" : "give more rows");
}

// ---- the calibration ----------------------------------------------------------------------------

typedef struct fitting {
    work *w;
    mg_calibration_method method;
    mg_calibration fitted;
    bool limited;
    mg_error *error;
    mg_status status;
} fitting;

static void fit(void *context) {
    fitting *f = context;
    const mg_scored rows = mg_collected(&f->w->rows);
    f->status = mg_calibration_fit(f->method, &rows, &f->w->scoring.model->calibration, &f->w->scoring.team,
                                   &f->fitted, &f->limited, f->error);
}

static mg_status calibrate(work *w, mg_calibration_method method, mg_calibration_report *out,
                           mg_error *error) {
    fitting f = {.w = w, .method = method, .error = error};
    mg_model *model = w->scoring.model;
    mg_team_run(&w->scoring.team, fit, &f);
    if (f.status) return f.status;
    if (f.limited) warn_of_limit(w, &f.fitted);
    mg_model_calibrate(model, &f.fitted);
    mg_status status = write_again(w, error);
    if (!status && out) mg_calibration_tell(&model->calibration, out);
    return status;
}

static mg_status check_method(const char *name, mg_calibration_method *out, mg_error *error) {
    int method = name ? mg_calibration_find(name) : MG_CALIBRATION_TEMPERATURE;
    if (method <= MG_CALIBRATION_NONE)
        return mg_fail(error, MG_USAGE, "method: %s is not allowed (temperature, sigmoid or adaptive)", name);
    *out = (mg_calibration_method)method;
    return MG_OK;
}

mg_status mg_calibrate(const mg_calibrate_request *request, mg_calibration_report *out, mg_error *error) {
    MG_FLOAT_SCOPE;
    work w = {.request = request, .fd = -1, .place.descriptor = -1};
    mg_calibration_method method = MG_CALIBRATION_NONE;
    mg_status status = check_method(request->method, &method, error);
    if (!status) status = load(&w, error);
    if (!status) status = open_data(&w, error);
    if (!status) status = score(&w, error);
    if (!status) status = mg_dataset_check(w.data, error);
    if (!status) status = warn_of_few(&w, error);
    if (!status) {
        warn_of_training_rows(&w);
        mg_scoring_report(&w.scoring, &request->notices, w.data);
        status = calibrate(&w, method, out, error);
    }
    mg_collection_clear(&w.rows);
    mg_dataset_close(w.data);
    mg_scoring_clear(&w.scoring);
    mg_lock_release(&w.lock);
    if (w.fd >= 0) close(w.fd);
    mg_place_clear(&w.place);
    return status;
}
