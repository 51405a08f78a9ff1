/* cv.h - cross-validation: measures how accurate a configuration is on rows that were not trained on. */
#ifndef MARGIN_CV_H
#define MARGIN_CV_H

#include <margin/path.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { MG_CV_FOLDS = 100 };

/* The result of one fold at one point of the grid. NaN: not available. */
typedef struct mg_cv_fold {
    int fold, point;       /* from 0 */
    double C, lambda;      /* of the point; NaN without a grid */
    double accuracy;       /* on the held-out rows of the fold */
    double objective, gap; /* on the other rows, with which it was trained */
    double seconds;        /* training time */
    bool missed;           /* there is a tolerance, and the gap is above it */
} mg_cv_fold;

/* The mean over the folds at one point of the grid. */
typedef struct mg_cv_mean {
    double value;     /* C or lambda of the point; NaN without a grid */
    double mean;      /* mean accuracy of the folds */
    double deviation; /* standard deviation of the accuracies, with divisor folds - 1 */
    int missed;       /* number of folds whose gap is above the tolerance; the mean includes them */
} mg_cv_mean;

typedef struct mg_cv_request {
    int64_t folds;          /* 2 to MG_CV_FOLDS */
    const char *C, *lambda; /* a grid as in mg_path_request, or both NULL */
    bool resume;
    bool overwrite;
    const mg_observer *observer; /* may be NULL */
    void *context;
    void (*fold)(void *context, const mg_cv_fold *fold); /* called after each result; may be NULL */
    const mg_fit_request *rows; /* as in mg_path_request; its validation must be NULL */
} mg_cv_request;

typedef struct mg_cv_result {
    int folds, points; /* points of the grid; 1 without a grid */
    int best;          /* point with the highest mean; if several are equal, that of the smallest C */
    mg_cv_mean mean[MG_PATH_POINTS]; /* [points] */
    char folds_path[MG_PATH_TEXT];   /* path of cv.jsonl; "" if nothing is written */
} mg_cv_result;

/*
 * For each fold, trains with all rows outside of it, in output.directory/fold-1, fold-2, ..., as mg_train
 * does or, with a grid, as mg_path does. The folds depend only on train.seed and the labels. data.validation
 * and data.test are not used. If the rows are in memory and there is no directory, nothing is written.
 * Errors: those of mg_train and mg_path; MG_USAGE for the number of folds.
 */
mg_status mg_cv(const mg_config *config, const mg_cv_request *request, mg_cv_result *result, mg_error *error);

/* Writes one JSON object on one line (docs/commands.md); NaN becomes null. fold: [count] the results that the
 * request's `fold` has received. Errors: MG_IO, MG_MEMORY. */
mg_status mg_cv_result_print_json(const mg_cv_result *result, const mg_cv_fold *fold, int count, FILE *file,
                                  mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
