// answers_h5.c - the data sets of answers: classes [K], label [N], id [N], and either the values of all
// classes [N, K] or the best classes with their values [N, top].
#include "train/answers_h5.h"

#include "base/memory.h"
#include "io/h5.h"
#include "io/h5_write.h"

#include <margin/predict.h>
#include <string.h>

struct mg_answers_h5 {
    mg_answers *answers;
    mg_h5_writer *writer;
    size_t width; // bytes of a label that is a text
    size_t id_width;
    char *cell;                                           // [max(width, id_width)]
    float *values;                                        // [top]
    int label, classes, id, all, top_classes, top_values; // numbers of the arrays; -1: none
};

// Labels are texts if the classes are, or if rows may be rejected.
static bool has_texts(const mg_answers *a) { return a->classes->texts || a->reject_label; }

static mg_status plan(mg_answers_h5 *f, const char *name, const mg_h5_new_array *shape, int *array,
                      mg_error *error) {
    return mg_h5_writer_array(f->writer, name, shape, array, error);
}

static mg_status plan_all(mg_answers_h5 *f, int64_t rows, mg_error *error) {
    const mg_answers *a = f->answers;
    bool scores = !strcmp(a->value, "score");
    const mg_h5_type kind = has_texts(a) ? MG_H5_TEXT : MG_H5_I64;
    const mg_h5_new_array label = {kind, f->width, 1, {rows}},
                          classes = {kind, f->width, 1, {a->classes->count}},
                          id = {a->ids.text ? MG_H5_TEXT : MG_H5_I64, f->id_width, 1, {rows}},
                          all = {MG_H5_F32, 0, 2, {rows, a->classes->count}},
                          best = {MG_H5_I32, 0, 2, {rows, a->top}},
                          values = {MG_H5_F32, 0, 2, {rows, a->top}};
    mg_status status = mg_h5_writer_text(f->writer, "/", "format", MG_ANSWERS_FORMAT, error);
    if (!status) status = plan(f, "label", &label, &f->label, error);
    if (!status) status = plan(f, "classes", &classes, &f->classes, error);
    if (!status && a->ids.column) status = plan(f, MG_IDS_NAME, &id, &f->id, error);
    if (!status && a->ids.column)
        status = mg_h5_writer_text(f->writer, MG_IDS_NAME, MG_IDS_COLUMN, a->ids.column, error);
    if (!status && a->values && !a->top)
        status = plan(f, scores ? "scores" : "probabilities", &all, &f->all, error);
    if (!status && a->top) status = plan(f, "top_classes", &best, &f->top_classes, error);
    if (!status && a->top)
        status = plan(f, scores ? "top_scores" : "top_probabilities", &values, &f->top_values, error);
    return status;
}

static mg_status append_text(mg_answers_h5 *f, int array, size_t width, const char *text, mg_error *error) {
    memset(f->cell, 0, width);
    memcpy(f->cell, text, strlen(text)); // at most `width` bytes
    return mg_h5_writer_append(f->writer, array, f->cell, width, error);
}

static mg_status append_label(mg_answers_h5 *f, int array, int64_t k, mg_error *error) {
    const mg_classes *classes = f->answers->classes;
    char buffer[MG_LABEL_BUFFER];
    if (k < 0) return append_text(f, array, f->width, f->answers->reject_label, error);
    if (has_texts(f->answers))
        return append_text(f, array, f->width, mg_classes_label(classes, k, buffer), error);
    return mg_h5_writer_append(f->writer, array, &classes->number[k], sizeof *classes->number, error);
}

static mg_status append_id(mg_answers_h5 *f, int64_t row, mg_error *error) {
    const mg_ids *ids = &f->answers->ids;
    int64_t number = ids->number ? ids->number[row] : ids->first + row;
    if (ids->text) return append_text(f, f->id, f->id_width, ids->text[row], error);
    return mg_h5_writer_append(f->writer, f->id, &number, sizeof number, error);
}

static size_t longest(char *const *texts, int64_t count) {
    size_t most = 1;
    for (int64_t i = 0; texts && i < count; i++) most = strlen(texts[i]) > most ? strlen(texts[i]) : most;
    return most;
}

static int64_t bytes_of(const mg_answers_h5 *f, int64_t rows) {
    const mg_answers *a = f->answers;
    double row = (double)f->width + (double)f->id_width + 16 + 8 * (double)a->top +
                 (a->values ? 4 * (double)a->classes->count : 0);
    return (int64_t)((double)rows * row);
}

mg_status mg_answers_h5_open(mg_answers *answers, const char *path, int64_t rows, mg_answers_h5 **out,
                             mg_error *error) {
    mg_answers_h5 *f;
    *out = NULL;
    mg_status status = mg_memory_zeroed(&f, 1, sizeof *f, error);
    if (status) return status;
    *out = f;
    f->answers = answers;
    f->id = f->all = f->top_classes = f->top_values = -1;
    f->width = longest(answers->classes->texts ? answers->classes->text : NULL, answers->classes->count);
    if (answers->reject_label) {
        size_t least = strlen(answers->reject_label);
        f->width = f->width > least ? f->width : least;
        if (!answers->classes->texts && f->width < MG_LABEL_BUFFER) f->width = MG_LABEL_BUFFER;
    }
    f->id_width = longest(answers->ids.text, answers->ids.count);
    status = mg_memory_get(&f->cell, f->width > f->id_width ? f->width : f->id_width, 1, error);
    if (!status) status = mg_memory_get(&f->values, (size_t)answers->top + 1, sizeof *f->values, error);
    if (!status) status = mg_h5_writer_create(&f->writer, path, true, bytes_of(f, rows), error);
    // The writer remembers which file is there now, and replaces no other one.
    if (!status) status = mg_predict_check_output(path, error);
    if (!status) status = plan_all(f, rows, error);
    if (!status) status = mg_h5_writer_start(f->writer, error);
    for (int64_t k = 0; !status && k < answers->classes->count; k++)
        status = append_label(f, f->classes, k, error);
    return status;
}

mg_status mg_answers_h5_add(mg_answers_h5 *f, const mg_answer *answer, mg_error *error) {
    mg_answers *a = f->answers;
    mg_status status = append_label(f, f->label, answer->best, error);
    if (!status && f->id >= 0) status = append_id(f, a->rows, error);
    if (!status && f->all >= 0)
        status = mg_h5_writer_append(f->writer, f->all, answer->shown,
                                     (size_t)a->classes->count * sizeof *answer->shown, error);
    a->rows++;
    if (status || f->top_classes < 0) return status;
    mg_answers_lead(a, answer->order);
    for (int64_t i = 0; i < a->top; i++) f->values[i] = answer->shown[a->leader[i]];
    status =
        mg_h5_writer_append(f->writer, f->top_classes, a->leader, (size_t)a->top * sizeof *a->leader, error);
    if (status) return status;
    return mg_h5_writer_append(f->writer, f->top_values, f->values, (size_t)a->top * sizeof *f->values,
                               error);
}

mg_status mg_answers_h5_commit(mg_answers_h5 *f, mg_error *error) {
    return mg_h5_writer_commit(&f->writer, 1, error);
}

void mg_answers_h5_close(mg_answers_h5 *f) {
    if (!f) return;
    mg_h5_writer_destroy(f->writer);
    mg_memory_free(f->cell);
    mg_memory_free(f->values);
    mg_memory_free(f);
}
