// path.h - a path of regularisations as one run.
#ifndef MG_TRAIN_PATH_H
#define MG_TRAIN_PATH_H

#include "train/grid.h"
#include "train/trainer.h"

// The options are those of a run; their canonical text contains the grid. If a fold is held out, points are
// measured on it, and no model is kept.
mg_status mg_path_run(const mg_trainer_options *options, const mg_grid *grid, const mg_path_request *request,
                      mg_path_result *result, mg_error *error);

// The point with the highest accuracy; if several are equal, the one with the smallest C. -1: no point has an
// accuracy.
int mg_path_best(const mg_path_point *points, int count);

// The content of path.jsonl: one line for each point. Free *text. Errors: MG_MEMORY.
mg_status mg_path_lines(const mg_path_point *points, int64_t count, char **text, mg_error *error);

#endif
