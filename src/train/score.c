// score.c - scores rows in parts, and writes the results directly into the program's arrays.
#include "train/score.h"

#include "base/cpu.h"
#include "base/lanes.h"
#include "base/memory.h"
#include "base/stop.h"
#include "train/bridge.h"
#include "train/evaluate.h"
#include "train/reach.h"
#include "train/scoring.h"

#include <margin/version.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { PART = MG_EVALUATE_PART, PARTS = MG_EVALUATE_BATCH / PART, WINDOW_BYTES = 16 << 20 };

typedef struct score_job {
    const mg_model *model;
    const mg_score_request *request;
    const mg_kernel *kernel;
    const mg_loss *loss;
    mg_dataset *data;
    const mg_weights *weights; // owned by the model
    mg_team team;
    mg_pass pass[PARTS];
    const mg_batch *batch;
    int64_t bad[PARTS]; // [part] first row whose scores are not finite; -1: none
    mg_error *error;
    mg_status status;
} score_job;

// Writes the classes of the highest scores, best first; among equal scores, the lowest class first.
static void put_leaders(const mg_score_request *to, int64_t classes, const float *scores, int64_t row) {
    int32_t small[MG_TOP], *leader = to->top_classes ? to->top_classes + row * to->top : small;
    float *best = to->top_scores ? to->top_scores + row * to->top : NULL;
    int64_t count = 0;
    for (int64_t k = 0; k < classes; k++) {
        int64_t at = count;
        while (at > 0 && scores[k] > scores[leader[at - 1]]) at--;
        if (at >= to->top) continue;
        count += count < to->top;
        memmove(leader + at + 1, leader + at, (size_t)(count - at - 1) * sizeof *leader);
        leader[at] = (int32_t)k;
    }
    for (int64_t i = 0; best && i < count; i++) best[i] = scores[leader[i]];
}

static void put_row(const score_job *job, const float *scores, int64_t best, int64_t row) {
    const mg_score_request *to = job->request;
    int64_t classes = job->weights->classes;
    if (to->scores) memcpy(to->scores + row * classes, scores, (size_t)classes * sizeof *scores);
    if (to->probabilities)
        mg_scoring_probabilities(job->model, job->loss, scores, to->probabilities + row * classes);
    if (to->top_classes) put_leaders(to, classes, scores, row);
    if (to->best) to->best[row] = (int32_t)best;
    if (to->labels) to->labels[row] = job->model->classes.number[best];
}

// The class of the highest score, the first among equal ones; -1 if a score is not finite.
static int64_t find_best(int64_t classes, const float *scores) {
    mg_four_mask finite = {-1, -1, -1, -1};
    mg_four highest = mg_four_all(-INFINITY);
    int64_t k = 0;
    for (; k + 4 <= classes; k += 4) {
        mg_four four = mg_four_load(scores + k);
        finite &= four - four == 0;
        highest = mg_four_max(four, highest);
    }
    bool all = finite[0] && finite[1] && finite[2] && finite[3];
    float most = -INFINITY;
    for (int l = 0; l < 4; l++) most = highest[l] > most ? highest[l] : most;
    for (; k < classes; k++) {
        all = all && isfinite(scores[k]);
        most = scores[k] > most ? scores[k] : most;
    }
    if (!all) return -1;
    for (k = 0; scores[k] != most;) k++;
    return k;
}

static void score_part(void *context, int64_t p) {
    score_job *job = context;
    mg_pass *pass = &job->pass[p];
    const mg_rows *rows = &job->batch->rows;
    job->bad[p] = -1;
    MG_EACH_BLOCK (first, count, p * PART, mg_cut_end(rows->count, PART, p), pass->block_rows) {
        mg_pass_scores(pass, job->kernel, job->weights, rows, first, count);
        for (int64_t i = 0; i < count; i++) {
            const float *scores = pass->scores + i * pass->lanes;
            int64_t best = find_best(job->weights->classes, scores);
            if (best >= 0) put_row(job, scores, best, job->batch->first + first + i);
            else if (job->bad[p] < 0) job->bad[p] = first + i;
        }
    }
}

