// run.h - the state of a run, shared by the files of the trainer: trainer.c (the loop), run_begin.c
// (opening), run_directory.c, run_checkpoint.c, run_report.c (progress) and run_end.c (the model).
#ifndef MG_TRAIN_RUN_H
#define MG_TRAIN_RUN_H

#include "io/lock.h"
#include "model/model.h"
#include "train/evaluate.h"
#include "train/metrics.h"
#include "train/trainer.h"

#include <assert.h>
#include <math.h>
#include <stdatomic.h>

// The arrays that a checkpoint holds: the solver's, the best weights, and those of a path.
typedef struct mg_run_fields {
    mg_field field[MG_CHECKPOINT_FIELDS]; // [count]
    int count;
    double bytes; // of all of them and of their snapshots
} mg_run_fields;

// What a path adds to a run. Zero: the run has a single problem.
typedef struct mg_run_points {
    int64_t count;          // points of the path
    const mg_field *fields; // [field_count] what it keeps in checkpoints
    int field_count;
    mg_status (*check)(void *context, mg_error *error); // checks these fields after they were restored
    // Checks that the results in the directory agree with the restored fields. Errors: as mg_run_check_model.
    mg_status (*check_results)(void *context, mg_error *error);
    void *context;
} mg_run_points;

// The directory of the run. Everything that the run reads, writes and deletes there goes through the open
// one.
typedef struct mg_run_place {
    const char *path; // for messages
    mg_directory *directory, *checkpoints;
    mg_lock lock;
} mg_run_place;

// metrics.jsonl and what an observer gets.
typedef struct mg_run_log {
    mg_metrics metrics;
    mg_writer line; // the line of metrics.jsonl that is being written
    bool warned;    // the user was warned that lines of metrics.jsonl cannot be written
    double shown;   // when the observer last got the progress
    bool told;      // the observer has asked to stop
} mg_run_log;

// The checkpoints. `seconds`, `step` and `epoch` belong to the newest checkpoint that was submitted.
typedef struct mg_run_saving {
    mg_checkpointer *checkpointer;
    double seconds;
    int64_t step, epoch;
    mg_error failure; // of the newest attempt; status MG_OK when it went well
} mg_run_saving;

typedef struct mg_run_clock {
    double prepare_seconds; // of choosing what the configuration leaves open
    double seconds;         // of training, without evaluation
    double step_begun;      // when the current step began; `seconds` does not count that step yet
} mg_run_clock;

typedef struct mg_run_counts {
    double epoch_seconds, epoch_waited; // of the current epoch: training, and of that waiting for rows
    int64_t epoch_rows;                 // visited in the current epoch, by this process
    int64_t visited;                    // rows in all epochs, or in those of the current point of a path
} mg_run_counts;

// The newest measurements. A step of -1 says that there is none.
typedef struct mg_run_evaluated {
    mg_evaluation train;
    int64_t train_step; // of the weights that `train` belongs to
    double accuracy;    // on the validation rows
    int64_t accuracy_step;
} mg_run_evaluated;

typedef struct mg_run {
    const mg_trainer_options *options;
    const mg_train_request *request;
    mg_run_points points;
    mg_setup setup;
    mg_dataset *test; // NULL: none; in a cross-validation the fold that is held out
    mg_stream *stream;
    const mg_solver *solver;
    mg_solver_options solver_options;
    void *state;
    mg_step_result last;      // of the newest step, or where a restored state stands
    int64_t init_fingerprint; // of the weights of --init; 0: it starts from zeros
    mg_origin origin;         // from begun.h5, if --init is not given again
    mg_weights best;          // by validation accuracy; empty without validation rows
    mg_run_fields fields;
    mg_run_place place;
    mg_run_log log;
    mg_run_saving saving;
    mg_run_clock clock;
    mg_run_counts counts;
    mg_run_evaluated evaluated;
    mg_position position;
    bool resumed;    // from a checkpoint
    bool finished;   // resumed, and nothing is left to do: nothing is written
    bool ready;      // what the configuration leaves open is chosen, so there is something to resume
    char reason[64]; // why it ended; "" while training continues
} mg_run;

// Set by mg_train_stop, which may be called from a signal handler or any thread. It concerns runs of files.
extern _Atomic int mg_run_stop;

// True if the run was asked to stop; the same as a question for work that knows no run.
bool mg_run_is_stopped(const mg_run *run);
mg_stop mg_run_stop_of(const mg_run *run);

static inline bool mg_run_has_files(const mg_run *run) { return mg_trainer_has_files(run->options); }

static_assert(ATOMIC_INT_LOCK_FREE == 2, "a signal handler may only touch atomics without locks");

// NaN if the solver has none.
double mg_run_learning_rate(const mg_run *run, int64_t step);

