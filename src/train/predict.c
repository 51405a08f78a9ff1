// predict.c - mg_predictor: predicts the classes of rows, from a file or line by line. The answers are lines
// of text, or a file of their own.
#include "base/float_mode.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/shell.h"
#include "io/file.h"
#include "train/answers.h"
#include "train/answers_h5.h"
#include "train/line_rows.h"
#include "train/prior.h"

#include <margin/predict.h>

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FLUSH_BYTES = 64 << 10 };
#define REJECTED "unknown" // the default of reject_label

struct mg_predictor {
    mg_scoring scoring;
    mg_predict_options options;
    char *features, *names, *labels, *id; // copies of the texts of `options`, or NULL
    mg_answers answers;
    // Only for rows from lines of text:
    mg_line_rows rows;
    float *scores; // [lanes]
    float *shares; // [classes] probabilities; NULL: they are not needed
    double *prior; // [classes] logarithms of factors of the probabilities; NULL: none
    char note[MG_RAW_LINES_TEXT];
};

// The answer to a row. `best`: the class of the highest score.
static mg_answer answer_of(mg_predictor *p, const float *scores, int64_t best) {
    const mg_model *model = p->scoring.model;
    mg_answer answer = {best, scores, scores};
    if (!p->shares) return answer;
    if (!p->prior) mg_scoring_probabilities(model, p->scoring.scorer.loss, scores, p->shares);
    else {
        mg_prior_probabilities(p->prior, model, scores, p->shares);
        answer.best = mg_prior_best(model->classes_count, p->shares);
        answer.order = p->shares;
    }
    if ((double)p->shares[answer.best] < p->options.reject) answer.best = -1;
    if (p->options.probabilities) answer.shown = p->shares;
    return answer;
}

static void add_answer(mg_predictor *p, const float *scores, int64_t best) {
    const mg_answer answer = answer_of(p, scores, best);
    mg_answers_add(&p->answers, &answer);
}

// ---- rows of a file -----------------------------------------------------------------------------

// Context of a callback that writes predictions: to a sink or to a file.
typedef struct delivery {
    mg_predictor *p;
    const mg_predict_sink *sink;
    mg_answers_h5 *file;
} delivery;

static mg_status hand_over(mg_predictor *p, const mg_predict_sink *sink, mg_error *error) {
    if (p->answers.out.status) return mg_fail(error, p->answers.out.status, "%s", p->answers.out.error.text);
    if (!p->answers.out.length) return MG_OK;
    mg_status status = sink->write(sink->context, p->answers.out.text, p->answers.out.length, error);
    p->answers.out.length = 0;
    return status;
}

static mg_status answer_rows(void *context, int64_t count, int64_t classes, int64_t lanes,
                             const float *scores, const int32_t *best, mg_error *error) {
    (void)classes;
    delivery *d = context;
    mg_status status = MG_OK;
    for (int64_t i = 0; !status && i < count; i++) {
        add_answer(d->p, scores + i * lanes, best[i]);
        if (d->p->answers.out.length >= FLUSH_BYTES || d->p->answers.out.status)
            status = hand_over(d->p, d->sink, error);
    }
    return status;
}

static mg_status store_rows(void *context, int64_t count, int64_t classes, int64_t lanes, const float *scores,
                            const int32_t *best, mg_error *error) {
    (void)classes;
    delivery *d = context;
    mg_predictor *p = d->p;
    mg_status status = MG_OK;
    for (int64_t i = 0; !status && i < count; i++) {
        const mg_answer answer = answer_of(p, scores + i * lanes, best[i]);
        status = mg_answers_h5_add(d->file, &answer, error);
    }
    return status;
}

// The rows to predict; path NULL: lines.
static mg_scoring_data data_of(const mg_predictor *p, const char *path) {
    int64_t first;
    return (mg_scoring_data){.path = path,
                             .id = path && p->id && !mg_ids_counted(p->id, &first) ? p->id : NULL,
                             .features = p->features,
                             .names = p->names,
                             .skipped = p->labels,
                             .complete = p->options.complete,
                             .stop = p->options.stop};
}

