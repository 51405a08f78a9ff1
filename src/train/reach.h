// reach.h - refuses rows that no solver can use: their values are finite, but their squares or scores exceed
// float32.
#ifndef MG_TRAIN_REACH_H
#define MG_TRAIN_REACH_H

#include "data/dataset.h"
#include "data/scale.h"

// Fails if a training row, scaled and with the constant feature, has a squared norm above the range of
// float32. Reads the rows only if the column moments do not exclude that. Errors: MG_DATA with the data set
// and the row; MG_MEMORY, MG_IO.
mg_status mg_reach_check(mg_dataset *train, const mg_scale *scale, double bias, mg_error *error);

// Writes the name of a row for messages, as FILE: DATASET[ROW].
enum { MG_REACH_NAME = MG_PATH_TEXT + MG_H5_NAME };
void mg_reach_name(const mg_dataset *dataset, int64_t row, char out[MG_REACH_NAME]);

#endif
