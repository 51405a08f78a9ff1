// run_previous.h - what --overwrite replaces: it is kept in the directory `previous` until the new result is complete.
#ifndef MG_TRAIN_RUN_PREVIOUS_H
#define MG_TRAIN_RUN_PREVIOUS_H

#include "io/directory.h"

// Clears a directory for a run, path or cross-validation that begins anew. Results that are there move to `previous`; a run
// without results is deleted, and an older result in `previous` stays. The caller holds the directory's lock.
// Errors: MG_IO, MG_MEMORY.
mg_status mg_run_set_aside(const mg_directory *directory, mg_error *error);

// The new result is complete: deletes `previous`. Only files that margin writes are deleted.
void mg_run_forget_previous(const mg_directory *directory);

#endif
