/* model.h - a trained model in memory: its weights and properties, its scores for rows, and its file. */
#ifndef MARGIN_MODEL_H
#define MARGIN_MODEL_H

#include <margin/calibrate.h>
#include <margin/data.h>
#include <margin/status.h>

#include <signal.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mg_model mg_model;

/* Everything that a model consists of. The score of a prepared row x (data.rows, data.transform, then the
 * limits of data.clip) for class k is weights[k] . x + bias[k]. Column scaling (data.scale) is included in
 * weights and bias, so x is not scaled. */
typedef struct mg_model_parts {
    int64_t classes, features;
    const float *weights;             /* [classes][features] */
    const float *bias;                /* [classes] */
    const int64_t *labels;            /* [classes] ascending; NULL: the labels are texts */
    const char *const *text_labels;   /* [classes] ascending by bytes; NULL: the labels are numbers */
    const char *const *feature_names; /* [features]; NULL: no names */
    const char *loss;                 /* name of the loss, as in model.loss */
    const char *rows, *transform;     /* preparation of rows, as in data.rows and data.transform */
    double delta, lambda;             /* model.delta, model.lambda */
    double objective;                 /* of the weights, on the training rows */
    double dual;                      /* lower bound of the objective of all weights; NaN if there is none */
    double bias_value;                /* value of the constant feature, model.bias */
    int64_t step, epoch, training_rows;
    mg_calibration_report calibration; /* of the scores; method "": none */
    const double *slope, *intercept;   /* [classes] with the method "sigmoid"; otherwise NULL */
    const float *clip_low, *clip_high; /* [features] limits of prepared rows (data.clip); NULL: none */
} mg_model_parts;

/*
 * Creates a model from its parts, which are copied. If rows or transform is NULL, it is "none"; if delta,
 * lambda or training_rows is 0, it is 1. The caller frees *out with mg_model_destroy; it is NULL after a
 * failure. Errors: MG_DATA (parts that a trained model cannot have, such as weights that are not finite, or
 * labels that do not ascend), MG_MEMORY.
 */
mg_status mg_model_create(const mg_model_parts *parts, mg_model **out, mg_error *error);

/* Sets *out to the parts of a model. Arrays and texts belong to the model and are valid as long as it is. */
void mg_model_get(const mg_model *model, mg_model_parts *out);

/* Frees the model; NULL is allowed. */
void mg_model_destroy(mg_model *model);

/* Reads a model file (model.h5). The caller frees *out with mg_model_destroy; it is NULL after a failure.
 * Errors: MG_USAGE (path is NULL), MG_IO, MG_DATA (not a model, or damaged), MG_MEMORY. */
mg_status mg_model_load(const char *path, mg_model **out, mg_error *error);

/* Writes a model file. It appears at `path`, or replaces a model there, only when it is complete. Symbolic
 * links are followed. Errors: MG_USAGE (a file at `path` is not a model), MG_IO, MG_MEMORY. */
mg_status mg_model_save(const mg_model *model, const char *path, mg_error *error);

typedef struct mg_score_request {
    const mg_data *data;               /* rows; labels and weights are ignored */
    int threads;                       /* 0: all that this process may use; few rows use fewer */
    const volatile sig_atomic_t *stop; /* a flag that ends the call with MG_STOPPED; may be NULL */
    mg_notices notices;
    /* Arrays of the caller that receive the results; NULL: not needed. */
    float *scores;        /* [rows][classes] */
    float *probabilities; /* [rows][classes], sum 1 for each row; only softmax or calibrated */
    int32_t *best;        /* [rows] class with the highest score, from 0; among equal scores, the first */
    int64_t *labels;      /* [rows] label of that class; only if labels are numbers */
    int64_t top;          /* number of classes in top_classes and top_scores, from 1 to K */
    int32_t *top_classes; /* [rows][top] classes with the highest scores, best first */
    float *top_scores;    /* [rows][top] */
} mg_score_request;

/*
 * Computes the scores of rows, and fills those arrays of the request that are not NULL. Rows are used without
 * a copy if possible (data.h). The results do not depend on the number of threads. Several threads may use
 * one model at the same time. After a failure the content of the arrays is undefined. Errors: MG_USAGE (an
 * array is missing or has a type that is not allowed), MG_CONFIG (the model cannot give what is requested),
 * MG_DATA with row and column (a value that is not finite; other features than those of the model),
 * MG_MEMORY, MG_STOPPED.
 */
mg_status mg_model_score(const mg_model *model, const mg_score_request *request, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
