// shard_moments.c - merges the moments of shards by plain sums: first those of the means, then those of the
// squared deviations from the mean of all rows. Means are summed as differences from the mean of one shard,
// so that a constant column keeps deviations of exactly 0.
#include "data/shard_moments.h"

#include "base/memory.h"
#include "comm/blocks.h"

#include <string.h>

typedef struct shard_job {
    mg_comm *comm;
    const mg_store *store;
    int64_t rows;
    const float *weight;
    double *origin; // [features] mean of the first shard with a weight above 0
    mg_moments *out;
} shard_job;

static int64_t own_row(const shard_job *job, int64_t shard) {
    const mg_comm *comm = job->comm;
    return mg_comm_shard_row(comm, job->rows, shard) - mg_comm_shard_row(comm, job->rows, comm->first);
}

// The moments of one shard. The caller destroys them.
static mg_status moments_of(const shard_job *job, int64_t shard, mg_moments *out, mg_error *error) {
    int64_t first = own_row(job, shard), count = own_row(job, shard + 1) - first;
    mg_status status = mg_moments_create(out, job->store->layout, job->store->features, error);
    if (status) return status;
    mg_moments_add(out, job->store, first, count, job->weight ? job->weight + first : NULL);
    mg_moments_finish(out);
    return MG_OK;
}

// What a shard adds to the sums of the means; the last element is its weight.
static void put_mean(const shard_job *job, const mg_moments *shard, double *to) {
    for (int64_t d = 0; d < shard->features; d++) {
        to[d] = shard->weight > 0 ? shard->weight * (shard->mean[d] - job->origin[d]) : 0;
        if (shard->most[d] > job->out->most[d]) job->out->most[d] = shard->most[d];
    }
    to[shard->features] = shard->weight;
}

// What a shard adds to the squared deviations from the mean of all rows.
static void put_squares(const shard_job *job, const mg_moments *shard, double *to) {
    for (int64_t d = 0; d < shard->features; d++) {
        double apart = shard->weight > 0 ? shard->mean[d] - job->out->mean[d] : 0;
        to[d] = shard->squares[d] + shard->weight * apart * apart;
    }
    to[shard->features] = 0;
}

typedef void put_shard(const shard_job *job, const mg_moments *shard, double *to);

static mg_status sum_shards(const shard_job *job, mg_comm_sum *sum, put_shard *put, double *total,
                            mg_error *error) {
    mg_status status = MG_OK;
    mg_comm_sum_begin(sum, total);
    for (int64_t s = job->comm->first; s < job->comm->end; s++) {
        mg_moments shard = {0};
        double *to = mg_comm_sum_next(sum);
        memset(to, 0, ((size_t)job->store->features + 1) * sizeof *to);
        if (!status) status = moments_of(job, s, &shard, error);
        if (!status) put(job, &shard, to);
        mg_moments_destroy(&shard);
        mg_comm_sum_add(sum);
    }
    status = mg_comm_agree(job->comm, status, NULL, error);
    return status ? status : mg_comm_sum_end(sum, error);
}

static double weight_of(const shard_job *job, int64_t shard) {
    double sum = 0;
    for (int64_t row = own_row(job, shard); row < own_row(job, shard + 1); row++)
        sum += job->weight ? (double)job->weight[row] : 1;
    return sum;
}

// Finds the first shard with a weight above 0; its rank computes its mean, for all.
static mg_status find_origin(const shard_job *job, mg_error *error) {
    mg_comm *comm = job->comm;
    double *own = NULL, *all = NULL;
    size_t *bytes = NULL, size = (size_t)job->store->features * sizeof *job->origin;
    mg_status status = mg_memory_get(&own, (size_t)mg_comm_own_shards(comm), sizeof *own, error);
    if (!status) status = mg_memory_get(&all, (size_t)comm->shards, sizeof *all, error);
    if (!status) status = mg_memory_zeroed(&bytes, (size_t)comm->ranks, sizeof *bytes, error);
    for (int64_t s = comm->first; !status && s < comm->end; s++) own[s - comm->first] = weight_of(job, s);
    status = mg_comm_agree(comm, status, NULL, error);
    if (!status) status = mg_comm_records(comm, own, sizeof *own, all, error);
    int64_t first = 0;
    while (!status && first < comm->shards - 1 && !(all[first] > 0)) first++;
    mg_moments shard = {0};
    bool mine = first >= comm->first && first < comm->end;
    if (!status && mine) status = moments_of(job, first, &shard, error);
    if (!status && mine) memcpy(job->origin, shard.mean, size);
    mg_moments_destroy(&shard);
    status = mg_comm_agree(comm, status, NULL, error);
    for (int r = 0; !status && r < comm->ranks; r++)
        if (first >= mg_comm_first_shard(comm, r) && first < mg_comm_first_shard(comm, r + 1))
            bytes[r] = size;
    if (!status) status = mg_comm_blocks(comm, bytes, job->origin, error);
    mg_memory_free(own);
    mg_memory_free(all);
    mg_memory_free(bytes);
    return status;
}

// Takes the largest magnitudes of all ranks.
static mg_status unite_most(const shard_job *job, mg_error *error) {
    mg_comm *comm = job->comm;
    int64_t features = job->store->features;
    float *all = NULL;
    if (comm->ranks == 1) return MG_OK;
    mg_status status =
        mg_comm_copies(comm, job->out->most, (size_t)features * sizeof *all, (void **)&all, error);
    for (int r = 0; !status && r < comm->ranks; r++)
        for (int64_t d = 0; d < features; d++)
            if (all[r * features + d] > job->out->most[d]) job->out->most[d] = all[r * features + d];
    mg_memory_free(all);
    return status;
}

mg_status mg_shard_moments(mg_comm *comm, const mg_store *store, int64_t rows, const float *weight,
                           mg_moments *out, mg_error *error) {
    shard_job job = {comm, store, rows, weight, NULL, out};
    size_t features = (size_t)store->features;
    mg_comm_sum *sum = NULL;
    double *total = NULL;
    mg_status status = mg_moments_create(out, store->layout, store->features, error);
    if (!status) status = mg_memory_zeroed(&job.origin, features, sizeof *job.origin, error);
    if (!status) status = mg_memory_get(&total, features + 1, sizeof *total, error);
    if (!status) status = mg_comm_sum_create(comm, store->features + 1, MG_COMM_F64, &sum, error);
    status = mg_comm_agree(comm, status, NULL, error);
    if (!status) status = find_origin(&job, error);
    if (!status) status = sum_shards(&job, sum, put_mean, total, error);
    if (!status) status = unite_most(&job, error);
    if (!status) out->weight = total[features];
    for (size_t d = 0; !status && d < features; d++)
        out->mean[d] = job.origin[d] + (out->weight > 0 ? total[d] / out->weight : 0);
    if (!status) status = sum_shards(&job, sum, put_squares, total, error);
    if (!status) memcpy(out->squares, total, features * sizeof *total);
    mg_comm_sum_destroy(sum);
    mg_memory_free(job.origin);
    mg_memory_free(total);
    return status;
}
