/* path.h - trains a model for each of a series of regularisations, and keeps the best. */
#ifndef MARGIN_PATH_H
#define MARGIN_PATH_H

#include <margin/fit.h>
#include <margin/trainer.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { MG_PATH_POINTS = 100 };

/* One point of a path: one value of C or lambda. NaN: not available. */
typedef struct mg_path_point {
    double C, lambda; /* lambda = 1 / (C * total weight of the rows) */
    double objective; /* of its model, on the training rows */
    double dual;      /* certified lower bound of the objective of any model */
    double gap;       /* (objective - dual) / objective */
    double accuracy;  /* on the validation rows, or on the fold that a cross-validation holds out */
    double seconds;   /* of training, without evaluation */
    double passes;    /* visited rows / training rows */
    double converged; /* 1: its gap is at most the tolerance; 0: it is not */
} mg_path_point;

typedef struct mg_path_request {
    /* "from:to:factor", where `to` is included if the factor leads there; or values with commas: "0.1,1,5" */
    const char *C;
    const char *lambda; /* the same for lambda; exactly one of the two is given, the other is NULL */
    bool resume;
    bool overwrite;
    const mg_observer *observer; /* may be NULL */
    void *context;
    void (*point)(void *context, int number,
                  const mg_path_point *point); /* called with each, from 0; may be NULL */
    /* Rows in memory; NULL: the configuration names files. As for mg_fit, but its start must be NULL, and
     * resume, overwrite and observer are those above. */
    const mg_fit_request *rows;
    mg_model **model; /* with rows in memory: receives the best model, NULL without one; may be NULL */
} mg_path_request;

typedef struct mg_path_result {
    int points;
    int best; /* point with the highest accuracy; if several are equal, the smallest C; -1: no validation rows
               */
    double tolerance;     /* certified gap to which points are trained, unless train.epochs ends them first */
    double test_accuracy; /* of the best; NaN without test rows */
    mg_path_point point[MG_PATH_POINTS]; /* [points] */
    char model_path[MG_PATH_TEXT], points_path[MG_PATH_TEXT];
} mg_path_result;

/*
 * Trains at every point, starting from the result of the point before. train.tolerance 0 means 1e-3 here, and
 * train.epochs limits each point. Writes path.jsonl into the directory and, if there are validation rows, the
 * best model as model.h5. With rows in memory and no directory it writes nothing and installs no signal
 * handler. Errors: those of mg_train and mg_fit; MG_USAGE for the series.
 */
mg_status mg_path(const mg_config *config, const mg_path_request *request, mg_path_result *result,
                  mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
