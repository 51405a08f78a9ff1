// setup.h - everything that a run works on: data sets, weights of rows, scaling, the problem.
#ifndef MG_TRAIN_SETUP_H
#define MG_TRAIN_SETUP_H

#include "data/dataset.h"
#include "data/options.h"
#include "data/raw.h"
#include "data/scale.h"
#include "model/options.h"
#include "solver/choose.h"

typedef struct mg_setup_options {
    const mg_data_options *data;
    const mg_model_options *model;
    const mg_train_options *train;
    mg_h5 *train_file;      // the open file data->train; NULL: mg_setup_open opens it
    mg_h5 *validation_file; // the same for data->validation; also NULL if that is a fraction
    // training starts from the weights of a model, which not every solver supports
    bool start_from_weights;
    bool needs_certificates; // as in mg_choice_facts
    mg_comm *comm;           // the shards of the rows, and the ranks that share them
    // cross-validation, if folds > 0: trains on the rows outside of fold number `fold` (from 0), and ignores
    // data.validation
    int64_t folds, fold;
    bool weigh_held_out; // also reads the weights of rows of the training file that are held out
} mg_setup_options;

typedef struct mg_setup {
    mg_dataset *train, *validation; // validation: NULL if there are no such rows
    float *held_weight;             // [validation rows] if they are to be weighed; NULL: all 1
    mg_scale scale;
    mg_clip *clip; // limits of the rows; NULL without data.clip
    mg_problem problem;
    mg_choice choice; // the solver and why
    mg_team team;
    const char *threads_bound_by;
    double load_seconds;
    char warning[512];                 // this and the following texts are "" or one line
    char vanished[MG_VANISHED_TEXT];   // values of the training rows that are too small for float32
    char rounding[MG_SOURCE_ROUNDING]; // columns of the training rows whose differences float32 loses
    char thread_warning[256];          // some threads could not be started
    char note[256];
    char read_validation[MG_RAW_TEXT], read_test[MG_RAW_TEXT]; // how files that are not HDF5 were read
    char uneven_note[512];                                     // the columns have different scales
    char lambda_note[256]; // there are few rows, and lambda has its default
    bool uneven;           // column scales differ by a factor above MOST_SPREAD
    mg_spread spread;
} mg_setup;

// Opens the data, chooses the solver, and sets up the problem. Errors: MG_CONFIG, MG_DATA, MG_IO, MG_MEMORY.
mg_status mg_setup_open(const mg_setup_options *options, mg_setup *setup, mg_error *error);
void mg_setup_close(mg_setup *setup);

typedef struct mg_setup_file {
    const char *path;
    bool survey; // reads its rows now, and keeps them if they fit in memory
    char
        *how; // [MG_RAW_TEXT] becomes a description of how it was read; "" for HDF5 with the names of the run
} mg_setup_file;

// Opens another file, with the names, preparation and classes of the run. A file that is not HDF5 is read by
// the recipe of the training file. Errors: those of mg_setup_open.
mg_status mg_setup_open_like(const mg_setup_options *options, const mg_setup *setup,
                             const mg_setup_file *file, mg_dataset **out, mg_error *error);

// Opens those rows of the training file that the fold holds out. Errors: those of mg_setup_open.
mg_status mg_setup_open_fold(const mg_setup_options *options, const mg_setup *setup, mg_dataset **out,
                             mg_error *error);

#endif
