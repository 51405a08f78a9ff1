// run_own.h - which names in a directory are margin's.
#ifndef MG_TRAIN_RUN_OWN_H
#define MG_TRAIN_RUN_OWN_H

#include "train/checkpoint.h"

#define MG_RUN_PREVIOUS "previous"
#define MG_RUN_GATHERING "previous.new"
enum { MG_RUN_NAME_TEXT = 64 };

// The files of a result, in the order in which they are moved.
enum { MG_RUN_RESULTS = 6 };
extern const char *const mg_run_results[MG_RUN_RESULTS];

// True if `checkpoints` in the directory holds one, or cannot be looked into.
bool mg_run_has_checkpoints(const mg_directory *directory);

// True if the directory holds files of a run. config.yaml alone is not a sign of a run.
bool mg_run_is_there(const mg_directory *directory);

// *own: the directory holds a config.yaml, it can be read, and its first line says that a run wrote it.
// Errors: MG_MEMORY.
mg_status mg_run_look_at_config(const mg_directory *directory, bool *own, mg_error *error);

// True for the name of a file that margin writes, and for what a killed writer leaves of it. A config.yaml is
// margin's if its first line says so.
bool mg_run_is_own_name(const mg_directory *directory, const char *name);

// False for a file that margin did not write, or that has lost its end or its beginning: models and
// checkpoints end in a seal, which need not match, and lines of JSON begin as margin writes them. Files whose
// names are renamed into place are complete, so a crash does not take the seal. True for other names, and for
// what is empty, no file or cannot be read.
bool mg_run_has_mark(const mg_directory *directory, const char *name);

// Both of them: margin may move or delete the file.
bool mg_run_is_own_file(const mg_directory *directory, const char *name);

// True for the name of a directory that margin makes in the directory of a run.
bool mg_run_is_own_directory(const char *name);

bool mg_run_is_fold_name(const char *name);

// What the name of a fold refers to.
typedef enum mg_run_fold_kind {
    MG_RUN_NO_FOLD,    // nothing, not a directory, or a directory without a run
    MG_RUN_EMPTY_FOLD, // a directory that is empty, but for what a killed cross-validation may have left
    MG_RUN_OWN_FOLD,   // its begun.h5 or a checkpoint says that it is this fold of a cross-validation
    MG_RUN_OTHER_RUN   // any other run or cross-validation, or the old result of one
} mg_run_fold_kind;
mg_run_fold_kind mg_run_kind_of_fold(const mg_directory *parent, const char *name);

// Reads what the run of the directory was begun from: from begun.h5 or, if that is missing or damaged, from
// the newest intact checkpoint. Errors: MG_IO, MG_DATA, MG_MEMORY.
mg_status mg_run_read_origin(const mg_directory *directory, mg_origin *out, mg_error *error);

#endif
