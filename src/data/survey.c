// survey.c - reads all rows of a data set once: into memory if they stay there, and for fingerprint, used
// columns and moments.
#include "data/survey.h"

#include "base/activity.h"
#include "base/hash.h"
#include "base/memory.h"
#include "comm/blocks.h"
#include "data/shard_moments.h"
#include "parallel/cut.h"

#include <string.h>

// The number of rows that the survey reads at a time. A chunk can only be decompressed as a whole, and the
// survey reads all rows in order, so it reads whole chunks.
static int64_t survey_step(const mg_dataset *dataset) {
    int64_t block = dataset->block_rows, chunk = mg_source_chunk_rows(dataset->source);
    bool by_chunks = chunk > block && !dataset->select && chunk <= mg_max(dataset->window_rows, block);
    return mg_min(by_chunks ? chunk : block, dataset->count);
}

static void hash_rows(const mg_store *store, int64_t first, int64_t count, uint64_t *digest) {
    for (int64_t i = first; i < first + count; i++) {
        if (store->layout == MG_DENSE) {
            size_t cell = mg_cell_size(store->cell);
            const char *row = (const char *)store->dense + (size_t)(i * store->stride) * cell;
            *digest = mg_hash_bytes(*digest, row, (size_t)store->features * cell);
        } else {
            int64_t from = store->indptr[i];
            size_t n = (size_t)(store->indptr[i + 1] - from);
            *digest = mg_hash_bytes(*digest, store->indices + from, n * sizeof *store->indices);
            *digest = mg_hash_bytes(*digest, store->values + from, n * sizeof *store->values);
        }
    }
}

static mg_status drop_unused(mg_dataset *dataset, mg_used *used, mg_error *error) {
    mg_status status = mg_used_unite(used, dataset->all.comm, error);
    if (status) return status;
    mg_used_finish(used);
    return mg_used_pays(used) ? mg_dataset_use(dataset, used, error) : MG_OK;
}

// What a reading of all rows serves.
typedef struct reading {
    mg_dataset *dataset;
    mg_store *store; // that is kept, or a single block that is reused
    mg_used *used;   // the columns that occur are marked in it; NULL: they are not
    bool moments;    // the rows are added to the moments
} reading;

static mg_status read_block(const reading *r, int64_t first, int64_t rows, uint64_t *digest,
                            mg_error *error) {
    mg_dataset *dataset = r->dataset;
    mg_store *store = r->store;
    if (!dataset->resident) store->count = 0;
    int64_t before = store->borrowed ? first : store->count;
    mg_status status = store->borrowed
                           ? mg_source_check_lent(dataset->source, store, first, rows, error)
                           : mg_source_read(dataset->source, dataset->select, first, rows, store, error);
    if (status) return status;
    hash_rows(store, before, rows, digest);
    if (r->used && mg_used_may_pay(r->used)) {
        int64_t from = store->indptr[before];
        mg_used_mark(r->used, store->indptr[before + rows] - from, store->indices + from);
    }
    if (r->moments)
        mg_moments_add(&dataset->moments, store, before, rows,
                       dataset->weight ? dataset->weight + first : NULL);
    return MG_OK;
}

// Reads all rows once, block by block. Every shard has a digest of its own: [own shards].
static mg_status read_all(const reading *r, uint64_t *digest, mg_error *error) {
    const mg_dataset *dataset = r->dataset;
    mg_status status = MG_OK;
    int64_t step = survey_step(dataset);
    MG_ACTIVITY("reading rows", dataset->count);
    for (int64_t s = 0; s < mg_dataset_own_shards(dataset); s++) {
        int64_t end = mg_dataset_shard_row(dataset, s + 1);
        for (int64_t first = mg_dataset_shard_row(dataset, s), rows; !status && first < end; first += rows) {
            rows = mg_cut_next(first, end, step);
            status = read_block(r, first, rows, &digest[s], error);
            mg_activity_advance(activity, rows);
        }
    }
    return status;
}

// Reads all rows and adds their digests to the fingerprint.
static mg_status read_and_hash(const reading *r, uint64_t *fingerprint, mg_error *error) {
    mg_comm *comm = r->dataset->all.comm;
    if (!comm || comm->shards == 1) return read_all(r, fingerprint, error);
    size_t own = (size_t)mg_comm_own_shards(comm), shards = (size_t)comm->shards;
    uint64_t *digest = NULL, *all = NULL;
    mg_status status = mg_memory_zeroed(&digest, own, sizeof *digest, error);
    if (!status) status = mg_memory_get(&all, shards, sizeof *all, error);
    if (!status) status = read_all(r, digest, error);
    status = mg_comm_agree(comm, status, NULL, error);
    if (!status) status = mg_comm_records(comm, digest, sizeof *digest, all, error);
    if (!status) *fingerprint = mg_hash_bytes(*fingerprint, all, shards * sizeof *all);
    mg_memory_free(digest);
    mg_memory_free(all);
    return status;
}

