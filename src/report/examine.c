// examine.c - finds labelled rows, and makes one pass over them; a second one reads the rows that are shown.
#include "report/examine.h"

#include "base/memory.h"
#include "data/files.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

// How far the accuracy of the run's own rows may be from the one that the run has reported, besides one row:
// the weights in model.h5 are rounded, which changes scores that are nearly equal.
#define ACCURACY_SLACK 1e-3

typedef struct examining {
    const mg_examine_request *request;
    const mg_dataset *dataset;
    mg_examined *to;
    int64_t place; // next row of the data set
    float *shares; // [classes] probabilities of one row
} examining;

// ---- one pass ---------------------------------------------------------------------------------

static float best_rival(int64_t classes, const float *scores, int64_t own) {
    float most = -INFINITY;
    for (int64_t k = 0; k < classes; k++)
        if (k != own && scores[k] > most) most = scores[k];
    return most;
}

static void add_quality(mg_examined_quality *to, const float *shares, int64_t y, int64_t best) {
    double share = (double)shares[best];
    int64_t number = (int64_t)ceil(share * MG_EXAMINE_BINS) - 1;
    mg_examined_bin *bin = &to->bin[number < 0 ? 0 : mg_min(number, MG_EXAMINE_BINS - 1)];
    bin->rows++;
    bin->right += y == best;
    bin->probability += share;
    to->log_loss -= log(fmax((double)shares[y], 1e-38));
}

// Keeps the most confident mistakes, sorted; among equal ones, the first of the file.
static void keep_mistake(mg_examined *to, int64_t kept, int64_t place) {
    int at = to->mistakes;
    while (at > 0 && to->confidence[kept] > to->confidence[to->mistake[at - 1].kept]) at--;
    if (at == MG_EXAMINE_MISTAKES) return;
    to->mistakes += to->mistakes < MG_EXAMINE_MISTAKES;
    memmove(to->mistake + at + 1, to->mistake + at, (size_t)(to->mistakes - at - 1) * sizeof *to->mistake);
    to->mistake[at] = (mg_mistake){.row = place, .kept = kept};
}

static void take_row(examining *e, const float *scores, int64_t y, int64_t best) {
    static const mg_calibration none = {0};
    mg_examined *to = e->to;
    const mg_scoring *scoring = e->request->scoring;
    int64_t i = to->rows++, classes = to->classes;
    to->label[i] = (int32_t)y;
    to->best[i] = (int32_t)best;
    to->margin[i] = scores[y] - best_rival(classes, scores, y);
    to->confidence[i] = scores[best] - best_rival(classes, scores, best);
    if (to->probable) {
        mg_scoring_probabilities(scoring->model, scoring->scorer.loss, scores, e->shares);
        to->confidence[i] = e->shares[best];
        add_quality(&to->after, e->shares, y, best);
    }
    if (to->calibrated) {
        mg_calibration_probabilities(&none, classes, scores, e->shares);
        add_quality(&to->before, e->shares, y, best);
    }
    if (y != best) keep_mistake(to, i, e->place);
}

static mg_status take_rows(void *context, int64_t rows, int64_t classes, int64_t lanes, const float *scores,
                           const int32_t *best, mg_error *error) {
    examining *e = context;
    (void)classes, (void)error;
    for (int64_t i = 0; i < rows; i++, e->place++)
        if (e->dataset->label[e->place] >= 0)
            take_row(e, scores + i * lanes, e->dataset->label[e->place], best[i]);
    return MG_OK;
}

static void finish_quality(mg_examined_quality *to, int64_t rows) {
    to->log_loss /= (double)rows;
    for (int b = 0; b < MG_EXAMINE_BINS; b++)
        to->ece += fabs((double)to->bin[b].right - to->bin[b].probability) / (double)rows;
}

static mg_status make_room(mg_examined *to, int64_t rows, mg_error *error) {
    size_t n = (size_t)rows;
    mg_status status = mg_memory_get(&to->label, n, sizeof *to->label, error);
    if (!status) status = mg_memory_get(&to->best, n, sizeof *to->best, error);
    if (!status) status = mg_memory_get(&to->margin, n, sizeof *to->margin, error);
    if (!status) status = mg_memory_get(&to->confidence, n, sizeof *to->confidence, error);
    return status;
}

