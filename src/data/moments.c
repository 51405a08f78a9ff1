// moments.c - computes the sums over columns, in a fixed order.
#include "data/moments.h"

#include "base/arithmetic.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

enum { CELLS = 512 }; // cells that are converted to float at a time
// A row that is this many times heavier than the first row of its block starts a new block. Otherwise a light
// first row that is far from all others would be the origin of all differences in the block.
enum { MOST_HEAVIER = 16 };
// Rows of a block. A sum of this many bytes fits in uint16; a power of two makes the division by a full block
// exact.
enum { BLOCK_ROWS = 64 };

mg_status mg_moments_create(mg_moments *moments, mg_layout layout, int64_t features, mg_error *error) {
    size_t d = (size_t)features;
    *moments = (mg_moments){.features = features};
    mg_status status = mg_memory_zeroed(&moments->mean, d, sizeof(double), error);
    if (!status) status = mg_memory_zeroed(&moments->squares, d, sizeof(double), error);
    if (!status) status = mg_memory_zeroed(&moments->most, d, sizeof(float), error);
    if (!status && layout == MG_CSR) {
        status = mg_memory_zeroed(&moments->stored, d, sizeof(double), error);
    } else if (!status) {
        status = mg_memory_zeroed(&moments->first, d, sizeof(double), error);
        if (!status) status = mg_memory_zeroed(&moments->sum, d, sizeof(double), error);
        if (!status) status = mg_memory_zeroed(&moments->square, d, sizeof(double), error);
        if (!status) status = mg_memory_zeroed(&moments->integer_sum, d, sizeof *moments->integer_sum, error);
        if (!status)
            status = mg_memory_zeroed(&moments->integer_square, d, sizeof *moments->integer_square, error);
        if (!status)
            status = mg_memory_zeroed(&moments->integer_most, d, sizeof *moments->integer_most, error);
    }
    if (status) mg_moments_destroy(moments);
    return status;
}

void mg_moments_destroy(mg_moments *moments) {
    if (!moments) return;
    mg_memory_free(moments->mean);
    mg_memory_free(moments->squares);
    mg_memory_free(moments->most);
    mg_memory_free(moments->first);
    mg_memory_free(moments->sum);
    mg_memory_free(moments->square);
    mg_memory_free(moments->integer_sum);
    mg_memory_free(moments->integer_square);
    mg_memory_free(moments->integer_most);
    mg_memory_free(moments->stored);
    *moments = (mg_moments){0};
}

static void add_floats(int64_t n, double weight, const float *restrict x, const double *restrict first,
                       double *restrict sum, double *restrict square, float *restrict most) {
    for (int64_t d = 0; d < n; d++) {
        float magnitude = fabsf(x[d]);
        double away = (double)x[d] - first[d], weighted = weight * away;
        sum[d] += weighted;
        square[d] += weighted * away;
        most[d] = magnitude > most[d] ? magnitude : most[d];
    }
}

// Adds a row of bytes. The sums have the narrowest types that can hold those of a block, because then a
// vector instruction adds more of them. Without `restrict`, a uint8_t pointer could alias any array.
static void add_bytes(int64_t n, const uint8_t *restrict x, uint16_t *restrict sum, uint32_t *restrict square,
                      uint8_t *restrict most) {
    for (int64_t d = 0; d < n; d++) {
        sum[d] = (uint16_t)(sum[d] + x[d]);
        square[d] += (uint16_t)(x[d] * x[d]);
        most[d] = x[d] > most[d] ? x[d] : most[d];
    }
}

// Converts sums of bytes to sums of differences from the first row. All numbers are whole, so the bits are
// the same as if differences had been summed.
static void take_bytes(mg_moments *moments) {
    double n = moments->block_weight;
    for (int64_t d = 0; d < moments->features; d++) {
        double first = moments->first[d], sum = (double)moments->integer_sum[d],
               square = (double)moments->integer_square[d];
        moments->sum[d] = sum - n * first;
        moments->square[d] = square - 2 * first * sum + n * first * first;
        if ((float)moments->integer_most[d] > moments->most[d])
            moments->most[d] = (float)moments->integer_most[d];
    }
    size_t d = (size_t)moments->features;
    memset(moments->integer_sum, 0, d * sizeof *moments->integer_sum);
    memset(moments->integer_square, 0, d * sizeof *moments->integer_square);
    memset(moments->integer_most, 0, d);
}