static mg_status refuse_streaming(const mg_dataset *dataset, mg_error *error) {
    double bytes =
        mg_store_bytes(dataset->layout, dataset->cell, dataset->features, dataset->count, dataset->stored);
    return mg_fail(error, MG_CONFIG,
                   "train.shards: %lld needs all rows in memory, which take %.0f bytes%s: raise "
                   "data.memory_limit, or set train.shards to 1, which can stream them",
                   (long long)dataset->all.comm->shards, bytes,
                   dataset->all.comm->ranks > 1 ? " on this rank" : "");
}

// If rows are kept in memory and unused columns may be left out, the moments are computed afterwards. There
// may be no memory for the moments of all columns of a very wide file. If the classes are known, the rows are
// held out, and moments are not needed.
static mg_status take_moments(mg_dataset *dataset, bool early, mg_error *error) {
    mg_moments *moments = &dataset->moments;
    mg_comm *comm = dataset->all.comm;
    if (comm && comm->shards > 1)
        return mg_shard_moments(comm, &dataset->store, dataset->all.count, dataset->weight, moments, error);
    if (!early) {
        mg_status status = mg_moments_create(moments, dataset->layout, dataset->features, error);
        if (status) return status;
        mg_moments_add(moments, &dataset->store, 0, dataset->count, dataset->weight);
    }
    mg_moments_finish(moments);
    return MG_OK;
}

mg_status mg_survey(mg_dataset *dataset, const mg_dataset_request *request, uint64_t *fingerprint,
                    mg_error *error) {
    mg_store passing = {0};
    mg_store *store = dataset->resident ? &dataset->store : &passing;
    mg_moments *moments = &dataset->moments;
    mg_used used = {0};
    int64_t step = survey_step(dataset), most = 0;
    bool needed = !request->known, drop = request->drop_unused && dataset->layout == MG_CSR,
         shards = dataset->all.comm && dataset->all.comm->shards > 1,
         early = needed && !shards && !(drop && dataset->resident);
    MG_EACH_BLOCK (first, rows, 0, dataset->count, step)
        most = mg_max(most, mg_source_stored(dataset->source, dataset->select, first, rows));
    mg_status status = needed && shards && !dataset->resident ? refuse_streaming(dataset, error) : MG_OK;
    if (!status && drop) status = mg_used_create(&used, dataset->features, error);
    if (!status && early) status = mg_moments_create(moments, dataset->layout, dataset->features, error);
    if (!status && !store->borrowed)
        status = mg_store_create(store, dataset->layout, dataset->cell, dataset->features,
                                 dataset->resident ? dataset->count : step,
                                 dataset->resident ? dataset->stored : most, error);
    if (shards) status = mg_comm_agree(dataset->all.comm, status, NULL, error);
    const reading all = {dataset, store, drop ? &used : NULL, early};
    if (!status) status = read_and_hash(&all, fingerprint, error);
    if (!status && drop) status = drop_unused(dataset, &used, error);
    if (!status && needed) status = take_moments(dataset, early, error);
    if (!status && drop && early) mg_moments_keep(moments, &dataset->used);
    moments->used = &dataset->used;
    moments->noise = mg_source_noise(dataset->source);
    mg_used_clear(&used);
    mg_store_destroy(&passing);
    return status;
}

// The own part of an array with a number for each row.
typedef struct row_numbers {
    const void *own;
    size_t bytes;
} row_numbers;

static void hash_numbers(void *context, void *hash) {
    const row_numbers *numbers = context;
    mg_hash_add(hash, numbers->own, numbers->bytes);
}

// Adds the numbers of the rows of all ranks, in their order.
static mg_status hash_all(const mg_dataset *dataset, const void *own, size_t size, uint64_t *hash,
                          mg_error *error) {
    mg_comm *comm = dataset->all.comm;
    row_numbers numbers = {own, (size_t)dataset->count * size};
    mg_hash state;
    mg_status status = MG_OK;
    mg_hash_begin(&state, *hash);
    if (comm) status = mg_comm_in_turn(comm, &state, sizeof state, hash_numbers, &numbers, error);
    else hash_numbers(&numbers, &state);
    *hash = mg_hash_end(&state);
    return status;
}

mg_status mg_survey_hash_shape(const mg_dataset *dataset, uint64_t *out, mg_error *error) {
    int64_t shape[4] = {dataset->all.count, dataset->features, dataset->layout, dataset->cell};
    uint64_t hash = mg_hash_bytes(0, shape, sizeof shape);
    const int32_t *label = dataset->label;
    const float *weight = dataset->weight;
    mg_status status = label ? hash_all(dataset, label, sizeof *label, &hash, error) : MG_OK;
    if (!status && weight) status = hash_all(dataset, weight, sizeof *weight, &hash, error);
    char buffer[MG_LABEL_BUFFER];
    if (dataset->classes.texts) hash = mg_hash_bytes(hash, "texts", sizeof "texts");
    for (int64_t k = 0; k < dataset->classes.count; k++) {
        const char *text = mg_classes_label(&dataset->classes, k, buffer);
        hash = mg_hash_bytes(hash, text, strlen(text) + 1);
    }
    const mg_names *names = &dataset->columns.names;
    for (int64_t d = 0; d < names->count; d++)
        hash = mg_hash_bytes(hash, names->text[d], strlen(names->text[d]) + 1);
    *out = hash;
    return status;
}
