// split.c - selects held-out rows by row number and seed alone. So the training rows and the validation rows
// can be opened independently and still complement each other.
#include "data/split.h"

#include "base/memory.h"
#include "base/rng.h"
#include "data/folds.h"

enum { HELD_OUT_STREAM = 1 };

typedef struct tally {
    int64_t kept, held; // rows of the class that are kept; that are held out
    int64_t last;       // row of the class with the largest random number
    uint64_t draw;
} tally;

static void hold_out(const mg_split_request *request, uint8_t *held, tally *classes) {
    uint64_t key = mg_rng_key(request->seed, HELD_OUT_STREAM, 0);
    for (int64_t i = 0; i < request->rows; i++) {
        if (request->label && request->label[i] < 0) continue;
        tally *class = &classes[request->label ? request->label[i] : 0];
        uint64_t draw = mg_rng_at(key, (uint64_t)i) >> 11;
        held[i] = (double)draw * 0x1p-53 < request->fraction;
        class->kept += !held[i];
        class->held += held[i];
        if (class->kept + class->held == 1 || draw > class->draw) class->last = i, class->draw = draw;
    }
    for (int64_t k = 0; request->label && k < request->classes->count; k++) {
        if (classes[k].kept || !classes[k].held) continue;
        held[classes[k].last] = 0;
        classes[k].held--;
    }
}

static mg_status deal(const mg_split_request *request, uint8_t *held, tally *classes, mg_error *error) {
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
    tally *classes = NULL;
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
