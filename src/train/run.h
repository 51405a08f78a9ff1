// run.h - the state of a run, shared by the files of the trainer: trainer.c (the loop), run_begin.c,
// run_tell.c and run_end.c.
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

typedef struct mg_run {
    const mg_trainer_options *options;
    const mg_train_request *request;
    mg_setup setup;
    const mg_solver *solver;
    void *state;
    mg_step_result last; // of the newest step; of a state that was restored or posed anew, where it stands
    mg_solver_options solver_options;
    mg_stream *stream;
    mg_dataset *test; // NULL: none; of a cross-validation the fold that is held out
    mg_weights best;  // by validation accuracy; empty without validation rows
    mg_field fields[MG_CHECKPOINT_FIELDS];
    int field_count;
    const mg_field *more; // [more_count] what a path keeps in checkpoints beside these
    int more_count;
    mg_status (*check_more)(void *context,
                            mg_error *error); // of these, when they were restored; NULL: nothing to check
    void *more_context;
    int64_t points; // of a path; 0: a run
    double state_bytes;
    mg_checkpointer *checkpointer;
    mg_metrics metrics;
    mg_writer line;
    const char *directory; // its name, for messages
    // the open directory: everything the run reads, writes and deletes in it goes through this
    mg_directory *place;
    mg_directory *checkpoints; // in it
    mg_lock lock;              // of the place
    int64_t init_fingerprint;  // of the weights of --init; 0: it starts from zeros
    bool finished;             // resumed, and there is nothing left to do: nothing is written
    bool ready; // what the configuration left open is chosen: from here on there is something to resume

    mg_position position;
    double prepare_seconds; // of choosing what was left open
    double seconds;         // of training, evaluation left out
    double saved_seconds;   // when the last checkpoint was submitted
    int64_t saved_step, saved_epoch;
    double epoch_seconds, epoch_waited;
    int64_t epoch_rows;             // in this process
    int64_t visited;                // rows, of all epochs; of a path, of those of the point under way
    double shown;                   // when progress was last told
    double step_begun;              // when the step under way began; seconds do not count it yet
    mg_error checkpoint_failure;    // of the last attempt; status MG_OK when it went well
    mg_evaluation train_evaluation; // of the last evaluated weights
    int64_t evaluated_step;         // they belong to; -1 none
    double accuracy;                // on the validation rows, of the last evaluated weights
    int64_t validated_step;         // they belong to; -1 none
    char reason[64];                // why it ends; "" while it goes on
} mg_run;

// Set by mg_train_stop, from a signal handler or any thread.
extern _Atomic int mg_run_stop;
static_assert(ATOMIC_INT_LOCK_FREE == 2, "a signal handler may only touch atomics without locks");

// NaN for solvers without one.
double mg_run_learning_rate(const mg_run *run, int64_t step);

void mg_run_message(const mg_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
mg_scorer mg_run_scorer(const mg_run *run);

// Opens data, solver, directory and, with resume, the newest checkpoint.
mg_status mg_run_begin(mg_run *run, mg_error *error);

// For mg_resume_hooks: do position and fields belong together? context: the run.
mg_status mg_run_check_restored(void *context, const mg_position *at, mg_error *error);

// Chooses what the configuration leaves open and tells the plan; with the team standing by.
mg_status mg_run_prepare(mg_run *run, mg_error *error);

// For solvers whose steps take long: a signal has come or the time is up. context: the run.
bool mg_run_give_up(void *context);

// Epochs until a limit is reached; then run->reason says which. Errors: MG_STOPPED, MG_NONFINITE, those of
// reading.
mg_status mg_run_loop(mg_run *run, mg_error *error);

// A checkpoint of exactly here, on disk before this returns. Errors: those of writing; MG_NONFINITE.
mg_status mg_run_checkpoint(mg_run *run, mg_error *error);

// The same, but one that cannot be written is a warning: the one before stands. Errors: MG_NONFINITE.
mg_status mg_run_try_checkpoint(mg_run *run, mg_error *error);

// The weights, as the best so far, with where the run is.
void mg_run_keep_best(mg_run *run, const mg_weights *weights, double accuracy);

// directory/name for whoever asked for the run; the directory is no longer than MG_RUN_MOST_PATH.
enum { MG_RUN_MOST_PATH = 4095 };
void mg_run_path(const char *directory, const char *name, char out[MG_PATH_TEXT]);

// Is it set, and short enough with `more` bytes behind it? Errors: MG_CONFIG.
mg_status mg_run_check_path(const char *directory, size_t more, mg_error *error);

// Opens and locks output.directory, and refuses one that holds a run when that is not to be resumed or
// overwritten. Without `make` one that is not there is left so, and run->place stays NULL. The second call
// does nothing. Errors: MG_CONFIG, MG_IO.
mg_status mg_run_enter_directory(mg_run *run, bool make, mg_error *error);

// Enters it, restores the newest checkpoint or clears what is there, and opens what the run writes.
mg_status mg_run_take_directory(mg_run *run, mg_error *error);
void mg_run_leave_directory(mg_run *run);

// What a model file tells about its weights.
typedef struct mg_run_facts {
    double lambda, objective, dual; // dual NaN: no certificate
    int64_t step, epoch;
} mg_run_facts;
// Writes model.h5.
mg_status mg_run_save_model(mg_run *run, const mg_weights *weights, const mg_run_facts *facts,
                            mg_error *error);

// Accuracy on run->test; NaN without it.
mg_status mg_run_test(mg_run *run, const mg_weights *weights, double *accuracy, mg_error *error);

// The newest certificate of the solver; false without one.
bool mg_run_certificate(const mg_run *run, mg_certificate *certificate);

// What the end of an epoch measured, all of it of the same weights, those that would be saved now. NaN: not
// measured in this epoch.
typedef struct mg_measured {
    double loss, objective; // on the training rows
    double dual, gap;       // of a certificate
    double accuracy;        // on the validation rows
} mg_measured;
#define MG_NOT_MEASURED ((mg_measured){NAN, NAN, NAN, NAN, NAN})

// Progress, ten times a second at most but for ends of epochs, which have something measured (NULL: within an
// epoch); and the epoch's line of metrics.jsonl, with whose steps follow where that changes.
void mg_run_tell_progress(mg_run *run, const mg_measured *measured);
void mg_run_log_epoch(mg_run *run, const mg_measured *measured);

// Final evaluation, model.h5, end event.
mg_status mg_run_end(mg_run *run, mg_train_result *result, mg_error *error);
void mg_run_clear(mg_run *run);

// Losses of weights on the training rows. Errors: those of mg_evaluate, but MG_NONFINITE where scores or
// losses leave the range of float32.
mg_status mg_run_evaluate(const mg_run *run, const mg_weights *weights, const mg_evaluate_visit *visit,
                          mg_evaluation *out, mg_error *error);

// Objective of weights from an evaluation (M2).
double mg_run_objective(const mg_run *run, const mg_weights *weights, const mg_evaluation *evaluation);

#endif