// Reports the first row that has a cell that is not finite. The score of such a row is not finite either.
// (Copied rows were already checked when they were copied.)
static mg_status check_finite(const score_job *job, mg_error *error) {
    char name[MG_REACH_NAME];
    for (int64_t p = 0; p * PART < job->batch->rows.count; p++) {
        int64_t row = job->batch->first + job->bad[p];
        if (job->bad[p] < 0) continue;
        mg_status status = job->data->store.borrowed
                               ? mg_source_check_lent(job->data->source, &job->data->store, row, 1, error)
                               : MG_OK;
        if (status) return status;
        mg_reach_name(job->data, row, name);
        return mg_fail(error, MG_DATA,
                       "%s: its scores are beyond the range of single precision: leave the row out, or train "
                       "with data.scale",
                       name);
    }
    return MG_OK;
}

static void score_rows(void *context) {
    score_job *job = context;
    mg_stream *stream = NULL;
    int64_t rows = mg_min(job->data->count, MG_EVALUATE_BATCH), parts = mg_divide_up(rows, PART);
    mg_status status = MG_OK;
    for (int64_t p = 0; !status && p < parts; p++) {
        status = mg_pass_create(&job->pass[p], job->data->layout, job->data->cell, job->weights->classes,
                                job->weights->features, job->error);
        if (!status) status = mg_pass_widen(&job->pass[p], job->data->store.bare, job->error);
    }
    if (!status) status = mg_stream_create(job->data, rows, 0, false, 0, &stream, job->error);
    if (!status) status = mg_stream_seek(stream, 0, 0, job->error);
    while (!status) {
        mg_batch batch;
        status = mg_stream_next(stream, &batch, job->error);
        if (status || !batch.rows.count) break;
        if (mg_stop_flagged(job->request->stop))
            status = mg_fail(job->error, MG_STOPPED, "stopped while scoring");
        if (status) break;
        job->batch = &batch;
        mg_team_for(&job->team, mg_divide_up(batch.rows.count, PART), score_part, job);
        status = check_finite(job, job->error);
    }
    mg_stream_destroy(stream);
    for (int p = 0; p < PARTS; p++) mg_pass_destroy(&job->pass[p]);
    job->status = status;
}

static mg_status check_request(const score_job *job, mg_error *error) {
    const mg_score_request *request = job->request;
    const mg_model *model = job->model;
    if (!job->loss)
        return mg_fail(error, MG_DATA,
                       "%s: was trained with the loss %s, which this margin (%s) does not have", model->path,
                       model->loss, MG_VERSION);
    if (request->probabilities && !mg_scoring_gives_probabilities(model, job->loss))
        return mg_fail(error, MG_CONFIG,
                       "%s: the scores of loss %s are not probabilities: ask for scores, train with "
                       "model.calibration: temperature, or calibrate the file of the model (mg_calibrate)",
                       model->path, model->loss);
    if (request->labels && model->classes.texts)
        return mg_fail(error, MG_CONFIG,
                       "%s: its labels are texts, not numbers: ask for `best`, the number of the class, "
                       "instead of labels",
                       model->path);
    if (request->top_scores && !request->top_classes)
        return mg_fail(error, MG_USAGE, "top_scores: is given, but top_classes is NULL: give both");
    if (request->top_classes && (request->top < 1 || request->top > model->classes_count))
        return mg_fail(error, MG_USAGE, "top: %lld is not allowed (1 to %lld)", (long long)request->top,
                       (long long)model->classes_count);
    return MG_OK;
}

static void report(const score_job *job, const char *text) {
    if (text[0]) mg_scoring_tell(&job->request->notices, "warning", "%s", text);
}

// Chooses the number of threads. Each has at least `WORK` products to do, because starting it takes as long.
static int choose_threads(const score_job *job) {
    enum { WORK = 6 << 20 };
    int64_t wanted = job->request->threads > 0 ? job->request->threads : mg_cpu_usable_threads(NULL);
    int64_t rows = job->data->count, most = mg_min(wanted, mg_divide_up(rows, PART));
    double products = ((double)job->data->stored + MG_LANES * (double)rows) * (double)job->weights->classes;
    return (int)mg_clamp_real(products / WORK, 1, (double)most);
}

