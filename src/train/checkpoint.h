// checkpoint.h - the run made safe: a thread writes whole, sealed files while training goes on; resuming
// takes the newest that verifies. Format: docs/formats.md.
#ifndef MG_TRAIN_CHECKPOINT_H
#define MG_TRAIN_CHECKPOINT_H

#include "io/directory.h"
#include "solver/solver.h"

#include <stdbool.h>

// Where the run is. With the solver's fields and the best weights this is everything the next step depends
// on.
typedef struct mg_position {
    int64_t epoch;     // from 0
    int64_t batch;     // next batch of the epoch; steps_per_epoch: the epoch's end is still to be dealt with
    int64_t step;      // steps done
    int64_t events;    // lines of metrics so far
    double loss;       // weighted sum of losses of the epoch's rows so far
    int64_t loss_rows; // rows in it
    double best_accuracy; // on the validation rows, -1 before the first evaluation
    int64_t best_epoch, best_step;
    int64_t stale; // evaluations since the best
} mg_position;

// From 1: the current epoch, or the one that has just ended.
static inline int64_t mg_position_epoch(const mg_position *at) { return at->epoch + (at->batch > 0); }

// What a checkpoint must agree with to be continued.
typedef struct mg_identity {
    const char *config; // canonical text
    const char *solver; // the configuration may leave it to the rules, which look at the machine's memory
    int64_t train_fingerprint, validation_fingerprint;
    int64_t init_fingerprint; // of the weights that training starts from (--init); 0: zeros
    const char *init_model;   // the file they come from, for messages; NULL: none
} mg_identity;

enum { MG_CHECKPOINT_FIELDS = MG_MOST_FIELDS + 7 }; // the solver's, three of the best weights, a path's

// What a checkpoint holds. The position is read when a checkpoint is written, and filled when it is restored.
typedef struct mg_checkpoint_state {
    const mg_field *fields; // [count]
    int count;              // 0: a file without any state, such as begun.h5
    mg_position *position;
} mg_checkpoint_state;

typedef struct mg_checkpointer mg_checkpointer;

// directory: of the checkpoints; it stays open as long. fields: arrays of the state, stable for the run.
// Errors: MG_MEMORY, MG_FAILED.
mg_status mg_checkpointer_create(const mg_directory *directory, int64_t keep, const mg_identity *identity,
                                 const mg_field *fields, int count, mg_checkpointer **out, mg_error *error);
void mg_checkpointer_destroy(mg_checkpointer *checkpointer);

// Copies the state and hands it to the writing thread; `still`: the state will not change until the result is
// there, and is written from where it lies. False, and nothing done, while the one before is still being
// written.
bool mg_checkpointer_submit(mg_checkpointer *checkpointer, const mg_position *position, bool still);

// What became of a submitted checkpoint: MG_OK with *step, or its failure. *news false: nothing new. `wait`:
// first wait for it.
mg_status mg_checkpointer_result(mg_checkpointer *checkpointer, bool wait, bool *news, int64_t *step,
                                 double *seconds, mg_error *error);

// Restores the newest checkpoint of the directory that verifies into *state; *found false
// when there is none. `message` hears of each that does not verify. `difference` names what differs between
// two canonical texts. Errors: MG_DATA when none of several verifies, or one that does holds what no run
// writes; MG_CONFIG when it belongs to another configuration or other data.
typedef struct mg_resume_hooks {
    void *context;
    void (*message)(void *context, const char *line);
    int (*difference)(const char *before, const char *now, char *out, size_t size);
    // Do position and fields, all restored and each within its bounds, belong together? May be NULL. Errors:
    // MG_DATA with what does not.
    mg_status (*check)(void *context, const mg_position *position, mg_error *error);
} mg_resume_hooks;
mg_status mg_checkpoint_resume(const mg_directory *directory, const mg_identity *identity,
                               const mg_checkpoint_state *state, const mg_resume_hooks *hooks, bool *found,
                               mg_error *error);

// What a run is, in a file without any state: written before its first checkpoint, and compared by a
// resumption that finds none. Errors: those of writing; MG_CONFIG naming what differs, MG_IO, MG_DATA.
mg_status mg_checkpoint_begin(const mg_directory *directory, const char *name, const mg_identity *identity,
                              mg_error *error);
mg_status mg_checkpoint_check(const mg_directory *directory, const char *name, const mg_identity *identity,
                              const mg_resume_hooks *hooks, mg_error *error);

// What a run was begun from, as such a file or a checkpoint of any version of margin tells it.
typedef struct mg_origin {
    char *config;
    int64_t init_fingerprint;
    char *init_model; // NULL: none
} mg_origin;

// Errors: MG_IO, MG_DATA, MG_MEMORY.
mg_status mg_checkpoint_origin_read(const mg_directory *directory, const char *name, mg_origin *out,
                                    mg_error *error);
void mg_checkpoint_origin_clear(mg_origin *origin);

// Where a checkpoint is and the configuration it belongs to (the caller frees it), checked like those a run
// goes on from. The file is open and its seal is correct. Errors: MG_DATA, MG_MEMORY.
mg_status mg_checkpoint_look(mg_h5 *file, mg_position *position, char **config, mg_error *error);

// Deletes every checkpoint and leftover of the directory.
mg_status mg_checkpoint_clear(const mg_directory *directory, mg_error *error);

#endif
