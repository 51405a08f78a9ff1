// path.h - a path: one run over a series of regularisations.
#ifndef MG_TRAIN_PATH_H
#define MG_TRAIN_PATH_H

#include "train/grid.h"
#include "train/trainer_options.h"

// `options`: those of a run; their canonical text must contain the grid. If a fold is held out, points are
// measured on it, and no model is written. Errors: those of mg_trainer_run.
mg_status mg_path_run(const mg_trainer_options *options, const mg_grid *grid, const mg_path_request *request,
                      mg_path_result *result, mg_error *error);

// Index of the point with the highest accuracy; among equal ones, of the smallest C. -1 if no point has an
// accuracy.
int mg_path_best(const mg_path_point *points, int count);

// The content of path.jsonl: one line for each point. Free *text. Errors: MG_MEMORY.
mg_status mg_path_lines(const mg_path_point *points, int64_t count, char **text, mg_error *error);

#endif
