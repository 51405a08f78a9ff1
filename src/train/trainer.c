// trainer.c - runs a training: chooses C if the configuration leaves it open, then trains.
#include "train/trainer.h"

#include "comm/transport.h"
#include "train/choose.h"

mg_status mg_trainer_run(const mg_trainer_options *options, const mg_train_request *request,
                         mg_train_result *result, mg_error *error) {
    mg_run run;
    mg_chosen chosen = {0};
    const mg_transport *transport = mg_transport_current();
    mg_train_request quiet = *request;
    if (transport && transport->rank > 0) quiet.observer = NULL;
    mg_run_init(&run, options, &quiet, NULL);
    mg_status status;
    if (transport && options->model->C == MG_MODEL_C_AUTO)
        status = mg_fail(error, MG_CONFIG,
                         "model.C: auto cannot be chosen by %d ranks: find a number with margin cv --C "
                         "1e-3:1:10, and set model.C to it",
                         transport->ranks);
    else status = mg_choose_C(&run, &chosen, error);
    if (chosen.made) mg_run_replace_options(&run, &chosen.options);
    if (!status) status = mg_run_train(&run, result, error);
    mg_run_clear(&run);
    mg_chosen_clear(&chosen);
    return status;
}
