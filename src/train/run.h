// run.h - the state of a run, which the files of the trainer share: loop.c (the loop), run_begin.c (opening),
// run_directory.c, run_checkpoint.c, run_report.c (progress) and run_end.c (the model).
#ifndef MG_TRAIN_RUN_H
#define MG_TRAIN_RUN_H

#include "io/lock.h"
#include "model/model.h"
#include "train/evaluate.h"
#include "train/metrics.h"
#include "train/trainer_options.h"

#include <assert.h>
#include <math.h>
#include <stdatomic.h>

// The arrays in a checkpoint: those of the solver, the best weights, and those of a path.
typedef struct mg_run_fields {
    mg_field field[MG_CHECKPOINT_FIELDS]; // [count]
    int count;
    double bytes; // size of all fields and of their snapshots
} mg_run_fields;

// What a path adds to a run. All zero for a run with a single problem.
typedef struct mg_run_points {
    int64_t count;          // number of points of the path
    const mg_field *fields; // [field_count] additional fields of checkpoints
    int field_count;
    mg_status (*check)(void *context, mg_error *error); // checks these fields after they were restored
    // Checks whether the results in the directory agree with the restored fields. Errors: as
    // mg_run_check_model.
    mg_status (*check_results)(void *context, mg_error *error);
    void *context;
} mg_run_points;

// The directory of the run. The run reads, writes and deletes files only through the open directory, so it
// may be renamed meanwhile.
typedef struct mg_run_place {
    const char *path; // for messages
    mg_directory *directory, *checkpoints;
    mg_lock lock;
    bool has_model; // a resumed run has found a model.h5 that it may have written itself
    mg_named model; // what model.h5 was when the run began, or when it wrote it: only that is replaced
} mg_run_place;

// metrics.jsonl, and reports to the observer.
typedef struct mg_run_log {
    mg_metrics metrics;
    mg_writer line; // line of metrics.jsonl that is being composed
    bool warned;    // the user has been warned that lines of metrics.jsonl cannot be written
    double shown;   // time of the last progress report
    bool told;      // the observer has asked the run to stop
} mg_run_log;

// `seconds`, `step` and `epoch` are those of the newest checkpoint that was submitted.
typedef struct mg_run_saving {
    mg_checkpointer *checkpointer;
    double seconds;
    int64_t step, epoch;
    mg_error failure; // result of the newest attempt; status MG_OK if it succeeded
} mg_run_saving;

typedef struct mg_run_clock {
    double prepare_seconds; // time of choosing what the configuration leaves open
    double seconds;         // training time, without evaluation
    double step_begun;      // start of the current step, which `seconds` does not include yet
} mg_run_clock;

typedef struct mg_run_counts {
    double epoch_seconds, epoch_waited; // in the current epoch: training time; the part of it that was spent
                                        // waiting for rows
    int64_t epoch_rows;                 // rows that this process has visited in the current epoch
    int64_t visited;                    // rows visited in all epochs; on a path, in those of the current
                                        // point
} mg_run_counts;

// The newest measurements. Step -1: there is none.
typedef struct mg_run_evaluated {
    mg_evaluation train;
    int64_t train_step; // step whose weights `train` belongs to
    double accuracy;    // accuracy on the validation rows
    int64_t accuracy_step;
} mg_run_evaluated;

// The packed field of the state, of all ranks; only on rank 0.
typedef struct mg_run_collected {
    unsigned char *bytes; // [size]
    int64_t size;
    size_t room;
} mg_run_collected;

typedef struct mg_run_ranks {
    mg_comm *comm;     // the shards of the rows, and the ranks that share them
    bool stop, finish; // the ranks have agreed that the run was asked to
    mg_run_collected collected;
} mg_run_ranks;

// Where a run started.
typedef struct mg_run_start {
    int64_t fingerprint; // fingerprint of the weights of --init; 0: the run starts from zeros
    mg_origin origin;    // origin of a resumed run that does not give --init again; read from its files
} mg_run_start;

typedef struct mg_run {
    const mg_trainer_options *options;
    const mg_train_request *request;
    mg_run_points points;
    mg_run_ranks ranks;
    mg_setup setup;
    mg_dataset *test; // test rows; in a cross-validation, the fold that is held out; NULL: none
    mg_stream *stream;
    const mg_solver *solver;
    mg_solver_options solver_options;
    void *state;
    mg_step_result last; // result of the newest step or, after restoring, the standing of the state
    mg_run_start start;
    mg_weights best; // weights with the best validation accuracy; empty without validation rows
    mg_run_fields fields;
    mg_run_place place;
    mg_run_log log;
    mg_run_saving saving;
    mg_run_clock clock;
    mg_run_counts counts;
    mg_run_evaluated evaluated;
    mg_position position;
    bool resumed;    // the run was resumed from a checkpoint
    bool finished;   // a resumed run that has nothing left to do: it writes nothing
    bool ready;      // everything that the configuration leaves open has been chosen, so the state can be
                     // saved
    char reason[64]; // why training ended; "" while it continues
} mg_run;

