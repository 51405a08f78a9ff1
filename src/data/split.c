// split.c - selects held-out rows by row number and seed alone. So the training rows and the validation rows
// can be opened independently and still complement each other.
#include "data/split.h"

#include "base/memory.h"
#include "base/rng.h"
#include "data/folds.h"

enum { HELD_OUT_STREAM = 1 };

static uint64_t draw_of(uint64_t seed, int64_t row) {
    return mg_rng_at(mg_rng_key(seed, HELD_OUT_STREAM, 0), (uint64_t)row) >> 11;
}

static bool is_below(uint64_t draw, double fraction) { return (double)draw * 0x1p-53 < fraction; }

void mg_split_count(double fraction, uint64_t seed, int64_t row, int32_t class, mg_split_tally *tally) {
    if (class < 0) return;
    mg_split_tally *own = &tally[class];
    uint64_t draw = draw_of(seed, row);
    bool held = is_below(draw, fraction);
    own->kept += !held;
    own->held += held;
    if (own->kept + own->held == 1 || draw > own->draw) own->last = row, own->draw = draw;
}

void mg_split_keep_one(mg_split_tally *tally) {
    tally->keeps = !tally->kept && tally->held;
    tally->held -= tally->keeps;
}

bool mg_split_holds(double fraction, uint64_t seed, int64_t row, const mg_split_tally *tally) {
    return is_below(draw_of(seed, row), fraction) && !(tally->keeps && tally->last == row);
}

static void hold_out(const mg_split_request *request, uint8_t *held, mg_split_tally *classes) {
    const int32_t *label = request->label;
    double fraction = request->fraction;
    for (int64_t i = 0; i < request->rows; i++)
        mg_split_count(fraction, request->seed, i, label ? label[i] : 0, classes);
    for (int64_t k = 0; label && k < request->classes->count; k++) mg_split_keep_one(&classes[k]);
    for (int64_t i = 0; i < request->rows; i++)
        if (!label || label[i] >= 0)
            held[i] = mg_split_holds(fraction, request->seed, i, &classes[label ? label[i] : 0]);
}

static mg_status deal(const mg_split_request *request, uint8_t *held, mg_split_tally *classes,
                      mg_error *error) {
    int32_t *fold;
    mg_status status = mg_memory_get(&fold, (size_t)request->rows, sizeof *fold, error);
    if (!status) status = mg_folds_deal(request, fold, error);
    for (int64_t i = 0; !status && i < request->rows; i++) {
        held[i] = fold[i] == request->fold;
        if (request->label[i] >= 0) classes[request->label[i]].held += fold[i] != MG_NO_FOLD;
    }
    mg_memory_free(fold);
    return status;
}

mg_status mg_split_rows(const mg_split_request *request, mg_split *split, mg_error *error) {
    *split = (mg_split){0};
    mg_split_tally *classes = NULL;
    char buffer[MG_LABEL_BUFFER];
    mg_status status = mg_memory_zeroed(&split->held, (size_t)request->rows, 1, error);
    if (!status)
        status = mg_memory_zeroed(&classes, (size_t)request->classes->count + 1, sizeof *classes, error);
    if (!status && request->folds > 0) status = deal(request, split->held, classes, error);
    else if (!status) hold_out(request, split->held, classes);
    for (int64_t k = 0; !status && request->label && k < request->classes->count; k++) {
        if (classes[k].held) continue;
        if (!split->unseen++)
            mg_name_shown(mg_classes_label(request->classes, k, buffer), split->unseen_label);
    }
    mg_memory_free(classes);
    if (status) mg_split_clear(split);
    return status;
}

void mg_split_clear(mg_split *split) {
    mg_memory_free(split->held);
    split->held = NULL;
}
