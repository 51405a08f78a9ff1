// store.h - owned rows that grow: what a data set keeps in memory and what a loader fills. Views come from
// mg_store_rows.
#ifndef MG_ROWS_STORE_H
#define MG_ROWS_STORE_H

#include "rows/rows.h"

typedef struct mg_store {
    mg_layout layout;
    mg_cell cell;
    int64_t features, stride;
    int64_t count;             // rows held
    int64_t capacity, entries; // rows and CSR entries there is room for
    void *dense;
    int64_t *indptr; // [capacity + 1]
    uint32_t *indices;
    float *values;
} mg_store;

// Room for `capacity` rows (and `entries` stored values when CSR). Errors: MG_MEMORY.
mg_status mg_store_create(mg_store *store, mg_layout layout, mg_cell cell, int64_t features, int64_t capacity,
                          int64_t entries, mg_error *error);
void mg_store_destroy(mg_store *store);

// Bytes mg_store_create would take.
double mg_store_bytes(mg_layout layout, mg_cell cell, int64_t features, int64_t rows, int64_t entries);

// View of all rows held; `index` stays the caller's.
mg_rows mg_store_rows(const mg_store *store);

#endif
