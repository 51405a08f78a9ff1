// run_inputs.h - the files that a run reads must not be among those that it moves, replaces or deletes.
#ifndef MG_TRAIN_RUN_INPUTS_H
#define MG_TRAIN_RUN_INPUTS_H

#include "train/trainer.h"

typedef struct mg_run_inputs {
    const mg_trainer_options *options;
    const char *init;   // the model to start from; NULL: none
    bool overwrite;     // old results are moved
    bool writes_config; // the run writes config.yaml, with the content of the file that the user gave
} mg_run_inputs;

// Files are compared by device and inode with those of margin in the directory and in `checkpoints`,
// `previous`, `previous.new` and fold-N there. The model to start from is compared only if old results are
// moved, because it must exist until the new run has a checkpoint. The caller holds the lock of the
// directory. Errors: MG_CONFIG; MG_IO.
mg_status mg_run_check_inputs(const mg_directory *directory, const mg_run_inputs *inputs, mg_error *error);

#endif
