// sample.c - copies rows of minibatches into a sample.
#include "train/sample.h"

#include "base/arithmetic.h"
#include "base/memory.h"

#include <string.h>

static void copy_row(const mg_rows *from, int64_t row, mg_store *to) {
    if (to->layout == MG_DENSE) {
        size_t line = (size_t)to->stride * mg_cell_size(to->cell),
               bytes = (size_t)to->features * mg_cell_size(to->cell);
        char *at = (char *)to->dense + (size_t)to->count * line;
        memcpy(at, mg_rows_dense(from, row), bytes);
        memset(at + bytes, 0, line - bytes);
    } else {
        int64_t begin = from->indptr[row], n = from->indptr[row + 1] - begin, at = to->indptr[to->count];
        memcpy(to->indices + at, from->indices + begin, (size_t)n * sizeof *to->indices);
        memcpy(to->values + at, from->values + begin, (size_t)n * sizeof *to->values);
        to->indptr[to->count + 1] = at + n;
    }
    to->count++;
}

static mg_status make_room(mg_store *store, int64_t count, mg_error *error) {
    size_t indices = (size_t)store->stored, values = indices;
    mg_status status =
        mg_memory_grow(&store->indices, &indices, (size_t)count, sizeof *store->indices, error);
    if (!status)
        status = mg_memory_grow(&store->values, &values, (size_t)count, sizeof *store->values, error);
    if (!status) store->stored = (int64_t)indices;
    return status;
}

static mg_status take_batch(const mg_batch *batch, int64_t most, mg_sample_store *store, mg_error *error) {
    mg_status status = MG_OK;
    for (int64_t i = 0; !status && i < batch->rows.count && store->store.count < most; i++) {
        int64_t row = mg_rows_stored(&batch->rows, i), at = store->store.count;
        if (store->store.layout == MG_CSR)
            status = make_room(
                &store->store,
                store->store.indptr[at] + batch->rows.indptr[row + 1] - batch->rows.indptr[row], error);
        if (status) break;
        store->label[at] = batch->label[row];
        if (store->weight) store->weight[at] = batch->weight[row];
        copy_row(&batch->rows, row, &store->store);
    }
    return status;
}

mg_status mg_sample_draw(mg_stream *stream, const mg_dataset *dataset, mg_sample_store *store,
                         mg_sample *sample, mg_error *error) {
    *store = (mg_sample_store){0};
    int64_t most = mg_min(mg_clamp(dataset->count / 16, MG_SAMPLE_FEWEST, MG_SAMPLE_MOST), dataset->count);
    mg_status status =
        mg_store_create(&store->store, dataset->layout, dataset->cell, dataset->features, most, 0, error);
    if (!status) status = mg_memory_get(&store->label, (size_t)most, sizeof *store->label, error);
    if (!status && dataset->weight)
        status = mg_memory_get(&store->weight, (size_t)most, sizeof *store->weight, error);
    if (!status) status = mg_stream_seek(stream, 0, 0, error);
    while (!status && store->store.count < most) {
        mg_batch batch;
        status = mg_stream_next(stream, &batch, error);
        if (!status) status = take_batch(&batch, most, store, error);
        if (!status) status = mg_stream_check(stream, error);
    }
    *sample = (mg_sample){.rows = mg_store_rows(&store->store),
                          .label = store->label,
                          .weight = store->weight,
                          .whole = most == dataset->count};
    if (status) mg_sample_clear(store);
    return status;
}

void mg_sample_clear(mg_sample_store *store) {
    mg_store_destroy(&store->store);
    mg_memory_free(store->label);
    mg_memory_free(store->weight);
    *store = (mg_sample_store){0};
}
