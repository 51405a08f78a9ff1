// checkpoint.h - checkpoints. A thread writes complete, sealed files while training continues; --resume takes
// the newest intact one. The format is in docs/formats.md.
#ifndef MG_TRAIN_CHECKPOINT_H
#define MG_TRAIN_CHECKPOINT_H

#include "io/directory.h"
#include "solver/solver.h"

#include <stdbool.h>

// The position of a run. Together with the solver's fields and the best weights it determines all later
// steps.
typedef struct mg_position {
    int64_t epoch; // current epoch, from 0
    // next minibatch of the epoch. If it equals steps_per_epoch, all are done, but the end of the epoch has
    // not been processed
    int64_t batch;
    int64_t step;         // number of steps done
    int64_t events;       // number of epoch and eval lines of metrics.jsonl so far
    double loss;          // weighted sum of the losses of this epoch's rows so far
    int64_t loss_rows;    // number of rows in that sum
    double best_accuracy; // best accuracy on the validation rows so far; -1: not evaluated yet
    int64_t best_epoch, best_step;
    int64_t stale; // number of evaluations since then
} mg_position;

// The number of the current epoch, or of the one that has just ended, counted from 1 as users see it.
static inline int64_t mg_position_epoch(const mg_position *at) { return at->epoch + (at->batch > 0); }

// What a run and a checkpoint must have in common, so that the run can be resumed from it.
typedef struct mg_identity {
    const char *config; // the canonical configuration
    // `auto` may choose another solver on a machine with less memory, so the chosen one is part of the
    // identity
    const char *solver;
    int64_t train_fingerprint, validation_fingerprint;
    int64_t init_fingerprint; // fingerprint of the weights of --init; 0: the run starts from zeros
    const char *init_model;   // file name of --init, for messages; NULL: none
} mg_identity;

// the solver's fields, three for the best weights, and those of a path
enum { MG_CHECKPOINT_FIELDS = MG_MOST_FIELDS + 7 };

// The content of a checkpoint. The position is an input of writing and an output of restoring.
typedef struct mg_checkpoint_state {
    const mg_field *fields; // [count]
    int count;              // 0: a file without state, such as begun.h5
    mg_position *position;
} mg_checkpoint_state;

typedef struct mg_checkpointer mg_checkpointer;

// `directory`: where checkpoints are written; it must stay open as long as the checkpointer exists. `fields`:
// the arrays of the state; their memory must stay in place. Errors: MG_MEMORY, MG_FAILED.
mg_status mg_checkpointer_create(const mg_directory *directory, int64_t keep, const mg_identity *identity,
                                 const mg_field *fields, int count, mg_checkpointer **out, mg_error *error);
void mg_checkpointer_destroy(mg_checkpointer *checkpointer);

// Copies the state and passes it to the writing thread. `still`: the caller will not change the state before
// it has the result, so the state need not be copied. Returns false, and does nothing, if the previous
// checkpoint is still being written.
bool mg_checkpointer_submit(mg_checkpointer *checkpointer, const mg_position *position, bool still);

// Returns the result of a submitted checkpoint: MG_OK with its *step and the *seconds it took, or the error
// of writing. *news becomes false if there is no new result. `wait`: waits until there is one.
mg_status mg_checkpointer_result(mg_checkpointer *checkpointer, bool wait, bool *news, int64_t *step,
                                 double *seconds, mg_error *error);

// Restores the newest intact checkpoint of the directory into *state. *found becomes false if there is no
// checkpoint. Errors: MG_DATA if no checkpoint is intact, or if an intact one has content that no run writes;
// MG_CONFIG if it belongs to another configuration or other data; MG_IO, MG_MEMORY.
// The hooks: `message` receives a line about each damaged checkpoint. `difference` writes which options
// differ between two canonical configurations; returns how many.
typedef struct mg_resume_hooks {
    void *context;
    void (*message)(void *context, const char *line);
    int (*difference)(const char *before, const char *now, char *out, size_t size);
    // Checks whether position and fields, each of which is within its bounds, fit together. May be NULL.
    // Errors: MG_DATA.
    mg_status (*check)(void *context, const mg_position *position, mg_error *error);
} mg_resume_hooks;
mg_status mg_checkpoint_resume(const mg_directory *directory, const mg_identity *identity,
                               const mg_checkpoint_state *state, const mg_resume_hooks *hooks, bool *found,
                               mg_error *error);

// The file begun.h5 has the identity of a run, but no state. mg_checkpoint_begin writes it before the first
// checkpoint. mg_checkpoint_check compares it with `identity`; --resume uses that if there is no checkpoint.
// Errors of writing: MG_IO, MG_MEMORY. Errors of comparing: MG_CONFIG with the difference, MG_IO, MG_DATA.
mg_status mg_checkpoint_begin(const mg_directory *directory, const char *name, const mg_identity *identity,
                              mg_error *error);
mg_status mg_checkpoint_check(const mg_directory *directory, const char *name, const mg_identity *identity,
                              const mg_resume_hooks *hooks, mg_error *error);

// What a run started from. It is read from a checkpoint or begun.h5 of any version of margin.
typedef struct mg_origin {
    char *config;
    int64_t init_fingerprint;
    char *init_model; // NULL: none
} mg_origin;

// Reads the origin from one file of the directory. Errors: MG_IO, MG_DATA, MG_MEMORY.
mg_status mg_checkpoint_origin_read(const mg_directory *directory, const char *name, mg_origin *out,
                                    mg_error *error);
// Reads the origin from the newest intact checkpoint of the directory. Errors: the same; MG_DATA if there is
// none.
mg_status mg_checkpoint_newest_origin(const mg_directory *directory, mg_origin *out, mg_error *error);
void mg_checkpoint_origin_clear(mg_origin *origin);

// Reads position and configuration of a checkpoint, with the same checks as --resume. The file must be open
// and its seal verified. The caller frees *config. Errors: MG_DATA, MG_MEMORY.
mg_status mg_checkpoint_look(mg_h5 *file, mg_position *position, char **config, mg_error *error);

// Deletes all checkpoints and temporary files in the directory.
mg_status mg_checkpoint_clear(const mg_directory *directory, mg_error *error);

#endif
