// evaluate.c - one pass over a data set that computes losses and metrics.
#include "train/evaluate.h"

#include "base/activity.h"
#include "base/arithmetic.h"
#include "base/memory.h"
#include "train/reach.h"

#include <math.h>
#include <string.h>

enum { PARTS = MG_EVALUATE_BATCH / MG_EVALUATE_PART };

// Memory for one dense row in the form of a sparse row.
typedef struct row_values {
    float *wide; // [line] the row as floats
    uint32_t *indices;
    float *values;
} row_values;

typedef struct evaluator {
    const mg_scorer *scorer;
    const mg_weights *weights;
    const mg_batch *batch;
    mg_pass pass[PARTS];
    double loss[PARTS];
    double row_loss[MG_EVALUATE_BATCH]; // the same of each row, for the sums of several shards
    bool by_value;       // dense rows are scored value by value, with weights in the layout for CSR rows
    const mg_used *used; // the features that these weights include
    row_values values[PARTS];
    bool keep_scores;
    float *scores; // [batch][lanes]; NULL: the scores are not needed
    int32_t best[MG_EVALUATE_BATCH];
    bool wants_gaps;
    float gap[MG_EVALUATE_BATCH];
    double square[MG_EVALUATE_BATCH]; // *square of mg_gaps_of
    int32_t rank[MG_EVALUATE_BATCH];  // position of the row's class when classes are sorted by score, 0 =
                                      // best; -1: unknown label
    // [part] first row whose score or loss is not finite; -1: none
    int64_t bad[PARTS];
    double bad_value[PARTS];
} evaluator;

// Returns the class with the highest score; among equal scores, the lowest class. NaN counts as the lowest
// score.
static int32_t best_class(int64_t classes, const float *scores) {
    int64_t best = 0;
    for (int64_t k = 1; k < classes; k++)
        if (scores[k] > scores[best] || isnan(scores[best])) best = k;
    return (int32_t)best;
}

static int32_t rank_of(int64_t classes, const float *scores, int64_t y) {
    int32_t ahead = 0;
    if (isnan(scores[y])) return (int32_t)classes - 1; // NaN counts as lowest
    for (int64_t k = 0; k < classes; k++) ahead += scores[k] > scores[y] || (scores[k] == scores[y] && k < y);
    return ahead;
}

// Scores dense rows as if they were sparse: value by value, without zeros. So a dense row, the same row in a
// CSR file and the same row on a line of text have scores with the same bits.
static void score_by_value(evaluator *e, int64_t p, int64_t first, int64_t count) {
    mg_pass *pass = &e->pass[p];
    const row_values *row = &e->values[p];
    const mg_rows *rows = &e->batch->rows;
    const mg_weights *weights = e->weights;
    mg_kernel_weights w = mg_weights_kernel(weights);
    for (int64_t i = 0; i < count; i++) {
        int64_t n = 0;
        mg_pass_cells(e->scorer->kernel, rows, mg_rows_stored(rows, first + i),
                      mg_round_up(rows->features, MG_LANES), row->wide);
        for (int64_t d = 0; d < rows->features; d++) {
            int64_t place = row->wide[d] == 0 ? -1 : mg_used_place(e->used, d);
            if (place < 0) continue;
            row->indices[n] = (uint32_t)place;
            row->values[n++] = row->wide[d];
        }
        float *scores = pass->scores + i * pass->lanes;
        e->scorer->kernel->csr_scores(&(mg_csr_row){n, row->indices, row->values}, NULL, &w, scores);
        for (int64_t k = weights->classes; k < pass->lanes; k++) scores[k] = -INFINITY; // padding lanes
    }
}

// Returns the first score that is not finite; 0 if there is none.
static double bad_score(int64_t classes, const float *scores) {
    for (int64_t k = 0; k < classes; k++)
        if (!isfinite(scores[k])) return (double)scores[k];
    return 0;
}