static mg_status open_file(mg_predictor *p, const char *path, mg_dataset **dataset, mg_error *error) {
    const mg_scoring_data data = data_of(p, path);
    mg_ids_clear(&p->answers.ids);
    p->answers.rows = 0;
    p->answers.out.length = 0;
    mg_status status = mg_scoring_open(&p->scoring, &data, dataset, error);
    const char *id = data.id && p->scoring.raw.file ? MG_IDS_NAME : p->id;
    if (!status && id) status = mg_ids_read((*dataset)->file, id, (*dataset)->count, &p->answers.ids, error);
    // Rows of a file are scored value by value like lines of text, whatever their layout, so that both give
    // the same bits.
    if (!status) status = mg_scoring_prepare(&p->scoring, MG_CSR, error);
    return status;
}

static mg_status visit_file(mg_predictor *p, mg_dataset *dataset, delivery *d, mg_error *error) {
    const mg_evaluate_visit visit = {.context = d,
                                     .rows = d->file ? store_rows : answer_rows,
                                     .stop = {mg_stop_by_flag, &p->options.stop}};
    mg_evaluation unused = {0};
    return mg_evaluate(&p->scoring.scorer, dataset, &p->scoring.weights, &visit, &unused, error);
}

static void end_file(const mg_predictor *p, mg_dataset *dataset, mg_status status) {
    if (!status) mg_scoring_report(&p->scoring, &p->options.notices, dataset);
    mg_dataset_close(dataset);
}

mg_status mg_predictor_file(mg_predictor *p, const char *path, const mg_predict_sink *sink, mg_error *error) {
    MG_FLOAT_SCOPE;
    mg_dataset *dataset = NULL;
    delivery d = {p, sink, NULL};
    mg_status status = open_file(p, path, &dataset, error);
    if (!status) mg_answers_begin(&p->answers);
    if (!status) status = visit_file(p, dataset, &d, error);
    if (!status) status = hand_over(p, sink, error);
    end_file(p, dataset, status);
    return status;
}

mg_status mg_predictor_hdf5(mg_predictor *p, const char *path, const char *output, mg_error *error) {
    MG_FLOAT_SCOPE;
    mg_dataset *dataset = NULL;
    delivery d = {p, NULL, NULL};
    mg_status status = open_file(p, path, &dataset, error);
    if (!status) status = mg_answers_h5_open(&p->answers, output, dataset->count, &d.file, error);
    if (!status) status = visit_file(p, dataset, &d, error);
    if (!status) status = mg_answers_h5_commit(d.file, error);
    mg_answers_h5_close(d.file);
    end_file(p, dataset, status);
    return status;
}

// ---- lines of standard input --------------------------------------------------------------------

const char *mg_predictor_guess(const mg_predictor *p) { return *p->note ? p->note : NULL; }

static int64_t best_of(int64_t classes, const float *scores) {
    int64_t best = 0;
    for (int64_t k = 1; k < classes; k++)
        if (scores[k] > scores[best]) best = k;
    return best;
}

mg_status mg_predictor_line(mg_predictor *p, const char *name, const char *line, size_t bytes,
                            const char **answer, size_t *answer_bytes, mg_error *error) {
    MG_FLOAT_SCOPE;
    const char *end = line + bytes;
    bool row;
    *answer = "";
    *answer_bytes = 0;
    p->answers.out.length = 0;
    if (end > line && end[-1] == '\n') end--;
    if (end > line && end[-1] == '\r') end--;
    if (p->id && !p->answers.ids.column)
        return mg_fail(error, MG_USAGE, "id: %s names a data set, but lines can only be counted, from 0 or 1",
                       p->id);
    mg_status status = mg_line_rows_read(&p->rows, name, line, end, &row, error);
    if (status || !row) return status;
    status = mg_scoring_prepare(&p->scoring, MG_CSR, error);
    const mg_weights *weights = &p->scoring.weights;
    if (!status && !p->scores)
        status = mg_memory_zeroed(&p->scores, (size_t)weights->lanes, sizeof *p->scores, error);
    if (status) return status;
    mg_kernel_weights w = mg_weights_kernel(weights);
    const mg_csr_row values = {p->rows.count, p->rows.indices, p->rows.values};
    p->scoring.scorer.kernel->csr_scores(&values, NULL, &w, p->scores);
    for (int64_t k = 0; k < weights->classes; k++)
        if (!isfinite(p->scores[k]))
            return mg_line_rows_place(
                &p->rows, name, line, line,
                mg_fail(error, MG_DATA,
                        "the scores of the row are beyond the range of single precision (%g): leave the "
                        "row out, or train with data.scale",
                        (double)p->scores[k]),
                error);
    if (p->answers.rows == 0) mg_answers_begin(&p->answers);
    add_answer(p, p->scores, best_of(weights->classes, p->scores));
    if (p->answers.out.status) return mg_fail(error, p->answers.out.status, "%s", p->answers.out.error.text);
    *answer = p->answers.out.text;
    *answer_bytes = p->answers.out.length;
    return MG_OK;
}

