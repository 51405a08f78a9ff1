// run_ask.h - asks, before anything changes, whether results may be moved and deleted.
#ifndef MG_TRAIN_RUN_ASK_H
#define MG_TRAIN_RUN_ASK_H

#include "io/directory.h"

// Fails unless everything that mg_run_set_aside moves or deletes in the directory may be moved or deleted: it
// holds only files of margin, nobody trains there, and the user has the right to. Errors: MG_IO, MG_CONFIG,
// MG_MEMORY.
mg_status mg_run_ask(const mg_directory *directory, mg_error *error);

// Fails unless `name` does not exist, or is a directory that may be deleted or replaced. Errors: the same.
mg_status mg_run_ask_directory(const mg_directory *directory, const char *name, mg_error *error);

// Fails: the directory holds files that margin did not write.
mg_status mg_run_refuse_foreign(const mg_directory *parent, const char *name, mg_error *error);

// Calls `act` for the name, under the lock of its directory `fold`, if it is that of a fold. A run that is
// running there is left alone, and none can begin there meanwhile.
typedef mg_status mg_run_act(const mg_directory *directory, const char *name, const mg_directory *fold,
                             mg_error *error);
mg_status mg_run_with_fold(const mg_directory *directory, const char *name, mg_run_act *act, mg_error *error);

#endif
