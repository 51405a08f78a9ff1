// sparse_row.c - collects and sorts the entries of a row.
#include "format/sparse_row.h"

#include "base/memory.h"
#include "format/keys.h"

#include <stdbool.h>
#include <string.h>

void mg_sparse_row_begin(mg_sparse_row *row) { row->count = 0; }

mg_status mg_sparse_row_room(mg_sparse_row *row, size_t count, mg_error *error) {
    mg_status status = mg_memory_grow(&row->indices, &row->index_room, count, sizeof *row->indices, error);
    return status ? status
                  : mg_memory_grow(&row->values, &row->value_room, count, sizeof *row->values, error);
}

mg_status mg_sparse_row_add(mg_sparse_row *row, uint32_t index, float value, mg_error *error) {
    bool full = row->count == row->index_room || row->count == row->value_room;
    mg_status status = full ? mg_sparse_row_room(row, row->count + 1, error) : MG_OK;
    if (status) return status;
    row->indices[row->count] = index;
    row->values[row->count++] = value;
    return MG_OK;
}

mg_status mg_sparse_row_sort(mg_sparse_row *row, int64_t *twice, mg_error *error) {
    bool sorted = true;
    *twice = -1;
    for (size_t i = 1; sorted && i < row->count; i++) sorted = row->indices[i] > row->indices[i - 1];
    if (sorted) return MG_OK;
    mg_status status = mg_memory_grow(&row->keys, &row->key_room, row->count * 2, sizeof *row->keys, error);
    if (status) return status;
    for (size_t i = 0; i < row->count; i++) {
        uint32_t bits;
        memcpy(&bits, &row->values[i], sizeof bits);
        row->keys[i] = (uint64_t)row->indices[i] << 32 | bits;
    }
    mg_keys_sort(row->keys, row->keys + row->count, row->count, 32, 64);
    for (size_t i = 0; i < row->count; i++) {
        uint32_t bits = (uint32_t)row->keys[i];
        memcpy(&row->values[i], &bits, sizeof bits);
        row->indices[i] = (uint32_t)(row->keys[i] >> 32);
        if (i && row->indices[i] == row->indices[i - 1]) *twice = row->indices[i];
    }
    return MG_OK;
}

void mg_sparse_row_clear(mg_sparse_row *row) {
    mg_memory_free(row->indices);
    mg_memory_free(row->values);
    mg_memory_free(row->keys);
    *row = (mg_sparse_row){0};
}
