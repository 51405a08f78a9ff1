/* fit.h - trains from the arrays of a program to a model in memory. */
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
    const mg_data *validation;   /* with labels; NULL: none, or the fraction data.validation of the rows */
    const mg_model *start;       /* weights to start from; NULL: zeros */
    const char *directory;       /* as output.directory of mg_train; NULL: no file is read or written */
    bool resume, overwrite;      /* as for mg_train; only with a directory */
    const mg_observer *observer; /* called by the thread that calls mg_fit; may be NULL */
    /* Flags that another thread, a signal handler or the observer may set; NULL: none. They concern this run
     * alone. `stop` ends it within a minibatch with MG_STOPPED and no model (with a directory: after a
     * checkpoint). `finish` ends training as train.time_limit does: the model of that moment is the result.
     */
    const volatile sig_atomic_t *stop, *finish;
} mg_fit_request;

typedef struct mg_fit_result {
    mg_train_result train; /* model_path is "" without a directory */
    int64_t copied_bytes;  /* of rows that could not be used where they are: their size in margin's memory */
    char copied_why[160];  /* why; "" if nothing was copied */
    int64_t converted_bytes; /* of labels and weights: 4 bytes each, as margin holds them */
} mg_fit_result;

/*
 * Trains as mg_train does, on the rows of *request. The weights have the same bits as those that mg_train
 * gives for a file with the same rows. Nothing is printed, no signal handler is installed, and no file is
 * touched without a directory; several runs may go on at once in one process. The configuration must not set
 * data.train, data.test, data.weights or data.names; data.validation only as a fraction; output.directory
 * does not count. data.features and data.labels are the names that messages and the model use.
 *
 * *model is NULL after a failure; free it with mg_model_destroy. *result may be NULL.
 * Errors: MG_USAGE (arrays that are missing or of a type that is not allowed), MG_CONFIG, MG_DATA with row
 * and column, MG_MEMORY, MG_NONFINITE, MG_STOPPED; with a directory those of mg_train.
 */
mg_status mg_fit(const mg_config *config, const mg_fit_request *request, mg_model **model,
                 mg_fit_result *result, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
