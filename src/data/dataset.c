// dataset.c - opens a data set: maps its labels, surveys its rows, and decides whether the rows stay in
// memory.
#include "data/dataset.h"

#include "base/activity.h"
#include "base/cpu.h"
#include "base/hash.h"
#include "base/memory.h"
#include "comm/blocks.h"
#include "data/files.h"
#include "data/own_rows.h"
#include "data/row_weights.h"
#include "data/survey.h"
#include "parallel/cut.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK_BYTES = 128 << 10 };

static void add_own_weights(void *context, void *state) {
    const mg_dataset *dataset = context;
    double *sums = state, *all = &sums[dataset->classes.count];
    for (int64_t i = 0; i < dataset->count; i++) {
        double weight = dataset->weight ? (double)dataset->weight[i] : 1;
        if (dataset->label && dataset->label[i] >= 0) sums[dataset->label[i]] += weight;
        *all += weight;
    }
}

mg_status mg_dataset_sum_weights(const mg_dataset *dataset, double *sums, mg_error *error) {
    size_t count = (size_t)dataset->classes.count + 1;
    void *context = (void *)(uintptr_t)dataset;
    for (size_t k = 0; k < count; k++) sums[k] = 0;
    if (dataset->all.comm)
        return mg_comm_in_turn(dataset->all.comm, sums, count * sizeof *sums, add_own_weights, context,
                               error);
    add_own_weights(context, sums);
    return MG_OK;
}

static mg_status reserve_weights(mg_dataset *dataset, bool ones, mg_error *error) {
    mg_status status = MG_OK;
    if (!dataset->all.sums)
        status = mg_memory_get(&dataset->all.sums, (size_t)dataset->classes.count + 1,
                               sizeof *dataset->all.sums, error);
    if (!status && ones && !dataset->weight) {
        status = mg_memory_get(&dataset->weight, (size_t)dataset->count, sizeof *dataset->weight, error);
        for (int64_t i = 0; !status && i < dataset->count; i++) dataset->weight[i] = 1;
    }
    return dataset->all.comm ? mg_comm_agree(dataset->all.comm, status, NULL, error) : status;
}

mg_status mg_dataset_weigh(mg_dataset *dataset, const double *class_weight, mg_error *error) {
    const int32_t *label = dataset->label;
    int64_t classes = dataset->classes.count;
    mg_status status = reserve_weights(dataset, class_weight != NULL, error);
    float *weight = dataset->weight;
    for (int64_t i = 0; !status && weight && i < dataset->count; i++) {
        double factor = class_weight && label[i] >= 0 ? class_weight[label[i]] : 1;
        weight[i] = (float)((double)weight[i] * factor);
    }
    if (!status) status = mg_dataset_sum_weights(dataset, dataset->all.sums, error);
    if (status) return status;
    double total = dataset->total_weight = dataset->all.sums[classes];
    if (!weight) return MG_OK;
    if (!(total > 0))
        return mg_fail(error, MG_DATA, "%s: all weights are zero: at least one must be above 0",
                       dataset->path);
    // (M21) With weights of mean 1, the mean over a minibatch estimates the weighted mean over all rows.
    double scale = (double)dataset->all.count / total;
    for (int64_t i = 0; i < dataset->count; i++) weight[i] = (float)((double)weight[i] * scale);
    return mg_dataset_sum_weights(dataset, dataset->all.sums, error);
}

static void plan_blocks(mg_dataset *dataset, int64_t window_bytes) {
    const mg_dataset_all *all = &dataset->all;
    double row_bytes =
        mg_store_bytes(dataset->layout, dataset->cell, dataset->features, all->count, all->stored) /
        (double)all->count;
    int64_t block = (int64_t)(BLOCK_BYTES / row_bytes), window = (int64_t)((double)window_bytes / row_bytes);
    // The order of an epoch depends on the size of blocks, so it must not depend on the chunks of the file.
    block = mg_max(block, 1);
    dataset->block_rows = mg_min(block, all->count);
    dataset->window_rows = mg_max(window, 1);
}

