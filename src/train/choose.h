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
    bool made;   // there was a choice: the options above replace those of the run
    mg_h5 *file; // data.train, if the run would have opened it: both trainings read the same file
} mg_chosen;

// Does nothing unless model.C is auto. Otherwise chooses C, or takes it from the run that is to be resumed.
// The run is in its directory, if that exists. `chosen` stays in place as long as the run. Errors: those of a
// path; MG_STOPPED.
mg_status mg_choose_C(const mg_run *run, mg_chosen *chosen, mg_error *error);
void mg_chosen_clear(mg_chosen *chosen);

#endif
