// trainer.h - one run, from its options to its results.
#ifndef MG_TRAIN_TRAINER_H
#define MG_TRAIN_TRAINER_H

#include "train/checkpoint.h"
#include "train/options.h"
#include "model/model.h"
#include "train/setup.h"

#include <margin/trainer.h>
#include <signal.h>

// The first line of every config.yaml that a run writes. By it a run knows that it may replace the file.
#define MG_RUN_CONFIG_MARK                                                                                   \
    "# Written by a run of margin, which replaces this file with --overwrite: edit a copy.\n"

// Called after all checks that can refuse the run, and before anything in its directory changes. The run does
// not enter its directory before that.
typedef struct mg_before_change {
    mg_status (*call)(void *context, mg_error *error);
    void *context;
} mg_before_change;

// The rows of a program that are copied.
typedef struct mg_trainer_copies {
    double bytes;
    const char *why;  // NULL: none are
    double converted; // bytes of labels and weights
} mg_trainer_copies;

// What differs for a run of rows in memory, whose program may have other runs at the same time.
typedef struct mg_trainer_memory {
    const volatile sig_atomic_t *stop;   // NULL, or a flag: non-zero stops this run
    const volatile sig_atomic_t *finish; // NULL, or a flag: non-zero ends training, as a limit does
    bool files;                          // output.directory is used; otherwise nothing is written
    const mg_model *start; // weights to start from; NULL: zeros, or those of the request's init_model
    mg_model **model;      // receives the model
    mg_trainer_copies *copies;
} mg_trainer_memory;

typedef struct mg_trainer_options {
    const mg_data_options *data;
    const mg_model_options *model;
    const mg_train_options *train;
    const void *solver_options[MG_SOLVERS]; // values of mg_solver_at(i)->section; NULL: it has none
    const mg_checkpoint_options *checkpoint;
    const mg_output_options *output;
    // directory that contains output.directory under the name name_within; NULL: it is opened by its path
    const mg_directory *within;
    const char *name_within;
    // the open files data.train and data.validation; NULL: the run opens them, or the latter is a fraction
    mg_h5 *train_file, *validation_file;
    const mg_before_change *before_change; // NULL: none
    const mg_trainer_memory *memory;       // NULL: a run of files, which mg_train_stop stops
    bool trial;                            // nothing is written: the caller wants the numbers alone
    // in a cross-validation, as in mg_setup_options: the fold takes the place of data.test
    int64_t folds, fold;
    const char *config_file; // the file that the user gave; NULL: none
    const char *resolved;    // config.yaml of the run; it begins with MG_RUN_CONFIG_MARK
    const char *canonical;   // canonical configuration, which a checkpoint must agree with
    int (*difference)(const char *before, const char *now, char *out, size_t size);
} mg_trainer_options;

// False for a trial, and for rows in memory without a directory: nothing is written.
static inline bool mg_trainer_has_files(const mg_trainer_options *options) {
    return !options->trial && (!options->memory || options->memory->files);
}

mg_status mg_trainer_run(const mg_trainer_options *options, const mg_train_request *request,
                         mg_train_result *result, mg_error *error);

#endif
