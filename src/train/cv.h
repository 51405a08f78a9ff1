// cv.h - cross-validation: a run or a path for each fold.
#ifndef MG_TRAIN_CV_H
#define MG_TRAIN_CV_H

#include "train/grid.h"
#include "train/trainer.h"

#include <margin/cv.h>

// The options are those of a run; the fold is set here. grid NULL: there is no grid. Errors: those of runs
// and paths; MG_USAGE for the number of folds.
mg_status mg_cv_run(const mg_trainer_options *options, const mg_grid *grid, const mg_cv_request *request,
                    mg_cv_result *result, mg_error *error);

#endif
