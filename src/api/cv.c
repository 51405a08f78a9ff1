// cv.c - mg_cv: a cross-validation from a configuration, with or without a grid. Rows are in files or in
// memory.
#include "train/cv.h"
#include "api/lent.h"
#include "api/words.h"
#include "base/float_mode.h"
#include "base/json.h"

static mg_status check_rows(const mg_cv_request *request, mg_error *error) {
    const mg_fit_request *rows = request->rows;
    if (rows->start || rows->validation)
        return mg_fail(error, MG_USAGE, "%s: is not for a cross-validation: leave it out",
                       rows->start ? "start" : "validation");
    return mg_lent_check_files(rows, request->resume, request->overwrite, "cross-validation", error);
}

mg_status mg_cv(const mg_config *config, const mg_cv_request *request, mg_cv_result *result,
                mg_error *error) {
    MG_FLOAT_SCOPE;
    mg_grid grid, *asked = request->C || request->lambda ? &grid : NULL;
    mg_lent lent = {0};
    mg_config_trainer trainer = {0};
    mg_model *model = NULL; // models of the folds are not returned
    mg_status status = asked ? mg_grid_parse(request->C, request->lambda, asked, error) : MG_OK;
    if (!status && request->rows) status = check_rows(request, error);
    if (!status && request->rows) status = mg_lent_open(config, request->rows, &lent, error);
    if (!status) status = mg_config_trainer_open(config, asked, &trainer, error);
    if (!status && request->rows) mg_lent_give(&lent, config, request->rows, &model, &trainer);
    mg_words words;
    mg_cv_request spoken = *request;
    if (request->rows) spoken.observer = mg_words_observer(&words, request->observer);
    if (!status) status = mg_cv_run(&trainer.options, asked, &spoken, result, error);
    if (!status && asked) mg_grid_report_end(asked, result->best, spoken.observer);
    mg_model_free(model);
    mg_config_trainer_close(&trainer);
    mg_lent_close(&lent);
    return request->rows ? mg_words_status(status, error) : status;
}

static void put_fold(mg_writer *out, const mg_cv_fold *fold) {
    mg_writer_add(out, "{");
    mg_json_put_int(out, "fold", fold->fold + 1);
    mg_json_put_real(out, "C", fold->C);
    mg_json_put_real(out, "lambda", fold->lambda);
    mg_json_put_real(out, "accuracy", fold->accuracy);
    mg_json_put_real(out, "objective", fold->objective);
    mg_json_put_real(out, "gap", fold->gap);
    mg_json_put_bool(out, "missed", fold->missed);
    mg_json_put_real(out, "seconds", fold->seconds);
    mg_writer_add(out, "}");
}

static void put_mean(mg_writer *out, const mg_cv_mean *mean) {
    mg_writer_add(out, "{");
    mg_json_put_real(out, "value", mean->value);
    mg_json_put_real(out, "accuracy", mean->mean);
    mg_json_put_real(out, "deviation", mean->deviation);
    mg_json_put_int(out, "missed", mean->missed);
    mg_writer_add(out, "}");
}

mg_status mg_cv_result_print_json(const mg_cv_result *result, const mg_cv_fold *fold, int count, FILE *file,
                                  mg_error *error) {
    mg_writer out = {0};
    mg_writer_add(&out, "{");
    mg_json_put_int(&out, "folds", result->folds);
    mg_json_key(&out, "results");
    mg_writer_add(&out, "[");
    for (int i = 0; i < count; i++) {
        if (i) mg_writer_add(&out, ", ");
        put_fold(&out, &fold[i]);
    }
    mg_writer_add(&out, "]");
    mg_json_key(&out, "means");
    mg_writer_add(&out, "[");
    for (int i = 0; i < result->points; i++) {
        if (i) mg_writer_add(&out, ", ");
        put_mean(&out, &result->mean[i]);
    }
    mg_writer_add(&out, "]");
    mg_json_put_int(&out, "best", result->best);
    mg_json_put_real(&out, "value", result->mean[result->best].value);
    mg_json_put_real(&out, "accuracy", result->mean[result->best].mean);
    mg_json_put_text(&out, "folds_file", result->folds_path);
    mg_writer_add(&out, "}\n");
    return mg_writer_print(&out, file, "the result", error);
}
