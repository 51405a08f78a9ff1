/* measure.h - measures a trained model on labelled rows of a file. */
#ifndef MARGIN_MEASURE_H
#define MARGIN_MEASURE_H

#include <margin/status.h>

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mg_measure_request {
    const char *model;    /* path of model.h5 */
    const char *data;     /* path of an HDF5 file, or of another file, read by the recipe of the model */
    const char *features; /* data set with the rows; NULL: the name used in training */
    const char *names;   /* data set with the names of the features, "auto" or "none"; NULL: as in training */
    bool complete;       /* refuse data that lack features of the model, by name; false: these are 0 */
    const char *labels;  /* data set with the labels; NULL: the name used in training */
    const char *weights; /* data set with weights of rows, for mean_loss, log_loss, ece; NULL: all 1 */
    bool skip_unknown; /* leave out rows whose label is not a class of the model; false: they are an error */
    bool drop_unlabelled;              /* leave out rows without a label; false: they are an error */
    int threads;                       /* 0: all that this process may use */
    const volatile sig_atomic_t *stop; /* a flag that ends the call with MG_STOPPED; may be NULL */
    mg_notices notices;
} mg_measure_request;

/* Measurements of one class. */
typedef struct mg_class_measure {
    const char *label; /* label of the class as text */
    int64_t support;   /* rows of the class */
    int64_t predicted; /* rows for which the model predicts the class */
    int64_t correct;   /* rows of the class for which the model predicts it */
    double precision;  /* correct / predicted; NaN if predicted is 0 */
    double recall;     /* correct / support; NaN if support is 0 */
    double f1;         /* 2 correct / (support + predicted); NaN if both are 0 */
} mg_class_measure;

enum { MG_MEASURE_TOP = 10, MG_MEASURE_CONFUSION = 4096 };

typedef struct mg_measurement {
    char *model, *data, *loss;
    bool text_labels; /* labels are strings; otherwise integers */
    int64_t classes;
    int64_t rows;    /* number of rows measured */
    int64_t skipped; /* rows left out, because their label is not a class of the model */
    int64_t correct; /* rows whose class was predicted */
    /* Rows whose two highest scores differ by at most a thousandth of the spread of the scores: the root mean
     * square, over rows and classes, of a score minus the mean of its row. */
    int64_t close_rows;
    double accuracy;  /* correct / rows; every row counts once, whatever its weight */
    double mean_loss; /* weighted mean of the losses of the rows */
    double objective; /* mean_loss + lambda/2 ||W||^2 */
    double log_loss;  /* weighted mean of -log(probability of the own class); NaN: no probabilities */
    double ece;       /* expected calibration error (15 bins); NaN: no probabilities */
    double macro_f1;  /* mean f1 of the classes that have rows */
    int64_t top[MG_MEASURE_TOP]; /* top[k-1]: rows whose class is among the k highest scores */
    mg_class_measure *per_class; /* [classes] */
    int64_t *confusion;          /* [classes][classes] rows by true and predicted class; NULL above
                                    MG_MEASURE_CONFUSION classes */
    void *owned;                 /* memory of the labels */
} mg_measurement;

/*
 * Measures the model on the rows of request->data, which are read block by block. The caller frees *out with
 * mg_measurement_destroy; it is NULL after a failure. Errors: MG_IO, MG_DATA, MG_MEMORY, MG_USAGE (wrong
 * MARGIN_KERNEL), MG_STOPPED.
 */
mg_status mg_measure(const mg_measure_request *request, mg_measurement **out, mg_error *error);

/* Frees the measurement; NULL is allowed. */
void mg_measurement_destroy(mg_measurement *measurement);

/* Writes the measurement as one JSON object on one line; NaN becomes null. Errors: MG_IO, MG_MEMORY. */
mg_status mg_measurement_print_json(const mg_measurement *measurement, FILE *file, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
