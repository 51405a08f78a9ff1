// path.c - mg_path: a path from a configuration and a grid. Rows are in files or in memory.
#include "train/path.h"
#include "api/lent.h"
#include "api/words.h"
#include "base/float_mode.h"

static mg_status check_rows(const mg_path_request *request, mg_error *error) {
    if (request->rows->start)
        return mg_fail(error, MG_USAGE,
                       "start: is not for paths, which start from zero weights: leave it out");
    return mg_lent_check_files(request->rows, request->resume, request->overwrite, "path", error);
}

mg_status mg_path(const mg_config *config, const mg_path_request *request, mg_path_result *result,
                  mg_error *error) {
    MG_FLOAT_SCOPE;
    mg_grid grid;
    mg_lent lent = {0};
    mg_config_trainer trainer = {0};
    mg_model *model = NULL;
    const mg_fit_request *rows = request->rows;
    if (request->model) *request->model = NULL;
    mg_status status = mg_grid_parse(request->C, request->lambda, &grid, error);
    if (!status && rows) status = check_rows(request, error);
    if (!status && rows) status = mg_lent_open(config, rows, &lent, error);
    if (!status) status = mg_config_trainer_open(config, &grid, &trainer, error);
    if (!status && rows) mg_lent_give_all(&lent, config, rows, &model, &trainer);
    mg_words words;
    mg_path_request asked = *request;
    if (rows) asked.observer = mg_words_observer(&words, request->observer);
    if (!status) status = mg_path_run(&trainer.options, &grid, &asked, result, error);
    if (status || !request->model) mg_model_free(model);
    else *request->model = model;
    mg_config_trainer_close(&trainer);
    mg_lent_close(&lent);
    return rows ? mg_words_status(status, error) : status;
}
