// run_inputs.h - the files that a run reads must not be among those that it moves, replaces or deletes.
#ifndef MG_TRAIN_RUN_INPUTS_H
#define MG_TRAIN_RUN_INPUTS_H

#include "data/options.h"
#include "io/directory.h"

// Files are compared by device and inode with those of margin in the directory and in `checkpoints`,
// `previous`, `previous.new` and fold-N there. `init`: the model to start from, or NULL; it is compared only
// if old results are moved, because it must exist until the new run has a checkpoint. `overwrite`: old
// results are moved. The caller holds the lock of the directory. Errors: MG_CONFIG; MG_IO.
mg_status mg_run_check_inputs(const mg_directory *directory, const mg_data_options *data, const char *init,
                              bool overwrite, mg_error *error);

#endif
