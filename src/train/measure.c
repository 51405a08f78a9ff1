// measure.c - mg_model_measure: measures a model on labelled rows.
#include "base/float_mode.h"
#include "base/json.h"
#include "base/memory.h"
#include "train/scoring.h"

#include <margin/measure.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

// Labels as text, owned by a measurement.
typedef struct owned_labels {
    mg_classes classes;
    char (*printed)[MG_LABEL_BUFFER]; // [classes] integer labels as text
} owned_labels;

typedef struct counter {
    mg_measurement *m;
    const mg_scoring *scoring;
    const mg_dataset *data;
    int64_t row;              // next row of the file
    bool counts;              // the table of all pairs of classes would be too large
    bool probable;            // the model gives probabilities
    mg_calibration_sums sums; // sums over the probabilities, if the model gives them
} counter;

static void count(mg_class_measure *per_class, int64_t y, int64_t k, int64_t rows) {
    per_class[y].support += rows;
    per_class[k].predicted += rows;
    if (y == k) per_class[k].correct += rows;
}

// Counts rows by true and predicted class if the table of all pairs of classes would be too large, and adds
// up the quality of probabilities.
static mg_status count_rows(void *context, int64_t rows, int64_t classes, int64_t lanes, const float *scores,
                            const int32_t *best, mg_error *error) {
    (void)error;
    counter *c = context;
    const int32_t *label = c->data->label + c->row;
    const mg_scored scored = {.count = rows,
                              .classes = classes,
                              .line = lanes,
                              .scores = scores,
                              .label = label,
                              .weight = c->data->weight ? c->data->weight + c->row : NULL};
    for (int64_t i = 0; c->counts && i < rows; i++)
        if (label[i] >= 0) count(c->m->per_class, label[i], best[i], 1);
    if (c->probable)
        mg_calibration_add(&c->scoring->model->calibration, &scored, c->scoring->scorer.team, &c->sums);
    c->row += rows;
    return MG_OK;
}

static double ratio(int64_t part, int64_t whole) { return whole ? (double)part / (double)whole : NAN; }

static void conclude(mg_measurement *m, const mg_model *model) {
    double f1 = 0;
    int64_t with_rows = 0;
    for (int64_t k = 0; k < m->classes; k++) {
        mg_class_measure *one = &m->per_class[k];
        one->precision = ratio(one->correct, one->predicted);
        one->recall = ratio(one->correct, one->support);
        one->f1 = ratio(2 * one->correct, one->support + one->predicted);
        if (!one->support) continue;
        f1 += one->f1;
        with_rows++;
    }
    m->macro_f1 = f1 / (double)with_rows;
    m->accuracy = ratio(m->correct, m->rows);
    m->objective = m->mean_loss + 0.5 * model->lambda * model->square_norm; // (M2)
}

// The total weight of the rows with a known label, which are the ones measured.
static double known_weight(const mg_dataset *dataset) {
    double weight = 0;
    for (int64_t i = 0; i < dataset->count; i++)
        if (dataset->label[i] >= 0) weight += dataset->weight ? (double)dataset->weight[i] : 1;
    return weight;
}

static mg_status run(mg_scoring *scoring, mg_dataset *dataset, const mg_measure_request *request,
                     mg_measurement *m, mg_error *error) {
    mg_evaluation evaluation = {.confusion = m->confusion};
    counter c = {.m = m,
                 .scoring = scoring,
                 .data = dataset,
                 .counts = !m->confusion,
                 .probable = mg_scoring_gives_probabilities(scoring->model, scoring->scorer.loss)};
    mg_evaluate_visit visit = {.context = &c,
                               .rows = c.counts || c.probable ? count_rows : NULL,
                               .stop = {mg_stop_by_flag, &request->stop}};
    double weight = known_weight(dataset);
    if (!(weight > 0))
        return mg_fail(
            error, MG_DATA, "%s: none of its %lld rows has a label that the model knows%s: check --labels%s",
            request->data, (long long)dataset->count, dataset->weight ? " and a weight above 0" : "",
            dataset->weight ? " and --weights" : "");
    mg_gaps gaps;
    mg_status status = mg_gaps_create(&gaps, dataset->count, error);
    evaluation.gaps = &gaps;
    if (!status)
        status = mg_evaluate(&scoring->scorer, dataset, &scoring->weights, &visit, &evaluation, error);
    if (!status) m->close_rows = mg_gaps_close(&gaps, m->classes);
    mg_gaps_clear(&gaps);
    if (status) return status;
    m->rows = evaluation.rows;
    m->skipped = evaluation.skipped;
    m->correct = evaluation.correct;
    m->mean_loss = evaluation.loss * ((double)evaluation.rows / weight);
    memcpy(m->top, evaluation.top, sizeof m->top);
    for (int64_t y = 0; m->confusion && y < m->classes; y++)
        for (int64_t k = 0; k < m->classes; k++) count(m->per_class, y, k, m->confusion[y * m->classes + k]);
    conclude(m, scoring->model);
    const mg_calibration_quality quality = mg_calibration_quality_of(&c.sums);
    m->log_loss = c.probable ? quality.log_loss : NAN;
    m->ece = c.probable ? quality.ece : NAN;
    return MG_OK;
}

static mg_status take_labels(const mg_model *model, mg_measurement *m, mg_error *error) {
    owned_labels *owned;
    mg_status status = mg_memory_zeroed(&owned, 1, sizeof *owned, error);
    m->owned = owned;
    if (!status) status = mg_classes_copy(&model->classes, &owned->classes, error);
    if (!status)
        status = mg_memory_zeroed(&owned->printed, (size_t)m->classes, sizeof *owned->printed, error);
    for (int64_t k = 0; !status && k < m->classes; k++)
        m->per_class[k].label = mg_classes_label(&owned->classes, k, owned->printed[k]);
    return status;
}

static mg_status create(const mg_model *model, const char *data, mg_measurement **out, mg_error *error) {
    mg_measurement *m;
    mg_status status = mg_memory_zeroed(&m, 1, sizeof *m, error);
    *out = m;
    if (status) return status;
    m->classes = model->classes_count;
    m->text_labels = model->classes.texts;
    size_t n = (size_t)m->classes;
    status = mg_memory_zeroed(&m->per_class, n, sizeof *m->per_class, error);
    if (!status && m->classes <= MG_MEASURE_CONFUSION)
        status = mg_memory_zeroed(&m->confusion, n * n, sizeof *m->confusion, error);
    if (!status) status = take_labels(model, m, error);
    if (!status) status = mg_memory_text(&m->model, model->path, error);
    if (!status) status = mg_memory_text(&m->data, data, error);
    if (!status) status = mg_memory_text(&m->loss, model->loss, error);
    return status;
}

static mg_status open_data(mg_scoring *scoring, const mg_measure_request *request, mg_dataset **out,
                           mg_error *error) {
    const mg_scoring_data data = {
        .path = request->data,
        .features = request->features,
        .names = request->names,
        .labels = request->labels ? request->labels : scoring->model->labels_name,
        .weights = request->weights,
        .allow_unknown = request->skip_unknown,
        .drop_unlabelled = request->drop_unlabelled,
        .complete = request->complete,
        .stop = request->stop,
    };
    return mg_scoring_open_labelled(scoring, &data, out, error);
}

mg_status mg_measure(const mg_measure_request *request, mg_measurement **out, mg_error *error) {
    MG_FLOAT_SCOPE;
    mg_scoring scoring;
    mg_dataset *dataset = NULL;
    *out = NULL;
    mg_status status =
        mg_scoring_load(request->model, -1, request->threads, &request->notices, &scoring, error);
    if (status) return status;
    status = open_data(&scoring, request, &dataset, error);
    if (!status) status = mg_dataset_weigh(dataset, NULL, error);
    if (!status) status = create(scoring.model, request->data, out, error);
    if (!status) status = run(&scoring, dataset, request, *out, error);
    if (!status) mg_scoring_report(&scoring, &request->notices, dataset);
    mg_dataset_close(dataset);
    mg_scoring_clear(&scoring);
    if (status) {
        mg_measurement_destroy(*out);
        *out = NULL;
    }
    return status;
}