// Replaces the arrays of a program in the store by copies, because the rows will be changed.
static mg_status own_rows(mg_store *store, mg_error *error) {
    const mg_store lent = *store;
    size_t stored = (size_t)lent.stored;
    if (!lent.borrowed) return MG_OK;
    mg_status status =
        mg_store_create(store, lent.layout, lent.cell, lent.features, lent.count, lent.stored, error);
    if (status) return status;
    memcpy(store->indptr, lent.indptr, ((size_t)lent.count + 1) * sizeof *store->indptr);
    memcpy(store->indices, lent.indices, stored * sizeof *store->indices);
    memcpy(store->values, lent.values, stored * sizeof *store->values);
    store->count = lent.count;
    return MG_OK;
}

// Removes the unused columns from rows in memory, in place: rows only become shorter.
static void renumber_store(mg_store *store, const mg_used *used) {
    int64_t kept = 0, from = 0;
    for (int64_t i = 0; i < store->count; i++) {
        int64_t n =
            mg_used_renumber(used, store->indptr[i + 1] - from, store->indices + from, store->values + from);
        if (kept < from) {
            memmove(store->indices + kept, store->indices + from, (size_t)n * sizeof *store->indices);
            memmove(store->values + kept, store->values + from, (size_t)n * sizeof *store->values);
        }
        from = store->indptr[i + 1];
        store->indptr[i + 1] = kept += n;
    }
    store->features = used->count;
}

mg_status mg_dataset_use(mg_dataset *dataset, const mg_used *used, mg_error *error) {
    mg_used_clear(&dataset->used);
    mg_status status = mg_used_copy(used, &dataset->used, error);
    if (status || !used->width || dataset->layout == MG_DENSE) return status;
    dataset->features = used->count;
    mg_source_use(dataset->source, &dataset->used);
    if (dataset->resident) status = own_rows(&dataset->store, error);
    if (!status && dataset->resident) renumber_store(&dataset->store, used);
    return status;
}

// Reads the labels of the selected rows. Rows without a label leave the selection if that is requested.
static mg_status read_labels(mg_dataset *dataset, const mg_dataset_request *request, mg_selected *selected,
                             mg_error *error) {
    const mg_labels_request labels = {.name = request->labels,
                                      .rows = mg_source_rows(dataset->source),
                                      .part_rows = mg_source_part_rows(dataset->source),
                                      .select = selected->row,
                                      .count = selected->count,
                                      .known = request->known,
                                      .allow_unknown = request->allow_unknown,
                                      .allow_unlabelled = request->drop_unlabelled};
    if (!request->labels) return MG_OK;
    mg_status status = mg_labels_read(dataset->file, &labels, &dataset->label, &dataset->classes, error);
    if (status || !request->drop_unlabelled) return status;
    return mg_selected_drop_unlabelled(dataset->path, selected, dataset->label, error);
}

static mg_status open_parts(mg_dataset *dataset, const mg_dataset_request *request, mg_error *error) {
    MG_ACTIVITY("opening data", 0);
    mg_status status = MG_OK;
    if (request->file) dataset->file = mg_h5_share(request->file);
    else status = mg_files_open(request->path, &dataset->file, error);
    if (!status) {
        bool joined = mg_h5_parts(dataset->file) > 1;
        const char *path = joined ? mg_h5_path(dataset->file) : request->path;
        status = mg_memory_text(&dataset->path, path, error);
    }
    bool some = request->comm && request->comm->ranks > 1; // a rank reads the ends of its own rows only
    if (!status)
        status = (some ? mg_source_open_without_ends : mg_source_open)(
            dataset->file, request->features, request->preparation, &dataset->source, error);
    const mg_columns_place place = {.features = request->features,
                                    .names = request->names,
                                    .table = !request->like,
                                    .optional = request->names_optional};
    if (!status)
        status = mg_columns_join(dataset->file, &place, mg_source_features(dataset->source),
                                 &dataset->columns, error);
    if (status) return status;
    dataset->features = mg_source_features(dataset->source);
    dataset->layout = mg_source_layout(dataset->source);
    dataset->cell = mg_source_cell(dataset->source);
    if (request->like) status = mg_dataset_match(dataset, request->like, error);
    return status;
}

// The rows of a single process.
static mg_status select_rows(mg_dataset *dataset, const mg_dataset_request *request, mg_error *error) {
    mg_selected selected = {0};
    mg_status status = mg_selected_split(dataset->file, request, dataset->source, &selected, error);
    if (!status) status = read_labels(dataset, request, &selected, error);
    dataset->select = selected.row;
    dataset->count = selected.count;
    dataset->left_out = selected.left_out;
    if (status) return status;
    dataset->all = (mg_dataset_all){.comm = request->comm, .count = dataset->count};
    const mg_row_selection rows = {dataset->file, dataset->source, dataset->select, dataset->count};
    return request->weights ? mg_row_weights_read(&rows, request->weights, &dataset->weight, error) : MG_OK;
}

