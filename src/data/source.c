// source.c - reads stored rows, and converts, checks and prepares them. source_open.c opens them.
#include "data/source.h"

#include "base/memory.h"
#include "data/cells.h"
#include "data/clip.h"
#include "data/source_state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SLAB_BYTES = 4 << 20 };

int64_t mg_source_rows(const mg_source *source) { return source->rows; }

int64_t mg_source_features(const mg_source *source) { return mg_source_width(source); }

mg_layout mg_source_layout(const mg_source *source) { return source->layout; }

mg_cell mg_source_cell(const mg_source *source) { return source->cell; }

const char *mg_source_name(const mg_source *source) { return source->name; }

const char *mg_source_type_name(const mg_source *source) {
    const mg_source *one = source->parts ? source->parts->source[0] : source;
    return mg_h5_type_name(mg_h5_array_type(one->data));
}

const int64_t *mg_source_part_rows(const mg_source *source) {
    return source->parts ? source->parts->first : NULL;
}

void mg_source_use(mg_source *source, const mg_used *used) {
    source->used = used;
    for (int i = 0; source->parts && i < source->parts->count; i++) source->parts->source[i]->used = used;
}

mg_status mg_source_align(mg_source *source, const mg_align *align, mg_error *error) {
    mg_status status = source->parts ? mg_source_parts_align(source, align, error) : MG_OK;
    if (!source->parts && source->layout == MG_DENSE)
        status = mg_memory_get(&source->line, (size_t)source->features, mg_cell_size(source->cell), error);
    if (!status) source->align = *align;
    return status;
}

const mg_align *mg_source_alignment(const mg_source *source) { return &source->align; }

int64_t mg_source_chunk_rows(const mg_source *source) {
    if (source->parts) return mg_source_parts_most(source, mg_source_chunk_rows);
    return source->layout == MG_DENSE ? mg_h5_array_chunk_rows(source->data) : 0;
}

double mg_source_chunk_bytes(const mg_source *source) {
    if (source->parts) return mg_source_chunk_bytes(source->parts->source[0]);
    double indices = source->indices ? mg_h5_array_chunk_bytes(source->indices) : 0;
    if (source->transpose) return 0;
    return mg_h5_array_chunk_bytes(source->data) + indices;
}

const mg_vanished *mg_source_vanished(const mg_source *source) { return &source->vanished; }

void mg_source_rounding_text(const mg_source *source, char out[MG_SOURCE_ROUNDING]) {
    char lost[MG_ROUNDING_TEXT];
    int64_t column = 0, count = mg_rounding_worst(&source->rounding, &column);
    *out = 0;
    if (source->parts) mg_source_parts_rounding(source, out);
    if (count == 0) return;
    mg_rounding_text(&source->rounding, column, count, lost);
    snprintf(out, MG_SOURCE_ROUNDING, "%s: %s[:, %lld] %s", mg_h5_path(source->file), source->name,
             (long long)column, lost);
}

double mg_source_noise(const mg_source *source) {
    return source->preparation.length == MG_ROW_AS_IS ? 0 : 0x1p-22;
}

const mg_h5_type mg_source_stored_types[] = {
    [MG_CELL_U8] = MG_H5_U8, [MG_CELL_I8] = MG_H5_I8, [MG_CELL_F16] = MG_H5_F16, [MG_CELL_F32] = MG_H5_F32};

int64_t mg_source_transposed_bytes(const mg_source *source) {
    if (source->parts) return mg_source_parts_sum(source, mg_source_transposed_bytes);
    return source->transpose ? mg_transpose_bytes(source->transpose) : 0;
}

int64_t mg_source_indptr_bytes(const mg_source *source) {
    if (source->parts) return mg_source_parts_sum(source, mg_source_indptr_bytes);
    return source->own_indptr ? (source->ends.count + 1) * (int64_t)sizeof *source->own_indptr : 0;
}

int64_t mg_source_stored(const mg_source *source, const int64_t *select, int64_t first, int64_t count) {
    if (source->layout != MG_CSR) return 0;
    if (source->parts) return mg_source_parts_stored(source, select, first, count);
    if (!select) return count ? mg_source_begin(source, first + count) - mg_source_begin(source, first) : 0;
    int64_t stored = 0;
    for (int64_t i = first; i < first + count; i++)
        stored += mg_source_begin(source, select[i] + 1) - mg_source_begin(source, select[i]);
    return stored;
}

