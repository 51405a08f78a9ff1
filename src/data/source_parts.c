// source_parts.c - the rows of several files, one file after the other.
#include "data/source_state.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

static const char *layout_name(const mg_source *source) {
    return source->layout == MG_DENSE ? "dense" : "sparse";
}

mg_status mg_source_parts_check(const mg_source *known, const mg_source *other, mg_error *error) {
    const char *path = mg_h5_path(other->file), *first = mg_h5_path(known->file);
    if (other->layout != known->layout)
        return mg_fail(error, MG_DATA,
                       "%s: its rows are %s but those in %s are %s: convert the inputs again, all with the "
                       "same options",
                       path, layout_name(other), first, layout_name(known));
    if (other->features == known->features) return MG_OK;
    return mg_fail(error, MG_DATA,
                   "%s: has %lld features but there are %lld in %s: convert the inputs together (margin "
                   "convert INPUT1 INPUT2 OUT.h5)",
                   path, (long long)other->features, (long long)known->features, first);
}

// The part that has a row.
static int part_of(const mg_source_parts *parts, int64_t row) {
    int low = 0, high = parts->count - 1;
    while (low < high) {
        int middle = low + (high - low + 1) / 2;
        if (parts->first[middle] <= row) low = middle;
        else high = middle - 1;
    }
    return low;
}

// How many of the `count` rows from position `first` on are in the same file as the first of them, which is
// in `part`.
static int64_t rows_in_part(const mg_source_parts *parts, int part, const int64_t *select, int64_t first,
                            int64_t count) {
    int64_t end = parts->first[part + 1], rows = 1;
    if (!select) return end - first < count ? end - first : count;
    while (rows < count && select[first + rows] < end) rows++;
    return rows;
}

static void note_vanished(mg_source *source, int part, int64_t before) {
    const mg_vanished *own = &source->parts->source[part]->vanished;
    mg_vanished *all = &source->vanished;
    if (own->count == before) return;
    int64_t count = all->count;
    if (!count) {
        *all = *own;
        all->row += source->parts->first[part];
    }
    all->count = count + own->count - before;
}

static mg_status read_part(mg_source *source, int part, const int64_t *select, int64_t first, int64_t rows,
                           mg_store *store, mg_error *error) {
    mg_source_parts *parts = source->parts;
    mg_source *own = parts->source[part];
    int64_t begin = parts->first[part], before = own->vanished.count;
    mg_status status = MG_OK;
    if (select)
        status = mg_memory_grow(&parts->select, &parts->room, (size_t)rows, sizeof *parts->select, error);
    if (status) return status;
    for (int64_t i = 0; select && i < rows; i++) parts->select[i] = select[first + i] - begin;
    status = select ? mg_source_read(own, parts->select, 0, rows, store, error)
                    : mg_source_read(own, NULL, first - begin, rows, store, error);
    note_vanished(source, part, before);
    return status;
}

mg_status mg_source_parts_read(mg_source *source, const int64_t *select, int64_t first, int64_t count,
                               mg_store *store, mg_error *error) {
    mg_status status = MG_OK;
    for (int64_t done = 0, rows; !status && done < count; done += rows) {
        int64_t at = first + done;
        int part = part_of(source->parts, select ? select[at] : at);
        rows = rows_in_part(source->parts, part, select, at, count - done);
        status = read_part(source, part, select, at, rows, store, error);
    }
    return status;
}

int64_t mg_source_parts_stored(const mg_source *source, const int64_t *select, int64_t first, int64_t count) {
    const mg_source_parts *parts = source->parts;
    int64_t stored = 0;
    for (int64_t done = 0, rows; done < count; done += rows) {
        int64_t at = first + done;
        int part = part_of(parts, select ? select[at] : at);
        const mg_source *own = parts->source[part];
        int64_t begin = parts->first[part];
        rows = rows_in_part(parts, part, select, at, count - done);
        if (!select) stored += mg_source_stored(own, NULL, at - begin, rows);
        for (int64_t i = at; select && i < at + rows; i++)
            stored += mg_source_stored(own, NULL, select[i] - begin, 1);
    }
    return stored;
}

mg_status mg_source_parts_read_ends(mg_source *source, int64_t first, int64_t end, mg_error *error) {
    const mg_source_parts *parts = source->parts;
    mg_status status = MG_OK;
    for (int i = 0; !status && i < parts->count; i++) {
        int64_t begin = parts->first[i], from = first > begin ? first - begin : 0,
                to = end < parts->first[i + 1] ? end - begin : parts->source[i]->rows;
        if (from < to) status = mg_source_read_ends(parts->source[i], from, to, error);
    }
    return status;
}

mg_status mg_source_parts_align(const mg_source *source, const mg_align *align, mg_error *error) {
    const mg_source_parts *parts = source->parts;
    mg_status status = MG_OK;
    for (int i = 0; !status && i < parts->count; i++)
        status = mg_source_align(parts->source[i], align, error);
    return status;
}

void mg_source_parts_rounding(const mg_source *source, char out[MG_SOURCE_ROUNDING]) {
    mg_rounding all = {0};
    char lost[MG_ROUNDING_TEXT];
    int64_t column = 0, count = 0;
    if (mg_rounding_begin(&all, source->features, NULL)) return; // it is only a note
    for (int i = 0; i < source->parts->count; i++) mg_rounding_add(&all, &source->parts->source[i]->rounding);
    count = mg_rounding_worst(&all, &column);
    if (count) {
        mg_rounding_text(&all, column, count, lost);
        snprintf(out, MG_SOURCE_ROUNDING, "%s: %s[:, %lld] %s", mg_h5_path(source->file), source->name,
                 (long long)column, lost);
    }
    mg_rounding_clear(&all);
}

int64_t mg_source_parts_sum(const mg_source *source, int64_t (*of)(const mg_source *)) {
    int64_t sum = 0;
    for (int i = 0; i < source->parts->count; i++) sum += of(source->parts->source[i]);
    return sum;
}

int64_t mg_source_parts_most(const mg_source *source, int64_t (*of)(const mg_source *)) {
    int64_t most = 0;
    for (int i = 0; i < source->parts->count; i++) {
        int64_t one = of(source->parts->source[i]);
        most = one > most ? one : most;
    }
    return most;
}
