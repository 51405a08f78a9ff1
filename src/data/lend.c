// lend.c - rows of a program that are used in its own arrays, without a copy.
#include "data/source_state.h"

#include "base/arithmetic.h"
#include "data/cells.h"

// Lends dense rows if kernels can read their cells. Rows may lack padding: where a block of rows is read, it
// is copied and padded.
static const char *lend_dense(const mg_source *source, mg_store *store) {
    size_t cell = mg_cell_size(source->cell);
    int64_t row_bytes = 0;
    const char *cells = mg_h5_array_cells(source->data, &row_bytes);
    if (mg_h5_array_type(source->data) != mg_source_stored_types[source->cell])
        return "their type is converted to float32";
    if ((uintptr_t)cells % cell || row_bytes % (int64_t)cell || row_bytes < source->features * (int64_t)cell)
        return "rows do not begin at multiples of the size of a cell, or overlap";
    store->dense = (void *)(uintptr_t)cells;
    store->stride = row_bytes / (int64_t)cell;
    store->bare = source->features % MG_LANES != 0;
    return NULL;
}

// True if the indices of every row ascend. Otherwise the rows are copied, and copying reports what is wrong.
static bool ascend(const mg_source *source, const uint32_t *indices) {
    for (int64_t i = 0; i < source->rows; i++) {
        int64_t before = -1;
        for (int64_t e = source->indptr[i]; e < source->indptr[i + 1]; e++) {
            if ((int64_t)indices[e] <= before) return false;
            before = indices[e];
        }
        if (before >= source->features) return false;
    }
    return true;
}

static const char *lend_csr(const mg_source *source, mg_store *store) {
    int64_t unused = 0;
    const void *values = mg_h5_array_cells(source->data, &unused),
               *indices = mg_h5_array_cells(source->indices, &unused);
    mg_h5_type type = mg_h5_array_type(source->indices);
    if (mg_h5_array_type(source->data) != MG_H5_F32) return "their values are converted to float32";
    if (type != MG_H5_I32 && type != MG_H5_U32) return "their indices are converted to 32 bits";
    if ((uintptr_t)values % sizeof(float) || (uintptr_t)indices % sizeof(uint32_t))
        return "values or indices do not begin at a multiple of 4 bytes";
    if (!ascend(source, indices)) return "the indices of a row do not ascend, and are sorted";
    store->indptr = (int64_t *)(uintptr_t)source->indptr;
    store->indices = (uint32_t *)(uintptr_t)indices;
    store->values = (float *)(uintptr_t)values;
    store->stored = source->indptr[source->rows];
    return NULL;
}

bool mg_source_lend(mg_source *source, mg_store *store) {
    int64_t unused;
    mg_store lent = {.layout = source->layout,
                     .cell = source->cell,
                     .features = source->features,
                     .count = source->rows,
                     .capacity = source->rows,
                     .borrowed = true};
    if (source->parts || !mg_h5_array_cells(source->data, &unused)) source->unlent = "they are in a file";
    else if (source->align.width) source->unlent = "their columns are put into another order";
    else if (!mg_source_is_as_is(source))
        source->unlent = "data.rows, data.transform or data.clip changes their values";
    else source->unlent = source->layout == MG_DENSE ? lend_dense(source, &lent) : lend_csr(source, &lent);
    if (!source->unlent) *store = lent;
    return !source->unlent;
}

const char *mg_source_unlent(const mg_source *source) { return source->unlent; }

mg_status mg_source_check_lent(const mg_source *source, const mg_store *store, int64_t first, int64_t count,
                               mg_error *error) {
    mg_status status = MG_OK;
    mg_rows rows = mg_store_rows(store);
    for (int64_t i = first; !status && i < first + count; i++) {
        int64_t bad = -1;
        if (store->layout == MG_DENSE) {
            status = mg_source_check(source, i, 1, mg_rows_dense(&rows, i), error);
        } else {
            mg_csr_row row = mg_rows_csr(&rows, i);
            if (!mg_cells_finite(row.count, row.values, &bad))
                status = mg_source_not_finite(source, i, row.indices[bad], row.values[bad], error);
        }
    }
    return status;
}