// The rows of this rank.
static mg_status share_rows(mg_dataset *dataset, const mg_dataset_request *request, mg_error *error) {
    mg_own_rows own = {0};
    const mg_own_file file = {dataset->path, dataset->file, dataset->source};
    mg_status status = mg_own_rows_read(&file, request, &own, error);
    dataset->all = (mg_dataset_all){.comm = request->comm, .count = own.all, .first = own.first};
    dataset->select = own.select;
    dataset->label = own.label;
    dataset->weight = own.weight;
    dataset->count = own.count;
    dataset->classes = own.classes;
    dataset->left_out = own.left_out;
    return status;
}

static mg_status take_rows(mg_dataset *dataset, const mg_dataset_request *request, mg_error *error) {
    bool shared = request->comm && request->comm->ranks > 1;
    mg_status status = shared ? share_rows(dataset, request, error) : select_rows(dataset, request, error);
    if (status) return status;
    dataset->stored = dataset->layout == MG_CSR
                          ? mg_source_stored(dataset->source, dataset->select, 0, dataset->count)
                          : dataset->count * dataset->features;
    return MG_OK;
}

// Adds up the stored values of all ranks. All ranks call it, also those that have failed.
static mg_status count_stored(mg_dataset *dataset, mg_comm *comm, mg_status status, mg_error *error) {
    int64_t *stored = NULL;
    dataset->all.stored = dataset->stored;
    if (!comm || comm->ranks == 1) return status;
    status = mg_comm_agree(comm, status, NULL, error);
    if (!status)
        status = mg_comm_copies(comm, &dataset->stored, sizeof dataset->stored, (void **)&stored, error);
    dataset->all.stored = 0;
    for (int r = 0; !status && r < comm->ranks; r++) dataset->all.stored += stored[r];
    mg_memory_free(stored);
    return status;
}

// Decides where the rows are during the run: in memory, in place in the file, or read when they are needed.
static mg_status place_rows(mg_dataset *dataset, const mg_dataset_request *request, mg_error *error) {
    bool countable = dataset->count <= MG_MOST_INDEX; // row numbers in an index have 32 bits
    dataset->resident = !dataset->select && countable && mg_source_lend(dataset->source, &dataset->store);
    if (dataset->resident) return MG_OK;
    double bytes =
        mg_store_bytes(dataset->layout, dataset->cell, dataset->features, dataset->count, dataset->stored);
    double room = 0.6 * (double)mg_cpu_available_memory(),
           limit = request->memory_limit > 0 ? (double)request->memory_limit : room;
    dataset->resident = request->survey && bytes <= limit && countable;
    // Rows are mapped only if the page cache has room for all of them. If pages are evicted before they are
    // used, mapping costs far more than copying.
    bool mapped = !dataset->resident && !dataset->select && countable && bytes <= room;
    return mapped ? mg_source_map(dataset->source, &dataset->map, error) : MG_OK;
}

// Sparse rows do not store their zeros, so these cannot be clipped.
static mg_status check_zeros(const mg_dataset *dataset, const mg_clip *clip, mg_error *error) {
    int64_t zeros = clip && dataset->layout == MG_CSR ? mg_clip_of_zeros(clip) : -1;
    if (zeros < 0) return MG_OK;
    const char *option = clip->low[zeros] > 0 ? "data.clip_below" : "data.clip";
    return mg_fail(
        error, MG_DATA,
        "%s: %s: the zeros of column %lld are outside of its limits after scaling, but sparse rows "
        "do not store them: store dense rows, or train with a higher %s",
        dataset->path, option, (long long)zeros, option);
}

// Ranks that share the rows must have opened the same file, or copies of it. Their own cells cannot be
// compared, because each reads only its own rows.
static mg_status check_ranks(const mg_dataset *dataset, mg_comm *comm, mg_status status, mg_error *error) {
    char what[PATH_MAX + 64];
    if (!comm || comm->ranks == 1) return status;
    status = mg_comm_agree(comm, status, NULL, error);
    if (status) return status;
    snprintf(what, sizeof what, "%s: the shape, labels, weights or names", dataset->path);
    return mg_comm_same(comm, dataset->fingerprint, MG_DATA, what, "all ranks need the same file", error);
}

