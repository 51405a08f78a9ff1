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

/* Measures of how well the probabilities of a model agree with the labels of the rows with which it was
 * calibrated. The values `before` are those of the calibration that was replaced, or of the softmax of the
 * scores if there was none. */
typedef struct mg_calibration_report {
    char method[16];                  /* "temperature", "sigmoid" or "adaptive"; "": not calibrated */
    int64_t rows;                     /* number of rows with which it was calibrated */
    double temperature;               /* NaN for sigmoid */
    double exponent;                  /* of adaptive; otherwise NaN */
    double log_loss_before, log_loss; /* mean of -log(probability of the row's class) */
    double ece_before, ece;           /* expected calibration error with 15 bins of equal width, 0 to 1 */
} mg_calibration_report;

typedef struct mg_calibrate_request {
    const char *model;    /* path of model.h5; the new file replaces it atomically */
    const char *data;     /* path of an HDF5 file, or of another file, read by the recipe of the model */
    const char *method;   /* "temperature", "sigmoid" or "adaptive"; NULL: temperature */
    const char *features; /* data set with the features; NULL: the name used in training */
    const char *names;   /* data set with the names of the features, "auto" or "none"; NULL: as in training */
    bool complete;       /* refuse data that lack features of the model, by name; false: these are 0 */
    const char *labels;  /* data set with the labels; NULL: the name used in training */
    const char *weights; /* data set with the weights of the rows; NULL: all weights are 1 */
    bool skip_unknown;   /* leave out rows whose label is not a class of the model; otherwise an error */
    bool drop_unlabelled; /* leave out rows without a label; otherwise an error */
    int threads;          /* 0: all that this process may use; the result does not depend on it */
    const volatile sig_atomic_t *stop; /* NULL, or a flag: non-zero ends the call with MG_STOPPED */
    mg_notices notices; /* receive warnings: classes with few rows, rows that seem to be training rows */
} mg_calibrate_request;

/*
 * Fits a calibration to the rows of request->data and writes the model file again; only the calibration in it
 * changes. A model whose training run is active, or can be continued with --resume, is refused. `out` may be
 * NULL. After an error the old file is unchanged. Errors: MG_IO, MG_DATA, MG_CONFIG, MG_MEMORY, MG_USAGE,
 * MG_STOPPED.
 */
mg_status mg_calibrate(const mg_calibrate_request *request, mg_calibration_report *out, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
