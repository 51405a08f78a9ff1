// shard_moments.h - column moments of rows that are cut into several shards.
#ifndef MG_DATA_SHARD_MOMENTS_H
#define MG_DATA_SHARD_MOMENTS_H

#include "comm/comm.h"
#include "data/moments.h"

// Computes the moments of all `rows` rows. `store` has the rows of this rank's shards, and `weight` their
// weights (NULL: all 1). The result depends on the shards, not on the ranks. *out must be zero; it is
// finished. Errors: MG_MEMORY; those of mg_comm_sum_end.
mg_status mg_shard_moments(mg_comm *comm, const mg_store *store, int64_t rows, const float *weight,
                           mg_moments *out, mg_error *error);

#endif
