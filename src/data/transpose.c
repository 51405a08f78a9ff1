// transpose.c - turns columns into rows. The rows are divided into buckets, each small enough to be sorted in
// memory. One reading of the file appends every value to its bucket; then each bucket is sorted by row.
// Columns are read in ascending order, so the values of a row stay in the order of their columns.
#include "data/transpose.h"

#include "base/arithmetic.h"
#include "base/memory.h"
#include "data/cells.h"
#include "io/scratch.h"

#include <stdio.h>
#include <string.h>

enum {
    SLAB = 512 << 10,   // stored values that are read at a time
    BUCKET = 2 << 20,   // stored values of a bucket, unless a single row has more
    BUFFERS = 16 << 20, // bytes of the buffers of all buckets
    MOST_BUFFER = 4096  // values in the buffer of a bucket
};

typedef struct entry {
    uint32_t row, column;
    float value;
} entry;

typedef struct cell {
    uint32_t column;
    float value;
} cell;

typedef struct bucket {
    int64_t row;     // its first row
    int64_t written; // values in the temporary file
    int64_t waiting; // values in its buffer
} bucket;

struct mg_transpose {
    mg_transpose_columns from;
    int64_t *column_ends;    // [columns + 1]
    const int64_t *row_ends; // [rows + 1], owned by the caller
    mg_scratch *scratch;     // NULL until the matrix is transposed
    cell *cells;             // buffer of mg_transpose_read
    size_t cells_room;
};

// Memory that is needed only while the matrix is transposed.
typedef struct work {
    void *index_slab, *value_slab;
    float *value;
    uint32_t *row;
    bucket *buckets; // [count + 1]; the last one has the number of rows
    int64_t count;
    uint32_t *bucket_of; // [rows]
    entry *buffers;      // [count][room]
    int64_t room;
    entry *entries; // [most] the values of a bucket, as they were written
    cell *sorted;   // [most]
    int64_t *next;  // [rows of a bucket] where the next value of the row belongs
} work;

static void clear(work *w) {
    mg_memory_free(w->index_slab);
    mg_memory_free(w->value_slab);
    mg_memory_free(w->value);
    mg_memory_free(w->row);
    mg_memory_free(w->buckets);
    mg_memory_free(w->bucket_of);
    mg_memory_free(w->buffers);
    mg_memory_free(w->entries);
    mg_memory_free(w->sorted);
    mg_memory_free(w->next);
}

static mg_status changed(const mg_transpose *t, mg_error *error) {
    return mg_fail(error, MG_DATA, "%s: %s changed while it was read: start again", mg_h5_path(t->from.file),
                   t->from.name);
}

