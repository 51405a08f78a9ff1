// scoring.h - a loaded model with what it takes to score rows: kernel, loss, threads, weights in the layout
// of the rows.
#ifndef MG_TRAIN_SCORING_H
#define MG_TRAIN_SCORING_H

#include "model/model.h"
#include "train/evaluate.h"

#include <margin/status.h>
#include <signal.h>

typedef struct mg_scoring {
    mg_model *model;
    mg_team team;
    mg_scorer scorer; // borrows `team`: a scoring stays where it was loaded
    mg_preparation preparation;
    bool ready; // weights are there
    mg_weights weights;
} mg_scoring;

// threads 0: as many as may be used. Errors: MG_IO, MG_DATA, MG_MEMORY, MG_USAGE.
mg_status mg_scoring_load(const char *path, int threads, const mg_notices *notices, mg_scoring *scoring,
                          mg_error *error);
void mg_scoring_clear(mg_scoring *scoring);

// Lays the weights out for rows of `layout`. Errors: MG_MEMORY.
mg_status mg_scoring_prepare(mg_scoring *scoring, mg_layout layout, mg_error *error);

// Names in a data file; features or names NULL: the model's own; labels or weights NULL: none are read.
typedef struct mg_scoring_data {
    const char *path, *features, *names, *labels, *weights;
    bool allow_unknown;
} mg_scoring_data;

// Opens rows to be streamed in file order, and prepares the weights for them. Errors: MG_IO, MG_DATA,
// MG_MEMORY.
mg_status mg_scoring_open(mg_scoring *scoring, const mg_scoring_data *data, mg_dataset **out,
                          mg_error *error);

// Tells of values of the rows read that float32 does not hold.
void mg_scoring_tell_vanished(const mg_notices *notices, const mg_dataset *dataset, const char *features);

// Has whoever owns the flag (NULL: nobody) asked to stop?
bool mg_scoring_stopped(const volatile sig_atomic_t *stop);

#endif
