/* cv.h - cross-validation: how well a configuration does on rows it was not trained on. */
#ifndef MARGIN_CV_H
#define MARGIN_CV_H

#include <margin/path.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { MG_CV_FOLDS = 100 };

/* One fold at one point of the grid. NaN stands for what is not there. */
typedef struct mg_cv_fold {
    int fold, point;       /* from 0 */
    double C, lambda;      /* of the point; NaN without a grid */
    double accuracy;       /* on the rows of the fold */
    double objective, gap; /* on the others, which it was trained on */
    double seconds;        /* of training */
} mg_cv_fold;

typedef struct mg_cv_mean {
    double value;     /* of the grid: C or lambda, as asked for; NaN without one */
    double mean;      /* of the folds' accuracies */
    double deviation; /* standard deviation of them, over folds - 1 */
} mg_cv_mean;

typedef struct mg_cv_request {
    int64_t folds;
    const char *C, *lambda; /* a grid as in mg_path_request, or both NULL */
    bool resume;
    bool overwrite;
    const mg_observer *observer; /* may be NULL */
    void *context;
    void (*fold)(void *context, const mg_cv_fold *fold); /* told of each, fold by fold; may be NULL */
} mg_cv_request;

typedef struct mg_cv_result {
    int folds, points; /* points: 1 without a grid */
    int best;          /* highest mean, the smaller C among equals */
    mg_cv_mean mean[MG_PATH_POINTS];
    char folds_path[MG_PATH_TEXT]; /* cv.jsonl */
} mg_cv_result;

/*
 * Trains once for every fold on the rows outside of it, in output.directory/fold-1, fold-2, ...: as mg_train
 * does, or along a grid as mg_path does. Folds depend on train.seed and the labels; data.validation and
 * data.test are not looked at. Errors: those of mg_train and mg_path.
 */
mg_status mg_cv(const mg_config *config, const mg_cv_request *request, mg_cv_result *result, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
