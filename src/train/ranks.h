// ranks.h - what the ranks of a run do together (docs/distributed.md). Rank 0 has the directory, the messages
// and the clock. All ranks take the same decisions, because a rank that waits for another one alone would
// wait forever. With a single rank, these functions only return what the process knows.
#ifndef MG_TRAIN_RANKS_H
#define MG_TRAIN_RANKS_H

#include "train/run.h"

// Connects the ranks. Refuses what only one rank can do, and ranks with different configurations. Errors:
// MG_CONFIG, MG_MEMORY, MG_FAILED.
mg_status mg_run_connect(mg_run *run, mg_error *error);

// Agrees on a status: see mg_comm_agree. Call it before ranks wait for each other, wherever one of them
// can have failed alone.
mg_status mg_run_agree(const mg_run *run, mg_status status, mg_error *error);

// The same after a step, or before the first one. Also agrees whether the run was asked to stop or to finish,
// and takes over the training time of rank 0.
mg_status mg_run_agree_on_step(mg_run *run, mg_status status, mg_error *error);

// What rank 0 says. false if ranks cannot be reached any more; the next mg_run_agree then reports it.
bool mg_run_root_says(const mg_run *run, bool says);

// Copies a value of rank 0 to all ranks.
mg_status mg_run_share(const mg_run *run, void *value, size_t size, mg_error *error);

// Fails if the weights of a rank differ from those of rank 0. All ranks compute them from the same sums, so a
// machine then computes wrongly. Errors: MG_NONFINITE, MG_FAILED.
mg_status mg_run_check_weights(const mg_run *run, mg_error *error);

// Collects the fields of the state that belong to rows, on rank 0: its checkpoints have those of all ranks,
// as if it were the only one. Errors: MG_MEMORY, MG_FAILED.
mg_status mg_run_collect(mg_run *run, mg_error *error);

// The fields of the checkpoints that rank 0 writes: run->fields, with what mg_run_collect has collected.
void mg_run_collected_fields(mg_run *run, mg_field out[MG_CHECKPOINT_FIELDS]);

#endif
