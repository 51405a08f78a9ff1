// record.c - reads the directory of a run, a path or a cross-validation. Nothing there is changed or locked.
#include "report/record.h"

#include "base/memory.h"
#include "io/file.h"
#include "io/lock.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static mg_status join(const char *directory, const char *name, char **out, mg_error *error) {
    mg_writer path = {0};
    size_t length = strlen(directory);
    while (length > 1 && directory[length - 1] == '/') length--;
    mg_writer_add_bytes(&path, directory, length);
    mg_writer_format(&path, "/%s", name);
    return mg_writer_take(&path, out, error);
}

mg_status mg_record_file(const mg_record *record, const char *name, char **out, mg_error *error) {
    return join(record->path, name, out, error);
}

static bool holds(const char *directory, const char *name) {
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/%s", directory, name);
    return length < (int)sizeof path && !access(path, F_OK);
}

// True if this process may not look for files in the directory.
static bool is_closed(const char *directory) { return access(directory, X_OK) && errno == EACCES; }

bool mg_record_is_there(const char *directory) {
    static const char *const names[] = {"begun.h5", "metrics.jsonl", "path.jsonl", "cv.jsonl", "fold-1"};
    struct stat about;
    if (stat(directory, &about) || !S_ISDIR(about.st_mode)) return false;
    if (is_closed(directory)) return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (holds(directory, names[i])) return true;
    return false;
}

static bool is_running(const char *directory) {
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/lock", directory);
    return length < (int)sizeof path && mg_lock_is_held(path);
}

static mg_status read_lines(const char *directory, const char *name, mg_lines *out, mg_error *error) {
    char *path;
    mg_status status = join(directory, name, &path, error);
    if (!status) status = mg_lines_read(path, out, error);
    mg_memory_free(path);
    return status;
}

// Fails if the file exists and may not be read: it is neither missing nor damaged.
static mg_status check_readable(const char *path, mg_error *error) {
    int fd;
    if (access(path, F_OK) && errno == ENOENT) return MG_OK;
    mg_status status = mg_file_open(path, MG_FILE_REGULAR, &fd, error);
    if (!status) close(fd);
    return status;
}

static mg_status refuse(const char *directory, mg_error *error) {
    struct stat about;
    if (stat(directory, &about) || (S_ISDIR(about.st_mode) && access(directory, R_OK | X_OK)))
        return mg_fail(error, MG_IO, "%s: cannot be read: %s", directory, strerror(errno));
    return mg_fail(
        error, MG_DATA,
        "%s: is not the directory of a training: it has none of begun.h5, metrics.jsonl, path.jsonl, "
        "cv.jsonl: give the output.directory of margin train, path or cv",
        directory);
}

mg_status mg_record_read(const char *directory, mg_record *out, mg_error *error) {
    *out = (mg_record){.start = -1, .end = -1};
    if (!mg_record_is_there(directory) || is_closed(directory)) return refuse(directory, error);
    bool folds = holds(directory, "cv.jsonl") || holds(directory, "fold-1");
    bool points = holds(directory, "path.jsonl");
    char *first = NULL;
    mg_status status = mg_memory_text(&out->path, directory, error);
    out->kind = folds ? MG_RECORD_CV : points ? MG_RECORD_PATH : MG_RECORD_RUN;
    if (!status) status = join(directory, folds ? "fold-1" : ".", &first, error);
    if (!status) status = read_lines(folds ? first : directory, "metrics.jsonl", &out->events, error);
    if (!status) status = read_lines(directory, folds ? "cv.jsonl" : "path.jsonl", &out->points, error);
    if (!status) status = join(folds ? first : directory, "config.yaml", &out->config_path, error);
    mg_memory_free(first);
    if (!status) status = check_readable(out->config_path, error);
    if (status) {
        mg_record_clear(out);
        return status;
    }
    mg_error why = {0};
    if (mg_config_load(out->config_path, NULL, 0, &out->config, &why) == MG_MEMORY) {
        mg_record_clear(out);
        return mg_fail(error, MG_MEMORY, "%s", why.text);
    }
    for (out->start = 0; out->start < out->events.count && !mg_lines_is(&out->events, out->start, "start");)
        out->start++;
    if (out->start == out->events.count) out->start = -1;
    out->end = mg_lines_last(&out->events, "end");
    bool finished = folds ? out->points.count > 0 : out->end >= 0 && out->end == out->events.count - 1;
    out->status = finished ? "finished" : is_running(directory) ? "running" : "stopped";
    return MG_OK;
}

void mg_record_clear(mg_record *record) {
    mg_memory_free(record->path);
    mg_memory_free(record->config_path);
    mg_lines_clear(&record->events);
    mg_lines_clear(&record->points);
    mg_config_destroy(record->config);
    *record = (mg_record){.start = -1, .end = -1};
}

const char *mg_record_text(const mg_record *record, const char *key) {
    return mg_lines_text(&record->events, record->start, key);
}

// ---- the model ------------------------------------------------------------------------------------

// True if a line has this number, with all digits, or does not say it.
static bool agrees(const mg_lines *lines, int64_t i, const char *key, double value) {
    double found = mg_lines_number(lines, i, key);
    return isnan(found) || found == value;
}

static bool is_of_point(const mg_record *record, const mg_model *model) {
    bool found = false;
    for (int64_t i = 0; i < record->points.count; i++)
        found = found || (agrees(&record->points, i, "lambda", model->lambda) &&
                          agrees(&record->points, i, "objective", model->objective));
    return found;
}

