// run_memory.h - checks that memory suffices for a run, before the run uses it.
#ifndef MG_TRAIN_RUN_MEMORY_H
#define MG_TRAIN_RUN_MEMORY_H

#include "train/run.h"

typedef struct mg_run_memory {
    int64_t room;  // bytes available before the state is created
    int64_t begun; // bytes allocated at that time, including rows
    int64_t state, windows;
} mg_run_memory;

// Call it before the state is created. From then on, until mg_run_memory_check, allocations are not
// checked one by one.
void mg_run_memory_begin(mg_run_memory *memory);

// mg_run_memory_state must be called after the state has been created, mg_run_memory_windows after the
// windows.
void mg_run_memory_state(mg_run_memory *memory);
void mg_run_memory_windows(mg_run_memory *memory);

// Checks that state, snapshot, image of a checkpoint and windows fit in memory together. `status`: the result
// of creating them. Errors: MG_MEMORY; the message has the sum, its parts, and what helps.
mg_status mg_run_memory_check(const mg_run_memory *memory, const mg_run *run, mg_status status,
                              mg_error *error);

// Bytes that an open run needs at most, its rows included.
double mg_run_memory_need(const mg_run *run);

#endif
