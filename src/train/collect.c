// collect.c - scores rows and stores the scores.
#include "train/collect.h"

#include "base/memory.h"

#include <string.h>

typedef struct collecting {
    mg_collection *to;
    const int32_t *label; // [rows of the data set]
    const float *weight;  // NULL: all 1
    int64_t row;          // next row
} collecting;

static mg_status take_rows(void *context, int64_t count, int64_t classes, int64_t lanes, const float *scores,
                           const int32_t *best, mg_error *error) {
    collecting *c = context;
    mg_collection *to = c->to;
    (void)best, (void)error;
    for (int64_t i = 0; i < count; i++, c->row++) {
        if (c->label[c->row] < 0) continue;
        memcpy(to->scores + to->count * classes, scores + i * lanes, (size_t)classes * sizeof *scores);
        to->label[to->count] = c->label[c->row];
        to->weight[to->count++] = c->weight ? c->weight[c->row] : 1;
    }
    return MG_OK;
}

static mg_status make_room(mg_collection *to, int64_t rows, mg_error *error) {
    size_t room = (size_t)to->room, need = (size_t)(to->count + rows), line = (size_t)to->classes;
    size_t scores = room, labels = room, weights = room;
    mg_status status = mg_memory_grow(&to->scores, &scores, need, line * sizeof *to->scores, error);
    if (!status) status = mg_memory_grow(&to->label, &labels, need, sizeof *to->label, error);
    if (!status) status = mg_memory_grow(&to->weight, &weights, need, sizeof *to->weight, error);
    if (!status) to->room = mg_min((int64_t)scores, mg_min((int64_t)labels, (int64_t)weights));
    return status;
}

mg_status mg_collect(mg_collection *collection, const mg_scorer *scorer, mg_dataset *dataset,
                     const mg_weights *weights, const float *weight, mg_evaluation *evaluation,
                     mg_error *error) {
    collecting c = {.to = collection, .label = dataset->label, .weight = weight};
    const mg_evaluate_visit visit = {.context = &c, .rows = take_rows, .stop = collection->stop};
    collection->classes = weights->classes;
    mg_status status = make_room(collection, dataset->count, error);
    return status ? status : mg_evaluate(scorer, dataset, weights, &visit, evaluation, error);
}

mg_scored mg_collected(const mg_collection *c) {
    return (mg_scored){.count = c->count,
                       .classes = c->classes,
                       .line = c->classes,
                       .scores = c->scores,
                       .label = c->label,
                       .weight = c->weight};
}

void mg_collection_clear(mg_collection *collection) {
    mg_memory_free(collection->scores);
    mg_memory_free(collection->label);
    mg_memory_free(collection->weight);
    *collection = (mg_collection){0};
}
