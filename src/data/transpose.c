// transpose.c - turns columns into rows. Columns are read in ascending order, so the values of a row stay in
// the order of their columns.
#include "data/transpose.h"

#include "base/arithmetic.h"
#include "base/memory.h"
#include "data/cells.h"
#include "io/regroup.h"

#include <stdio.h>
#include <string.h>

enum { SLAB = 512 << 10 }; // stored values that are read at a time

struct mg_transpose {
    mg_transpose_columns from;
    int64_t *column_ends;    // [columns + 1]
    const int64_t *row_ends; // [rows + 1], owned by the caller
    mg_regroup *rows;        // NULL until the matrix is transposed
};

// Parts of the file that are read at a time.
typedef struct slabs {
    void *index, *stored; // as in the file
    uint32_t *row;
    float *value;
} slabs;

static void clear(slabs *w) {
    mg_memory_free(w->index);
    mg_memory_free(w->stored);
    mg_memory_free(w->row);
    mg_memory_free(w->value);
}

// Reads the row numbers of values first .. first+count, and checks them.
static mg_status read_rows(const mg_transpose *t, slabs *w, int64_t first, int64_t count, mg_error *error) {
    mg_h5_type type = mg_h5_array_type(t->from.indices);
    mg_status status = mg_h5_array_read(t->from.indices, first, count, w->index, error);
    for (int64_t e = 0; !status && e < count; e++) {
        int64_t row = mg_h5_integer(type, w->index, e);
        if (row < 0 || row >= t->from.rows)
            status = mg_fail(error, MG_DATA,
                             "%s: %s/indices[%lld] is %lld; indices of a csc_matrix must be from 0 to the "
                             "number of rows - 1, which is %lld",
                             mg_h5_path(t->from.file), t->from.name, (long long)(first + e), (long long)row,
                             (long long)t->from.rows - 1);
        w->row[e] = (uint32_t)row;
    }
    return status;
}

static mg_status create_slabs(const mg_transpose *t, slabs *w, bool values, mg_error *error) {
    mg_status status =
        mg_memory_get(&w->index, SLAB, mg_h5_type_size(mg_h5_array_type(t->from.indices)), error);
    if (!status) status = mg_memory_get(&w->row, SLAB, sizeof *w->row, error);
    if (!status && values)
        status = mg_memory_get(&w->stored, SLAB, mg_h5_type_size(mg_h5_array_type(t->from.data)), error);
    return status || !values ? status : mg_memory_get(&w->value, SLAB, sizeof *w->value, error);
}

static mg_status count_rows(const mg_transpose *t, int64_t *row_ends, mg_error *error) {
    slabs w = {0};
    int64_t stored = t->column_ends[t->from.columns];
    mg_status status = create_slabs(t, &w, false, error);
    for (int64_t first = 0; !status && first < stored; first += SLAB) {
        int64_t count = mg_min(SLAB, stored - first);
        status = read_rows(t, &w, first, count, error);
        for (int64_t e = 0; !status && e < count; e++) row_ends[w.row[e] + 1]++;
    }
    for (int64_t i = 0; i < t->from.rows; i++) row_ends[i + 1] += row_ends[i];
    clear(&w);
    return status;
}

mg_status mg_transpose_open(const mg_transpose_columns *from, int64_t *column_ends, int64_t **row_ends,
                            mg_transpose **out, mg_error *error) {
    mg_transpose *t = NULL;
    *row_ends = NULL;
    mg_status status = MG_OK;
    if (from->rows > UINT32_MAX)
        status = mg_fail(error, MG_DATA, "%s: %s is a csc_matrix of %lld rows; at most %u are allowed",
                         mg_h5_path(from->file), from->name, (long long)from->rows, UINT32_MAX);
    if (!status) status = mg_memory_zeroed(&t, 1, sizeof *t, error);
    if (status) {
        mg_memory_free(column_ends);
        return status;
    }
    t->from = *from;
    t->column_ends = column_ends;
    status = mg_memory_zeroed(row_ends, (size_t)from->rows + 1, sizeof **row_ends, error);
    if (!status) status = count_rows(t, *row_ends, error);
    t->row_ends = *row_ends;
    if (status) {
        mg_memory_free(*row_ends);
        *row_ends = NULL;
        mg_transpose_close(t);
    } else {
        *out = t;
    }
    return status;
}

void mg_transpose_close(mg_transpose *t) {
    if (!t) return;
    mg_regroup_destroy(t->rows);
    mg_memory_free(t->column_ends);
    mg_memory_free(t);
}

int64_t mg_transpose_bytes(const mg_transpose *t) { return mg_regroup_bytes(t->row_ends[t->from.rows]); }

// Notes the values of a slab that are too small for float32: `column` is the column of its first value.
static void look(const mg_transpose *t, const slabs *w, int64_t first, int64_t count, int64_t column,
                 mg_vanished *vanished) {
    mg_h5_type type = mg_h5_array_type(t->from.data);
    for (int64_t done = 0; done < count; column++) {
        int64_t n = mg_min(t->column_ends[column + 1] - first, count) - done;
        bool none = !vanished->count;
        if (n <= 0) continue;
        mg_vanished_look(vanished, type, n, (const char *)w->stored + done * (int64_t)mg_h5_type_size(type),
                         column, w->row + done);
        if (none && vanished->count) { // it took the column for a row
            int64_t row = vanished->column;
            vanished->column = vanished->row;
            vanished->row = row;
        }
        done += n;
    }
}

// Reads the file once, and adds every value to its row.
static mg_status distribute(mg_transpose *t, slabs *w, mg_regroup *rows, mg_vanished *vanished,
                            mg_error *error) {
    int64_t stored = t->column_ends[t->from.columns], column = 0;
    mg_status status = MG_OK;
    for (int64_t first = 0; !status && first < stored; first += SLAB) {
        int64_t count = mg_min(SLAB, stored - first);
        status = read_rows(t, w, first, count, error);
        if (!status) status = mg_h5_array_read(t->from.data, first, count, w->stored, error);
        if (status) break;
        mg_cells_to_float(mg_h5_array_type(t->from.data), count, w->stored, w->value);
        while (t->column_ends[column + 1] <= first) column++;
        look(t, w, first, count, column, vanished);
        for (int64_t e = 0; !status && e < count; e++) {
            while (t->column_ends[column + 1] <= first + e) column++;
            status = mg_regroup_add(rows, w->row[e], (uint32_t)column, w->value[e], error);
        }
    }
    return status ? status : mg_regroup_finish(rows, error);
}

static mg_status transpose(mg_transpose *t, mg_vanished *vanished, mg_error *error) {
    slabs w = {0};
    mg_regroup *rows = NULL;
    char what[160];
    snprintf(what, sizeof what, "%s is stored by columns (csc_matrix), and its transposition", t->from.name);
    mg_status status =
        mg_regroup_create(mg_h5_path(t->from.file), what, t->from.rows, t->row_ends, &rows, error);
    if (!status) status = create_slabs(t, &w, true, error);
    if (!status) status = distribute(t, &w, rows, vanished, error);
    clear(&w);
    if (status) mg_regroup_destroy(rows);
    else t->rows = rows;
    return status;
}

mg_status mg_transpose_read(mg_transpose *t, mg_vanished *vanished, int64_t first, int64_t count,
                            uint32_t *column, float *value, mg_error *error) {
    mg_status status = t->rows ? MG_OK : transpose(t, vanished, error);
    return status ? status : mg_regroup_read(t->rows, first, count, column, value, error);
}
