// run_memory.h - checks that a run has enough memory, before it uses any.
#ifndef MG_TRAIN_RUN_MEMORY_H
#define MG_TRAIN_RUN_MEMORY_H

#include "train/run.h"

typedef struct mg_run_memory {
    int64_t room;  // available before the state is created
    int64_t begun; // bytes allocated then, rows included
    int64_t state, windows;
} mg_run_memory;

// Call this before the state is created. Allocations are then not checked one by one, until
// mg_run_memory_check.
void mg_run_memory_begin(mg_run_memory *memory);

// Call these after the state, and after the windows, are created.
void mg_run_memory_state(mg_run_memory *memory);
void mg_run_memory_windows(mg_run_memory *memory);

// Checks that the state, its snapshot, the image of a checkpoint and the windows fit together. `status`:
// result of creating them. Errors: MG_MEMORY, with the sum, its parts and what helps.
mg_status mg_run_memory_check(const mg_run_memory *memory, const mg_run *run, mg_status status,
                              mg_error *error);

#endif