mg_status mg_predictor_end(mg_predictor *p, const char **answer, size_t *answer_bytes, mg_error *error) {
    mg_writer *out = &p->answers.out;
    out->length = 0;
    mg_status status = mg_line_rows_note(&p->rows, p->note, error);
    if (status) return status;
    if (p->answers.rows == 0) mg_answers_begin(&p->answers);
    if (out->status) return mg_fail(error, out->status, "%s", out->error.text);
    *answer = out->length ? out->text : "";
    *answer_bytes = out->length;
    return MG_OK;
}

// ---- opening ------------------------------------------------------------------------------------

static mg_status check_reject(const mg_predict_options *o, const mg_classes *classes, mg_error *error) {
    const char *label = o->reject_label ? o->reject_label : REJECTED;
    if (!(o->reject >= 0 && o->reject <= 1))
        return mg_fail(error, MG_USAGE, "reject: %g is not allowed (a probability from 0 to 1)", o->reject);
    if (o->reject > 0 && o->top > 0)
        return mg_fail(error, MG_USAGE,
                       "reject and top cannot be combined: top lists classes, whatever their "
                       "probabilities");
    if (o->reject > 0 && mg_classes_find(classes, label) >= 0)
        return mg_fail(error, MG_USAGE,
                       "reject: '%s' is a class of the model: choose another label for rejected "
                       "rows (reject-label)",
                       label);
    return MG_OK;
}

// Probabilities are needed to show them, for a prior, and to reject rows.
static mg_status open_probabilities(mg_predictor *p, mg_error *error) {
    char word[MG_SHELL_WORD];
    const mg_model *model = p->scoring.model;
    mg_predict_options *o = &p->options;
    mg_status status = check_reject(o, &model->classes, error);
    if (status || !(o->probabilities || o->prior || o->reject > 0)) return status;
    if (o->prior && !o->probabilities && (o->scores || o->top > 0))
        return mg_fail(error, MG_USAGE, "prior changes probabilities, not scores: add probabilities");
    if (!mg_scoring_gives_probabilities(model, p->scoring.scorer.loss))
        return mg_fail(error, MG_CONFIG,
                       "%s: the scores of loss %s are not probabilities: run margin calibrate %s DATA, "
                       "with labelled rows that were not trained on",
                       model->path, model->loss, mg_shell_word(model->path, "MODEL", word, sizeof word));
    if (o->probabilities) o->scores = true;
    status = mg_memory_get(&p->shares, (size_t)model->classes_count, sizeof *p->shares, error);
    if (!status && o->prior) status = mg_prior_read(o->prior, model, &p->prior, error);
    return status;
}