int64_t mg_source_most_entries(const mg_source *source) {
    if (source->parts) return mg_source_parts_most(source, mg_source_most_entries);
    int64_t most = source->layout == MG_DENSE ? mg_source_width(source) : 0;
    for (int64_t i = 0; source->layout == MG_CSR && i < source->ends.count; i++)
        if (source->indptr[i + 1] - source->indptr[i] > most)
            most = source->indptr[i + 1] - source->indptr[i];
    return most;
}

static void *next_dense_row(const mg_source *source, const mg_store *store) {
    return (char *)store->dense + (size_t)(store->count * store->stride) * mg_cell_size(source->cell);
}

// True if rows have the same bytes in the file and in memory, provided that they are not prepared.
static bool stored_as_kept(const mg_source *source) {
    return !source->align.width && source->features % MG_LANES == 0 &&
           mg_h5_array_type(source->data) == mg_source_stored_types[source->cell];
}

mg_status mg_source_map(const mg_source *source, mg_map **out, mg_error *error) {
    *out = NULL;
    bool fits =
        !source->parts && source->layout == MG_DENSE && mg_source_is_as_is(source) && stored_as_kept(source);
    return fits ? mg_h5_array_map(source->data, out, error) : MG_OK;
}

// `stored`: the cells as they are in the file, for the message.
static mg_status check_cells(const mg_source *source, int64_t row, const void *cells, const char *stored,
                             mg_error *error) {
    int64_t bad = -1;
    if ((source->cell == MG_CELL_F16 && !mg_cells_halves_finite(source->features, cells, &bad)) ||
        (source->cell == MG_CELL_F32 && !mg_cells_finite(source->features, cells, &bad)))
        return mg_source_not_finite(source, row, bad,
                                    mg_cells_real(mg_h5_array_type(source->data), stored, bad), error);
    return MG_OK;
}

mg_status mg_source_check(const mg_source *source, int64_t first, int64_t count, const void *rows,
                          mg_error *error) {
    size_t row_bytes = (size_t)source->features * mg_cell_size(source->cell);
    mg_status status = MG_OK;
    for (int64_t r = 0; !status && r < count; r++) {
        const char *cells = (const char *)rows + (size_t)r * row_bytes;
        status = check_cells(source, first + r, cells, cells, error);
    }
    return status;
}

// Notes what float32 loses of the cells of a row.
static void look_at_lost(mg_source *source, const char *cells, int64_t row, const float *values) {
    mg_h5_type type = mg_h5_array_type(source->data);
    mg_vanished_look(&source->vanished, type, source->features, cells, row, NULL);
    if (!source->wide) return;
    for (int64_t j = 0; j < source->features; j++) source->wide[j] = mg_cells_real(type, cells, j);
    mg_rounding_look(&source->rounding, source->wide, values);
}

// Converts, checks, aligns and prepares one dense row, and puts it in the store. `cells` may be in the store
// already.
static mg_status take_dense_row(mg_source *source, const char *cells, int64_t row, mg_store *store,
                                mg_error *error) {
    size_t cell = mg_cell_size(source->cell);
    int64_t width = mg_source_width(source);
    char *to = next_dense_row(source, store), *read = source->align.width ? source->line : to;
    float *values = (float *)(void *)to; // valid only if the cells are floats
    bool floats = source->cell == MG_CELL_F32;
    if (cells != read && floats)
        mg_cells_to_float(mg_h5_array_type(source->data), source->features, cells, (float *)(void *)read);
    else if (cells != read) memcpy(read, cells, (size_t)source->features * cell);
    if (cells != read) look_at_lost(source, cells, row, (float *)(void *)read);
    mg_status status = check_cells(source, row, read, cells, error);
    if (status) return status;
    if (source->align.width) mg_align_dense(&source->align, cell, read, to);
    int64_t bad = -1;
    const char *why = floats ? mg_prepare_row(source->preparation, width, values, &bad) : NULL;
    if (why) return mg_source_unfit(source, row, bad, bad < 0 ? 0 : values[bad], why, error);
    if (source->preparation.clip) mg_clip_dense(source->preparation.clip, values); // cells are floats then
    memset(to + (size_t)width * cell, 0, (size_t)(store->stride - width) * cell);
    store->count++;
    return MG_OK;
}

