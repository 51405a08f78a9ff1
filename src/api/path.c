// path.c - mg_path: a path from a configuration and a grid. Rows are in files or in memory.
#include "train/path.h"
#include "api/lent.h"
#include "api/words.h"
#include "base/float_mode.h"
#include "base/json.h"

#include <math.h>

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
    if (!status && rows) mg_lent_give(&lent, config, rows, &model, &trainer);
    mg_words words;
    mg_path_request asked = *request;
    if (rows) asked.observer = mg_words_observer(&words, request->observer);
    if (!status) status = mg_path_run(&trainer.options, &grid, &asked, result, error);
    if (!status) mg_grid_report_end(&grid, result->best, asked.observer);
    if (status || !request->model) mg_model_free(model);
    else *request->model = model;
    mg_config_trainer_close(&trainer);
    mg_lent_close(&lent);
    return rows ? mg_words_status(status, error) : status;
}

static void put_point(mg_writer *out, const mg_path_point *at) {
    mg_writer_add(out, "{");
    mg_json_put_real(out, "C", at->C);
    mg_json_put_real(out, "lambda", at->lambda);
    mg_json_put_real(out, "objective", at->objective);
    mg_json_put_real(out, "dual", at->dual);
    mg_json_put_real(out, "gap", at->gap);
    mg_json_put_bool(out, "converged", at->converged > 0);
    mg_json_put_real(out, "accuracy", at->accuracy);
    mg_json_put_real(out, "passes", at->passes);
    mg_json_put_real(out, "seconds", at->seconds);
    mg_writer_add(out, "}");
}

mg_status mg_path_result_print_json(const mg_path_result *result, FILE *file, mg_error *error) {
    mg_writer out = {0};
    const mg_path_point *best = result->best < 0 ? NULL : &result->point[result->best];
    mg_writer_add(&out, "{");
    mg_json_key(&out, "points");
    for (int i = 0; i < result->points; i++) {
        mg_writer_add(&out, i ? ", " : "[");
        put_point(&out, &result->point[i]);
    }
    mg_writer_add(&out, "]");
    mg_json_put_real(&out, "best", best ? (double)result->best : NAN);
    mg_json_put_real(&out, "C", best ? best->C : NAN);
    mg_json_put_real(&out, "lambda", best ? best->lambda : NAN);
    mg_json_put_real(&out, "accuracy", best ? best->accuracy : NAN);
    mg_json_put_real(&out, "test_accuracy", result->test_accuracy);
    mg_json_put_real(&out, "tolerance", result->tolerance);
    mg_json_put_text(&out, "model", best ? result->model_path : "");
    mg_json_put_text(&out, "points_file", result->points_path);
    mg_writer_add(&out, "}\n");
    return mg_writer_print(&out, file, "the result", error);
}
