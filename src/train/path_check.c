// path_check.c - checks the finished points in a restored checkpoint.
#include "train/path_check.h"

#include "solver/incumbent.h"

#include <math.h>

// How far two values of one optimum may differ by rounding: relative to the objective, and to the largest
// size of scores.
#define OBJECTIVE_SLACK 1e-3
#define SCORE_SLACK 1e-5

static mg_status check_same(const char *name, int64_t place, double value, double same, mg_error *error) {
    return mg_bound_check(&(mg_bound){.least = same, .most = same, .may_lack = isnan(same)}, name, place,
                          value, error);
}

static mg_status check_grid(const mg_run *run, const mg_path_restored *path, int64_t i, mg_error *error) {
    const mg_grid *grid = path->grid;
    double weight = run->setup.train->total_weight, lambda = mg_grid_lambda(grid, (int)i, weight);
    double C = mg_grid_C(grid, (int)i, weight);
    mg_status status =
        check_same("lambda in state/path_points, point", i, path->point[i].lambda, lambda, error);
    return status ? status : check_same("C in state/path_points, point", i, path->point[i].C, C, error);
}

static mg_status check_gap(const mg_path_restored *path, int64_t i, mg_error *error) {
    const mg_path_point *at = &path->point[i];
    mg_bounds bounds = {.primal = at->objective, .dual = at->dual};
    double gap = isnan(at->dual) ? NAN : mg_incumbent_gap(&bounds);
    mg_status status = check_same("gap in state/path_points, point", i, at->gap, gap, error);
    return status ? status
                  : check_same("converged in state/path_points, point", i, at->converged,
                               at->gap <= path->tolerance, error);
}

// The optimum rises with lambda, but by no larger factor than lambda. So the objective of every point is an
// upper limit of the lower bound of each.
static mg_status check_bound(const mg_run *run, const mg_path_restored *path, int64_t i, mg_error *error) {
    const mg_path_point *at = &path->point[i];
    double norm = run->setup.problem.mean_square_norm, most = INFINITY;
    for (int64_t j = 0; j < path->count; j++) {
        const mg_path_point *other = &path->point[j];
        double factor = fmax(1, at->lambda / other->lambda), objective = fmax(0, other->objective);
        double slack = OBJECTIVE_SLACK * objective + SCORE_SLACK * sqrt(2 * objective / other->lambda * norm);
        most = fmin(most, factor * (objective + slack));
    }
    const mg_bound bound = {.least = -INFINITY, .most = most, .may_lack = true};
    return mg_bound_check(&bound, "dual in state/path_points, point", i, at->dual, error);
}

mg_status mg_path_check(const mg_run *run, const mg_path_restored *path, mg_error *error) {
    mg_status status = MG_OK;
    for (int64_t i = 0; !status && i < path->count; i++) {
        status = check_grid(run, path, i, error);
        if (!status) status = check_gap(path, i, error);
        if (!status) status = check_bound(run, path, i, error);
    }
    const mg_path_point *best = path->best < 0 ? NULL : &path->point[path->best];
    double accuracy = best ? best->accuracy : -1;
    if (!status) status = check_same("best_accuracy", -1, run->position.best_accuracy, accuracy, error);
    if (status || !best) return status;
    mg_stored_objective stored = {
        .value = best->objective, .name = "state/path_points (objective)", .whose = "state/best"};
    return mg_run_check_objective(run, &run->best, best->lambda, &stored, error);
}
