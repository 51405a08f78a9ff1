// setup.h - everything that a run works on: data sets, weights of rows, scaling, the problem.
#ifndef MG_TRAIN_SETUP_H
#define MG_TRAIN_SETUP_H

#include "data/dataset.h"
#include "data/options.h"
#include "data/scale.h"
#include "model/options.h"
#include "solver/choose.h"

typedef struct mg_setup_options {
    const mg_data_options *data;
    const mg_model_options *model;
    const mg_train_options *train;
    mg_h5 *train_file;      // the open file data->train; NULL: it is opened here
    mg_h5 *validation_file; // the same for data->validation, if that is not a fraction
    // start from the weights of a model, which not every solver can
    bool start_from_weights;
    // folds > 0: trains on the rows outside of this fold, from 0; data.validation is not used
    int64_t folds, fold;
} mg_setup_options;

typedef struct mg_setup {
    mg_dataset *train, *validation; // validation may be NULL
    mg_scale scale;
    mg_problem problem;
    mg_choice choice; // which solver trains
    mg_team team;
    const char *threads_bound_by;
    double load_seconds;
    char warning[512];               // each of these: "" or one line
    char vanished[MG_VANISHED_TEXT]; // values of the training rows that float32 cannot hold
    char thread_warning[256];        // threads that could not be started
    char note[256];
    char uneven_note[512]; // columns of different scale
    char lambda_note[256]; // few rows, and the default lambda
    bool uneven;           // column scales differ by more than 1,000
    mg_spread spread;
} mg_setup;

// Errors: MG_CONFIG, MG_DATA, MG_IO, MG_MEMORY.
mg_status mg_setup_open(const mg_setup_options *options, mg_setup *setup, mg_error *error);
void mg_setup_close(mg_setup *setup);

// Opens another file with the names, preparation and classes of the run. `survey`: reads its rows now, and
// keeps them if they fit in memory. Errors: those of mg_setup_open.
mg_status mg_setup_open_like(const mg_setup_options *options, const mg_setup *setup, const char *path,
                             bool survey, mg_dataset **out, mg_error *error);

// Opens the rows of the training file that the fold holds out. Errors: those of mg_setup_open.
mg_status mg_setup_open_fold(const mg_setup_options *options, const mg_setup *setup, mg_dataset **out,
                             mg_error *error);

#endif
