// sparse_row.h - one row of a sparse matrix, whose entries come in any order.
#ifndef MG_FORMAT_SPARSE_ROW_H
#define MG_FORMAT_SPARSE_ROW_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct mg_sparse_row {
    size_t count;
    uint32_t *indices; // [count]
    float *values;     // [count]
    uint64_t *keys;    // scratch memory for sorting
    size_t index_room, value_room, key_room;
} mg_sparse_row; // must be zero before its first use

void mg_sparse_row_begin(mg_sparse_row *row); // removes all entries
mg_status mg_sparse_row_room(mg_sparse_row *row, size_t count, mg_error *error);
mg_status mg_sparse_row_add(mg_sparse_row *row, uint32_t index, float value, mg_error *error);

// Sorts the entries by index. *twice becomes an index that occurs more than once; -1: there is none.
mg_status mg_sparse_row_sort(mg_sparse_row *row, int64_t *twice, mg_error *error);
void mg_sparse_row_clear(mg_sparse_row *row);

#endif
