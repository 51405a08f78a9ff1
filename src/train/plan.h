// plan.h - a dry run: what a run needs, and about how long it takes.
#ifndef MG_TRAIN_PLAN_H
#define MG_TRAIN_PLAN_H

#include "train/trainer_options.h"

// Opens data and solver as a run does, trains for a short time in memory, and estimates the whole. Writes
// nothing. Errors: those of mg_trainer_run.
mg_status mg_trainer_plan(const mg_trainer_options *options, const mg_train_request *request,
                          mg_train_estimate *out, mg_error *error);

#endif