static void score_part(void *context, int64_t p) {
    evaluator *e = context;
    mg_pass *pass = &e->pass[p];
    const mg_rows *rows = &e->batch->rows;
    int64_t end = mg_cut_end(rows->count, MG_EVALUATE_PART, p);
    e->loss[p] = 0;
    e->bad[p] = -1;
    MG_EACH_BLOCK (first, count, p * MG_EVALUATE_PART, end, pass->block_rows) {
        if (e->by_value) score_by_value(e, p, first, count);
        else mg_pass_scores(pass, e->scorer->kernel, e->weights, rows, first, count);
        for (int64_t i = 0; i < count; i++) {
            float *scores = pass->scores + i * pass->lanes;
            int64_t row = mg_rows_stored(rows, first + i), y = e->batch->label ? e->batch->label[row] : -1;
            e->best[first + i] = best_class(e->weights->classes, scores);
            if (e->wants_gaps)
                e->gap[first + i] =
                    mg_gaps_of(e->weights->classes, scores, e->best[first + i], &e->square[first + i]);
            e->rank[first + i] = y < 0 ? -1 : rank_of(e->weights->classes, scores, y);
            double bad = bad_score(e->weights->classes, scores),
                   weight = e->batch->weight ? (double)e->batch->weight[row] : 1;
            double loss = y < 0 || bad != 0 ? 0
                                            : (double)e->scorer->loss->row(pass->lanes, scores, y,
                                                                           e->scorer->delta, pass->coef);
            if (bad == 0 && !isfinite(loss)) bad = loss;
            e->loss[p] += weight * loss;
            e->row_loss[first + i] = weight * loss;
            if (bad != 0 && e->bad[p] < 0) e->bad[p] = first + i, e->bad_value[p] = bad;
        }
        if (e->keep_scores)
            memcpy(e->scores + first * pass->lanes, pass->scores,
                   (size_t)(count * pass->lanes) * sizeof(float));
    }
}

// Fails if a score or loss is not finite, because no label or accuracy may be computed from it.
static mg_status check_finite(const evaluator *e, const mg_dataset *dataset, mg_evaluation *result,
                              mg_error *error) {
    char name[MG_REACH_NAME];
    int64_t parts = (e->batch->rows.count + MG_EVALUATE_PART - 1) / MG_EVALUATE_PART, p = 0;
    while (p < parts && e->bad[p] < 0) p++;
    if (p == parts) return MG_OK;
    result->overflow = true;
    if (!mg_weights_finite(e->weights))
        return mg_fail(error, MG_NONFINITE, "the weights are not finite: " MG_ADVICE_NONFINITE);
    mg_reach_name(dataset, e->batch->first + e->bad[p], name);
    return mg_fail(error, MG_DATA,
                   "%s: its scores or its loss are beyond the range of single precision (%g): leave the row "
                   "out, or train with "
                   "data.scale",
                   name, e->bad_value[p]);
}

// Adds the losses of the batch to those of the own shards. Batches and parts do not begin where shards do, so
// several shards are summed row by row.
static void add_losses(const evaluator *e, const mg_dataset *dataset, double *loss) {
    const mg_batch *batch = e->batch;
    if (!dataset->all.comm || dataset->all.comm->shards == 1) {
        for (int64_t p = 0; p * MG_EVALUATE_PART < batch->rows.count; p++) *loss += e->loss[p];
        return;
    }
    int64_t s = 0;
    for (int64_t i = 0; i < batch->rows.count; i++) {
        while (batch->first + i >= mg_dataset_shard_row(dataset, s + 1)) s++;
        loss[s] += e->row_loss[i];
    }
}

