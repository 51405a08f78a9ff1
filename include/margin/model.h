/* model.h - a trained model put to use: measured on labelled rows, asked for the labels of others. */
#ifndef MARGIN_MODEL_H
#define MARGIN_MODEL_H

#include <margin/status.h>

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Whom to tell what is worth a line but no failure, such as fewer threads than wanted. message may be NULL.
 */
typedef struct mg_notices {
    void (*message)(void *context, const char *line);
    void *context;
} mg_notices;

typedef struct mg_measure_request {
    const char *model;    /* model.h5 */
    const char *data;     /* HDF5 file */
    const char *features; /* names in it; NULL: those the model was trained from */
    /* data set with the names of the features, "auto" or "none"; NULL: as the model was trained */
    const char *names;
    const char *labels;
    const char *weights; /* of the rows, for the mean loss; NULL: every row weighs 1 */
    /* rows whose label is no class of the model are left out; otherwise they are an error */
    bool skip_unknown;
    int threads;                       /* 0: as many as may be used */
    const volatile sig_atomic_t *stop; /* NULL, or ends the work with MG_STOPPED once it is not zero */
    mg_notices notices;
} mg_measure_request;

typedef struct mg_class_measure {
    const char *label; /* as text */
    int64_t support;   /* rows of the class */
    int64_t predicted; /* rows the model puts into it */
    int64_t correct;   /* rows that are both */
    double precision;  /* correct / predicted; NaN when nothing was predicted */
    double recall;     /* correct / support; NaN without rows */
    double f1;         /* 2 correct / (support + predicted); NaN without either */
} mg_class_measure;

enum { MG_MEASURE_TOP = 10, MG_MEASURE_CONFUSION = 4096 };

typedef struct mg_measurement {
    char *model, *data, *loss;
    bool text_labels; /* labels are texts, else integers */
    int64_t classes;
    int64_t rows;    /* measured */
    int64_t skipped; /* rows with a label that is no class of the model */
    int64_t correct;
    double accuracy;             /* every row counts once, whatever it weighs */
    double mean_loss;            /* weighted */
    double objective;            /* mean_loss + lambda/2 ||W||^2 */
    double macro_f1;             /* mean of f1 over the classes that have rows */
    int64_t top[MG_MEASURE_TOP]; /* top[k-1]: rows whose class is among the k highest scores */
    mg_class_measure *per_class; /* [classes] */
    int64_t *confusion; /* [classes][classes] true by predicted; NULL above MG_MEASURE_CONFUSION classes */
    void *owned;        /* what the labels live in */
} mg_measurement;

/* Errors: MG_IO, MG_DATA, MG_MEMORY, MG_USAGE (MARGIN_KERNEL), MG_STOPPED. *out is NULL on failure. */
mg_status mg_measure(const mg_measure_request *request, mg_measurement **out, mg_error *error);

/* NULL is fine. */
void mg_measurement_destroy(mg_measurement *measurement);

/* One JSON object on one line; null stands for NaN. Errors: MG_IO, MG_MEMORY. */
mg_status mg_measurement_print_json(const mg_measurement *measurement, FILE *file, mg_error *error);

typedef struct mg_predict_options {
    const char *model;    /* model.h5 */
    const char *features; /* name in data files; NULL: the one the model was trained from */
    /* data set with the names of the features, "auto" or "none"; NULL: as the model was trained */
    const char *names;
    bool scores; /* an answer is: label TAB the scores of all classes in their order */
    /* of the classes, where scores would stand; for models of loss softmax. Alone, the same as scores */
    bool probabilities;
    /* above 0, an answer is: that many label:score, best first; scores is ignored then */
    int64_t top;
    /* index of the first feature in lines, 0 or 1; -1: as in the training file, 1 where that is not known */
    int base;
    int threads;                       /* 0: as many as may be used */
    const volatile sig_atomic_t *stop; /* NULL, or ends the work with MG_STOPPED once it is not zero */
    mg_notices notices;
} mg_predict_options;

typedef struct mg_predictor mg_predictor;

/* Errors: MG_IO, MG_DATA, MG_MEMORY, MG_USAGE. *out is NULL on failure. */
mg_status mg_predictor_open(const mg_predict_options *options, mg_predictor **out, mg_error *error);

/* NULL is fine. */
void mg_predictor_close(mg_predictor *predictor);

/* Takes whole lines, in the order of the rows; anything but MG_OK ends the work, with *error filled. */
typedef struct mg_predict_sink {
    mg_status (*write)(void *context, const char *text, size_t bytes, mg_error *error);
    void *context;
} mg_predict_sink;

/* One line for every row of an HDF5 file, which needs no labels. Errors: MG_IO, MG_DATA, MG_MEMORY,
 * MG_STOPPED. */
mg_status mg_predictor_file(mg_predictor *predictor, const char *path, const mg_predict_sink *sink,
                            mg_error *error);

/*
 * One row written as svmlight does: "label index:value index:value # comment". The label may be left out and
 * is not looked at; an empty line is a row of zeros, one with words and no pair is an error. *answer ends
 * with a line feed and holds until the next call; it is empty for a line that is a comment alone. Errors:
 * MG_DATA with "NAME:LINE:COLUMN:", lines counted by the predictor; MG_MEMORY.
 */
mg_status mg_predictor_line(mg_predictor *predictor, const char *name, const char *line, size_t bytes,
                            const char **answer, size_t *answer_bytes, mg_error *error);

/* What mg_predictor_line takes for granted and the caller should tell; NULL when there is nothing. */
const char *mg_predictor_guess(const mg_predictor *predictor);

#ifdef __cplusplus
}
#endif
#endif
