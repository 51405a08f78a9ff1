// run_traces.h - determines what the directory of a run contains.
#ifndef MG_TRAIN_RUN_TRACES_H
#define MG_TRAIN_RUN_TRACES_H

#include "io/directory.h"

// What a directory contains. Files that are being moved to `previous` count as `previous`.
typedef struct mg_run_traces {
    bool run;      // files of a run or a path
    bool folds;    // files of a cross-validation
    bool previous; // an old result that an unfinished run is going to replace
} mg_run_traces;

// Examines the directory. Errors: MG_IO.
mg_status mg_run_find_traces(const mg_directory *directory, mg_run_traces *out, mg_error *error);

// Refuses a directory with results of another command than `own` (train, path or cv), also if they are the
// old ones in `previous`: a command replaces and deletes only its own results. Errors: MG_CONFIG, MG_IO,
// MG_MEMORY.
mg_status mg_run_check_command(const mg_directory *directory, const char *own, mg_error *error);

// Refuses a directory that contains nothing but an old result. Errors: MG_CONFIG.
mg_status mg_run_check_previous(const mg_directory *directory, const mg_run_traces *traces, mg_error *error);

// Refuses a directory with a config.yaml that no run wrote. Errors: MG_CONFIG.
mg_status mg_run_check_config(const mg_directory *directory, mg_error *error);

// mg_run_check_mark refuses a file without the mark of margin (run_own.h); mg_run_check_marks does so for all
// results in the directory. `vouched`: a run or fold is resumed there, so its own damaged files can be
// written again, except metrics.jsonl. Errors: MG_CONFIG.
mg_status mg_run_check_mark(const mg_directory *directory, const char *name, mg_error *error);
mg_status mg_run_check_marks(const mg_directory *directory, bool vouched, mg_error *error);

// Refuses a directory if one of fold-1 to fold-N inside it contains an independent run, or a config.yaml that
// no run wrote. Errors: MG_CONFIG, MG_IO.
mg_status mg_run_check_folds(const mg_directory *directory, int64_t folds, mg_error *error);

// Counts the lines of a file, up to `most`; 0 if there is no file. Errors: MG_IO, MG_MEMORY.
mg_status mg_run_count_lines(const mg_directory *directory, const char *name, int64_t most, int64_t *count,
                             mg_error *error);

// Sets *all to whether path.jsonl has all points of the directory's path; false if nothing says which path it
// is. Errors: MG_DATA, MG_IO (begun.h5 or checkpoints are there, but none can be used), MG_MEMORY.
mg_status mg_run_has_all_points(const mg_directory *directory, bool *all, mg_error *error);

#endif
