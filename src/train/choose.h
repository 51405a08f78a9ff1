// choose.h - model.C: auto: before the run of all rows, a path on held-out rows chooses C.
#ifndef MG_TRAIN_CHOOSE_H
#define MG_TRAIN_CHOOSE_H

#include "train/run.h"

// The options of a run whose C was chosen. Must be zero before mg_choose_C.
typedef struct mg_chosen {
    mg_trainer_options options;
    mg_model_options model;
    mg_data_options data;
    mg_train_options train;
    char *canonical;
    bool made;             // C was chosen: the options above replace those of the run
    const char *directory; // output.directory, if the run creates it
    // open data files, so that the search and the run read the same ones; NULL: the run opens them
    mg_h5 *train_file, *validation_file;
} mg_chosen;

// Does nothing unless model.C is auto. Otherwise enters the directory of the run, and then chooses C, or
// takes the value of the run that is resumed. `chosen` must stay in place as long as the run exists. Errors:
// those of mg_path_run; MG_STOPPED.
mg_status mg_choose_C(mg_run *run, mg_chosen *chosen, mg_error *error);
// Call it after mg_run_clear.
void mg_chosen_clear(mg_chosen *chosen);

#endif