// An unfinished run may have written its model, but not yet its `end`.
static bool is_of_run(const mg_record *record, const mg_model *model) {
    bool finished = !strcmp(record->status, "finished");
    return agrees(&record->events, record->start, "lambda", model->lambda) &&
           (!finished || agrees(&record->events, record->end, "objective", model->objective));
}

static bool is_of_training(const mg_record *record, const mg_model *model) {
    const char *loss = mg_record_text(record, "loss");
    if (loss && strcmp(loss, model->loss)) return false;
    if (!agrees(&record->events, record->start, "classes", (double)model->classes_count)) return false;
    if (!agrees(&record->events, record->start, "features", (double)model->features)) return false;
    if (record->kind == MG_RECORD_CV) return false; // it keeps no model
    return record->kind == MG_RECORD_PATH ? is_of_point(record, model) : is_of_run(record, model);
}

mg_status mg_record_check_model(const mg_record *record, const mg_model *model, mg_error *error) {
    if (is_of_training(record, model)) return MG_OK;
    return mg_fail(error, MG_DATA,
                   "%s: is intact, but not the model of this training: its loss is %s, lambda %g, objective "
                   "%g, which the lines of the training do not have: move it away",
                   model->path, model->loss, model->lambda, model->objective);
}

// ---- the summary ----------------------------------------------------------------------------------

// (M20) C from lambda. The total weight of the rows is known only if every row has weight 1.
static double C_of(const mg_record *record, double lambda) {
    const mg_config *config = record->config;
    double rows = mg_lines_number(&record->events, record->start, "rows");
    if (!config) return NAN;
    if (isfinite(config->model.C)) return config->model.C;
    bool weighted = config->data.weights || !config->model.class_weight.word;
    return weighted ? NAN : 1 / (lambda * rows);
}

static int64_t best_point(const mg_record *record) {
    int64_t best = -1;
    for (int64_t i = 0; i < record->points.count; i++) {
        double accuracy = mg_lines_number(&record->points, i, "accuracy");
        if (isnan(accuracy)) continue;
        double most = mg_lines_number(&record->points, best, "accuracy"),
               C = mg_lines_number(&record->points, i, "C");
        if (best < 0 || accuracy > most ||
            (accuracy == most && C < mg_lines_number(&record->points, best, "C")))
            best = i;
    }
    return best;
}

static int64_t best_mean(const mg_record *record) {
    int64_t only = -1;
    for (int64_t i = 0; i < record->points.count; i++) {
        if (!mg_lines_is(&record->points, i, "mean")) continue;
        double best = mg_lines_number(&record->points, i, "best");
        if (best > 0 || isnan(best)) only = i;
    }
    return only;
}

static double sum_of(const mg_record *record, const char *key) {
    double sum = 0;
    for (int64_t i = 0; i < record->points.count; i++) {
        double value = mg_lines_number(&record->points, i, key);
        if (!isnan(value)) sum += value;
    }
    return sum;
}

static void summarise_run(const mg_record *record, mg_record_facts *facts) {
    const mg_lines *events = &record->events;
    int64_t epoch = mg_lines_last(events, "epoch"), from = record->end >= 0 ? record->end : epoch;
    facts->lambda = mg_lines_number(events, record->start, "lambda");
    facts->C = C_of(record, facts->lambda);
    facts->objective = mg_lines_number(events, from, "objective");
    facts->dual = mg_lines_number(events, from, "dual");
    facts->gap = mg_lines_number(events, from, "gap");
    facts->validation = mg_lines_number(events, from, "accuracy");
    facts->seconds = mg_lines_number(events, events->count - 1, "seconds");
    facts->epochs = mg_lines_number(events, from, "epoch");
}

static void summarise_point(const mg_record *record, mg_record_facts *facts) {
    const mg_lines *points = &record->points;
    int64_t at = facts->best = best_point(record);
    facts->C = mg_lines_number(points, at, "C");
    facts->lambda = mg_lines_number(points, at, "lambda");
    facts->objective = mg_lines_number(points, at, "objective");
    facts->dual = mg_lines_number(points, at, "dual");
    facts->gap = mg_lines_number(points, at, "gap");
    facts->validation = mg_lines_number(points, at, "accuracy");
    facts->seconds = sum_of(record, "seconds");
}

static void summarise_folds(const mg_record *record, mg_record_facts *facts) {
    int64_t at = facts->best = best_mean(record);
    facts->C = mg_lines_number(&record->points, at, "C");
    facts->lambda = mg_lines_number(&record->points, at, "lambda");
    facts->validation = mg_lines_number(&record->points, at, "mean");
    facts->deviation = mg_lines_number(&record->points, at, "deviation");
    facts->seconds = record->points.count ? sum_of(record, "seconds") : NAN;
    // without a grid, C is that of the configuration
    if (isnan(facts->C) && isnan(facts->lambda) && record->config) facts->C = record->config->model.C;
}

mg_record_facts mg_record_summarise(const mg_record *record) {
    mg_record_facts facts = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, -1};
    if (record->kind == MG_RECORD_RUN) summarise_run(record, &facts);
    else if (record->kind == MG_RECORD_PATH) summarise_point(record, &facts);
    else summarise_folds(record, &facts);
    if (record->kind != MG_RECORD_CV)
        facts.test = mg_lines_number(&record->events, record->end, "test_accuracy");
    return facts;
}
