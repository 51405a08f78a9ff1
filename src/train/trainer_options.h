// trainer_options.h - what a run is told: its options, and what its caller lends it.
#ifndef MG_TRAIN_TRAINER_OPTIONS_H
#define MG_TRAIN_TRAINER_OPTIONS_H

#include "model/model.h"
#include "train/checkpoint.h"
#include "train/options.h"
#include "train/setup.h"

#include <margin/trainer.h>
#include <signal.h>

// The first line of every config.yaml that a run writes. A later run recognises by it that it may replace the
// file.
#define MG_RUN_CONFIG_MARK                                                                                   \
    "# Written by a run of margin, which replaces this file with --overwrite: edit a copy.\n"

// A callback that runs after all checks that can refuse the run, and before anything in its directory
// changes. The run enters its directory only after that.
typedef struct mg_before_change {
    mg_status (*call)(void *context, mg_error *error);
    void *context;
} mg_before_change;

// What had to be copied of the program's arrays.
typedef struct mg_trainer_copies {
    double bytes;
    const char *why;  // why rows were copied; NULL: they were not
    double converted; // bytes of labels and weights that were converted
} mg_trainer_copies;

// Additional inputs of a run whose rows are in memory. Its program may have several such runs at the same
// time, so each has flags of its own.
typedef struct mg_trainer_memory {
    const volatile sig_atomic_t *stop; // NULL, or a flag: a value other than 0 stops this run
    bool files;                        // output.directory is used; otherwise no files are written
    const mg_model *start; // weights to start from; NULL: those of the request's init_model, or zeros
    mg_model **model;      // receives the model
    mg_trainer_copies *copies;
} mg_trainer_memory;

typedef struct mg_trainer_options {
    const mg_data_options *data;
    const mg_model_options *model;
    const mg_train_options *train;
    const void *solver_options[MG_SOLVERS]; // values of the section of mg_solver_at(i); NULL: it has none
    const mg_checkpoint_options *checkpoint;
    const mg_output_options *output;
    // an open directory that contains output.directory under the name name_within; NULL: output.directory is
    // opened by its path
    const mg_directory *within;
    const char *name_within;
    // open files data.train and data.validation; NULL: the run opens them (or the latter is a fraction)
    mg_h5 *train_file, *validation_file;
    const mg_before_change *before_change; // may be NULL
    const mg_trainer_memory *memory;       // NULL: rows are in files, and mg_train_stop stops the run
    bool needs_certificates;               // as in mg_choice_facts; a path always does
    bool trial;                            // nothing is written: the caller needs only the numbers
    struct mg_replay *replay;              // measures the steps (parallel/replay.h); NULL: they are not
                                           // measured
    // cross-validation, as in mg_setup_options; the fold that is held out takes the place of data.test
    int64_t folds, fold;
    struct mg_collection *held_out; // receives the scores of that fold; NULL: they are not needed
    const char *config_file;        // the user's configuration file; NULL: none
    const char *resolved;           // content of the run's config.yaml; begins with MG_RUN_CONFIG_MARK
    const char *canonical;          // canonical configuration, which a checkpoint must have too
    int (*difference)(const char *before, const char *now, char *out, size_t size);
} mg_trainer_options;

// True if the run writes files. False for a trial, and for rows in memory without a directory.
static inline bool mg_trainer_has_files(const mg_trainer_options *options) {
    return !options->trial && (!options->memory || options->memory->files);
}

#endif
