// cv.h - cross-validation: trains a run or a path for each fold.
#ifndef MG_TRAIN_CV_H
#define MG_TRAIN_CV_H

#include "train/grid.h"
#include "train/trainer_options.h"

#include <margin/cv.h>

// `options`: those of a run; mg_cv_run sets the fold. `grid`: a path for each fold; NULL: a run. Errors:
// those of mg_trainer_run and mg_path_run; MG_USAGE for the number of folds.
mg_status mg_cv_run(const mg_trainer_options *options, const mg_grid *grid, const mg_cv_request *request,
                    mg_cv_result *result, mg_error *error);

#endif
