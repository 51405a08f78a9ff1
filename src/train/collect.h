// collect.h - collects the scores of labelled rows, to fit a calibration.
#ifndef MG_TRAIN_COLLECT_H
#define MG_TRAIN_COLLECT_H

#include "calibration/calibration.h"
#include "train/evaluate.h"

typedef struct mg_collection {
    int64_t count, room, classes;
    float *scores; // [count][classes]
    int32_t *label;
    float *weight;
    mg_stop stop; // asked while rows are scored whether to stop
} mg_collection;  // must be zero before its first use

// Scores the rows of a data set, and adds those whose label is known. weight: [rows of the data set]; NULL:
// all 1. Errors: those of mg_evaluate.
mg_status mg_collect(mg_collection *collection, const mg_scorer *scorer, mg_dataset *dataset,
                     const mg_weights *weights, const float *weight, mg_evaluation *evaluation,
                     mg_error *error);
mg_scored mg_collected(const mg_collection *collection);
void mg_collection_clear(mg_collection *collection);

#endif
