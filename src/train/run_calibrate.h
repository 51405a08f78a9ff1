// run_calibrate.h - model.calibration: a run calibrates its model before it writes it.
#ifndef MG_TRAIN_RUN_CALIBRATE_H
#define MG_TRAIN_RUN_CALIBRATE_H

#include "train/run.h"

#include <margin/calibrate.h>

// True if the run calibrates its model. Folds of a cross-validation and points of a path do not.
bool mg_run_calibrates(const mg_run *run);

// Checks before training that there are rows for the calibration, and memory for their scores. Errors:
// MG_CONFIG, MG_MEMORY.
mg_status mg_run_check_calibration(const mg_run *run, mg_error *error);

// Fits the calibration of the model with these weights: to the validation rows or, without them, to the
// scores of rows that each of five trainings holds out. The rows of the run are not needed any more. *out is
// that of no calibration if the run does not want one. Errors: those of a run; MG_STOPPED.
mg_status mg_run_calibrate(mg_run *run, const mg_weights *weights, mg_calibration *out, mg_error *error);

// Refuses model.calibration for a path that keeps its best model. Errors: MG_CONFIG.
mg_status mg_path_check_calibration(const mg_trainer_options *options, mg_error *error);

// Why the rows do not determine the temperature of this calibration: the scores say nothing about the
// classes, or are right for every row.
bool mg_calibration_says_nothing(const mg_calibration *calibration);
const char *mg_calibration_limit(const mg_calibration *calibration);

// Describes a calibration; one that does not calibrate has the method "".
void mg_calibration_tell(const mg_calibration *calibration, mg_calibration_report *out);

#endif
