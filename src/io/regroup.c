// regroup.c - divides the rows into buckets, each small enough to be sorted in memory. Every entry is
// appended to its bucket in the temporary file; then each bucket is sorted by row.
#include "io/regroup.h"

#include "base/arithmetic.h"
#include "base/memory.h"
#include "io/scratch.h"

enum {
    BUCKET = 2 << 20,   // entries of a bucket, unless a single row has more
    BUFFERS = 16 << 20, // bytes of the buffers of all buckets
    MOST_BUFFER = 4096  // entries in the buffer of a bucket
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
    int64_t written; // entries in the temporary file
    int64_t waiting; // entries in its buffer
} bucket;

struct mg_regroup {
    const char *path;
    int64_t rows;
    const int64_t *row_ends; // [rows + 1]
    mg_scratch *scratch;
    bucket *buckets; // [count + 1]; the last one has the number of rows
    int64_t count;
    int64_t most, most_rows; // of a bucket
    uint32_t *bucket_of;     // [rows]
    entry *buffers;          // [count][room]
    int64_t room;
    cell *cells; // buffer of mg_regroup_read
    size_t cells_room;
};

// Memory for sorting a bucket.
typedef struct sorting {
    entry *entries; // [most] as they were written
    cell *sorted;   // [most]
    int64_t *next;  // [most_rows] where the next entry of the row belongs
} sorting;

int64_t mg_regroup_bytes(int64_t entries) { return entries * (int64_t)sizeof(entry); }

static mg_status changed(const mg_regroup *r, mg_error *error) {
    return mg_fail(error, MG_DATA, "%s: changed while it was read: start again", r->path);
}

static mg_status divide_rows(mg_regroup *r, mg_error *error) {
    const int64_t *ends = r->row_ends;
    size_t room = 0;
    mg_status status = mg_memory_get(&r->bucket_of, (size_t)r->rows, sizeof *r->bucket_of, error);
    for (int64_t row = 0, next; !status && row < r->rows; row = next) {
        for (next = row + 1; next < r->rows && ends[next + 1] - ends[row] <= BUCKET; next++) continue;
        status = mg_memory_grow(&r->buckets, &room, (size_t)r->count + 2, sizeof *r->buckets, error);
        if (status) break;
        for (int64_t i = row; i < next; i++) r->bucket_of[i] = (uint32_t)r->count;
        r->buckets[r->count++] = (bucket){.row = row};
        r->buckets[r->count] = (bucket){.row = next};
        r->most = mg_max(r->most, ends[next] - ends[row]);
        r->most_rows = mg_max(r->most_rows, next - row);
    }
    r->room = mg_clamp(BUFFERS / (int64_t)sizeof(entry) / mg_max(r->count, 1), 16, MOST_BUFFER);
    return status ? status
                  : mg_memory_get(&r->buffers, (size_t)(r->count * r->room), sizeof *r->buffers, error);
}

mg_status mg_regroup_create(const char *path, const char *what, int64_t rows, const int64_t *row_ends,
                            mg_regroup **out, mg_error *error) {
    *out = NULL;
    mg_regroup *r;
    mg_status status = mg_memory_zeroed(&r, 1, sizeof *r, error);
    if (status) return status;
    *r = (mg_regroup){.path = path, .rows = rows, .row_ends = row_ends};
    status = mg_scratch_create(mg_regroup_bytes(row_ends[rows]), what, &r->scratch, error);
    if (!status) status = divide_rows(r, error);
    if (status) mg_regroup_destroy(r);
    else *out = r;
    return status;
}

void mg_regroup_destroy(mg_regroup *r) {
    if (!r) return;
    mg_scratch_destroy(r->scratch);
    mg_memory_free(r->buckets);
    mg_memory_free(r->bucket_of);
    mg_memory_free(r->buffers);
    mg_memory_free(r->cells);
    mg_memory_free(r);
}

// The position in the temporary file at which a bucket begins.
static int64_t place_of(const mg_regroup *r, const bucket *b) {
    return mg_regroup_bytes(r->row_ends[b->row]);
}

static mg_status flush(mg_regroup *r, int64_t number, mg_error *error) {
    bucket *b = &r->buckets[number];
    if (b->waiting > r->row_ends[b[1].row] - r->row_ends[b->row] - b->written) return changed(r, error);
    mg_status status = mg_scratch_write(r->scratch, place_of(r, b) + mg_regroup_bytes(b->written),
                                        r->buffers + number * r->room, mg_regroup_bytes(b->waiting), error);
    b->written += b->waiting;
    b->waiting = 0;
    return status;
}

mg_status mg_regroup_add(mg_regroup *r, uint32_t row, uint32_t column, float value, mg_error *error) {
    int64_t number = r->bucket_of[row];
    bucket *b = &r->buckets[number];
    r->buffers[number * r->room + b->waiting++] = (entry){row, column, value};
    return b->waiting == r->room ? flush(r, number, error) : MG_OK;
}

// Sorts a bucket by row. Its cells replace its entries and those of earlier buckets, which have been sorted.
static mg_status sort_bucket(mg_regroup *r, const sorting *s, const bucket *b, mg_error *error) {
    int64_t from = r->row_ends[b->row], count = r->row_ends[b[1].row] - from;
    if (b->written != count) return changed(r, error);
    mg_status status =
        mg_scratch_read(r->scratch, place_of(r, b), s->entries, mg_regroup_bytes(count), error);
    for (int64_t i = b->row; i < b[1].row; i++) s->next[i - b->row] = r->row_ends[i] - from;
    for (int64_t e = 0; !status && e < count; e++) {
        const entry *x = &s->entries[e];
        int64_t at = s->next[x->row - b->row]++;
        if (at >= r->row_ends[x->row + 1] - from) return changed(r, error);
        s->sorted[at] = (cell){x->column, x->value};
    }
    if (status) return status;
    return mg_scratch_write(r->scratch, from * (int64_t)sizeof(cell), s->sorted,
                            count * (int64_t)sizeof(cell), error);
}

mg_status mg_regroup_finish(mg_regroup *r, mg_error *error) {
    sorting s = {0};
    mg_status status = MG_OK;
    for (int64_t b = 0; !status && b < r->count; b++) status = flush(r, b, error);
    if (!status) status = mg_memory_get(&s.entries, (size_t)r->most, sizeof *s.entries, error);
    if (!status) status = mg_memory_get(&s.sorted, (size_t)r->most, sizeof *s.sorted, error);
    if (!status) status = mg_memory_get(&s.next, (size_t)r->most_rows, sizeof *s.next, error);
    for (int64_t b = 0; !status && b < r->count; b++) status = sort_bucket(r, &s, &r->buckets[b], error);
    mg_memory_free(s.entries);
    mg_memory_free(s.sorted);
    mg_memory_free(s.next);
    mg_memory_free(r->buffers);
    mg_memory_free(r->bucket_of);
    r->buffers = NULL;
    r->bucket_of = NULL;
    return status;
}

mg_status mg_regroup_read(mg_regroup *r, int64_t first, int64_t count, uint32_t *column, float *value,
                          mg_error *error) {
    size_t bytes = (size_t)count * sizeof *r->cells;
    mg_status status = mg_memory_grow(&r->cells, &r->cells_room, bytes + 1, 1, error);
    if (!status)
        status =
            mg_scratch_read(r->scratch, first * (int64_t)sizeof *r->cells, r->cells, (int64_t)bytes, error);
    for (int64_t e = 0; !status && e < count; e++) {
        column[e] = r->cells[e].column;
        value[e] = r->cells[e].value;
    }
    return status;
}
