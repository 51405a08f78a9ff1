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

// What a directory contains. What is being set aside counts as `previous`.
typedef struct mg_run_traces {
    bool run;      // of `train` or `path`
    bool folds;    // of `cv`
    bool previous; // an old result that an unfinished one is to replace
} mg_run_traces;

// Looks at the directory. Errors: MG_IO.
mg_status mg_run_find_traces(const mg_directory *directory, mg_run_traces *out, mg_error *error);

// Refuses a directory that contains only an old result. Errors: MG_CONFIG.
mg_status mg_run_check_previous(const mg_directory *directory, const mg_run_traces *traces, mg_error *error);

// Refuses a directory whose config.yaml was not written by a run. Errors: MG_CONFIG.
mg_status mg_run_check_config(const mg_directory *directory, mg_error *error);

// Refuses a directory in which one of fold-1 to fold-N is a run of its own, or holds such a config.yaml.
// Errors: MG_CONFIG, MG_IO.
mg_status mg_run_check_folds(const mg_directory *directory, int64_t folds, mg_error *error);

// Clears a directory for a run, path or cross-validation that starts anew. A complete result is moved to
// `previous`. So is an unfinished one, unless `previous` has an older result, which then stays. Without
// `overwrite`, only completes what was interrupted. Everything that can be refused is refused before anything
// changes. The caller holds the lock of the directory. Errors: MG_IO, MG_CONFIG, MG_MEMORY.
mg_status mg_run_set_aside(const mg_directory *directory, bool overwrite, mg_error *error);

// Deletes `previous`, once the new result is complete, unless it holds files that margin did not write or a
// run that is under way; then there is a warning. `observer` may be NULL.
void mg_run_forget_previous(const mg_directory *directory, const mg_observer *observer);

#endif
