// run_previous.h - moves the old result, which --overwrite replaces, to the directory `previous`. It remains
// there until the new result is complete.
//
// The old run ends at one moment: when `previous.new` appears. From then on, all files of margin in the
// directory belong to the old run, and nothing new is written until `previous.new` is gone. If a command is
// interrupted in between, the next command in the directory, with --overwrite or --resume, first completes
// the move.
#ifndef MG_TRAIN_RUN_PREVIOUS_H
#define MG_TRAIN_RUN_PREVIOUS_H

#include "io/directory.h"

#include <margin/trainer.h>

// Prepares a directory for a new run, path or cross-validation. A complete old result is moved to `previous`.
// An unfinished one too, unless `previous` already has an older result, which then stays there. Without
// `overwrite`, only completes an interrupted move. All reasons to refuse are checked before anything changes.
// The caller must hold the lock of the directory. Errors: MG_IO, MG_CONFIG, MG_MEMORY.
mg_status mg_run_set_aside(const mg_directory *directory, bool overwrite, mg_error *error);

// Deletes `previous`, because the new result is complete. If it contains files that margin did not write, or
// an active run, it stays, and the observer receives a warning. `observer` may be NULL.
void mg_run_forget_previous(const mg_directory *directory, const mg_observer *observer);

// Deletes those directories fold-N that a killed cross-validation has created but not used.
void mg_run_remove_empty_folds(const mg_directory *directory);

#endif
