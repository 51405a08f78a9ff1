/* fit.h - trains with the arrays of a program; the model is returned in memory. */
#ifndef MARGIN_FIT_H
#define MARGIN_FIT_H

#include <margin/config.h>
#include <margin/data.h>
#include <margin/model.h>
#include <margin/trainer.h>

#include <signal.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mg_fit_request {
    const mg_data *train;        /* with labels */
    const mg_data *validation;   /* with labels; NULL: none, or a fraction (data.validation) of `train` */
    const mg_model *start;       /* weights to start from; NULL: zeros */
    const char *directory;       /* directory of the run, as output.directory; NULL: no files are used */
    bool resume, overwrite;      /* as for mg_train; only with a directory */
    const mg_observer *observer; /* called in the thread that calls mg_fit; may be NULL */
    /* NULL, or flags that another thread, a signal handler or the observer may set to a value other than 0.
     * They affect this run only. `stop`: the run ends within a minibatch, with MG_STOPPED and without a
     * model; if there is a directory, a checkpoint is written first. `finish`: training ends as at
     * train.time_limit, and the model of that moment is the result.
     */
    const volatile sig_atomic_t *stop, *finish;
} mg_fit_request;

typedef struct mg_fit_result {
    mg_train_result train;   /* model_path is "" without a directory */
    int64_t copied_bytes;    /* size of the rows that had to be copied */
    char copied_why[160];    /* why they had to be copied; "" if none were */
    int64_t converted_bytes; /* size of the converted labels and weights, 4 bytes each */
} mg_fit_result;

/*
 * Trains as mg_train does, with the rows of *request. The weights have the same bits as those of mg_train
 * with a file of the same rows. It prints nothing and installs no signal handlers. Without a directory it
 * uses no files. Several threads may call it at the same time.
 *
 * The configuration must not set data.train, data.test, data.weights or data.names, and data.validation only
 * to a fraction. output.directory is ignored. data.features and data.labels are names for messages and for
 * the model.
 *
 * The caller frees *model with mg_model_destroy; it is NULL after a failure. `result` may be NULL. Errors:
 * MG_USAGE (an array is missing or has a type that is not allowed), MG_CONFIG, MG_DATA with row and column,
 * MG_MEMORY, MG_NONFINITE, MG_STOPPED; with a directory, also those of mg_train.
 */
mg_status mg_fit(const mg_config *config, const mg_fit_request *request, mg_model **model,
                 mg_fit_result *result, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
