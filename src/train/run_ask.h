// run_ask.h - checks, before anything changes, whether results may be moved and deleted.
#ifndef MG_TRAIN_RUN_ASK_H
#define MG_TRAIN_RUN_ASK_H

#include "io/directory.h"

// Checks that mg_run_set_aside may move or delete what it has to: the directories contain only files of
// margin, no run uses them, and the user has the permission. Errors: MG_IO, MG_CONFIG, MG_MEMORY.
mg_status mg_run_ask(const mg_directory *directory, mg_error *error);

// Checks that `name` does not exist, or is a directory that may be deleted or replaced. Errors: the same.
mg_status mg_run_ask_directory(const mg_directory *directory, const char *name, mg_error *error);

// Returns the error that the directory contains files which margin did not write.
mg_status mg_run_refuse_foreign(const mg_directory *parent, const char *name, mg_error *error);

// If `name` is the directory of a fold, calls `act` while holding the lock of that directory (`fold`). Then
// no run can begin there meanwhile. If a run is active there, `act` is not called.
typedef mg_status mg_run_act(const mg_directory *directory, const char *name, const mg_directory *fold,
                             mg_error *error);
mg_status mg_run_with_fold(const mg_directory *directory, const char *name, mg_run_act *act, mg_error *error);

#endif
