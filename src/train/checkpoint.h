// checkpoint.h - checkpoints: a thread writes complete, sealed files while training continues, and --resume
// takes the newest intact one. Format: docs/formats.md.
#ifndef MG_TRAIN_CHECKPOINT_H
#define MG_TRAIN_CHECKPOINT_H

#include "io/directory.h"
#include "solver/solver.h"

#include <stdbool.h>

// Where the run is. Together with the solver's fields and the best weights it determines every later step.
typedef struct mg_position {
    int64_t epoch; // from 0
    // next minibatch of the epoch; steps_per_epoch: all are done, but the end of the epoch is not processed
    // yet
    int64_t batch;
    int64_t step;         // steps done
    int64_t events;       // epoch and eval lines of metrics.jsonl so far
    double loss;          // sum of the weighted losses of the epoch's rows so far
    int64_t loss_rows;    // rows in that sum
    double best_accuracy; // on the validation rows; -1: not evaluated yet
    int64_t best_epoch, best_step;
    int64_t stale; // evaluations since the best one
} mg_position;

// From 1: the current epoch, or the one that has just ended.
static inline int64_t mg_position_epoch(const mg_position *at) { return at->epoch + (at->batch > 0); }

// What a checkpoint must agree with, so that a run can be resumed from it.
typedef struct mg_identity {
    const char *config; // the canonical configuration
    // `auto` in the configuration may choose another solver on a machine with less memory
    const char *solver;
    int64_t train_fingerprint, validation_fingerprint;
    int64_t init_fingerprint; // of the weights of --init; 0: the run starts from zeros
    const char *init_model;   // the file of --init, for messages; NULL: none
} mg_identity;

enum { MG_CHECKPOINT_FIELDS = MG_MOST_FIELDS + 7 }; // the solver's, three of the best weights, and a path's

// What a checkpoint holds. The position is read when a checkpoint is written, and filled when it is restored.
typedef struct mg_checkpoint_state {
    const mg_field *fields; // [count]
    int count;              // 0: a file without any state, such as begun.h5
    mg_position *position;
} mg_checkpoint_state;

typedef struct mg_checkpointer mg_checkpointer;

// `directory` is that of the checkpoints and stays open as long as the checkpointer. `fields` are the arrays
// of the state; they stay in place. Errors: MG_MEMORY, MG_FAILED.
mg_status mg_checkpointer_create(const mg_directory *directory, int64_t keep, const mg_identity *identity,
                                 const mg_field *fields, int count, mg_checkpointer **out, mg_error *error);
void mg_checkpointer_destroy(mg_checkpointer *checkpointer);

// Copies the state and gives it to the writing thread. `still`: the state does not change until the result is
// there, so it is not copied. Returns false and does nothing while the previous checkpoint is still being
// written.
bool mg_checkpointer_submit(mg_checkpointer *checkpointer, const mg_position *position, bool still);

// The result of a submitted checkpoint: MG_OK with *step, or its failure. *news is false if there is no new
// result. `wait`: waits for the result.
mg_status mg_checkpointer_result(mg_checkpointer *checkpointer, bool wait, bool *news, int64_t *step,
                                 double *seconds, mg_error *error);

// Restores the newest intact checkpoint of the directory into *state; *found is false if there is no
// checkpoint. hooks->message receives a line about each damaged one; hooks->difference names the options in
// which two canonical configurations differ. Errors: MG_DATA when no checkpoint is intact, or an intact one
// has content that no run writes; MG_CONFIG when it belongs to another configuration or other data; MG_IO,
// MG_MEMORY.
typedef struct mg_resume_hooks {
    void *context;
    void (*message)(void *context, const char *line);
    int (*difference)(const char *before, const char *now, char *out, size_t size);
    // Checks that position and fields, each within its own bounds, fit together. May be NULL. Errors:
    // MG_DATA.
    mg_status (*check)(void *context, const mg_position *position, mg_error *error);
} mg_resume_hooks;
mg_status mg_checkpoint_resume(const mg_directory *directory, const mg_identity *identity,
                               const mg_checkpoint_state *state, const mg_resume_hooks *hooks, bool *found,
                               mg_error *error);

// The file begun.h5, which holds the identity of a run but no state. _begin writes it before the first
// checkpoint. _check compares it with `identity`; --resume uses this when there is no checkpoint. Errors of
// _begin: those of writing; of _check: MG_CONFIG with the difference, MG_IO, MG_DATA.
mg_status mg_checkpoint_begin(const mg_directory *directory, const char *name, const mg_identity *identity,
                              mg_error *error);
mg_status mg_checkpoint_check(const mg_directory *directory, const char *name, const mg_identity *identity,
                              const mg_resume_hooks *hooks, mg_error *error);

// What a run was begun from, as read from a checkpoint or begun.h5 of any version of margin.
typedef struct mg_origin {
    char *config;
    int64_t init_fingerprint;
    char *init_model; // NULL: none
} mg_origin;

// Reads it from a file of the directory. Errors: MG_IO, MG_DATA, MG_MEMORY.
mg_status mg_checkpoint_origin_read(const mg_directory *directory, const char *name, mg_origin *out,
                                    mg_error *error);
// The same from the newest intact checkpoint of the directory. Errors: the same; MG_DATA if there is none.
mg_status mg_checkpoint_newest_origin(const mg_directory *directory, mg_origin *out, mg_error *error);
void mg_checkpoint_origin_clear(mg_origin *origin);

// Reads the position and the configuration (freed by the caller) of a checkpoint, with the checks of
// --resume. The file is open and its seal is correct. Errors: MG_DATA, MG_MEMORY.
mg_status mg_checkpoint_look(mg_h5 *file, mg_position *position, char **config, mg_error *error);

// Deletes all checkpoints and temporary files in the directory.
mg_status mg_checkpoint_clear(const mg_directory *directory, mg_error *error);

#endif
