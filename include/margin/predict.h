/* predict.h - predicts the labels of rows with a trained model. */
#ifndef MARGIN_PREDICT_H
#define MARGIN_PREDICT_H

#include <margin/status.h>

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mg_predict_options {
    const char *model;    /* path of model.h5 */
    const char *features; /* data set with the rows of a data file; NULL: the name used in training */
    /* HDF5: data set with the names of the features, "auto" or "none"; NULL: as in training. Tables and
     * texts, also as lines: "header" if the first line names the columns, "none" if it does not; NULL: margin
     * finds out */
    const char *names;
    /* only for tables and texts: the column of labels, which is skipped, or "none"; NULL: as in training */
    const char *labels;
    bool complete; /* refuse data that lack features of the model, by name; false: these are 0 */
    bool scores;   /* print the label, then TAB and the score of each class, in the order of the classes */
    bool probabilities; /* the same with probabilities; only for softmax and calibrated models */
    int64_t top;        /* if above 0: print that many label:score, best first, whatever `scores` says */
    const char
        *format; /* "text" (also NULL); "csv", "tsv": tables with a header; "h5": for mg_predictor_hdf5 */
    /* not for "text": data set of the data file with an id for each row, or a whole number from which rows
     * are counted; NULL: no column of ids */
    const char *id;
    const char
        *header; /* for csv and tsv: names of the first columns, separated by commas; NULL: the defaults */
    /* for probabilities: frequencies of the classes among the rows that are predicted, "label: number, ...",
     * or the path of a file with such a pair on each line; NULL: those of the training */
    const char *prior;
    double reject; /* answer `reject_label` if the probability of the answer is below this; 0: never */
    const char *reject_label; /* NULL: "unknown" */
    int base; /* index of the first feature in lines: 0 or 1; -1: as in the training file, or 1 if unknown */
    int threads;                       /* 0: all that this process may use */
    const volatile sig_atomic_t *stop; /* a flag that ends the call with MG_STOPPED; may be NULL */
    mg_notices notices;
} mg_predict_options;

typedef struct mg_predictor mg_predictor;

/* Loads the model. The options are copied. The caller frees *out with mg_predictor_close; it is NULL after a
 * failure. A predictor must not be used by several threads at the same time. Errors: MG_IO, MG_DATA,
 * MG_CONFIG, MG_MEMORY, MG_USAGE. */
mg_status mg_predictor_open(const mg_predict_options *options, mg_predictor **out, mg_error *error);

/* Frees the predictor; NULL is allowed. */
void mg_predictor_close(mg_predictor *predictor);

/* Receives complete lines, in the order of the rows. If `write` returns another status than MG_OK, it must
 * fill *error, and the call ends with that status. */
typedef struct mg_predict_sink {
    mg_status (*write)(void *context, const char *text, size_t bytes, mg_error *error);
    void *context;
} mg_predict_sink;

/*
 * Predicts the rows of a file, and passes one line for each row to the sink. The file needs no labels. A file
 * that is not HDF5 is read by the recipe of the model, in any format that mg_convert reads. Errors: MG_IO,
 * MG_DATA, MG_USAGE, MG_MEMORY, MG_STOPPED, those of the sink.
 */
mg_status mg_predictor_file(mg_predictor *predictor, const char *path, const mg_predict_sink *sink,
                            mg_error *error);

/*
 * Predicts the rows of an HDF5 file and writes the answers to an HDF5 file, which appears under its name when
 * it is complete: data sets `label`, `classes`, and those of `scores`, `probabilities`, `top` and `id`, as
 * docs/formats.md describes. The format of the options must be "h5". Errors: those of mg_predictor_file,
 * without a sink.
 */
mg_status mg_predictor_hdf5(mg_predictor *predictor, const char *path, const char *output, mg_error *error);

/*
 * Checks that answers may be written to `path`: it does not exist, or it is no HDF5 file, or one with
 * answers. So no data and no model can be lost. Errors: MG_USAGE; MG_IO if the file cannot be read.
 */
mg_status mg_predict_check_output(const char *path, mg_error *error);

/*
 * Predicts one row, given as a line of the kind that the model was trained on: a text; a record of a table,
 * whose first line may be a header; otherwise a line of svmlight, "label index:value index:value # comment",
 * where an empty line is a row of zeros. A label is optional and ignored. *answer becomes the predicted line:
 * *answer_bytes bytes that end with a line feed and are valid until the next call. If the line is only a
 * comment or a header, *answer_bytes is 0. `name` is used in messages. Errors: MG_DATA with "NAME:LINE:",
 * where the predictor counts the lines, if the line is no such row; MG_MEMORY.
 */
mg_status mg_predictor_line(mg_predictor *predictor, const char *name, const char *line, size_t bytes,
                            const char **answer, size_t *answer_bytes, mg_error *error);

/*
 * Ends the lines. *answer becomes the header if the answers are a table and no line was a row, so that the
 * table has its columns; otherwise it is empty. It is valid until the predictor is closed. Errors: MG_MEMORY.
 */
mg_status mg_predictor_end(mg_predictor *predictor, const char **answer, size_t *answer_bytes,
                           mg_error *error);

/* How lines were read, what had to be assumed, and how many values were filled in or not known, as a text for
 * the user; NULL if there is nothing to say. Call it after mg_predictor_end. It is valid until the
 * predictor is closed. */
const char *mg_predictor_guess(const mg_predictor *predictor);

#ifdef __cplusplus
}
#endif
#endif
