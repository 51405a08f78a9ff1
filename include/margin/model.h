/* model.h - a trained model in memory: its parts, its scores for rows, and its file. */
#ifndef MARGIN_MODEL_H
#define MARGIN_MODEL_H

#include <margin/data.h>
#include <margin/status.h>

#include <signal.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mg_model mg_model;

/* What a model consists of. The score of a prepared row x for class k is weights[k] . x + bias[k]; column
 * scaling (data.scale) is part of weights and bias, so rows are given as they were for training. */
typedef struct mg_model_parts {
    int64_t classes, features;
    const float *weights;             /* [classes][features] */
    const float *bias;                /* [classes] */
    const int64_t *labels;            /* [classes] ascending; NULL: the labels are texts */
    const char *const *text_labels;   /* [classes] ascending by bytes; NULL: the labels are numbers */
    const char *const *feature_names; /* [features]; NULL: none */
    const char *loss;                 /* as model.loss */
    const char *rows, *transform;     /* preparation, as data.rows and data.transform */
    double delta, lambda;             /* as in the configuration */
    double objective;                 /* on the training rows */
    double dual;                      /* certified lower bound of the objective; NaN: none */
    double bias_value;                /* model.bias */
    int64_t step, epoch, training_rows;
} mg_model_parts;

/*
 * Makes a model of parts, which are copied. NULL for rows or transform means none; 0 for delta, lambda or
 * training_rows means 1. Errors: MG_DATA (what a trained model cannot have, such as weights that are not
 * finite, or labels that do not ascend), MG_MEMORY. *out is NULL after a failure.
 */
mg_status mg_model_create(const mg_model_parts *parts, mg_model **out, mg_error *error);

/* The parts of a model. The arrays and texts belong to the model, and are valid as long as it is. */
void mg_model_get(const mg_model *model, mg_model_parts *out);

/* Frees the model; NULL is allowed. */
void mg_model_destroy(mg_model *model);

/* Reads model.h5. Errors: MG_IO, MG_DATA (not a model, damaged), MG_MEMORY. *out is NULL after a failure. */
mg_status mg_model_load(const char *path, mg_model **out, mg_error *error);

/* Writes the file at `path` as a whole: it replaces an old one only when it is complete. Errors: MG_IO,
 * MG_MEMORY. */
mg_status mg_model_save(const mg_model *model, const char *path, mg_error *error);

typedef struct mg_score_request {
    const mg_data *data;               /* its labels and weights are ignored */
    int threads;                       /* 0: all that this process may use; fewer are used for few rows */
    const volatile sig_atomic_t *stop; /* NULL, or a flag: non-zero ends the work with MG_STOPPED */
    mg_notices notices;
    /* What is wanted; NULL: not wanted. */
    float *scores;        /* [rows][classes] */
    float *probabilities; /* [rows][classes], which add up to 1; only loss softmax */
    int32_t *best;        /* [rows] class of the highest score, counted from 0; of equal scores, the first */
    int64_t *labels;      /* [rows] its label; only if the labels are numbers */
    int64_t top;          /* number of classes in the next two, 1 to classes */
    int32_t *top_classes; /* [rows][top] classes of the highest scores, best first */
    float *top_scores;    /* [rows][top] */
} mg_score_request;

/*
 * Scores rows and fills the arrays that are wanted. Rows are used where they are as in mg_fit (data.h). The
 * results do not depend on the number of threads. Several calls may use one model at once. Errors: MG_USAGE
 * (arrays that are missing or of a type that is not allowed), MG_CONFIG (what this model cannot give),
 * MG_DATA with row and column (a value that is not finite, other features than the model has), MG_MEMORY,
 * MG_STOPPED. After a failure the arrays have no defined content.
 */
mg_status mg_model_score(const mg_model *model, const mg_score_request *request, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif
