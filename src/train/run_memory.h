// run_memory.h - what a run will need, in sum, before any of it is used.
#ifndef MG_TRAIN_RUN_MEMORY_H
#define MG_TRAIN_RUN_MEMORY_H

#include "train/run.h"

typedef struct mg_run_memory {
    int64_t room;  // before the state was created
    int64_t begun; // bytes of all blocks then, rows included
    int64_t state, windows;
} mg_run_memory;

// Called before the state is created; blocks are then granted without a look until mg_run_memory_check.
void mg_run_memory_begin(mg_run_memory *memory);

// Called when the state, and then the windows, are there.
void mg_run_memory_state(mg_run_memory *memory);
void mg_run_memory_windows(mg_run_memory *memory);

// Do the state, its snapshot, the image of a checkpoint and the windows fit together? status: of creating
// them. Errors: MG_MEMORY, with the sum, its parts and what helps.
mg_status mg_run_memory_check(const mg_run_memory *memory, const mg_run *run, mg_status status,
                              mg_error *error);

#endif
