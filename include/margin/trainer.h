/* trainer.h - trains: from a configuration to a directory with the model, the metrics and the checkpoints. */
#ifndef MARGIN_TRAINER_H
#define MARGIN_TRAINER_H

#include <margin/config.h>
#include <margin/status.h>

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The training data of a run. */
typedef struct mg_plan_data {
    int64_t rows, features, classes, validation_rows;
    int64_t used_features; /* features that have weights; the others occur in no training row */
    double stored;         /* stored values of all rows */
    bool sparse;
    bool streamed;    /* rows are read from the file when they are needed */
    double row_bytes; /* of the rows in memory or, if they are streamed, of the windows */
    double load_seconds;
    const char *cell; /* type of the values */
} mg_plan_data;

/* What a run is about to do. */
typedef struct mg_plan {
    const char *directory;
    mg_plan_data data;
    double state_bytes; /* of weights, gradients, averages and the snapshot for checkpoints */
    double lambda;
    double learning_rate;   /* NaN: the solver has none */
    double prepare_seconds; /* spent on the search for the learning rate; 0: it was given */
    int threads;
    int64_t parts, batch, epochs;
    double tolerance; /* 0: none */
    const char *loss, *solver, *kernel, *threads_bound_by;
    const char *solver_why; /* why `auto` chose the solver; "" if the configuration names it */
    int64_t resumed_step;   /* -1: the run starts from the beginning */
} mg_plan;

/* Where a run is. */
typedef struct mg_progress {
    int64_t epoch, epochs, step, total_steps;
    bool epoch_end;
    double epoch_fraction;
    double pass_loss; /* mean loss of the rows of this epoch so far, each before its own step */
    /* Measured at the end of an epoch, all for the weights that would be saved now. NaN within an epoch, and
     * for what was not measured. */
    double train_loss;      /* mean loss of the training rows */
    double objective;       /* train_loss plus the regulariser */
    double gap;             /* relative gap, if a certificate was computed at this end of an epoch */
    double accuracy;        /* on the validation rows */
    double rows_per_second; /* of this epoch so far */
    double wait_share;      /* fraction of the time of this epoch spent on waiting for rows */
    double seconds, eta_seconds;
    double learning_rate;
} mg_progress;

typedef struct mg_observer {
    void *context;
    void (*plan)(void *context, const mg_plan *plan); /* called once, before the first step */
    /* called after steps, at most ten times a second, and at every end of an epoch */
    void (*progress)(void *context, const mg_progress *progress);
    void (*message)(void *context, const char *line); /* warnings and notes, one line each */
    /* called after every step; true stops the run as mg_train_stop does; may be NULL */
    bool (*stop)(void *context, int64_t step);
} mg_observer;

typedef struct mg_train_request {
    bool resume;
    bool overwrite;
    const char *init_model;      /* model.h5 to start from; NULL: weights of zero */
    const mg_observer *observer; /* may be NULL */
} mg_train_request;

typedef struct mg_train_result {
    int64_t step, epoch;
    double seconds;   /* of training */
    double objective; /* of the model, on the training rows */
    double dual;      /* certified lower bound of the objective of any model; NaN without a useful bound */
    double gap;       /* (objective - dual) / objective; NaN without a useful bound */
    double tolerance; /* train.tolerance; 0: no certificate was wanted */
    bool converged;   /* the gap is at most train.tolerance */
    double train_accuracy; /* of the model */
    double accuracy;       /* of the model, on the validation rows; NaN without them */
    int64_t best_epoch;    /* epoch from which the model was taken */
    double test_accuracy;  /* of the model; NaN without test rows */
    char reason[64]; /* why training ended: tolerance, stalled, epochs, max_steps, time_limit, early stopping
                      */
    char model_path[MG_PATH_TEXT];
    char warning[640]; /* what went wrong and which option helps; "" if nothing did */
} mg_train_result;

/*
 * Trains, and writes into output.directory. The model has the weights of the best validation accuracy or,
 * with train.tolerance or without validation rows, the last ones. Errors: MG_CONFIG, MG_DATA, MG_IO,
 * MG_MEMORY; MG_NONFINITE when the loss is not finite (the last checkpoint is kept); MG_STOPPED after
 * mg_train_stop (a checkpoint was written; run again with `resume`).
 */
mg_status mg_train(const mg_config *config, const mg_train_request *request, mg_train_result *result,
                   mg_error *error);

/*
 * Asks the current run, or the next one if there is none, to finish its minibatch, write a checkpoint and
 * return MG_STOPPED. May be called from a signal handler.
 */
void mg_train_stop(void);

#ifdef __cplusplus
}
#endif
#endif