static mg_status run_threads(score_job *job) {
    char warning[256] = "";
    int threads = job->team.threads = choose_threads(job);
    mg_team_run(&job->team, score_rows, job);
    if (mg_team_is_short(&job->team, threads, warning, sizeof warning)) report(job, warning);
    return job->status;
}

// ---- the weights as kernels read them --------------------------------------------------------------

// Weights in the layout that kernels read. The model keeps them for later calls, because converting weights
// costs more than scoring a few rows.
typedef struct prepared {
    mg_model_derived base;
    mg_weights weights;
    bool borrowed; // the weights are the arrays of the model itself, whose lines need no padding
} prepared;

static void destroy_prepared(mg_model_derived *derived) {
    prepared *p = (prepared *)derived;
    if (p->borrowed) p->weights.v = NULL;
    mg_weights_destroy(&p->weights);
    mg_memory_free(p);
}

static mg_status create_prepared(const mg_model *model, mg_layout layout, prepared **out, mg_error *error) {
    static const mg_used all = {0}; // models in memory have weights of all features
    prepared *p;
    mg_status status = mg_memory_zeroed(&p, 1, sizeof *p, error);
    *out = p;
    if (status) return status;
    p->base.destroy = destroy_prepared;
    p->borrowed = layout == MG_DENSE && model->features % MG_LANES == 0;
    if (!p->borrowed) return mg_bridge_weights(model, layout, &all, &p->weights, error);
    status = mg_weights_create(&p->weights, layout, model->classes_count, 0, error);
    mg_memory_free(p->weights.v);
    p->weights.v = model->weights;
    p->weights.features = p->weights.line = model->features;
    p->weights.size = model->classes_count * model->features;
    for (int64_t k = 0; !status && k < model->classes_count; k++) p->weights.offset[k] = model->bias[k];
    return status;
}

// Several threads may call this at once. The first that is done stores its result with the model; the others
// use that one.
static mg_status prepare(const mg_model *model, mg_layout layout, const mg_weights **out, mg_error *error) {
    _Atomic(mg_model_derived *) *slot = &((mg_model *)(uintptr_t)model)->derived[layout == MG_CSR];
    mg_model_derived *found = atomic_load(slot);
    mg_status status = MG_OK;
    if (!found) {
        prepared *made;
        status = create_prepared(model, layout, &made, error);
        if (status || !atomic_compare_exchange_strong(slot, &found, &made->base)) {
            if (made) destroy_prepared(&made->base);
        } else found = &made->base;
    }
    if (!status) *out = &((const prepared *)found)->weights;
    return status;
}

mg_status mg_score(const mg_model *model, mg_h5 *file, const char *features, const char *names,
                   const mg_score_request *request, mg_error *error) {
    score_job *job;
    char vanished[MG_VANISHED_TEXT];
    mg_status status = mg_memory_zeroed(&job, 1, sizeof *job, error);
    if (status) return status;
    job->model = model;
    job->request = request;
    job->loss = mg_loss_find(model->loss);
    job->error = error;
    const mg_known_columns known = {
        .columns = &model->columns, .features = model->features, .whose = "in the model", .same = true};
    const mg_clip clip = {model->features, model->columns.low.value, model->columns.high.value};
    mg_dataset_request open = {.path = mg_h5_path(file),
                               .file = file,
                               .features = features,
                               .names = names,
                               .like = &known,
                               .preparation = mg_preparation_of(model->rows, model->transform),
                               .window_bytes = WINDOW_BYTES};
    if (clip.low) open.preparation.clip = &clip;
    status = check_request(job, error);
    if (!status) status = mg_kernel_select(&job->kernel, error);
    if (!status) status = mg_dataset_open(&open, &job->data, error);
    if (!status) status = prepare(model, job->data->layout, &job->weights, error);
    if (!status) status = run_threads(job);
    if (!status) {
        mg_vanished_text(mg_source_vanished(job->data->source), mg_h5_path(file), features, vanished);
        report(job, vanished);
    }
    mg_dataset_close(job->data);
    mg_memory_free(job);
    return status;
}
