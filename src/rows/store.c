// store.c - allocates and frees the memory of rows.
#include "rows/store.h"

#include "base/memory.h"

#include <string.h>

const char *mg_cell_name(mg_cell cell) {
    static const char *const names[] = {
        [MG_CELL_U8] = "uint8", [MG_CELL_I8] = "int8", [MG_CELL_F16] = "float16", [MG_CELL_F32] = "float32"};
    return names[cell];
}

double mg_store_bytes(mg_layout layout, mg_cell cell, int64_t features, int64_t rows, int64_t stored) {
    if (layout == MG_CSR) return 8.0 * ((double)rows + (double)stored);
    return (double)rows * (double)mg_round_up(features, MG_LANES) * (double)mg_cell_size(cell);
}

mg_status mg_store_create(mg_store *store, mg_layout layout, mg_cell cell, int64_t features, int64_t capacity,
                          int64_t stored, mg_error *error) {
    *store = (mg_store){
        .layout = layout, .cell = cell, .features = features, .capacity = capacity, .stored = stored};
    mg_status status = MG_OK;
    if (layout == MG_DENSE) {
        store->stride = mg_round_up(features, MG_LANES);
        size_t row = (size_t)store->stride * mg_cell_size(cell);
        status = mg_memory_get(&store->dense, (size_t)capacity, row, error);
    } else {
        status = mg_memory_zeroed(&store->indptr, (size_t)capacity + 1, sizeof *store->indptr, error);
        if (!status) status = mg_memory_get(&store->indices, (size_t)stored, sizeof *store->indices, error);
        if (!status) status = mg_memory_get(&store->values, (size_t)stored, sizeof *store->values, error);
    }
    if (status) mg_store_destroy(store);
    return status;
}

void mg_store_destroy(mg_store *store) {
    if (!store) return;
    if (!store->borrowed) {
        mg_memory_free(store->dense);
        mg_memory_free(store->indptr);
        mg_memory_free(store->indices);
        mg_memory_free(store->values);
    }
    *store = (mg_store){0};
}

mg_rows mg_store_rows(const mg_store *store) {
    return (mg_rows){
        .count = store->count,
        .features = store->features,
        .layout = store->layout,
        .cell = store->cell,
        .dense = store->dense,
        .stride = store->stride,
        .bare = store->bare,
        .indptr = store->indptr,
        .indices = store->indices,
        .values = store->values,
    };
}
