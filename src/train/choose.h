// choose.h - model.C: auto: a path on held-out rows chooses C before the run of all rows.
#ifndef MG_TRAIN_CHOOSE_H
#define MG_TRAIN_CHOOSE_H

#include "train/run.h"

// The options of a run whose C is chosen. Zero before mg_choose_C.
typedef struct mg_chosen {
    mg_trainer_options options;
    mg_model_options model;
    mg_data_options data;
    mg_train_options train;
    char *canonical;
    bool made;             // there was a choice: the options above replace those of the run
    const char *directory; // output.directory, if it did not exist
    // the data files, if the run would have opened them: both trainings read the same ones
    mg_h5 *train_file, *validation_file;
} mg_chosen;

// Does nothing unless model.C is auto. Otherwise chooses C, or takes it from the run that is to be resumed.
// Enters the directory of the run first. `chosen` stays in place as long as the run. Errors: those of a path;
// MG_STOPPED.
mg_status mg_choose_C(mg_run *run, mg_chosen *chosen, mg_error *error);
// After mg_run_clear.
void mg_chosen_clear(mg_chosen *chosen);

#endif