// Ends the current block: merges its means and squared deviations with those of earlier rows (Chan's
// formula).
static void end_block(mg_moments *moments) {
    if (!moments->pending) return;
    if (moments->bytes) take_bytes(moments);
    double n = moments->block_weight, before = moments->weight, all = before + n, share = n / all,
           cross = before * share;
    for (int64_t d = 0; d < moments->features; d++) {
        double sum = moments->sum[d], within = moments->square[d] - sum * (sum / n);
        double apart = moments->first[d] + sum / n - moments->mean[d];
        moments->squares[d] += (within > 0 ? within : 0) + apart * apart * cross;
        moments->mean[d] += apart * share;
    }
    moments->weight = all;
    moments->block_weight = 0;
    moments->pending = 0;
    memset(moments->sum, 0, (size_t)moments->features * sizeof(double));
    memset(moments->square, 0, (size_t)moments->features * sizeof(double));
}

static void add_dense_row(mg_moments *moments, mg_cell cell, const void *row, double weight) {
    int64_t features = moments->features;
    bool bytes = moments->bytes;
    float cells[CELLS];
    if (moments->pending && weight > MOST_HEAVIER * moments->first_weight) end_block(moments);
    if (!moments->pending) moments->first_weight = weight;
    moments->block_weight += weight;
    for (int64_t d = 0; !moments->pending && d < features; d++)
        moments->first[d] = (double)mg_cell_at(cell, row, d);
    if (bytes) add_bytes(features, row, moments->integer_sum, moments->integer_square, moments->integer_most);
    for (int64_t from = 0, n; !bytes && from < features; from += n) {
        n = mg_min(features - from, CELLS);
        const float *x = cell == MG_CELL_F32 ? (const float *)row + from : cells;
        for (int64_t d = 0; x == cells && d < n; d++) cells[d] = mg_cell_at(cell, row, from + d);
        add_floats(n, weight, x, moments->first + from, moments->sum + from, moments->square + from,
                   moments->most + from);
    }
    if (++moments->pending == BLOCK_ROWS) end_block(moments);
}

// Adds a sparse row by Welford's recurrence, which costs only as much as the row has stored values.
static void add_csr_row(mg_moments *moments, const mg_store *store, int64_t row, double weight) {
    for (int64_t e = store->indptr[row]; e < store->indptr[row + 1]; e++) {
        int64_t d = store->indices[e];
        double x = (double)store->values[e], apart = x - moments->mean[d];
        moments->stored[d] += weight;
        moments->mean[d] += apart * (weight / moments->stored[d]);
        moments->squares[d] += weight * apart * (x - moments->mean[d]);
        float magnitude = fabsf(store->values[e]);
        if (magnitude > moments->most[d]) moments->most[d] = magnitude;
    }
    moments->weight += weight;
}

// Merges the zeros that CSR rows do not store with the stored values.
static void add_zeros(mg_moments *moments) {
    for (int64_t d = 0; d < moments->features; d++) {
        double share = moments->stored[d] / moments->weight, zeros = moments->weight - moments->stored[d],
               mean = moments->mean[d];
        if (!(zeros > 0)) continue; // all rows store a value of this column
        moments->squares[d] += mean * mean * zeros * share;
        moments->mean[d] = mean * share;
    }
}

void mg_moments_finish(mg_moments *moments) {
    if (moments->stored && moments->weight > 0) add_zeros(moments);
    if (!moments->stored) end_block(moments);
}

void mg_moments_add(mg_moments *moments, const mg_store *store, int64_t first, int64_t count,
                    const float *weight) {
    moments->bytes = store->layout == MG_DENSE && store->cell == MG_CELL_U8 && !weight;
    for (int64_t i = first; i < first + count; i++) {
        double w = weight ? (double)weight[i - first] : 1;
        if (w == 0) continue; // a row of weight 0 does not count
        if (store->layout == MG_CSR) {
            add_csr_row(moments, store, i, w);
        } else {
            const void *row =
                (const char *)store->dense + (size_t)(i * store->stride) * mg_cell_size(store->cell);
            add_dense_row(moments, store->cell, row, w);
        }
    }
}

void mg_moments_keep(mg_moments *moments, const mg_used *used) {
    if (!used->width) return;
    for (int64_t d = 0; d < moments->features; d++) {
        int64_t place = mg_used_place(used, d);
        if (place < 0) continue;
        moments->mean[place] = moments->mean[d];
        moments->squares[place] = moments->squares[d];
        moments->most[place] = moments->most[d];
        moments->stored[place] = moments->stored[d];
    }
    moments->features = used->count;
}
