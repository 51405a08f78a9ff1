/* path.h - a model for each of a series of regularisations, one after the other, and the best of them. */
#ifndef MARGIN_PATH_H
#define MARGIN_PATH_H

#include <margin/trainer.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { MG_PATH_POINTS = 100 };

/* One point. NaN stands for what is not there. */
typedef struct mg_path_point {
    double C, lambda; /* lambda = 1/(C * total weight of the rows) */
    double objective; /* of its model, on the training rows */
    double dual;      /* certified lower bound of any model's objective */
    double gap;       /* (objective - dual) / objective */
    double accuracy;  /* on the rows held out: validation rows, or a fold of a cross-validation */
    double seconds;   /* of training, evaluation left out */
    double passes;    /* over the training rows; rows may be visited less often than others */
} mg_path_point;

typedef struct mg_path_request {
    /* "from:to:factor", from and to included when the factor leads there; either this one */
    const char *C;
    const char *lambda; /* or this one */
    bool resume;
    bool overwrite;
    const mg_observer *observer; /* may be NULL */
    void *context;
    /* told at the end of each, from 0; may be NULL */
    void (*point)(void *context, int number, const mg_path_point *point);
} mg_path_request;

typedef struct mg_path_result {
    int points;
    int best;             /* highest accuracy, the smaller C among equals; -1 without validation rows */
    double tolerance;     /* points were trained to this certified gap, unless train.epochs ended them */
    double test_accuracy; /* of the best; NaN without test rows */
    mg_path_point point[MG_PATH_POINTS];
    char model_path[MG_PATH_TEXT], points_path[MG_PATH_TEXT];
} mg_path_result;

/*
 * Trains at every point, starting from the one before. train.tolerance 0 stands for 1e-3; train.epochs limits
 * each point. The directory gets path.jsonl and, with validation rows, the best model as model.h5. Errors:
 * those of mg_train; MG_USAGE for the series.
 */
mg_status mg_path(const mg_config *config, const mg_path_request *request, mg_path_result *result,
                  mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
