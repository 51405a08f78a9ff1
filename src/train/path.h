// path.h - a path of regularisations as one run.
#ifndef MG_TRAIN_PATH_H
#define MG_TRAIN_PATH_H

#include "train/grid.h"
#include "train/trainer.h"

// The options are those of a run; their canonical text tells the grid. With a fold held out it is what points
// are judged by, and no model is kept.
mg_status mg_path_run(const mg_trainer_options *options, const mg_grid *grid, const mg_path_request *request,
                      mg_path_result *result, mg_error *error);

// The best of the points by accuracy, the smaller C among equals; -1 without any accuracy.
int mg_path_best(const mg_path_point *points, int count);

#endif
