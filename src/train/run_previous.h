// run_previous.h - what --overwrite replaces: it is kept in the directory `previous` until the new result is
// complete.
#ifndef MG_TRAIN_RUN_PREVIOUS_H
#define MG_TRAIN_RUN_PREVIOUS_H

#include "io/directory.h"

// What margin has left in a directory.
typedef struct mg_run_traces {
    bool run;      // of `train` or `path`
    bool folds;    // of `cv`
    bool previous; // an old result that an unfinished one is to replace
} mg_run_traces;

// Errors: MG_IO.
mg_status mg_run_find_traces(const mg_directory *directory, mg_run_traces *out, mg_error *error);

// Nothing but an old result is there: its place is not taken unasked. Errors: MG_CONFIG.
mg_status mg_run_check_previous(const mg_directory *directory, const mg_run_traces *traces, mg_error *error);

// Clears a directory for a run, path or cross-validation that begins anew. Results that are there move to
// `previous`; a run without results is deleted, and so is an unfinished path where there is an older result
// in `previous`, which stays. The caller holds the directory's lock. Errors: MG_IO, MG_MEMORY.
mg_status mg_run_set_aside(const mg_directory *directory, mg_error *error);

// The new result is complete: deletes `previous`. Only files that margin writes are deleted.
void mg_run_forget_previous(const mg_directory *directory);

#endif