static mg_status open_answers(mg_predictor *p, mg_error *error) {
    static const char *const forms[] = {"text", "csv", "tsv", "h5"};
    static const char delimiters[] = {0, ',', '\t', ','};
    enum { FORMS = sizeof delimiters };
    const mg_predict_options *o = &p->options;
    int form = 0;
    while (o->format && form < FORMS && strcmp(o->format, forms[form])) form++;
    if (form == FORMS)
        return mg_fail(error, MG_USAGE, "format: %s is not allowed (text, csv, tsv or h5)", o->format);
    if (form == 0 && (o->id || o->header))
        return mg_fail(error, MG_USAGE, "%s: is allowed only for tables: set the format to csv, tsv or h5",
                       o->id ? "id" : "header");
    mg_answers *a = &p->answers;
    a->classes = &p->scoring.model->classes;
    a->delimiter = delimiters[form];
    a->values = o->scores;
    a->value = o->probabilities ? "probability" : "score";
    a->label = "label";
    a->top = mg_min(o->top, a->classes->count);
    mg_status status = MG_OK;
    if (a->top > 0) status = mg_memory_get(&a->leader, (size_t)a->top, sizeof *a->leader, error);
    if (!status && o->header) status = mg_memory_text(&a->header, o->header, error);
    if (!status && o->reject > 0)
        status = mg_memory_text(&a->reject_label, o->reject_label ? o->reject_label : REJECTED, error);
    int64_t first;
    if (!status && o->id && mg_ids_counted(o->id, &first))
        status = mg_ids_read(NULL, o->id, 0, &a->ids, error);
    return status ? status : mg_answers_check(a, o->id != NULL, error);
}

mg_status mg_predict_check_output(const char *path, mg_error *error) {
    MG_FLOAT_SCOPE;
    struct stat about;
    mg_h5 *file;
    char *format = NULL;
    int fd;
    mg_error ignored;
    if (stat(path, &about) || !S_ISREG(about.st_mode)) return MG_OK; // opening it tells the rest
    mg_status status = mg_file_open(path, MG_FILE_REGULAR, &fd, error);
    if (status) return status;
    if (!mg_h5_has_signature(fd)) {
        close(fd);
        return MG_OK;
    }
    bool answers = !mg_h5_open_descriptor(fd, path, &file, &ignored) &&
                   !mg_h5_attribute_text(file, "/", "format", &format, &ignored) &&
                   !strcmp(format, MG_ANSWERS_FORMAT);
    mg_memory_free(format);
    mg_h5_close(file);
    if (answers) return MG_OK;
    return mg_fail(error, MG_USAGE,
                   "%s: is an HDF5 file that holds no answers, which would be replaced: give another name "
                   "with -o",
                   path);
}

mg_status mg_predictor_open(const mg_predict_options *options, mg_predictor **out, mg_error *error) {
    MG_FLOAT_SCOPE;
    mg_predictor *p;
    *out = NULL;
    mg_status status = mg_memory_zeroed(&p, 1, sizeof *p, error);
    if (status) return status;
    p->options = *options;
    status = mg_scoring_load(options->model, -1, options->threads, &options->notices, &p->scoring, error);
    if (!status && (options->base < -1 || options->base > 1))
        status =
            mg_fail(error, MG_USAGE, "base: %d is not allowed (0, 1, or -1 for the model's)", options->base);
    if (!status && options->features) status = mg_memory_text(&p->features, options->features, error);
    if (!status && options->names) status = mg_memory_text(&p->names, options->names, error);
    if (!status && options->labels) status = mg_memory_text(&p->labels, options->labels, error);
    if (!status && options->id) status = mg_memory_text(&p->id, options->id, error);
    if (status) goto done;
    status = open_probabilities(p, error);
    if (status) goto done;
    status = open_answers(p, error);
    if (status) goto done;
    const mg_scoring_data lines = data_of(p, NULL);
    const mg_raw_request request = mg_scoring_raw(&p->scoring, &lines);
    mg_line_rows_begin(&p->rows, &p->scoring, &request, options->base);
done:
    if (status) mg_predictor_close(p);
    else *out = p;
    return status;
}

void mg_predictor_close(mg_predictor *p) {
    if (!p) return;
    mg_line_rows_end(&p->rows);
    mg_scoring_clear(&p->scoring);
    mg_answers_clear(&p->answers);
    mg_memory_free(p->scores);
    mg_memory_free(p->shares);
    mg_memory_free(p->prior);
    mg_memory_free(p->features);
    mg_memory_free(p->names);
    mg_memory_free(p->labels);
    mg_memory_free(p->id);
    mg_memory_free(p);
}