void mg_run_message(const mg_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
mg_scorer mg_run_scorer(const mg_run *run);

// A run before anything is opened. `points` NULL: it has a single problem.
void mg_run_init(mg_run *run, const mg_trainer_options *options, const mg_train_request *request,
                 const mg_run_points *points);

// Reads from the solver where it stands, after its state was restored or its problem changed.
void mg_run_take_standing(mg_run *run);

// Opens data, solver, directory and, with resume, the newest checkpoint.
mg_status mg_run_begin(mg_run *run, mg_error *error);

// Checks that position and fields fit together; for mg_resume_hooks, with the run as context.
mg_status mg_run_check_restored(void *context, const mg_position *at, mg_error *error);

// Fails if the training or validation rows in use may come from two versions of a file (mg_dataset_check).
// Then nothing that was computed from them is written: a checkpoint has the fingerprint of one version.
mg_status mg_run_check_data(const mg_run *run, mg_error *error);

// Chooses what the configuration leaves open, and reports the plan. The team's threads are running.
mg_status mg_run_prepare(mg_run *run, mg_error *error);

// For solvers with long steps (mg_stop.asked): true after a signal, or when the time limit is reached.
// context: the run.
bool mg_run_give_up(const void *context);

// Epochs are counted from 0 again, for the next point of a path.
void mg_run_count_anew(mg_run *run);

// Runs epochs until a limit is reached; run->reason then says which. Errors: MG_STOPPED, MG_NONFINITE, those
// of reading.
mg_status mg_run_loop(mg_run *run, mg_error *error);

// True if a run that ends at this position evaluates its weights on the validation rows after its last
// checkpoint, because no end of an epoch has just done so.
bool mg_run_evaluates_last(const mg_run *run);

// Submits a checkpoint to the writing thread if one is due, after reporting the result of the one before.
// `epoch_end`: the current epoch has just ended.
void mg_run_checkpoint_if_due(mg_run *run, bool epoch_end);

// Writes a checkpoint of the current state and waits until it is on disk. Errors: those of writing;
// MG_NONFINITE; those of mg_run_check_data.
mg_status mg_run_checkpoint(mg_run *run, mg_error *error);

// The same, but a failed write is only a warning, and the previous checkpoint is kept. Errors: MG_NONFINITE;
// those of mg_run_check_data.
mg_status mg_run_try_checkpoint(mg_run *run, mg_error *error);

// Stores the weights as the best so far, with the current step and epoch.
void mg_run_keep_best(mg_run *run, const mg_weights *weights, double accuracy);

// Writes the path directory/name to `out`, for the paths in results. The directory has at most
// MG_RUN_MOST_PATH bytes.
enum { MG_RUN_MOST_PATH = 4095 };
void mg_run_path(const char *directory, const char *name, char out[MG_PATH_TEXT]);

// Checks that the directory is set, and that `more` bytes can follow its path. Errors: MG_CONFIG.
mg_status mg_run_check_path(const char *directory, size_t more, mg_error *error);

// Opens and locks output.directory. Refuses a directory that holds a run, unless the run is to be resumed or
// overwritten. If the directory does not exist and `make` is false, run->place.directory stays NULL. A second
// call does nothing. Errors: MG_CONFIG, MG_IO.
mg_status mg_run_enter_directory(mg_run *run, bool make, mg_error *error);

// Enters the directory, restores the newest checkpoint or sets old results aside, and opens the files of the
// run.
mg_status mg_run_take_directory(mg_run *run, mg_error *error);
void mg_run_leave_directory(mg_run *run);

// What a model file says about its weights.
typedef struct mg_run_facts {
    double lambda, objective, dual; // dual NaN: no certificate
    int64_t step, epoch;
} mg_run_facts;
// Writes model.h5, and gives the model to the program if the rows are in memory. Errors: those of writing;
// MG_NONFINITE; those of mg_run_check_data.
mg_status mg_run_save_model(mg_run *run, const mg_weights *weights, const mg_run_facts *facts,
                            mg_error *error);

// Reads model.h5 again. `weights`: those that it must hold; NULL: any. Errors: MG_DATA if it is missing or
// damaged; MG_CONFIG if it is intact and holds other weights; MG_IO, MG_MEMORY.
mg_status mg_run_check_model(const mg_run *run, const mg_weights *weights, mg_error *error);

// Measures the accuracy on run->test; NaN without it.
mg_status mg_run_test(mg_run *run, const mg_weights *weights, double *accuracy, mg_error *error);

// Copies the newest certificate of the solver; false without one.
bool mg_run_certificate(const mg_run *run, mg_certificate *certificate);

// What the end of an epoch measured, all for the weights that would be saved now. NaN: not measured.
typedef struct mg_measured {
    double loss, objective; // on the training rows
    double dual, gap;       // of a certificate of this epoch
    double accuracy;        // on the validation rows
} mg_measured;
#define MG_NOT_MEASURED ((mg_measured){NAN, NAN, NAN, NAN, NAN})

// Reports progress: at most ten times a second, and at every end of an epoch, where `measured` is not NULL.
// mg_run_log_epoch writes the epoch's line of metrics.jsonl, and reports which solver follows if that
// changes.
void mg_run_report_progress(mg_run *run, const mg_measured *measured);
void mg_run_log_epoch(mg_run *run, const mg_measured *measured);

// Warns once when lines of metrics.jsonl cannot be written.
void mg_run_warn_of_metrics(mg_run *run);

// Final evaluation, model.h5, end event.
mg_status mg_run_end(mg_run *run, mg_train_result *result, mg_error *error);

// Every run and path calls this last, after its last line was logged. The new result is complete now, so the
// old one in `previous` is deleted, unless the run had already ended in an earlier process, or its last
// checkpoint could not be written. Errors: the failure of metrics.jsonl, if lines could not be written.
mg_status mg_run_conclude(mg_run *run, mg_error *error);
void mg_run_clear(mg_run *run);

// Losses of weights on the training rows. Errors: those of mg_evaluate, but MG_NONFINITE if scores or losses
// exceed float32.
mg_status mg_run_evaluate(const mg_run *run, const mg_weights *weights, const mg_evaluate_visit *visit,
                          mg_evaluation *out, mg_error *error);

// (M2) Objective of weights from their evaluation.
double mg_run_objective(const mg_run *run, const mg_weights *weights, const mg_evaluation *evaluation);

#endif
