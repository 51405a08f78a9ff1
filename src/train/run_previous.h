// run_previous.h - the old result that --overwrite replaces. It is set aside in the directory `previous`
// until the new result is complete.
//
// The old result is set aside at one moment: when `previous.new` appears. From then on, all files of margin
// in the directory belong to the old run, and nothing new is written until `previous.new` is gone. The next
// command in the directory, with --overwrite or --resume, first completes what was interrupted.
#ifndef MG_TRAIN_RUN_PREVIOUS_H
#define MG_TRAIN_RUN_PREVIOUS_H

#include "io/directory.h"

#include <margin/trainer.h>

// Clears a directory for a run, path or cross-validation that starts anew. A complete result is moved to
// `previous`. So is an unfinished one, unless `previous` has an older result, which then stays. Without
// `overwrite`, only completes what was interrupted. Everything that can be refused is refused before anything
// changes. The caller holds the lock of the directory. Errors: MG_IO, MG_CONFIG, MG_MEMORY.
mg_status mg_run_set_aside(const mg_directory *directory, bool overwrite, mg_error *error);

// Deletes `previous`, once the new result is complete, unless it holds files that margin did not write or a
// run that is under way; then there is a warning. `observer` may be NULL.
void mg_run_forget_previous(const mg_directory *directory, const mg_observer *observer);

// Deletes the directories fold-N that a killed cross-validation made and wrote nothing into.
void mg_run_remove_empty_folds(const mg_directory *directory);

#endif