static void tally(const evaluator *e, mg_evaluation *result) {
    const mg_batch *batch = e->batch;
    for (int64_t i = 0; i < batch->rows.count; i++) {
        int32_t rank = e->rank[i];
        if (rank < 0) {
            result->skipped++;
            continue;
        }
        result->rows++;
        result->correct += rank == 0;
        if (result->gaps) mg_gaps_add(result->gaps, e->gap[i], e->square[i]);
        for (int32_t k = rank; k < MG_TOP; k++) result->top[k]++;
        if (result->confusion)
            result->confusion[batch->label[mg_rows_stored(&batch->rows, i)] * e->weights->classes +
                              e->best[i]]++;
    }
}

static mg_status create(evaluator **out, const mg_scorer *scorer, const mg_dataset *dataset,
                        const mg_weights *weights, bool keep_scores, mg_error *error) {
    evaluator *e;
    mg_status status = mg_memory_zeroed(&e, 1, sizeof *e, error);
    *out = e;
    if (status) return status;
    e->scorer = scorer;
    e->weights = weights;
    e->keep_scores = keep_scores;
    e->used = &dataset->used;
    e->by_value = dataset->layout == MG_DENSE && weights->layout == MG_CSR;
    size_t line = (size_t)mg_round_up(dataset->features, MG_LANES);
    for (int p = 0; !status && e->by_value && p < PARTS; p++) {
        status = mg_memory_get(&e->values[p].wide, line, sizeof(float), error);
        if (!status) status = mg_memory_get(&e->values[p].values, line, sizeof(float), error);
        if (!status) status = mg_memory_get(&e->values[p].indices, line, sizeof(uint32_t), error);
    }
    for (int p = 0; !status && p < PARTS; p++) {
        status = mg_pass_create(&e->pass[p], dataset->layout, dataset->cell, weights->classes,
                                weights->features, error);
        if (!status) status = mg_pass_widen(&e->pass[p], dataset->store.bare, error);
    }
    if (!status && keep_scores)
        status = mg_memory_get(&e->scores, MG_EVALUATE_BATCH, (size_t)weights->lanes * sizeof(float), error);
    return status;
}

double mg_evaluate_scratch(const mg_dataset *dataset, mg_layout weights, int64_t classes) {
    mg_pass pass;
    int64_t before = mg_memory_own();
    double features = (double)mg_round_up(dataset->features, MG_LANES),
           lines = dataset->layout == weights ? 0
                   : weights == MG_CSR        ? 3 * PARTS // memory of row_values
                                              : (double)mg_round_up(classes, 8);
    if (mg_pass_create(&pass, dataset->layout, dataset->cell, classes, dataset->features, NULL) ||
        mg_pass_widen(&pass, dataset->store.bare, NULL))
        return 0;
    double bytes = PARTS * (double)(mg_memory_own() - before);
    mg_pass_destroy(&pass);
    return bytes + lines * features * (double)sizeof(float);
}

static void destroy(evaluator *e) {
    if (!e) return;
    for (int p = 0; p < PARTS; p++) {
        mg_memory_free(e->values[p].wide);
        mg_memory_free(e->values[p].values);
        mg_memory_free(e->values[p].indices);
        mg_pass_destroy(&e->pass[p]);
    }
    mg_memory_free(e->scores);
    mg_memory_free(e);
}

typedef struct evaluation_call {
    const mg_scorer *scorer;
    mg_dataset *dataset;
    const mg_weights *weights;
    const mg_evaluate_visit *visit;
    mg_evaluation *result;
    mg_error *error;
    double *loss; // [own shards]
    mg_status status;
} evaluation_call;

