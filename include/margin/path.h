/* path.h - trains a model for each value of a series of C or lambda, and keeps the best model. */
#ifndef MARGIN_PATH_H
#define MARGIN_PATH_H

#include <margin/fit.h>
#include <margin/trainer.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { MG_PATH_POINTS = 100 };

/* The result at one point of a path, that is for one value of C or lambda. NaN: not available. */
typedef struct mg_path_point {
    double C, lambda; /* lambda = 1 / (C * total weight of the rows) */
    double objective; /* of the model of this point, on the training rows */
    double dual;      /* certified lower bound of the objective of any model */
    double gap;       /* (objective - dual) / objective */
    double accuracy;  /* on the validation rows, or on the fold that a cross-validation holds out */
    double seconds;   /* training time, without evaluation */
    double passes;    /* number of visits of rows / training rows */
    double converged; /* 1: the gap is at most the tolerance; 0: it is above */
} mg_path_point;

typedef struct mg_path_request {
    /* "from:to:factor", which includes `to` if the factor leads there; or values separated by commas, such as
     * "0.1,1,5". Exactly one of `C` and `lambda` is not NULL. */
    const char *C;
    const char *lambda; /* the same for lambda */
    bool resume;
    bool overwrite;
    const mg_observer *observer; /* may be NULL */
    void *context;
    void (*point)(void *context, int number,
                  const mg_path_point *point); /* called after each point, from 0; may be NULL */
    /* For rows in memory: a request as for mg_fit. Its start must be NULL; its resume, overwrite, observer
     * and finish are ignored. NULL: the configuration names files. */
    const mg_fit_request *rows;
    mg_model **model; /* for rows in memory: becomes the best model, or NULL if there is none; may be NULL */
} mg_path_request;

typedef struct mg_path_result {
    int points;
    int best; /* point with the highest accuracy; among equal ones, of the smallest C; -1 without validation
                 rows */
    double tolerance;                    /* gap at which points end, unless train.epochs ends them first */
    double test_accuracy;                /* of the best model; NaN without test rows */
    mg_path_point point[MG_PATH_POINTS]; /* [points] */
    char model_path[MG_PATH_TEXT], points_path[MG_PATH_TEXT]; /* "" if not written */
} mg_path_result;

/*
 * Trains at every point, starting from the result of the point before. If train.tolerance is 0, it is 1e-3
 * here; train.epochs limits the epochs of each point. Writes path.jsonl to the directory and, if there are
 * validation rows, the best model as model.h5. If the rows are in memory and there is no directory, it writes
 * nothing and installs no signal handlers. Errors: those of mg_train and mg_fit; MG_USAGE for the series.
 */
mg_status mg_path(const mg_config *config, const mg_path_request *request, mg_path_result *result,
                  mg_error *error);

/* Writes one JSON object on one line (docs/commands.md); NaN becomes null. Errors: MG_IO, MG_MEMORY. */
mg_status mg_path_result_print_json(const mg_path_result *result, FILE *file, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