static mg_status read_dense(mg_source *source, const int64_t *select, int64_t first, int64_t count,
                            mg_store *store, mg_error *error) {
    size_t row_bytes = (size_t)source->features * mg_h5_type_size(mg_h5_array_type(source->data));
    int64_t slab_rows = (int64_t)(SLAB_BYTES / row_bytes) + 1;
    mg_status status = MG_OK;
    for (int64_t done = 0; !status && done < count;) {
        int64_t from = select ? select[first + done] : first + done, rows = 1;
        // Take as many of the selected rows as are in one slab of the file.
        while (done + rows < count && (select ? select[first + done + rows] : from + rows) < from + slab_rows)
            rows++;
        int64_t span = (select ? select[first + done + rows - 1] : from + rows - 1) - from + 1;
        bool direct = span == rows && stored_as_kept(source);
        if (!direct && (size_t)span * row_bytes > source->slab.bytes)
            status =
                mg_memory_grow(&source->slab.at, &source->slab.bytes, (size_t)span * row_bytes, 1, error);
        char *cells = direct ? next_dense_row(source, store) : source->slab.at;
        if (!status) status = mg_h5_array_read(source->data, from, span, cells, error);
        for (int64_t r = 0; !status && r < rows; r++) {
            int64_t row = select ? select[first + done + r] : from + r;
            status = take_dense_row(source, cells + (size_t)(row - from) * row_bytes, row, store, error);
        }
        done += rows;
    }
    return status;
}

// The types in the slabs: those of the file or, of a CSC group, float32 and uint32.
static mg_h5_type type_of_values(const mg_source *source) {
    return source->transpose ? MG_H5_F32 : mg_h5_array_type(source->data);
}

static mg_h5_type type_of_indices(const mg_source *source) {
    return source->transpose ? MG_H5_U32 : mg_h5_array_type(source->indices);
}

// Reads the indices of a row and checks that they are in range. They need not ascend.
static mg_status take_indices(const mg_source *source, int64_t row, int64_t n, const char *indices,
                              uint32_t *index, mg_error *error) {
    for (int64_t e = 0; e < n; e++) {
        int64_t at = mg_h5_integer(type_of_indices(source), indices, e);
        if (at < 0 || at >= source->features)
            return mg_fail(error, MG_DATA,
                           "%s: %s/indices[%lld] (row %lld) is %lld; indices must be from 0 to the number of "
                           "features - 1",
                           mg_h5_path(source->file), source->name,
                           (long long)(mg_source_begin(source, row) + e), (long long)row, (long long)at);
        index[e] = (uint32_t)at;
    }
    return MG_OK;
}

// Sorts the stored values of a row by index, because Cell Ranger and scipy sometimes write them in any order.
static mg_status sort_row(mg_source *source, int64_t row, int64_t n, uint32_t *index, float *value,
                          mg_error *error) {
    mg_status status =
        mg_memory_grow(&source->pairs.at, &source->pairs.bytes, (size_t)n * sizeof(uint64_t), 1, error);
    int64_t twice = status ? -1 : mg_cells_sort(n, source->pairs.at, index, value);
    if (twice < 0) return status;
    return mg_fail(error, MG_DATA,
                   "%s: %s/indices contain %lld twice in row %lld: add up the repeated values (in scipy: "
                   ".sum_duplicates())",
                   mg_h5_path(source->file), source->name, (long long)index[twice], (long long)row);
}

static mg_status align_row(mg_source *source, int64_t row, int64_t *n, uint32_t *index, float *value,
                           mg_error *error) {
    *n = mg_align_sparse(&source->align, *n, index, value);
    return source->align.ascending ? MG_OK : sort_row(source, row, *n, index, value, error);
}