// Adds up what the shards of all ranks have counted.
static mg_status add_shards(evaluation_call *call, mg_error *error) {
    enum { COUNTS = 3 + MG_TOP };
    mg_comm *comm = call->dataset->all.comm;
    mg_evaluation *result = call->result;
    double *loss = NULL;
    int64_t *own = NULL, *work = NULL, all[COUNTS];
    size_t shards = (size_t)comm->shards;
    mg_status status = mg_memory_get(&loss, shards, sizeof *loss, error);
    if (!status) status = mg_memory_zeroed(&own, shards, COUNTS * sizeof *own, error);
    if (!status) status = mg_memory_get(&work, shards, COUNTS * sizeof *work, error);
    status = mg_comm_agree(comm, status, NULL, error);
    if (!status) status = mg_comm_fold(comm, call->loss, 1, loss, call->loss, error);
    if (!status) { // counts are exact in any order, so those of the rank stand for its first shard
        const int64_t counts[] = {result->rows, result->skipped, result->correct};
        memcpy(own, counts, sizeof counts);
        memcpy(own + 3, result->top, sizeof result->top);
        status = mg_comm_fold_counts(comm, own, COUNTS, work, all, error);
    }
    if (!status) {
        result->rows = all[0];
        result->skipped = all[1];
        result->correct = all[2];
        memcpy(result->top, all + 3, sizeof result->top);
    }
    mg_memory_free(loss);
    mg_memory_free(own);
    mg_memory_free(work);
    return status;
}

static void pass_over_rows(void *context) {
    evaluation_call *call = context;
    const mg_evaluate_visit *visit = call->visit;
    const mg_weights *weights = call->weights;
    evaluator *e = NULL;
    mg_stream *stream = NULL;
    bool wants_rows = visit && visit->rows;
    // one batch; windows have at least that many rows
    int64_t rows = mg_clamp(call->dataset->count, 1, MG_EVALUATE_BATCH);
    MG_ACTIVITY("scoring rows", call->dataset->count);
    mg_status status = create(&e, call->scorer, call->dataset, weights, wants_rows, call->error);
    if (!status) status = mg_stream_create(call->dataset, rows, 0, false, 0, &stream, call->error);
    if (!status) status = mg_stream_seek(stream, 0, 0, call->error);
    if (e) e->wants_gaps = call->result->gaps != NULL;
    while (!status) {
        mg_batch batch;
        status = mg_stream_next(stream, &batch, call->error);
        if (status || !batch.rows.count) break;
        if (visit && mg_stop_asked(&visit->stop)) {
            status = mg_fail(call->error, MG_STOPPED, "stopped while evaluating");
            break;
        }
        e->batch = &batch;
        mg_team_for(call->scorer->team, (batch.rows.count + MG_EVALUATE_PART - 1) / MG_EVALUATE_PART,
                    score_part, e);
        status = mg_stream_check(stream, call->error);
        if (!status) status = check_finite(e, call->dataset, call->result, call->error);
        if (status) break;
        add_losses(e, call->dataset, call->loss);
        tally(e, call->result);
        mg_activity_advance(activity, batch.rows.count);
        if (wants_rows)
            status = visit->rows(visit->context, batch.rows.count, weights->classes, weights->lanes,
                                 e->scores, e->best, call->error);
    }
    mg_stream_destroy(stream);
    destroy(e);
    call->status = status;
}

mg_status mg_evaluate(const mg_scorer *scorer, mg_dataset *dataset, const mg_weights *weights,
                      const mg_evaluate_visit *visit, mg_evaluation *result, mg_error *error) {
    mg_weights converted = {0};
    mg_comm *comm = dataset->all.comm;
    evaluation_call call = {scorer, dataset, weights, visit, result, error, NULL, MG_OK};
    call.status =
        mg_memory_zeroed(&call.loss, (size_t)mg_dataset_own_shards(dataset), sizeof *call.loss, error);
    if (!call.status && dataset->layout == MG_CSR && weights->layout == MG_DENSE) {
        call.status = mg_weights_convert(weights, MG_CSR, &converted, error);
        call.weights = &converted;
    }
    if (!call.status) mg_team_join(scorer->team, pass_over_rows, &call);
    if (comm) call.status = mg_comm_agree(comm, call.status, NULL, error);
    if (!call.status && comm && comm->shards > 1) call.status = add_shards(&call, error);
    if (!call.status) result->loss = result->rows ? call.loss[0] / (double)result->rows : 0;
    mg_memory_free(call.loss);
    mg_weights_destroy(&converted);
    return call.status;
}
