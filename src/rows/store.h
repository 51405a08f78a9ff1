// store.h - rows in memory, of a data set or of a stream. Views are made with mg_store_rows.
#ifndef MG_ROWS_STORE_H
#define MG_ROWS_STORE_H

#include "rows/rows.h"

typedef struct mg_store {
    mg_layout layout;
    mg_cell cell;
    int64_t features, stride;
    int64_t count;            // rows held
    int64_t capacity, stored; // room for this many rows and stored values
    void *dense;
    int64_t *indptr; // [capacity + 1]
    uint32_t *indices;
    float *values;
    bool bare;     // as in mg_rows
    bool borrowed; // the arrays belong to somebody else: they are not written, and not freed
} mg_store;

// Allocates room for `capacity` rows (CSR: and `stored` stored values). Errors: MG_MEMORY.
mg_status mg_store_create(mg_store *store, mg_layout layout, mg_cell cell, int64_t features, int64_t capacity,
                          int64_t stored, mg_error *error);
void mg_store_destroy(mg_store *store);

// Bytes that mg_store_create would allocate.
double mg_store_bytes(mg_layout layout, mg_cell cell, int64_t features, int64_t rows, int64_t stored);

// A view of all rows, without `index`, which the caller may set.
mg_rows mg_store_rows(const mg_store *store);

#endif
