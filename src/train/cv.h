// cv.h - cross-validation as a run, or a path, for every fold.
#ifndef MG_TRAIN_CV_H
#define MG_TRAIN_CV_H

#include "train/grid.h"
#include "train/trainer.h"

#include <margin/cv.h>

// The options are those of a run, but for the fold. grid NULL: none. Errors: those of runs and paths;
// MG_USAGE for the folds.
mg_status mg_cv_run(const mg_trainer_options *options, const mg_grid *grid, const mg_cv_request *request,
                    mg_cv_result *result, mg_error *error);

#endif