// Reads the row numbers of values first .. first+count, and checks them.
static mg_status read_rows(const mg_transpose *t, work *w, int64_t first, int64_t count, mg_error *error) {
    mg_h5_type type = mg_h5_array_type(t->from.indices);
    mg_status status = mg_h5_array_read(t->from.indices, first, count, w->index_slab, error);
    for (int64_t e = 0; !status && e < count; e++) {
        int64_t row = mg_cells_integer(type, w->index_slab, e);
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

static mg_status create_slabs(const mg_transpose *t, work *w, bool values, mg_error *error) {
    mg_status status =
        mg_memory_get(&w->index_slab, SLAB, mg_h5_type_size(mg_h5_array_type(t->from.indices)), error);
    if (!status) status = mg_memory_get(&w->row, SLAB, sizeof *w->row, error);
    if (!status && values)
        status = mg_memory_get(&w->value_slab, SLAB, mg_h5_type_size(mg_h5_array_type(t->from.data)), error);
    return status || !values ? status : mg_memory_get(&w->value, SLAB, sizeof *w->value, error);
}

static mg_status count_rows(const mg_transpose *t, int64_t *row_ends, mg_error *error) {
    work w = {0};
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
    mg_scratch_destroy(t->scratch);
    mg_memory_free(t->column_ends);
    mg_memory_free(t->cells);
    mg_memory_free(t);
}

int64_t mg_transpose_bytes(const mg_transpose *t) {
    return t->row_ends[t->from.rows] * (int64_t)sizeof(entry);
}

// Divides the rows into buckets, and allocates all memory for the sorting.
static mg_status plan_buckets(const mg_transpose *t, work *w, mg_error *error) {
    const int64_t *ends = t->row_ends;
    int64_t rows = t->from.rows, most = 1, most_rows = 1;
    size_t room = 0;
    mg_status status = mg_memory_get(&w->bucket_of, (size_t)rows, sizeof *w->bucket_of, error);
    for (int64_t row = 0, next; !status && row < rows; row = next) {
        for (next = row + 1; next < rows && ends[next + 1] - ends[row] <= BUCKET; next++) continue;
        status = mg_memory_grow(&w->buckets, &room, (size_t)w->count + 2, sizeof *w->buckets, error);
        if (status) break;
        for (int64_t i = row; i < next; i++) w->bucket_of[i] = (uint32_t)w->count;
        w->buckets[w->count++] = (bucket){.row = row};
        w->buckets[w->count] = (bucket){.row = next};
        most = mg_max(most, ends[next] - ends[row]);
        most_rows = mg_max(most_rows, next - row);
    }
    w->room = mg_clamp(BUFFERS / (int64_t)sizeof(entry) / mg_max(w->count, 1), 16, MOST_BUFFER);
    if (!status) status = mg_memory_get(&w->buffers, (size_t)(w->count * w->room), sizeof *w->buffers, error);
    if (!status) status = mg_memory_get(&w->entries, (size_t)most, sizeof *w->entries, error);
    if (!status) status = mg_memory_get(&w->sorted, (size_t)most, sizeof *w->sorted, error);
    return status ? status : mg_memory_get(&w->next, (size_t)most_rows, sizeof *w->next, error);
}

// The position in the temporary file at which a bucket begins.
static int64_t place_of(const mg_transpose *t, const bucket *b) {
    return t->row_ends[b->row] * (int64_t)sizeof(entry);
}

static mg_status flush(mg_transpose *t, work *w, int64_t number, mg_error *error) {
    bucket *b = &w->buckets[number];
    int64_t bytes = b->waiting * (int64_t)sizeof(entry),
            room = t->row_ends[b[1].row] - t->row_ends[b->row] - b->written;
    if (b->waiting > room) return changed(t, error);
    mg_status status = mg_scratch_write(t->scratch, place_of(t, b) + b->written * (int64_t)sizeof(entry),
                                        w->buffers + number * w->room, bytes, error);
    b->written += b->waiting;
    b->waiting = 0;
    return status;
}

// Notes the values of a slab that are too small for float32: `column` is the column of its first value.
static void look(const mg_transpose *t, const work *w, int64_t first, int64_t count, int64_t column,
                 mg_vanished *vanished) {
    mg_h5_type type = mg_h5_array_type(t->from.data);
    for (int64_t done = 0; done < count; column++) {
        int64_t n = mg_min(t->column_ends[column + 1] - first, count) - done;
        bool none = !vanished->count;
        if (n <= 0) continue;
        mg_vanished_look(vanished, type, n,
                         (const char *)w->value_slab + done * (int64_t)mg_h5_type_size(type), column,
                         w->row + done);
        if (none && vanished->count) { // it took the column for a row
            int64_t row = vanished->column;
            vanished->column = vanished->row;
            vanished->row = row;
        }
        done += n;
    }
}

// Reads the file once, and appends every value to its bucket.
static mg_status distribute(mg_transpose *t, work *w, mg_vanished *vanished, mg_error *error) {
    int64_t stored = t->column_ends[t->from.columns], column = 0;
    mg_status status = MG_OK;
    for (int64_t first = 0; !status && first < stored; first += SLAB) {
        int64_t count = mg_min(SLAB, stored - first);
        status = read_rows(t, w, first, count, error);
        if (!status) status = mg_h5_array_read(t->from.data, first, count, w->value_slab, error);
        if (status) break;
        mg_cells_to_float(mg_h5_array_type(t->from.data), count, w->value_slab, w->value);
        while (t->column_ends[column + 1] <= first) column++;
        look(t, w, first, count, column, vanished);
        for (int64_t e = 0; !status && e < count; e++) {
            while (t->column_ends[column + 1] <= first + e) column++;
            int64_t number = w->bucket_of[w->row[e]];
            bucket *b = &w->buckets[number];
            w->buffers[number * w->room + b->waiting++] = (entry){w->row[e], (uint32_t)column, w->value[e]};
            if (b->waiting == w->room) status = flush(t, w, number, error);
        }
    }
    for (int64_t b = 0; !status && b < w->count; b++) status = flush(t, w, b, error);
    return status;
}

// Sorts a bucket by row. Its cells replace its entries and those of earlier buckets, which have been sorted.
static mg_status sort_bucket(mg_transpose *t, work *w, const bucket *b, mg_error *error) {
    int64_t from = t->row_ends[b->row], count = t->row_ends[b[1].row] - from;
    if (b->written != count) return changed(t, error);
    mg_status status =
        mg_scratch_read(t->scratch, place_of(t, b), w->entries, count * (int64_t)sizeof *w->entries, error);
    for (int64_t i = b->row; i < b[1].row; i++) w->next[i - b->row] = t->row_ends[i] - from;
    for (int64_t e = 0; !status && e < count; e++) {
        const entry *x = &w->entries[e];
        int64_t at = w->next[x->row - b->row]++;
        if (at >= t->row_ends[x->row + 1] - from) return changed(t, error);
        w->sorted[at] = (cell){x->column, x->value};
    }
    if (status) return status;
    return mg_scratch_write(t->scratch, from * (int64_t)sizeof *w->sorted, w->sorted,
                            count * (int64_t)sizeof *w->sorted, error);
}

static mg_status transpose(mg_transpose *t, mg_vanished *vanished, mg_error *error) {
    work w = {0};
    mg_scratch *scratch = NULL;
    char purpose[160];
    snprintf(purpose, sizeof purpose, "%s is stored by columns (csc_matrix), and its transposition",
             t->from.name);
    mg_status status = mg_scratch_create(mg_transpose_bytes(t), purpose, &scratch, error);
    t->scratch = scratch;
    if (!status) status = create_slabs(t, &w, true, error);
    if (!status) status = plan_buckets(t, &w, error);
    if (!status) status = distribute(t, &w, vanished, error);
    for (int64_t b = 0; !status && b < w.count; b++) status = sort_bucket(t, &w, &w.buckets[b], error);
    clear(&w);
    if (status) {
        mg_scratch_destroy(t->scratch);
        t->scratch = NULL;
    }
    return status;
}

mg_status mg_transpose_read(mg_transpose *t, mg_vanished *vanished, int64_t first, int64_t count,
                            uint32_t *column, float *value, mg_error *error) {
    mg_status status = t->scratch ? MG_OK : transpose(t, vanished, error);
    size_t bytes = (size_t)count * sizeof *t->cells;
    if (!status) status = mg_memory_grow(&t->cells, &t->cells_room, bytes + 1, 1, error);
    if (!status)
        status =
            mg_scratch_read(t->scratch, first * (int64_t)sizeof *t->cells, t->cells, (int64_t)bytes, error);
    for (int64_t e = 0; !status && e < count; e++) {
        column[e] = t->cells[e].column;
        value[e] = t->cells[e].value;
    }
    return status;
}
