// cv.c - mg_cv: a cross-validation from a configuration, with or without a grid.
#include "api/trainer.h"
#include "base/float_mode.h"
#include "train/cv.h"

mg_status mg_cv(const mg_config *config, const mg_cv_request *request, mg_cv_result *result,
                mg_error *error) {
    MG_FLOAT_SCOPE;
    mg_grid grid, *asked = request->C || request->lambda ? &grid : NULL;
    mg_config_trainer trainer = {0};
    mg_status status = asked ? mg_grid_parse(request->C, request->lambda, asked, error) : MG_OK;
    if (!status) status = mg_config_trainer_open(config, asked, &trainer, error);
    if (!status) status = mg_cv_run(&trainer.options, asked, request, result, error);
    mg_config_trainer_close(&trainer);
    return status;
}
