// store.h - rows in memory that margin owns: those of a data set or of a stream. Kernels read them through a
// view.
#ifndef MG_ROWS_STORE_H
#define MG_ROWS_STORE_H

#include "rows/rows.h"

typedef struct mg_store {
    mg_layout layout;
    mg_cell cell;
    int64_t features, stride;
    int64_t count;            // number of rows in the store
    int64_t capacity, stored; // memory is allocated for this many rows and stored values
    void *dense;
    int64_t *indptr; // [capacity + 1]
    uint32_t *indices;
    float *values;
    bool bare;     // no padding, as in mg_rows
    bool borrowed; // the arrays belong to the caller: the store neither writes nor frees them
} mg_store;

// Allocates memory for `capacity` rows and, for CSR rows, `stored` values. Errors: MG_MEMORY.
mg_status mg_store_create(mg_store *store, mg_layout layout, mg_cell cell, int64_t features, int64_t capacity,
                          int64_t stored, mg_error *error);
void mg_store_destroy(mg_store *store);

// Bytes that mg_store_create would allocate.
double mg_store_bytes(mg_layout layout, mg_cell cell, int64_t features, int64_t rows, int64_t stored);

// A view of all rows. `index` is NULL; the caller may set it.
mg_rows mg_store_rows(const mg_store *store);

#endif
