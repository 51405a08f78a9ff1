/* trainer.h - trains from a configuration, and writes model, metrics and checkpoints to a directory. */
#ifndef MARGIN_TRAINER_H
#define MARGIN_TRAINER_H

#include <margin/calibrate.h>
#include <margin/config.h>
#include <margin/status.h>

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The training data of a run, for mg_plan. */
typedef struct mg_plan_data {
    int64_t rows, features, classes, validation_rows;
    int64_t used_features; /* features that have weights; no training row has a value of the others */
    double stored;         /* number of stored values of all rows */
    bool sparse;
    bool streamed;    /* rows are not in memory, but read from the file when they are needed */
    double row_bytes; /* memory of the rows; if they are streamed, of the windows */
    double load_seconds;
    const char *cell; /* type of the values */
} mg_plan_data;

/* What a run is going to do. The texts are valid during the call of `plan`. */
typedef struct mg_plan {
    const char *directory; /* output.directory */
    mg_plan_data data;
    double state_bytes; /* memory of weights, gradients, averages and the snapshot for checkpoints */
    double lambda;
    double learning_rate;   /* NaN if the solver has none */
    double prepare_seconds; /* time of the search for the learning rate; 0 if it was given */
    int threads;
    int64_t parts, batch, epochs;
    double tolerance; /* train.tolerance; 0: none */
    /* threads_bound_by: the option or the limit that decided the number of threads */
    const char *loss, *solver, *kernel, *threads_bound_by;
    const char *solver_why; /* why `auto` chose the solver; "" if the configuration names it */
    int64_t resumed_step;   /* -1: the run starts from the beginning */
    int64_t shards, ranks;  /* train.shards; the processes that train, 1 without margin-mpi */
} mg_plan;

/* The progress of a run. Times are in seconds. */
typedef struct mg_progress {
    int64_t epoch, epochs, step, total_steps;
    bool epoch_end;        /* an epoch has just ended */
    double epoch_fraction; /* complete fraction of the epoch */
    double pass_loss;      /* mean loss of the rows of this epoch so far, each before its own step */
    /* Measured at the end of an epoch, for the weights that would be saved now. NaN: not measured, or the
     * epoch has not ended. */
    double train_loss; /* mean loss over the training rows */
    double objective;  /* train_loss plus the regulariser */
    double gap;        /* (objective - lower bound) / objective, if this epoch ended with a certificate */
    double accuracy;   /* on the validation rows */
    double rows_per_second;      /* in this epoch so far */
    double wait_share;           /* fraction of the time of this epoch in which training waited for rows */
    double seconds, eta_seconds; /* training time so far; expected remaining time, NaN if unknown */
    double learning_rate;        /* NaN if the solver has none */
} mg_progress;

/* Functions that a run calls, in the thread that started it. Each may be NULL. */
typedef struct mg_observer {
    void *context;
    void (*plan)(void *context, const mg_plan *plan); /* called once, before the first step */
    /* called after steps, at most ten times a second, and at the end of every epoch */
    void (*progress)(void *context, const mg_progress *progress);
    void (*message)(void *context, const char *line); /* warnings and notes, one line each */
    /* called after every step; if it returns true, the run stops as after mg_train_stop */
    bool (*stop)(void *context, int64_t step);
} mg_observer;

typedef struct mg_train_request {
    bool resume;                 /* continue the run in output.directory from its newest checkpoint */
    bool overwrite;              /* replace an old result in output.directory */
    const char *init_model;      /* path of a model.h5 to start from; NULL: weights of zero */
    const mg_observer *observer; /* may be NULL */
    /* NULL, or a flag that another thread, a signal handler or the observer may set to a value other than 0:
     * training then ends as at train.time_limit, and the model of that moment is the result. */
    const volatile sig_atomic_t *finish;
} mg_train_request;

typedef struct mg_train_result {
    int64_t step, epoch;
    double seconds;        /* training time */
    double objective;      /* of the model, over the training rows */
    double dual;           /* lower bound of the objective of all weights; NaN if there is no useful one */
    double gap;            /* (objective - dual) / objective; NaN if dual is NaN */
    double tolerance;      /* train.tolerance; 0: none */
    bool converged;        /* the gap is at most train.tolerance */
    double train_accuracy; /* of the model, on the training rows */
    double accuracy;       /* of the model, on the validation rows; NaN without them */
    int64_t best_epoch;    /* epoch after which the weights of the model were reached */
    double test_accuracy;  /* of the model, on the test rows; NaN without them */
    char reason[64]; /* why training ended: tolerance, stalled, epochs, max_steps, time_limit, early stopping
                      */
    char model_path[MG_PATH_TEXT];
    char warning[640]; /* what went wrong and which option helps; "" if nothing went wrong */
    /* of the model; method "" unless this call has fitted model.calibration */
    mg_calibration_report calibration;
} mg_train_result;

/*
 * Trains, and writes the results to output.directory. The model has the weights with the best validation
 * accuracy; with a tolerance, or without validation rows, those at the end of training. Errors: MG_CONFIG,
 * MG_DATA, MG_IO, MG_MEMORY; MG_NONFINITE if the loss is not finite (the last checkpoint is kept); MG_STOPPED
 * after mg_train_stop (a checkpoint has been written; call again with `resume`).
 */
mg_status mg_train(const mg_config *config, const mg_train_request *request, mg_train_result *result,
                   mg_error *error);

/* What a run would need, and about how long it would take. */
typedef struct mg_train_estimate {
    mg_plan plan; /* its texts are valid as long as this struct is, at its place */
    char directory[MG_PATH_TEXT], solver_why[160];
    bool chooses_C; /* model.C is auto: choosing it takes more time, which the estimate does not include */
    double memory_bytes, available_bytes; /* the most that the run needs; what this machine can give */
    int64_t measured_rows;                /* the sample: so many rows were visited */
    double measured_seconds;              /* in this time */
    /* expected: of the run without evaluations. NaN if unknown: `seconds` if there is a tolerance, because
     * nobody knows how many epochs it takes */
    double rows_per_second, epoch_seconds, seconds;
} mg_train_estimate;

/*
 * A dry run: opens the data, chooses the solver (and the learning rate, if that is searched for), and trains
 * for less than a second in memory to measure its speed. Writes nothing; of the request only init_model and
 * observer are used, of which `plan` and `message` are called. Errors: those of mg_train.
 */
mg_status mg_train_plan(const mg_config *config, const mg_train_request *request, mg_train_estimate *out,
                        mg_error *error);

/* Write one JSON object on one line (docs/commands.md); NaN becomes null. Errors: MG_IO, MG_MEMORY. */
mg_status mg_train_result_print_json(const mg_train_result *result, FILE *file, mg_error *error);
mg_status mg_train_estimate_print_json(const mg_train_estimate *estimate, FILE *file, mg_error *error);

/*
 * Asks the current run (if there is none, the next one) to finish its minibatch, write a checkpoint and
 * return MG_STOPPED. It stops runs of files only, not those of mg_fit. Any thread and any signal handler may
 * call it.
 */
void mg_train_stop(void);

#ifdef __cplusplus
}
#endif
#endif
