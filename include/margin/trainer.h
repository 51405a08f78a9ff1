/* trainer.h - a training run: from a configuration to a directory with the model, the metrics and the
 * checkpoints. */
#ifndef MARGIN_TRAINER_H
#define MARGIN_TRAINER_H

#include <margin/config.h>
#include <margin/status.h>

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is about to happen, told once before the first step. */
typedef struct mg_plan {
    const char *directory;
    int64_t rows, features, classes, validation_rows;
    double entries; /* stored values of all rows */
    bool sparse;
    bool streamed;      /* rows are read from the file as they are needed */
    double row_bytes;   /* of rows held in memory, or of the windows */
    double state_bytes; /* of weights, gradients and averages */
    double load_seconds;
    double lambda;
    double learning_rate;   /* NaN: the solver has none */
    double prepare_seconds; /* spent on choosing the learning rate; 0: it was given */
    int threads;
    int64_t parts, batch, epochs;
    double tolerance; /* 0: none */
    const char *loss, *solver, *kernel, *cell, *threads_bound_by;
    const char *solver_why; /* "" when the configuration names it */
    int64_t resumed_step;   /* -1: a fresh run */
} mg_plan;

/* Where the run is, told after every step at most some ten times a second, and at every end of an epoch. */
typedef struct mg_progress {
    int64_t epoch, epochs, step, total_steps;
    bool epoch_end;
    double epoch_fraction;
    /* mean loss of this epoch's rows so far, each before its step: of weights that change meanwhile */
    double pass_loss;
    /* What the end of an epoch measured, all of the weights that would be saved now; NaN within an epoch and
     * where it measured none. */
    double train_loss;      /* mean loss of the training rows */
    double objective;       /* train_loss and the regularisation */
    double gap;             /* relative gap of a certificate made at this end of an epoch */
    double accuracy;        /* on the validation rows */
    double rows_per_second; /* of this epoch so far */
    double wait_share;      /* of this epoch's time spent waiting for rows */
    double seconds, eta_seconds;
    double learning_rate;
} mg_progress;

typedef struct mg_observer {
    void *context;
    void (*plan)(void *context, const mg_plan *plan);
    void (*progress)(void *context, const mg_progress *progress);
    void (*message)(void *context, const char *line); /* warnings and notes, one line each */
    /* asked after every step; true stops the run as mg_train_stop does; may be NULL */
    bool (*stop)(void *context, int64_t step);
} mg_observer;

typedef struct mg_train_request {
    bool resume;
    bool overwrite;
    const char *init_model;      /* model to start from, NULL: zeros */
    const mg_observer *observer; /* may be NULL */
} mg_train_request;

typedef struct mg_train_result {
    int64_t step, epoch;
    double seconds;   /* of training */
    double objective; /* of the model, on the training rows */
    /* certified lower bound of any model's objective; NaN without a bound that says anything */
    double dual;
    double gap;            /* (objective - dual) / objective; NaN without such a bound */
    double tolerance;      /* train.tolerance; 0: no certificate was asked for */
    bool converged;        /* the gap is within train.tolerance */
    double train_accuracy; /* of the model, as the two below */
    /* on the validation rows: the best of the run or, with train.tolerance, of the certified weights; NaN
     * without them */
    double accuracy;
    int64_t best_epoch;   /* the model was taken at */
    double test_accuracy; /* NaN without test rows */
    /* why it ended: tolerance, stalled, epochs, max_steps, time_limit, early stopping */
    char reason[64];
    char model_path[MG_PATH_TEXT];
    char warning[640]; /* what went wrong, and the option that helps; "" when nothing did */
} mg_train_result;

/*
 * Trains. Errors: MG_CONFIG, MG_DATA, MG_IO, MG_MEMORY; MG_NONFINITE when the loss is no longer a number (the
 * last checkpoint stands); MG_STOPPED after mg_train_stop (a checkpoint was written; run again with
 * `resume`).
 */
mg_status mg_train(const mg_config *config, const mg_train_request *request, mg_train_result *result,
                   mg_error *error);

/*
 * Asks the run under way, or the next one when there is none, to finish its minibatch, write a checkpoint and
 * return MG_STOPPED. May be called from a signal handler.
 */
void mg_train_stop(void);

#ifdef __cplusplus
}
#endif
#endif
