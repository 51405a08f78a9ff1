// scoring.c - loads a model, and opens data for it.
#include "train/scoring.h"

#include "base/cpu.h"
#include "train/bridge.h"

#include <limits.h>
#include <margin/printable.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { WINDOW_BYTES = 16 << 20 }; // bytes of rows that are read ahead; scoring never holds all rows

void mg_scoring_tell(const mg_notices *notices, const char *kind, const char *format, ...) {
    char raw[2 * MG_PATH_TEXT], text[2 * MG_PATH_TEXT], line[sizeof text + 16];
    va_list arguments;
    if (!notices->message) return;
    va_start(arguments, format);
    mg_line_format(raw, sizeof raw, format, arguments);
    va_end(arguments);
    mg_printable(raw, text, sizeof text);
    snprintf(line, sizeof line, "%s: %s", kind, text);
    notices->message(notices->context, line);
}

mg_status mg_scoring_load(const char *path, int fd, int threads, const mg_notices *notices,
                          mg_scoring *scoring, mg_error *error) {
    *scoring = (mg_scoring){0};
    char warning[256];
    if (!mg_team_open(&scoring->team, threads > 0 ? threads : mg_cpu_usable_threads(NULL), 1, warning,
                      sizeof warning))
        mg_scoring_tell(notices, "warning", "%s", warning);
    mg_status status = mg_h5_check_library(error);
    if (!status)
        status = fd < 0 ? mg_model_read(path, &scoring->model, error)
                        : mg_model_read_open(fd, path, &scoring->model, error);
    if (!status) status = mg_kernel_select(&scoring->scorer.kernel, error);
    if (status) goto done;
    const mg_model *model = scoring->model;
    scoring->scorer.team = &scoring->team;
    scoring->scorer.delta = (float)model->delta;
    scoring->scorer.loss = mg_loss_find(model->loss);
    scoring->preparation = mg_preparation_of(model->rows, model->transform);
    scoring->clip = (mg_clip){model->features, model->columns.low.value, model->columns.high.value};
    if (scoring->clip.low) scoring->preparation.clip = &scoring->clip;
done:
    if (status) mg_scoring_clear(scoring);
    return status;
}

void mg_scoring_clear(mg_scoring *scoring) {
    if (!scoring) return;
    mg_weights_destroy(&scoring->weights);
    mg_h5_close(scoring->raw.file);
    mg_model_free(scoring->model);
    *scoring = (mg_scoring){0};
}

mg_status mg_scoring_prepare(mg_scoring *scoring, mg_layout layout, mg_error *error) {
    if (scoring->ready && scoring->weights.layout == layout) return MG_OK;
    mg_weights_destroy(&scoring->weights);
    scoring->ready = false;
    static const mg_used all = {0};
    const mg_used *used = layout == MG_CSR ? &scoring->model->used : &all;
    mg_status status = mg_bridge_weights(scoring->model, layout, used, &scoring->weights, error);
    scoring->ready = !status;
    if (status) mg_weights_destroy(&scoring->weights);
    return status;
}

mg_raw_request mg_scoring_raw(const mg_scoring *scoring, const mg_scoring_data *data) {
    const mg_model *model = scoring->model;
    // The name in the model is that of a data set.
    const char *labels = data->labels == model->labels_name ? NULL : data->labels;
    return (mg_raw_request){
        .model = {.path = model->path,
                  .columns = &model->columns,
                  .features = model->features,
                  .classes = &model->classes,
                  .skip_labels = !data->labels},
        .path = data->path,
        .labels = data->labels ? labels : data->skipped,
        .features = data->features,
        .names = data->names,
        .id = data->id,
        .allow_unknown = data->allow_unknown,
        .drop_unlabelled = data->drop_unlabelled,
        .complete = data->complete,
        .stop = data->stop,
    };
}

// Converts a file that is not HDF5.
static mg_status open_raw(mg_scoring *scoring, const mg_scoring_data *data, mg_dataset_request *request,
                          mg_error *error) {
    if (data->weights)
        return mg_fail(error, MG_USAGE,
                       "%s: is not HDF5, so it has no data sets for --weights: leave --weights out",
                       data->path);
    const mg_raw_request raw = mg_scoring_raw(scoring, data);
    mg_status status = mg_raw_open(&raw, &scoring->raw, error);
    request->file = scoring->raw.file;
    request->features = "X";
    request->names = "auto";
    if (request->labels) request->labels = "y";
    return status;
}

mg_status mg_scoring_open(mg_scoring *scoring, const mg_scoring_data *data, mg_dataset **out,
                          mg_error *error) {
    const mg_model *model = scoring->model;
    char whose[PATH_MAX + 32];
    const mg_known_columns known = {
        .columns = &model->columns, .features = model->features, .whose = whose, .complete = data->complete};
    mg_h5 *file = NULL;
    mg_dataset_request request = {
        .path = data->path,
        .features = data->features ? data->features : model->features_name,
        .labels = data->labels,
        .names = data->names ? data->names : model->columns.names_from,
        .names_optional = !data->names,
        .weights = data->weights,
        .like = &known,
        .preparation = scoring->preparation,
        .known = &model->classes,
        .allow_unknown = data->allow_unknown,
        .drop_unlabelled = data->drop_unlabelled,
        .selection = data->held_out > 0 ? MG_SELECT_HELD_OUT : MG_SELECT_ALL,
        .held_out = data->held_out,
        .seed = data->seed,
        .window_bytes = WINDOW_BYTES,
    };
    snprintf(whose, sizeof whose, "in the model %s", model->path);
    *out = NULL;
    mg_h5_close(scoring->raw.file);
    scoring->raw = (mg_raw){0};
    bool named = data->features || data->names || data->weights; // data sets of the file
    mg_status status = mg_raw_open_unless(data->path, named ? NULL : model->features_name, &file, error);
    request.file = file;
    if (!status && file && data->skipped)
        status = mg_fail(error, MG_USAGE,
                         "--labels %s: %s is HDF5, and predict never reads its labels: leave --labels out",
                         data->skipped, data->path);
    mg_recipe_places places = {.features = &request.features,
                               .labels = &request.labels,
                               .note = scoring->raw.text,
                               .features_given = data->features != NULL,
                               .labels_given = data->labels != model->labels_name};
    if (!status && file) status = mg_recipe_place(mg_h5_part(file, 0), model->columns.recipe, &places, error);
    if (!status && !file) status = open_raw(scoring, data, &request, error);
    if (!status) status = mg_dataset_open(&request, out, error);
    mg_h5_close(file);
    if (!status) status = mg_dataset_use(*out, &model->used, error);
    if (!status) status = mg_scoring_prepare(scoring, (*out)->layout, error);
    if (status) {
        mg_dataset_close(*out);
        *out = NULL;
    }
    return status;
}

mg_status mg_scoring_open_labelled(mg_scoring *scoring, const mg_scoring_data *data, mg_dataset **out,
                                   mg_error *error) {
    mg_scoring_data lenient = *data;
    mg_dataset *opened;
    char text[sizeof error->text];
    mg_status status = mg_scoring_open(scoring, data, out, error);
    if (status != MG_DATA || data->allow_unknown || !error) return status;
    lenient.allow_unknown = true;
    if (mg_scoring_open(scoring, &lenient, &opened, NULL)) return status;
    mg_dataset_close(opened);
    memcpy(text, error->text, sizeof text);
    return mg_fail(error, status, "%s, or leave such rows out (--unknown skip)", text);
}

bool mg_scoring_gives_probabilities(const mg_model *model, const mg_loss *loss) {
    return model->calibration.method != MG_CALIBRATION_NONE || loss->probabilities;
}

void mg_scoring_probabilities(const mg_model *model, const mg_loss *loss, const float *scores, float *to) {
    if (model->calibration.method == MG_CALIBRATION_NONE)
        loss->probabilities(model->classes_count, scores, to);
    else mg_calibration_probabilities(&model->calibration, model->classes_count, scores, to);
}

static void report(const mg_notices *notices, const char *kind, const char *text) {
    if (text[0]) mg_scoring_tell(notices, kind, "%s", text);
}

void mg_scoring_report(const mg_scoring *scoring, const mg_notices *notices, const mg_dataset *dataset) {
    char vanished[MG_VANISHED_TEXT], unlabelled[MG_UNLABELLED_TEXT], matched[MG_ALIGN_TEXT],
        shown[2 * MG_ALIGN_TEXT];
    report(notices, "note", scoring->raw.text);
    mg_dataset_matched(dataset, scoring->raw.unknown, matched);
    mg_printable(matched, shown, sizeof shown);
    if (shown[0] && notices->message) notices->message(notices->context, shown);
    mg_dataset_unlabelled_text(dataset, unlabelled);
    report(notices, "note", unlabelled);
    mg_vanished_text(mg_source_vanished(dataset->source), dataset->path, mg_source_name(dataset->source),
                     vanished);
    report(notices, "warning", vanished);
}
