/* cv.h - cross-validation: how accurate a configuration is on rows that it was not trained on. */
#ifndef MARGIN_CV_H
#define MARGIN_CV_H

#include <margin/path.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { MG_CV_FOLDS = 100 };

/* One fold at one point of the grid. NaN: not available. */
typedef struct mg_cv_fold {
    int fold, point;       /* from 0 */
    double C, lambda;      /* of the point; NaN without a grid */
    double accuracy;       /* on the rows of the fold, which were held out */
    double objective, gap; /* on the other rows, which were trained on */
    double seconds;        /* of training */
    bool missed;           /* there was a tolerance, and its gap is above that */
} mg_cv_fold;

typedef struct mg_cv_mean {
    double value;     /* the value of C or lambda; NaN without a grid */
    double mean;      /* of the accuracies of the folds */
    double deviation; /* their standard deviation, with divisor folds - 1 */
    int missed;       /* folds that are in them although they missed the tolerance */
} mg_cv_mean;

typedef struct mg_cv_request {
    int64_t folds;          /* 2 to MG_CV_FOLDS */
    const char *C, *lambda; /* a grid as in mg_path_request, or both NULL */
    bool resume;
    bool overwrite;
    const mg_observer *observer; /* may be NULL */
    void *context;
    void (*fold)(void *context, const mg_cv_fold *fold); /* called with each result; may be NULL */
    const mg_fit_request *rows; /* as in mg_path_request, and its validation must be NULL */
} mg_cv_request;

typedef struct mg_cv_result {
    int folds, points;               /* points: 1 without a grid */
    int best;                        /* point with the highest mean; if several are equal, the smallest C */
    mg_cv_mean mean[MG_PATH_POINTS]; /* [points] */
    char folds_path[MG_PATH_TEXT];   /* cv.jsonl */
} mg_cv_result;

/*
 * Trains once for each fold, on all rows outside of it, in output.directory/fold-1, fold-2, ...: as mg_train
 * does or, with a grid, as mg_path does. The folds are a function of train.seed and the labels.
 * data.validation and data.test are not used. With rows in memory and no directory nothing is written.
 * Errors: those of mg_train and mg_path.
 */
mg_status mg_cv(const mg_config *config, const mg_cv_request *request, mg_cv_result *result, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