static mg_status take_csr_row(mg_source *source, int64_t row, int64_t base, mg_store *store,
                              mg_error *error) {
    int64_t from = mg_source_begin(source, row), n = mg_source_begin(source, row + 1) - from,
            at = store->indptr[store->count], bad = -1;
    mg_h5_type type = type_of_values(source), index_type = type_of_indices(source);
    const char *values = (const char *)source->slab.at + (size_t)(from - base) * mg_h5_type_size(type);
    const char *indices =
        (const char *)source->index_slab.at + (size_t)(from - base) * mg_h5_type_size(index_type);
    float *to = store->values + at;
    uint32_t *index = store->indices + at;
    mg_cells_to_float(type, n, values, to);
    bool sorted = mg_cells_to_indices(index_type, n, indices, source->features, index) < 0;
    mg_status status = sorted ? MG_OK : take_indices(source, row, n, indices, index, error);
    if (status) return status;
    mg_vanished_look(&source->vanished, type, n, values, row, index);
    if (!sorted) status = sort_row(source, row, n, index, to, error);
    if (status) return status;
    if (!mg_cells_finite(n, to, &bad)) {
        int64_t place = 0; // in the file, where indices need not ascend
        while (mg_cells_real(index_type, indices, place) != (double)index[bad]) place++;
        return mg_source_not_finite(source, row, index[bad], mg_cells_real(type, values, place), error);
    }
    if (source->align.width) status = align_row(source, row, &n, index, to, error);
    if (status) return status;
    const char *why = mg_prepare_row(source->preparation, n, to, &bad);
    if (why)
        return mg_source_unfit(source, row, bad < 0 ? bad : index[bad], bad < 0 ? 0 : to[bad], why, error);
    if (source->preparation.clip) mg_clip_sparse(source->preparation.clip, n, index, to);
    if (source->used) n = mg_used_renumber(source->used, n, index, to);
    store->indptr[++store->count] = at + n;
    return MG_OK;
}

static mg_status read_csr_slab(mg_source *source, int64_t from, int64_t to, mg_error *error) {
    size_t stored = (size_t)(mg_source_begin(source, to) - mg_source_begin(source, from));
    int64_t first = mg_source_begin(source, from);
    size_t value_bytes = stored * mg_h5_type_size(type_of_values(source));
    size_t index_bytes = stored * mg_h5_type_size(type_of_indices(source));
    // One byte more, so that the slab is allocated even if no row stores a value.
    mg_status status = mg_memory_grow(&source->slab.at, &source->slab.bytes, value_bytes + 1, 1, error);
    if (!status)
        status = mg_memory_grow(&source->index_slab.at, &source->index_slab.bytes, index_bytes + 1, 1, error);
    if (!status && source->transpose)
        return mg_transpose_read(source->transpose, &source->vanished, first, (int64_t)stored,
                                 source->index_slab.at, source->slab.at, error);
    if (!status) status = mg_h5_array_read(source->data, first, (int64_t)stored, source->slab.at, error);
    if (!status)
        status = mg_h5_array_read(source->indices, first, (int64_t)stored, source->index_slab.at, error);
    return status;
}

static mg_status read_csr(mg_source *source, const int64_t *select, int64_t first, int64_t count,
                          mg_store *store, mg_error *error) {
    const int64_t slab_entries = SLAB_BYTES / 8;
    mg_status status = MG_OK;
    for (int64_t done = 0; !status && done < count;) {
        int64_t from = select ? select[first + done] : first + done, rows = 1, last = from,
                begin = mg_source_begin(source, from);
        while (done + rows < count) {
            int64_t next = select ? select[first + done + rows] : from + rows;
            if (mg_source_begin(source, next + 1) - begin > slab_entries) break;
            last = next;
            rows++;
        }
        status = read_csr_slab(source, from, last + 1, error);
        for (int64_t r = 0; !status && r < rows; r++)
            status = take_csr_row(source, select ? select[first + done + r] : from + r, begin, store, error);
        done += rows;
    }
    return status;
}

mg_status mg_source_read(mg_source *source, const int64_t *select, int64_t first, int64_t count,
                         mg_store *store, mg_error *error) {
    if (source->parts) return mg_source_parts_read(source, select, first, count, store, error);
    return source->layout == MG_DENSE ? read_dense(source, select, first, count, store, error)
                                      : read_csr(source, select, first, count, store, error);
}
