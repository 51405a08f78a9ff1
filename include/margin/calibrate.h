/* calibrate.h - fits probabilities to a trained model, on labelled rows that it was not trained on. */
#ifndef MARGIN_CALIBRATE_H
#define MARGIN_CALIBRATE_H

#include <margin/status.h>

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How well the probabilities of a model agree with the labels of the rows that it was calibrated on.
 * `before`: without this calibration, that is with the one that it replaces, or with the softmax of the
 * scores. */
typedef struct mg_calibration_report {
    char method[16];                  /* "temperature" or "sigmoid"; "" : the model is not calibrated */
    int64_t rows;                     /* that it was calibrated on */
    double temperature;               /* NaN for sigmoid */
    double log_loss_before, log_loss; /* mean of -log(probability of the row's class) */
    double ece_before, ece;           /* expected calibration error, of 15 bins of equal width */
} mg_calibration_report;

typedef struct mg_calibrate_request {
    const char *model;    /* path of model.h5, which is replaced as a whole */
    const char *data;     /* path of an HDF5 file */
    const char *method;   /* "temperature" or "sigmoid"; NULL: temperature */
    const char *features; /* data set in it; NULL: the name used in training */
    const char *names;   /* data set with the names of the features, "auto" or "none"; NULL: as in training */
    const char *labels;  /* NULL: the name used in training */
    const char *weights; /* of the rows; NULL: every row weighs 1 */
    bool skip_unknown;   /* leave out rows whose label is not a class of the model; otherwise an error */
    int threads;         /* 0: all that this process may use; the result does not depend on it */
    const volatile sig_atomic_t *stop; /* NULL, or a flag: non-zero ends the work with MG_STOPPED */
    mg_notices notices;                /* classes with few rows; rows that seem to be the training rows */
} mg_calibrate_request;

/*
 * Fits on the rows of request->data, and writes the model again. The model must not be that of a run that
 * goes on or that --resume can continue. Only the calibration changes. *out may be NULL. Errors: MG_IO,
 * MG_DATA, MG_CONFIG, MG_MEMORY, MG_USAGE, MG_STOPPED. After a failure the old file is there.
 */
mg_status mg_calibrate(const mg_calibrate_request *request, mg_calibration_report *out, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
