// reach.h - rows of finite values that no solver can use, because their squares or their scores exceed
// float32.
#ifndef MG_TRAIN_REACH_H
#define MG_TRAIN_REACH_H

#include "data/dataset.h"
#include "data/scale.h"

// Refuses training rows whose squared length, scaled and with the constant feature, exceeds float32. Reads
// the rows only if the moments do not exclude this. Errors: MG_DATA with data set and row; MG_MEMORY, MG_IO.
mg_status mg_reach_check(mg_dataset *train, const mg_scale *scale, double bias, mg_error *error);

// Writes the name of a row for messages: FILE: DATASET[ROW].
enum { MG_REACH_NAME = MG_PATH_TEXT + MG_H5_NAME };
void mg_reach_name(const mg_dataset *dataset, int64_t row, char out[MG_REACH_NAME]);

#endif
