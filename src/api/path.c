// path.c - mg_path: a path from a configuration and a grid.
#include "api/trainer.h"
#include "base/float_mode.h"
#include "train/path.h"

mg_status mg_path(const mg_config *config, const mg_path_request *request, mg_path_result *result,
                  mg_error *error) {
    MG_FLOAT_SCOPE;
    mg_grid grid;
    mg_config_trainer trainer = {0};
    mg_status status = mg_grid_parse(request->C, request->lambda, &grid, error);
    if (!status) status = mg_config_trainer_open(config, &grid, &trainer, error);
    if (!status) status = mg_path_run(&trainer.options, &grid, request, result, error);
    mg_config_trainer_close(&trainer);
    return status;
}
