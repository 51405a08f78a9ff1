// comm.c - owns the connection of the ranks, their agreement, and the transfer of records.
#include "comm/comm.h"

#include "base/hash.h"
#include "base/memory.h"
#include "comm/transfer.h"

#include <stdio.h>
#include <string.h>

typedef struct mg_comm_vote {
    uint64_t word, hash; // hash: of the error text, or the one of mg_comm_same
    int64_t status;
} mg_comm_vote;

typedef struct greeting {
    int64_t shards;
    char host[MG_TRANSPORT_HOST];
} greeting;

static int64_t cut(int64_t count, int64_t parts, int64_t p) { return count * p / parts; }

int64_t mg_comm_first_shard(const mg_comm *comm, int rank) { return cut(comm->shards, comm->ranks, rank); }

int64_t mg_comm_shard_row(const mg_comm *comm, int64_t rows, int64_t shard) {
    return cut(rows, comm->shards, shard);
}

int64_t mg_comm_rank_row(const mg_comm *comm, int64_t rows, int rank) {
    return mg_comm_shard_row(comm, rows, mg_comm_first_shard(comm, rank));
}

// ---- connection ---------------------------------------------------------------------------------

// Every rank learns the machine and the number of shards of all others.
static mg_status greet(mg_comm *comm, greeting *all, mg_error *error) {
    greeting *own = &all[comm->rank];
    own->shards = comm->shards;
    snprintf(own->host, sizeof own->host, "%s", comm->by ? comm->by->host : "");
    for (int r = 0; r < comm->ranks; r++) comm->from[r] = sizeof *own;
    mg_status status = mg_comm_gather(comm, own, sizeof *own, all, error);
    if (status) return status;
    for (int r = 0; r < comm->ranks; r++) {
        memcpy(comm->host[r], all[r].host, sizeof comm->host[r]);
        comm->host[r][MG_TRANSPORT_HOST - 1] = 0;
    }
    for (int r = 1; r < comm->ranks; r++)
        if (all[r].shards != all[0].shards)
            return mg_fail(
                error, MG_CONFIG,
                "train.shards: %lld on rank %d (%s), but %lld on rank 0 (%s): start all ranks with "
                "the same configuration",
                (long long)all[r].shards, r, comm->host[r], (long long)all[0].shards, comm->host[0]);
    return MG_OK;
}

static mg_status check(const mg_comm *comm, mg_error *error) {
    if (comm->shards < 1 || (comm->shards & (comm->shards - 1)))
        return mg_fail(error, MG_CONFIG, "train.shards: %lld is not a power of two", (long long)comm->shards);
    int64_t enough = comm->shards;
    while (enough < comm->ranks) enough *= 2;
    if (enough > comm->shards)
        return mg_fail(
            error, MG_CONFIG,
            "train.shards: %lld, but every one of the %d ranks needs a shard: set train.shards to a "
            "power of two from %lld on (it changes the result, the number of ranks does not)",
            (long long)comm->shards, comm->ranks, (long long)enough);
    return MG_OK;
}

mg_status mg_comm_create(const mg_transport *transport, int64_t shards, double timeout, mg_comm **out,
                         mg_error *error) {
    mg_comm *comm;
    greeting *all = NULL;
    *out = NULL;
    mg_status status = mg_memory_zeroed(&comm, 1, sizeof *comm, error);
    if (status) return status;
    comm->by = transport;
    comm->rank = transport ? transport->rank : 0;
    comm->ranks = transport ? transport->ranks : 1;
    comm->shards = shards;
    comm->timeout = timeout;
    size_t ranks = (size_t)comm->ranks;
    status = mg_memory_zeroed(&comm->host, ranks, sizeof *comm->host, error);
    if (!status && transport) memcpy(comm->host[comm->rank], transport->host, sizeof *comm->host);
    if (!status) status = mg_memory_zeroed(&comm->to, ranks, sizeof *comm->to, error);
    if (!status) status = mg_memory_zeroed(&comm->from, ranks, sizeof *comm->from, error);
    if (!status) status = mg_memory_zeroed(&comm->votes, ranks, sizeof *comm->votes, error);
    if (!status) status = mg_memory_zeroed(&all, ranks, sizeof *all, error);
    if (!status) status = greet(comm, all, error);
    if (!status) status = check(comm, error);
    mg_memory_free(all);
    if (status) {
        mg_comm_destroy(comm);
        return status;
    }
    comm->first = mg_comm_first_shard(comm, comm->rank);
    comm->end = mg_comm_first_shard(comm, comm->rank + 1);
    *out = comm;
    return MG_OK;
}

void mg_comm_destroy(mg_comm *comm) {
    if (!comm) return;
    mg_memory_free(comm->host);
    mg_memory_free(comm->to);
    mg_memory_free(comm->from);
    mg_memory_free(comm->votes);
    mg_memory_free(comm);
}

// ---- agreement ----------------------------------------------------------------------------------

static mg_status vote(mg_comm *comm, mg_comm_vote own, mg_error *error) {
    comm->votes[comm->rank] = own;
    for (int r = 0; r < comm->ranks; r++) comm->from[r] = sizeof own;
    return mg_comm_gather(comm, &own, sizeof own, comm->votes, error);
}

// The lowest rank with a failure; if there is none, the lowest that was stopped; -1 if all are well. *alike:
// all ranks bring the same status and text.
static int worst(const mg_comm *comm, bool *alike) {
    int failed = -1, stopped = -1;
    *alike = true;
    for (int r = comm->ranks - 1; r >= 0; r--) {
        int64_t status = comm->votes[r].status;
        if (status == MG_STOPPED) stopped = r;
        else if (status) failed = r;
        *alike = *alike && status == comm->votes[0].status && comm->votes[r].hash == comm->votes[0].hash;
    }
    return failed >= 0 ? failed : stopped;
}