static mg_status pass_over(examining *e, mg_dataset *dataset, mg_error *error) {
    mg_examined *to = e->to;
    mg_scoring *scoring = e->request->scoring;
    mg_evaluation evaluation = {0};
    const mg_evaluate_visit visit = {.context = e, .rows = take_rows};
    to->classes = scoring->model->classes_count;
    to->probable = mg_scoring_gives_probabilities(scoring->model, scoring->scorer.loss);
    to->calibrated = scoring->model->calibration.method != MG_CALIBRATION_NONE;
    mg_status status = make_room(to, dataset->count, error);
    if (!status) status = mg_memory_get(&e->shares, (size_t)to->classes, sizeof *e->shares, error);
    if (!status)
        status = mg_evaluate(&scoring->scorer, dataset, &scoring->weights, &visit, &evaluation, error);
    mg_memory_free(e->shares);
    if (status) return status;
    to->skipped = evaluation.skipped;
    to->right = evaluation.correct;
    to->loss = evaluation.loss;
    if (!to->rows)
        return mg_fail(error, MG_DATA,
                       "%s: none of its %lld rows has a label that the model knows: name the labels with "
                       "--labels NAME, or give another file with --data",
                       dataset->path, (long long)dataset->count);
    to->accuracy = (double)to->right / (double)to->rows;
    if (to->probable) finish_quality(&to->after, to->rows);
    if (to->calibrated) finish_quality(&to->before, to->rows);
    else to->before = to->after;
    return MG_OK;
}

// ---- the rows that are shown ------------------------------------------------------------------

static void copy_cells(const mg_dataset *dataset, const mg_rows *rows, int64_t stored, int64_t cells,
                       float *to) {
    memset(to, 0, (size_t)cells * sizeof *to);
    if (rows->layout == MG_DENSE) {
        for (int64_t d = 0; d < mg_min(rows->features, cells); d++)
            to[d] = mg_cell_at(rows->cell, mg_rows_dense(rows, stored), d);
        return;
    }
    mg_csr_row row = mg_rows_csr(rows, stored);
    for (int64_t j = 0; j < row.count; j++) {
        int64_t d = mg_used_column(&dataset->used, row.indices[j]);
        if (d < cells) to[d] = row.values[j];
    }
}

static mg_status read_cells(const mg_dataset *dataset, const mg_batch *batch, int64_t cells, mg_examined *to,
                            mg_error *error) {
    mg_status status = MG_OK;
    for (int m = 0; !status && m < to->mistakes; m++) {
        mg_mistake *one = &to->mistake[m];
        int64_t i = one->row - batch->first;
        if (i < 0 || i >= batch->rows.count) continue;
        status = mg_memory_get(&one->cells, (size_t)cells, sizeof(float), error);
        if (!status) copy_cells(dataset, &batch->rows, mg_rows_stored(&batch->rows, i), cells, one->cells);
    }
    return status;
}

static mg_status read_mistakes(mg_dataset *dataset, int64_t side, mg_examined *to, mg_error *error) {
    mg_stream *stream;
    mg_batch batch;
    if (!side || !to->mistakes) return MG_OK;
    mg_status status =
        mg_stream_create(dataset, mg_min(dataset->count, MG_EVALUATE_BATCH), 0, false, 0, &stream, error);
    if (status) return status;
    status = mg_stream_seek(stream, 0, 0, error);
    while (!status) {
        status = mg_stream_next(stream, &batch, error);
        if (status || !batch.rows.count) break;
        status = read_cells(dataset, &batch, side * side, to, error);
        if (!status) status = mg_stream_check(stream, error);
    }
    mg_stream_destroy(stream);
    return status;
}

static mg_status examine_file(const mg_examine_request *request, const mg_scoring_data *data,
                              mg_examined *out, mg_error *error) {
    mg_dataset *dataset;
    mg_status status = mg_scoring_open(request->scoring, data, &dataset, error);
    if (status) return status;
    examining e = {.request = request, .dataset = dataset, .to = out};
    status = mg_memory_text(&out->data, dataset->path, error);
    if (!status) status = pass_over(&e, dataset, error);
    if (!status) status = read_mistakes(dataset, request->side, out, error);
    if (!status) status = mg_dataset_check(dataset, error);
    for (int m = 0; !status && dataset->select && m < out->mistakes; m++)
        out->mistake[m].row = dataset->select[out->mistake[m].row];
    mg_dataset_close(dataset);
    return status;
}

// ---- which rows -------------------------------------------------------------------------------

