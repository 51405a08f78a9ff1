// lent.h - makes the arrays of a program the data of a run, a path or a cross-validation.
#ifndef MG_API_LENT_H
#define MG_API_LENT_H

#include "api/arrays.h"
#include "api/trainer.h"

#include <margin/fit.h>

// Must not be moved while the options of the trainer are in use, because they contain pointers into it.
typedef struct mg_lent {
    mg_api_arrays train_names, validation_names;
    mg_h5 *train, *validation;
    mg_data_options data;
    mg_output_options output;
    mg_trainer_memory memory;
    mg_trainer_copies copies;
} mg_lent; // must be zero before mg_lent_open

// Refuses resume and overwrite for a request without a directory. `what` names the work in the message.
mg_status mg_lent_check_files(const mg_fit_request *request, bool resume, bool overwrite, const char *what,
                              mg_error *error);

// Opens the arrays of the request. Errors: MG_USAGE for the request and its arrays; MG_CONFIG for options
// that name files; MG_MEMORY.
mg_status mg_lent_open(const mg_config *config, const mg_fit_request *request, mg_lent *lent,
                       mg_error *error);

// Sets the options of the trainer so that it reads the arrays, and stores its model in *model.
void mg_lent_give(mg_lent *lent, const mg_config *config, const mg_fit_request *request, mg_model **model,
                  mg_config_trainer *trainer);
void mg_lent_close(mg_lent *lent);

#endif