// All ranks take the error of rank `culprit`.
static mg_status take_error(mg_comm *comm, int culprit, const mg_error *own, mg_error *error) {
    mg_error theirs = *own;
    mg_status status = (mg_status)comm->votes[culprit].status;
    for (int r = 0; r < comm->ranks; r++) comm->from[r] = r == culprit ? sizeof theirs.text : 0;
    bool mine = comm->rank == culprit;
    // Only one block has bytes, so it begins at the start of the array on every rank.
    mg_status lost = mg_comm_gather(comm, theirs.text, mine ? sizeof theirs.text : 0, theirs.text, error);
    if (lost) return lost;
    theirs.text[sizeof theirs.text - 1] = 0;
    return mg_fail(error, status, "rank %d (%s): %s", culprit, comm->host[culprit], theirs.text);
}

void mg_comm_forgive(mg_comm *comm) { comm->failed = false; }

static mg_status agree(mg_comm *comm, mg_status status, uint64_t *word, mg_error *error) {
    mg_error own = {0};
    if (status && error) own = *error;
    size_t length = strnlen(own.text, sizeof own.text);
    memset(own.text + length, 0, sizeof own.text - length);
    mg_comm_vote mine = {word ? *word : 0, status ? mg_hash_bytes(0, own.text, length) : 0, status};
    mg_status lost = vote(comm, mine, error);
    if (lost) return lost;
    bool alike;
    int culprit = worst(comm, &alike);
    for (int r = 0; word && r < comm->ranks; r++) *word |= comm->votes[r].word;
    if (culprit < 0 || alike) return status;
    return take_error(comm, culprit, &own, error);
}

mg_status mg_comm_agree(mg_comm *comm, mg_status status, uint64_t *word, mg_error *error) {
    if (comm->failed) return status;
    status = agree(comm, status, word, error);
    // If ranks cannot be reached any more, every later call fails too, also without this flag.
    comm->failed = status && status != MG_STOPPED && !comm->lost.status;
    return status;
}

mg_status mg_comm_same(mg_comm *comm, uint64_t hash, mg_status status, const char *what, const char *advice,
                       mg_error *error) {
    mg_status lost = vote(comm, (mg_comm_vote){.hash = hash}, error);
    if (lost) return lost;
    for (int r = 1; r < comm->ranks; r++)
        if (comm->votes[r].hash != comm->votes[0].hash)
            return mg_fail(error, status, "%s of rank %d (%s) differ from those of rank 0 (%s): %s", what, r,
                           comm->host[r], comm->host[0], advice);
    return MG_OK;
}

// ---- records and rows ---------------------------------------------------------------------------

mg_status mg_comm_records(mg_comm *comm, const void *own, size_t bytes, void *all, mg_error *error) {
    size_t mine = (size_t)mg_comm_own_shards(comm) * bytes;
    for (int r = 0; r < comm->ranks; r++)
        comm->from[r] = (size_t)(mg_comm_first_shard(comm, r + 1) - mg_comm_first_shard(comm, r)) * bytes;
    memcpy((char *)all + (size_t)comm->first * bytes, own, mine);
    return mg_comm_gather(comm, own, mine, all, error);
}

typedef void merge_records(void *context, void *left, const void *right);

// Merges the records all[V][bytes] along the tree: merge(context, left, right) changes the record `left` to
// the union of both. The result is the first record.
static void fold_records(const mg_comm *comm, void *all, size_t bytes, merge_records *merge, void *context) {
    for (int64_t step = 1; step < comm->shards; step *= 2)
        for (int64_t left = 0; left < comm->shards; left += 2 * step)
            merge(context, (char *)all + (size_t)left * bytes, (char *)all + (size_t)(left + step) * bytes);
}

static void add_reals(void *context, void *left, const void *right) {
    const int64_t *count = context;
    double *to = left;
    for (int64_t i = 0; i < *count; i++) to[i] += ((const double *)right)[i];
}

static void add_counts(void *context, void *left, const void *right) {
    const int64_t *count = context;
    int64_t *to = left;
    for (int64_t i = 0; i < *count; i++) to[i] += ((const int64_t *)right)[i];
}

// Both types have 8 bytes.
static mg_status fold(mg_comm *comm, const void *own, int64_t count, void *work, merge_records *add,
                      mg_error *error) {
    size_t bytes = (size_t)count * sizeof(double);
    mg_status status = mg_comm_records(comm, own, bytes, work, error);
    if (!status) fold_records(comm, work, bytes, add, &count);
    return status;
}

mg_status mg_comm_fold(mg_comm *comm, const double *own, int64_t count, double *work, double *out,
                       mg_error *error) {
    mg_status status = fold(comm, own, count, work, add_reals, error);
    if (!status) memcpy(out, work, (size_t)count * sizeof *out);
    return status;
}

mg_status mg_comm_fold_counts(mg_comm *comm, const int64_t *own, int64_t count, int64_t *work, int64_t *out,
                              mg_error *error) {
    mg_status status = fold(comm, own, count, work, add_counts, error);
    if (!status) memcpy(out, work, (size_t)count * sizeof *out);
    return status;
}

mg_status mg_comm_share(mg_comm *comm, void *bytes, size_t size, mg_error *error) {
    for (int r = 0; r < comm->ranks; r++) comm->from[r] = r == 0 ? size : 0;
    return mg_comm_gather(comm, bytes, comm->rank == 0 ? size : 0, bytes, error);
}
