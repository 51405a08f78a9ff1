// run_own.h - decides which files in a directory are margin's.
#ifndef MG_TRAIN_RUN_OWN_H
#define MG_TRAIN_RUN_OWN_H

#include "train/checkpoint.h"

#define MG_RUN_PREVIOUS "previous"
#define MG_RUN_GATHERING "previous.new"
enum { MG_RUN_NAME_TEXT = 64 };

// The files of a result, in the order in which they are moved to `previous`.
enum { MG_RUN_RESULTS = 6 };
extern const char *const mg_run_results[MG_RUN_RESULTS];

// True if the directory's `checkpoints` contains a checkpoint, or cannot be read.
bool mg_run_has_checkpoints(const mg_directory *directory);

// True if the directory contains files of a run. A config.yaml alone does not count.
bool mg_run_is_there(const mg_directory *directory);

// *own becomes true if the directory has a readable config.yaml whose first line says that a run wrote it.
// Errors: MG_MEMORY.
mg_status mg_run_look_at_config(const mg_directory *directory, bool *own, mg_error *error);

// True if margin writes a file of this name, or if a killed writer may have left it. For config.yaml, its
// first line decides.
bool mg_run_is_own_name(const mg_directory *directory, const char *name);

// Checks by its content whether margin wrote a file. False if the end or the beginning is not margin's:
// models and checkpoints end with a seal (which need not fit the bytes), and JSON files begin in a certain
// way. A crash does not remove the seal, because complete files are renamed into place. True for all other
// names, and for files that are empty, not regular or not readable.
bool mg_run_has_mark(const mg_directory *directory, const char *name);

// True if the name is margin's and the content has margin's mark, so that margin may move or delete the file.
bool mg_run_is_own_file(const mg_directory *directory, const char *name);

// True if margin creates a directory of this name in the directory of a run.
bool mg_run_is_own_directory(const char *name);

bool mg_run_is_fold_name(const char *name);

// What is at the name of a fold.
typedef enum mg_run_fold_kind {
    MG_RUN_NO_FOLD,    // nothing, no directory, or a directory without a run
    MG_RUN_EMPTY_FOLD, // an empty directory, apart from what a killed cross-validation may have left
    MG_RUN_OWN_FOLD,   // a fold: its begun.h5 or a checkpoint says that it is this fold of a cross-validation
    MG_RUN_OTHER_RUN   // another run or cross-validation, or the old result of one
} mg_run_fold_kind;
mg_run_fold_kind mg_run_kind_of_fold(const mg_directory *parent, const char *name);

// Reads what the run of the directory started from: from begun.h5 or, if that is missing or damaged, from the
// newest intact checkpoint. Errors: MG_IO, MG_DATA, MG_MEMORY.
mg_status mg_run_read_origin(const mg_directory *directory, mg_origin *out, mg_error *error);

#endif
