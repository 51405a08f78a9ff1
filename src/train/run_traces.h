// run_traces.h - what the directory of a run holds.
#ifndef MG_TRAIN_RUN_TRACES_H
#define MG_TRAIN_RUN_TRACES_H

#include "io/directory.h"

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

// Refuses a file without the mark of margin (run_own.h). _marks does so for the results in the directory.
// `vouched`: a run or fold is resumed there, so what looks damaged is its own and can be written again, but
// not metrics.jsonl. Errors: MG_CONFIG.
mg_status mg_run_check_mark(const mg_directory *directory, const char *name, mg_error *error);
mg_status mg_run_check_marks(const mg_directory *directory, bool vouched, mg_error *error);

// Refuses a directory in which one of fold-1 to fold-N is a run of its own, or holds such a config.yaml.
// Errors: MG_CONFIG, MG_IO.
mg_status mg_run_check_folds(const mg_directory *directory, int64_t folds, mg_error *error);

// Counts lines, up to `most`. If the file exists but cannot be read, returns `most`.
int64_t mg_run_count_lines(const mg_directory *directory, const char *name, int64_t most);

// True if path.jsonl has all points of the path that the directory holds.
bool mg_run_has_all_points(const mg_directory *directory);

#endif
