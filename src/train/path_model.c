// path_model.c - owns the model.h5 of a path.
#include "train/path_model.h"

#include "base/memory.h"

#include <math.h>

static bool same(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

static mg_status refuse(const char *path, mg_error *error) {
    return mg_fail(error, MG_CONFIG,
                   "%s: is not a model of this path: move it away, and continue with --resume", path);
}

// A model of a point says what the point says. An older point than the best one is possible, because the
// model of the best one may not have been written (a full disk).
static bool is_of_point(const mg_model *model, const mg_path_point *points, int count) {
    bool found = false;
    for (int i = 0; i < count; i++)
        found = found || (model->lambda == points[i].lambda && model->objective == points[i].objective &&
                          same(model->dual, points[i].dual));
    return found;
}

mg_status mg_path_model_find(mg_path_model *state, const mg_run *run, const mg_path_point *points, int count,
                             int best, mg_error *error) {
    mg_model *model;
    char *path;
    mg_error why = {0};
    mg_status status = mg_run_read_model(run, &model, &path, &why);
    if (status && status != MG_DATA) mg_fail(error, status, "%s", why.text);
    else if (status) status = MG_OK; // missing, or damaged and written again
    else if (model->step > run->position.step) state->later = model->step;
    else if (!is_of_point(model, points, count)) status = refuse(path, error);
    else if (best >= 0 && model->step == run->position.best_step)
        status = mg_run_check_model(run, &run->best, error);
    mg_model_free(model);
    mg_memory_free(path);
    return status;
}

// Compares a model that was found when the path was resumed. *ready: it need not be kept any longer.
static mg_status compare(mg_path_model *state, const mg_run *run, bool last, bool *ready, mg_error *error) {
    const mg_position *at = &run->position;
    char *path;
    *ready = last || at->step >= state->later;
    if (!*ready) return MG_OK;
    mg_status status = mg_directory_name(run->place.directory, "model.h5", &path, error);
    if (!status && at->best_step == state->later) status = mg_run_check_model(run, &run->best, error);
    else if (!status) status = refuse(path, error);
    mg_memory_free(path);
    if (!status) state->later = 0;
    return status;
}

mg_status mg_path_model_write(mg_path_model *state, mg_run *run, const mg_path_point *best, bool last,
                              mg_error *error) {
    const mg_position *at = &run->position;
    bool ready = true;
    state->pending = true;
    mg_status status = state->later ? compare(state, run, last, &ready, error) : MG_OK;
    if (status || !ready) return status;
    const mg_run_facts facts = {.lambda = best->lambda,
                                .objective = best->objective,
                                .dual = best->dual,
                                .step = at->best_step,
                                .epoch = at->best_epoch};
    status = mg_run_save_model(run, &run->best, &facts, error);
    if (!status) state->pending = false;
    return status;
}
