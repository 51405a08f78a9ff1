// moments.c - narrow sums of a few rows at a time keep the loop as fast as the memory; wide ones keep the precision.
#include "data/moments.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

enum { HALVES = 512 }; // cells widened at a time
enum { NARROW_ROWS = 64 };

mg_status mg_moments_create(mg_moments *moments, int64_t features, mg_error *error) {
    size_t d = (size_t)features;
    *moments = (mg_moments){.features = features};
    mg_status status = mg_memory_zeroed(&moments->sum, d, sizeof(double), error);
    if (!status) status = mg_memory_zeroed(&moments->square, d, sizeof(double), error);
    if (!status) status = mg_memory_zeroed(&moments->most, d, sizeof(float), error);
    if (!status) status = mg_memory_zeroed(&moments->narrow_sum, d, sizeof(float), error);
    if (!status) status = mg_memory_zeroed(&moments->narrow_square, d, sizeof(float), error);
    if (!status) status = mg_memory_zeroed(&moments->integer_sum, d, sizeof *moments->integer_sum, error);
    if (!status) status = mg_memory_zeroed(&moments->integer_square, d, sizeof *moments->integer_square, error);
    if (!status) status = mg_memory_zeroed(&moments->integer_most, d, sizeof *moments->integer_most, error);
    if (status) mg_moments_destroy(moments);
    return status;
}

void mg_moments_destroy(mg_moments *moments) {
    if (!moments) return;
    mg_memory_free(moments->sum);
    mg_memory_free(moments->square);
    mg_memory_free(moments->most);
    mg_memory_free(moments->narrow_sum);
    mg_memory_free(moments->narrow_square);
    mg_memory_free(moments->integer_sum);
    mg_memory_free(moments->integer_square);
    mg_memory_free(moments->integer_most);
    *moments = (mg_moments){0};
}

static void add_floats(mg_moments *moments, int64_t from, int64_t n, const float *x) {
    float *sum = moments->narrow_sum + from, *square = moments->narrow_square + from, *most = moments->most + from;
    for (int64_t d = 0; d < n; d++) {
        float magnitude = fabsf(x[d]);
        sum[d] += x[d];
        square[d] += x[d] * x[d];
        most[d] = magnitude > most[d] ? magnitude : most[d];
    }
}

// In the narrowest integers that hold NARROW_ROWS cells of 255, as more of them fit into a vector; and with every array said to
// be its own, as bytes could otherwise be part of any.
static void add_u8_row(int64_t n, const uint8_t *restrict x, uint16_t *restrict sum, uint32_t *restrict square,
                       uint8_t *restrict most) {
    for (int64_t d = 0; d < n; d++) {
        sum[d] = (uint16_t)(sum[d] + x[d]);
        square[d] += (uint16_t)(x[d] * x[d]);
        most[d] = x[d] > most[d] ? x[d] : most[d];
    }
}

static void add_i8_row(mg_moments *moments, const int8_t *x) {
    for (int64_t d = 0; d < moments->features; d++) {
        float cell = (float)x[d], magnitude = fabsf(cell);
        moments->narrow_sum[d] += cell;
        moments->narrow_square[d] += cell * cell;
        moments->most[d] = magnitude > moments->most[d] ? magnitude : moments->most[d];
    }
}

static void add_half_row(mg_moments *moments, const uint16_t *halves) {
    float x[HALVES];
    for (int64_t from = 0, n; from < moments->features; from += n) {
        n = moments->features - from < HALVES ? moments->features - from : HALVES;
        for (int64_t d = 0; d < n; d++) x[d] = mg_half_to_float(halves[from + d]);
        add_floats(moments, from, n, x);
    }
}

static void add_cell(mg_moments *moments, int64_t d, float cell, double weight) {
    double x = (double)cell;
    float magnitude = fabsf(cell);
    moments->sum[d] += weight * x;
    moments->square[d] += weight * x * x;
    if (magnitude > moments->most[d]) moments->most[d] = magnitude;
}

// A sparse row touches few columns: straight into the wide sums.
static void add_csr_row(mg_moments *moments, const mg_store *store, int64_t row, double weight) {
    for (int64_t e = store->indptr[row]; e < store->indptr[row + 1]; e++)
        add_cell(moments, store->indices[e], store->values[e], weight);
}

// Rows with weights are rare enough to go straight into the wide sums too.
static void add_weighted_row(mg_moments *moments, mg_cell cell, const void *row, double weight) {
    for (int64_t d = 0; d < moments->features; d++) {
        add_cell(moments, d, mg_cell_at(cell, row, d), weight);
    }
}

void mg_moments_flush(mg_moments *moments) {
    for (int64_t d = 0; d < moments->features; d++) {
        moments->sum[d] += (double)moments->narrow_sum[d] + (double)moments->integer_sum[d];
        moments->square[d] += (double)moments->narrow_square[d] + (double)moments->integer_square[d];
        if ((float)moments->integer_most[d] > moments->most[d]) moments->most[d] = (float)moments->integer_most[d];
    }
    size_t d = (size_t)moments->features;
    memset(moments->narrow_sum, 0, d * sizeof(float));
    memset(moments->narrow_square, 0, d * sizeof(float));
    memset(moments->integer_sum, 0, d * sizeof(uint16_t));
    memset(moments->integer_square, 0, d * sizeof(uint32_t));
    moments->pending = 0;
}

static void add_dense_row(mg_moments *moments, mg_cell cell, const void *row) {
    if (cell == MG_CELL_F32) add_floats(moments, 0, moments->features, row);
    else if (cell == MG_CELL_F16) add_half_row(moments, row);
    else if (cell == MG_CELL_U8)
        add_u8_row(moments->features, row, moments->integer_sum, moments->integer_square, moments->integer_most);
    else add_i8_row(moments, row);
    if (++moments->pending == NARROW_ROWS) mg_moments_flush(moments);
}

void mg_moments_add(mg_moments *moments, const mg_store *store, int64_t first, int64_t count, const float *weight) {
    for (int64_t i = first; i < first + count; i++) {
        double w = weight ? (double)weight[i - first] : 1;
        if (w == 0) continue; // as if the row were not there
        moments->weight += w;
        if (store->layout == MG_CSR) {
            add_csr_row(moments, store, i, w);
            continue;
        }
        const void *row = (const char *)store->dense + (size_t)(i * store->stride) * mg_cell_size(store->cell);
        if (weight) add_weighted_row(moments, store->cell, row, w);
        else add_dense_row(moments, store->cell, row);
    }
}
