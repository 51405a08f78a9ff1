// run_inputs.h - checks that the files which a run reads are not among those that it moves, replaces or
// deletes.
#ifndef MG_TRAIN_RUN_INPUTS_H
#define MG_TRAIN_RUN_INPUTS_H

#include "train/trainer_options.h"

typedef struct mg_run_inputs {
    const mg_trainer_options *options;
    const char *init;   // --init: the model to start from; NULL: none
    bool overwrite;     // old results will be moved
    bool writes_config; // config.yaml will be written, with the content of the user's file
} mg_run_inputs;

// Compares the input files, by device and inode, with the files of margin in the directory, and in
// `checkpoints`, `previous`, `previous.new` and fold-N inside it. The model to start from is compared only if
// old results are moved: it must exist until the new run has a checkpoint. The caller must hold the lock of
// the directory. Errors: MG_CONFIG; MG_IO.
mg_status mg_run_check_inputs(const mg_directory *directory, const mg_run_inputs *inputs, mg_error *error);

#endif
