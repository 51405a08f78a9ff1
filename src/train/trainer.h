// trainer.h - runs one training, from its options to its results.
#ifndef MG_TRAIN_TRAINER_H
#define MG_TRAIN_TRAINER_H

#include "train/trainer_options.h"

mg_status mg_trainer_run(const mg_trainer_options *options, const mg_train_request *request,
                         mg_train_result *result, mg_error *error);

#endif
