// run_previous.h - what --overwrite replaces: it is set aside in the directory `previous` until the new
// result is complete.
//
// Setting aside is decided at one moment: when `previous.new` appears. From then on everything of margin's in
// the directory belongs to the old run, and nothing new is written until `previous.new` is gone. Whatever
// begins next in the directory, with --overwrite or --resume, first completes what was interrupted.
#ifndef MG_TRAIN_RUN_PREVIOUS_H
#define MG_TRAIN_RUN_PREVIOUS_H

#include "io/directory.h"

// What margin has left in a directory. What is being set aside counts as `previous`.
typedef struct mg_run_traces {
    bool run;      // a run or a path
    bool folds;    // a cross-validation
    bool previous; // an old result that an unfinished new one replaces
} mg_run_traces;

// Errors: MG_IO.
mg_status mg_run_find_traces(const mg_directory *directory, mg_run_traces *out, mg_error *error);

// Refuses a directory that holds nothing but an old result: its place is not taken unasked. Errors:
// MG_CONFIG.
mg_status mg_run_check_previous(const mg_directory *directory, const mg_run_traces *traces, mg_error *error);

// Refuses a directory in which one of fold-1 to fold-N is a run of its own. Errors: MG_CONFIG, MG_IO.
mg_status mg_run_check_folds(const mg_directory *directory, int64_t folds, mg_error *error);

// Clears a directory for a run, path or cross-validation that begins anew. A complete result moves to
// `previous`; so does what is left of an unfinished one, unless an older result is there, which stays.
// Without `overwrite` only what was interrupted is completed. Everything that can be refused is refused
// before anything is changed. The caller holds the directory's lock. Errors: MG_IO, MG_CONFIG, MG_MEMORY.
mg_status mg_run_set_aside(const mg_directory *directory, bool overwrite, mg_error *error);

// Deletes `previous`, once the new result is complete. Only files that margin writes are deleted.
void mg_run_forget_previous(const mg_directory *directory);

#endif