// Rows that the run itself names, with the accuracy that it has reported for them.
typedef struct candidate {
    const char *origin;
    mg_scoring_data data;
    double accuracy; // NaN: not reported
} candidate;

static int find_candidates(const mg_record *record, candidate out[2]) {
    const mg_config *config = record->config;
    mg_record_facts facts = mg_record_summarise(record);
    double fraction = 0;
    int count = 0;
    if (!config) return 0;
    const mg_data_options *data = &config->data;
    if (data->test) out[count++] = (candidate){"data.test", {.path = data->test}, facts.test};
    if (!data->validation) return count;
    bool split = mg_data_fraction(data->validation, &fraction);
    if (!split) out[count++] = (candidate){"data.validation", {.path = data->validation}, facts.validation};
    else if (data->train)
        out[count++] =
            (candidate){"data.validation: rows that were held out",
                        {.path = data->train, .held_out = fraction, .seed = (uint64_t)config->train.seed},
                        facts.validation};
    return count;
}

static mg_status note_that(char **note, mg_error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static mg_status note_that(char **note, mg_error *error, const char *format, ...) {
    mg_writer text = {0};
    va_list arguments;
    mg_memory_free(*note);
    *note = NULL;
    va_start(arguments, format);
    mg_writer_format_list(&text, format, arguments);
    va_end(arguments);
    return mg_writer_take(&text, note, error);
}

static bool has_changed(const mg_examined *found, double accuracy) {
    return fabs(found->accuracy - accuracy) > ACCURACY_SLACK + 1 / (double)found->rows;
}

static mg_status examine_own(const mg_examine_request *request, const candidate *one, mg_examined *out,
                             char **note, mg_error *error) {
    mg_error why = {0};
    mg_scoring_data data = one->data;
    data.labels = request->scoring->model->labels_name;
    data.complete = !strcmp(request->record->config->data.missing, "error");
    data.drop_unlabelled = !strcmp(request->record->config->data.unlabelled, "drop");
    char shown[MG_FILES_SHOWN];
    mg_files_shown(data.path, shown);
    if (!mg_files_several(data.path) && access(data.path, R_OK))
        return note_that(note, error, "%s (%s) is not there any more", shown, one->origin);
    mg_status status = examine_file(request, &data, out, &why);
    if (status == MG_MEMORY) return mg_fail(error, status, "%s", why.text);
    if (status) status = note_that(note, error, "%s", why.text);
    else if (has_changed(out, one->accuracy))
        status =
            note_that(note, error,
                      "%s (%s) has changed since the run: %lld of its %lld rows are right now, which is not "
                      "the accuracy that the run has reported",
                      shown, one->origin, (long long)out->right, (long long)out->rows);
    else {
        out->origin = one->origin;
        return MG_OK;
    }
    mg_examined_clear(out);
    return status;
}

mg_status mg_examine(const mg_examine_request *request, mg_examined *out, char **note, mg_error *error) {
    candidate own[2];
    *note = NULL;
    *out = (mg_examined){0};
    if (request->data) {
        const char *labels = request->labels ? request->labels : request->scoring->model->labels_name;
        const mg_scoring_data data = {.path = request->data,
                                      .features = request->features,
                                      .names = request->names,
                                      .labels = labels,
                                      .complete = request->complete,
                                      .allow_unknown = request->skip_unknown,
                                      .drop_unlabelled = request->drop_unlabelled};
        mg_status status = examine_file(request, &data, out, error);
        out->origin = "--data";
        if (status) mg_examined_clear(out);
        return status;
    }
    int count = find_candidates(request->record, own);
    for (int i = 0; i < count; i++) {
        mg_status status = examine_own(request, &own[i], out, note, error);
        if (status || out->rows) return status;
    }
    if (count) return MG_OK;
    if (!request->record->config)
        return note_that(
            note, error,
            "config.yaml, which names the test and validation rows, is missing or cannot be read "
            "by this version of margin; --data names labelled rows");
    return note_that(note, error, "the run has no test or validation rows");
}

void mg_examined_clear(mg_examined *examined) {
    mg_memory_free(examined->data);
    mg_memory_free(examined->label);
    mg_memory_free(examined->best);
    mg_memory_free(examined->margin);
    mg_memory_free(examined->confidence);
    for (int m = 0; m < examined->mistakes; m++) mg_memory_free(examined->mistake[m].cells);
    *examined = (mg_examined){0};
}