// Set by mg_train_stop, which signal handlers and all threads may call. Runs of arrays in memory ignore it.
extern _Atomic int mg_run_stop;

// Tells whether the run was asked to stop; several ranks have then agreed on it.
mg_stop mg_run_stop_of(const mg_run *run);

// What this process alone knows of requests to stop, and to end training early.
bool mg_run_is_told_to_stop(const mg_run *run);
bool mg_run_is_told_to_finish(const mg_run *run);

// True if there are no other ranks.
static inline bool mg_run_is_alone(const mg_run *run) {
    return !run->ranks.comm || run->ranks.comm->ranks == 1;
}

// True if this process writes files: of several ranks, only rank 0 does.
static inline bool mg_run_has_files(const mg_run *run) {
    bool root = mg_run_is_alone(run) || mg_comm_is_root(run->ranks.comm);
    return root && mg_trainer_has_files(run->options);
}

static_assert(ATOMIC_INT_LOCK_FREE == 2, "a signal handler may only touch atomics without locks");

// The learning rate at `step`; NaN if the solver has none.
double mg_run_learning_rate(const mg_run *run, int64_t step);

void mg_run_message(const mg_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
mg_scorer mg_run_scorer(const mg_run *run);

// Initialises a run; opens nothing. `points`: NULL for a run with a single problem.
void mg_run_init(mg_run *run, const mg_trainer_options *options, const mg_train_request *request,
                 const mg_run_points *points);

// Gives a run that has not begun other options.
void mg_run_replace_options(mg_run *run, const mg_trainer_options *options);

// Updates run->last from the solver, after its state was restored or its problem changed.
void mg_run_take_standing(mg_run *run);

// Opens data, solver and directory, and restores the newest checkpoint if the run is resumed.
mg_status mg_run_begin(mg_run *run, mg_error *error);

// Checks that position and fields fit together; the `check` of mg_resume_hooks, with the run as context.
mg_status mg_run_check_restored(void *context, const mg_position *at, mg_error *error);

// How far two computations of the objective of weights may differ by rounding.
double mg_run_objective_slack(const mg_run *run, const mg_weights *weights, double objective);

// An objective in a checkpoint.
typedef struct mg_stored_objective {
    double value;
    const char *name, *whose; // the field that has it, and the field of its weights
    double own;               // the objective that mg_run_check_objective computes
} mg_stored_objective;

// Checks that a stored objective is that of the weights.
mg_status mg_run_check_objective(const mg_run *run, const mg_weights *weights, double lambda,
                                 mg_stored_objective *stored, mg_error *error);

// Fails if a data file was changed while it was read (mg_dataset_check), so that the rows may come from two
// versions. Then nothing that was computed from them may be written, because a checkpoint has the fingerprint
// of one version.
mg_status mg_run_check_data(const mg_run *run, mg_error *error);

// Chooses what the configuration leaves open, and reports the plan. Call it inside mg_team_run.
mg_status mg_run_prepare(mg_run *run, mg_error *error);

// The function mg_stop.asked for solvers with long steps: true if the run was asked to stop or its time limit
// is reached. context: the run.
bool mg_run_give_up(const void *context);

// Restarts the count of epochs at 0, for the next point of a path.
void mg_run_count_anew(mg_run *run);

// Trains until a limit is reached; run->reason then says which one. Errors: MG_STOPPED, MG_NONFINITE, those
// of reading.
mg_status mg_run_loop(mg_run *run, mg_error *error);

// Opens, trains and ends a run: mg_run_begin, mg_run_prepare, mg_run_loop and mg_run_end, on the compute
// threads. Errors: theirs. A run that was stopped writes a checkpoint before it returns MG_STOPPED.
mg_status mg_run_train(mg_run *run, mg_train_result *result, mg_error *error);

// True if a run that ends at this position must evaluate its weights on the validation rows after its last
// checkpoint. It need not if the end of an epoch has just done so.
bool mg_run_evaluates_last(const mg_run *run);

// Reports the result of the previous checkpoint, and submits a new one to the writing thread if one is due.
// `epoch_end`: an epoch has just ended.
void mg_run_checkpoint_if_due(mg_run *run, bool epoch_end);

// Writes a checkpoint of the current state, and waits until it is on disk. Errors: those of writing;
// MG_NONFINITE; those of mg_run_check_data.
mg_status mg_run_checkpoint(mg_run *run, mg_error *error);

// The same, but if writing fails, the run only warns and keeps the previous checkpoint. Errors: MG_NONFINITE;
// those of mg_run_check_data.
mg_status mg_run_try_checkpoint(mg_run *run, mg_error *error);

// Copies the weights to run->best, with their accuracy and the current step and epoch.
void mg_run_keep_best(mg_run *run, const mg_weights *weights, double accuracy);

// Writes the path directory/name to `out`. Results contain such paths. `directory` has at most
// MG_RUN_MOST_PATH bytes.
enum { MG_RUN_MOST_PATH = 4095 };
void mg_run_path(const char *directory, const char *name, char out[MG_PATH_TEXT]);

// Checks that output.directory is set, and that its path leaves room for `more` bytes. Errors: MG_CONFIG.
mg_status mg_run_check_path(const char *directory, size_t more, mg_error *error);

// Opens and locks output.directory. Refuses a directory that has a run, unless that run is resumed or
// overwritten. If the directory does not exist and `make` is false, run->place.directory remains NULL. Does
// nothing if the directory is already open. Errors: MG_CONFIG, MG_IO.
mg_status mg_run_enter_directory(mg_run *run, bool make, mg_error *error);

// Enters the directory, restores the newest checkpoint or moves old results to `previous`, and opens the
// files of the run.
mg_status mg_run_take_directory(mg_run *run, mg_error *error);
void mg_run_leave_directory(mg_run *run);

// Facts that a model file states about its weights.
typedef struct mg_run_facts {
    double lambda, objective, dual; // dual: NaN if there is no certificate
    int64_t step, epoch;
    const mg_calibration *calibration; // NULL: none
} mg_run_facts;
// Writes model.h5. If the rows are in memory, also gives the model to the program. Errors: those of writing;
// MG_NONFINITE; those of mg_run_check_data.
mg_status mg_run_save_model(mg_run *run, const mg_weights *weights, const mg_run_facts *facts,
                            mg_error *error);

// Reads model.h5. The caller frees *out and *path, also after a failure. Errors: MG_DATA if it is missing or
// damaged; MG_IO, MG_MEMORY.
mg_status mg_run_read_model(const mg_run *run, mg_model **out, char **path, mg_error *error);

// Reads model.h5 again, to check it. `weights`: those that it must contain; NULL: any. Errors: MG_DATA if it
// is missing or damaged; MG_CONFIG if it is intact but contains other weights; MG_IO, MG_MEMORY.
mg_status mg_run_check_model(const mg_run *run, const mg_weights *weights, mg_error *error);

// For a resumed run whose metrics have no end: refuses an intact model.h5 that this run cannot have written,
// because it is of an earlier step than the checkpoint. *there becomes true if it is of that step or a later
// one; then the end of the run must compare its weights. Errors: MG_CONFIG, MG_IO, MG_MEMORY.
mg_status mg_run_check_early_model(const mg_run *run, bool *there, mg_error *error);

// Measures the accuracy on run->test; it becomes NaN if there are no test rows.
mg_status mg_run_test(mg_run *run, const mg_weights *weights, double *accuracy, mg_error *error);

// Copies the solver's newest certificate. Returns false if there is none.
bool mg_run_certificate(const mg_run *run, mg_certificate *certificate);

// Measurements at the end of an epoch, all of the weights that would be saved now. NaN: not measured.
typedef struct mg_measured {
    double loss, objective; // on the training rows
    double dual, gap;       // from a certificate of this epoch
    double accuracy;        // accuracy on the validation rows
} mg_measured;
#define MG_NOT_MEASURED ((mg_measured){NAN, NAN, NAN, NAN, NAN})

// mg_run_report_progress: reports progress to the observer, at most ten times a second, and at the end of
// every epoch, when `measured` is not NULL. mg_run_log_epoch: writes the epoch's line of metrics.jsonl, and
// reports it if another solver follows.
void mg_run_report_progress(mg_run *run, const mg_measured *measured);
void mg_run_log_epoch(mg_run *run, const mg_measured *measured);

// Warns, once, that lines of metrics.jsonl cannot be written.
void mg_run_warn_of_metrics(mg_run *run);

// Ends a run: evaluates its weights, writes model.h5 and the `end` event. Errors: those of mg_run_save_model
// and mg_run_evaluate.
mg_status mg_run_end(mg_run *run, mg_train_result *result, mg_error *error);

// The last call of every run and path, after their last line was logged. The new result is complete now, so
// `previous` is deleted. It stays if the run had already ended in an earlier process, or if its last
// checkpoint could not be written. Errors: if lines of metrics.jsonl could not be written.
mg_status mg_run_conclude(mg_run *run, mg_error *error);
void mg_run_clear(mg_run *run);

// Evaluates weights on the training rows. Errors: those of mg_evaluate; MG_NONFINITE if scores or losses
// exceed float32.
mg_status mg_run_evaluate(const mg_run *run, const mg_weights *weights, const mg_evaluate_visit *visit,
                          mg_evaluation *out, mg_error *error);

// (M2) The objective of weights, given their evaluation.
double mg_run_objective(const mg_run *run, const mg_weights *weights, const mg_evaluation *evaluation);

#endif