mg_status mg_dataset_open(const mg_dataset_request *request, mg_dataset **out, mg_error *error) {
    *out = NULL;
    mg_dataset *dataset;
    mg_status status = mg_memory_zeroed(&dataset, 1, sizeof *dataset, error);
    if (status) return status;
    mg_comm *comm = request->comm;
    status = open_parts(dataset, request, error);
    if (comm && comm->ranks > 1) status = mg_comm_agree(comm, status, NULL, error);
    if (!status) status = take_rows(dataset, request, error);
    status = count_stored(dataset, comm, status, error);
    if (!status) status = mg_survey_hash_shape(dataset, &dataset->fingerprint, error);
    if (!status) status = check_zeros(dataset, request->preparation.clip, error);
    if (!status) plan_blocks(dataset, request->window_bytes);
    if (!status) status = place_rows(dataset, request, error);
    status = check_ranks(dataset, request->comm, status, error);
    if (!status && request->survey) status = mg_survey(dataset, request, &dataset->fingerprint, error);
    // If values were refused because another program was writing them, the message says so.
    if (dataset->file && (!status || status == MG_DATA)) {
        mg_status changed = mg_h5_check_unchanged(dataset->file, error);
        if (changed) status = changed;
    }
    dataset->checked = request->survey;
    if (status) mg_dataset_close(dataset);
    else *out = dataset;
    return status;
}

void mg_dataset_close(mg_dataset *dataset) {
    if (!dataset) return;
    mg_store_destroy(&dataset->store);
    mg_moments_destroy(&dataset->moments);
    mg_map_destroy(dataset->map);
    mg_source_close(dataset->source);
    mg_h5_close(dataset->file);
    mg_classes_clear(&dataset->classes);
    mg_columns_clear(&dataset->columns);
    mg_used_clear(&dataset->used);
    mg_memory_free(dataset->select);
    mg_memory_free(dataset->label);
    mg_memory_free(dataset->weight);
    mg_memory_free(dataset->all.sums);
    mg_memory_free(dataset->path);
    mg_memory_free(dataset);
}

mg_status mg_dataset_check(const mg_dataset *dataset, mg_error *error) {
    return dataset->resident ? MG_OK : mg_h5_check_unchanged(dataset->file, error);
}

// The limits of the used columns, by their numbers in memory.
static mg_status limits_of_used(const mg_used *used, const mg_clip *clip, mg_clip *out, mg_error *error) {
    *out = (mg_clip){.count = used->count};
    mg_status status = mg_memory_get(&out->low, (size_t)used->count, sizeof *out->low, error);
    if (!status) status = mg_memory_get(&out->high, (size_t)used->count, sizeof *out->high, error);
    for (int64_t i = 0; !status && i < used->count; i++) {
        int64_t column = mg_used_column(used, i);
        out->low[i] = clip->low[column];
        out->high[i] = clip->high[column];
    }
    return status;
}

mg_status mg_dataset_clip(mg_dataset *dataset, const mg_clip *clip, mg_error *error) {
    mg_store *store = &dataset->store;
    mg_status status = check_zeros(dataset, clip, error);
    if (status || !dataset->resident) return status;
    mg_clip used = {0};
    bool some = dataset->layout == MG_CSR && dataset->used.width;
    if (some) status = limits_of_used(&dataset->used, clip, &used, error);
    for (int64_t row = 0; !status && row < store->count; row++) {
        if (dataset->layout == MG_DENSE) mg_clip_dense(clip, (float *)store->dense + row * store->stride);
        else
            mg_clip_sparse(some ? &used : clip, store->indptr[row + 1] - store->indptr[row],
                           store->indices + store->indptr[row], store->values + store->indptr[row]);
    }
    mg_clip_clear(&used);
    return status;
}

void mg_dataset_release_rows(mg_dataset *dataset) { mg_store_destroy(&dataset->store); }

void mg_dataset_unlabelled_text(const mg_dataset *dataset, char out[MG_UNLABELLED_TEXT]) {
    *out = 0;
    if (dataset->left_out.unlabelled)
        snprintf(out, MG_UNLABELLED_TEXT, "%s: %lld of %lld rows have no label and are left out",
                 dataset->path, (long long)dataset->left_out.unlabelled,
                 (long long)mg_source_rows(dataset->source));
}
