// sample.h - copies a random sample of the training rows, for choices that are made by trials.
#ifndef MG_TRAIN_SAMPLE_H
#define MG_TRAIN_SAMPLE_H

#include "data/stream.h"
#include "solver/solver.h"

typedef struct mg_sample_store {
    mg_store store;
    int32_t *label;
    float *weight;
} mg_sample_store;

// Copies the first rows in the order of the first epoch. The caller must then reset the position of the
// stream. Errors: MG_MEMORY, those of reading.
mg_status mg_sample_draw(mg_stream *stream, const mg_dataset *dataset, mg_sample_store *store,
                         mg_sample *sample, mg_error *error);
void mg_sample_clear(mg_sample_store *store);

#endif