void mg_measurement_destroy(mg_measurement *m) {
    if (!m) return;
    owned_labels *owned = m->owned;
    if (owned) {
        mg_classes_clear(&owned->classes);
        mg_memory_free(owned->printed);
    }
    void *const blocks[] = {owned, m->model, m->data, m->loss, m->per_class, m->confusion, m};
    for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++) mg_memory_free(blocks[b]);
}

// ---- JSON ---------------------------------------------------------------------------------------

static void write_top(const mg_measurement *m, mg_writer *out) {
    static const int ks[] = {1, 2, 3, 5, 10};
    mg_json_key(out, "top_k_accuracy");
    mg_writer_add(out, "{");
    for (size_t i = 0; i < sizeof ks / sizeof *ks && ks[i] < m->classes; i++) {
        char name[8];
        snprintf(name, sizeof name, "%d", ks[i]);
        mg_json_put_real(out, name, ratio(m->top[ks[i] - 1], m->rows));
    }
    mg_writer_add(out, "}");
}

static void write_classes(const mg_measurement *m, mg_writer *out) {
    mg_json_key(out, "per_class");
    mg_writer_add(out, "[");
    for (int64_t k = 0; k < m->classes; k++) {
        const mg_class_measure *one = &m->per_class[k];
        mg_writer_add(out, k ? ", {" : "{");
        mg_json_key(out, "label");
        if (m->text_labels) mg_json_text(out, one->label);
        else mg_writer_add(out, one->label);
        mg_json_put_real(out, "precision", one->precision);
        mg_json_put_real(out, "recall", one->recall);
        mg_json_put_real(out, "f1", one->f1);
        mg_json_put_int(out, "support", one->support);
        mg_writer_add(out, "}");
    }
    mg_writer_add(out, "]");
}

static void write_confusion(const mg_measurement *m, mg_writer *out) {
    mg_json_key(out, "confusion");
    if (!m->confusion) {
        mg_writer_add(out, "null");
        return;
    }
    for (int64_t y = 0; y < m->classes; y++) {
        mg_writer_add(out, y ? ", [" : "[[");
        for (int64_t k = 0; k < m->classes; k++)
            mg_writer_format(out, k ? ", %lld" : "%lld", (long long)m->confusion[y * m->classes + k]);
        mg_writer_add(out, "]");
    }
    mg_writer_add(out, "]");
}

mg_status mg_measurement_print_json(const mg_measurement *m, FILE *file, mg_error *error) {
    MG_FLOAT_SCOPE;
    mg_writer out = {0};
    mg_writer_add(&out, "{");
    mg_json_put_text(&out, "model", m->model);
    mg_json_put_text(&out, "data", m->data);
    mg_json_put_text(&out, "loss", m->loss);
    mg_json_put_int(&out, "rows", m->rows);
    mg_json_put_int(&out, "skipped", m->skipped);
    mg_json_put_real(&out, "accuracy", m->accuracy);
    mg_json_put_int(&out, "close_rows", m->close_rows);
    mg_json_put_real(&out, "mean_loss", m->mean_loss);
    mg_json_put_real(&out, "objective", m->objective);
    mg_json_put_real(&out, "log_loss", m->log_loss);
    mg_json_put_real(&out, "ece", m->ece);
    mg_json_put_real(&out, "macro_f1", m->macro_f1);
    write_top(m, &out);
    write_classes(m, &out);
    write_confusion(m, &out);
    mg_writer_add(&out, "}\n");
    return mg_writer_print(&out, file, "the measurement", error);
}
