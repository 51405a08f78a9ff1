// moments.c - narrow sums of a few rows at a time keep the loop as fast as the memory; wide ones keep the precision.
#include "data/moments.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

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

static void add_float_row(mg_moments *moments, const float *x) {
    float *sum = moments->narrow_sum, *square = moments->narrow_square, *most = moments->most;
    for (int64_t d = 0; d < moments->features; d++) {
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

// A sparse row touches few columns: straight into the wide sums.
static void add_csr_row(mg_moments *moments, const mg_store *store, int64_t row) {
    for (int64_t e = store->indptr[row]; e < store->indptr[row + 1]; e++) {
        uint32_t d = store->indices[e];
        double x = (double)store->values[e];
        float magnitude = fabsf(store->values[e]);
        moments->sum[d] += x;
        moments->square[d] += x * x;
        if (magnitude > moments->most[d]) moments->most[d] = magnitude;
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

void mg_moments_add(mg_moments *moments, const mg_store *store, int64_t first, int64_t count) {
    moments->rows += count;
    for (int64_t i = first; i < first + count; i++) {
        if (store->layout == MG_CSR) {
            add_csr_row(moments, store, i);
            continue;
        }
        const char *row = (const char *)store->dense + (size_t)(i * store->stride) * mg_cell_size(store->cell);
        if (store->cell == MG_CELL_F32) add_float_row(moments, (const float *)(const void *)row);
        else if (store->cell == MG_CELL_U8)
            add_u8_row(moments->features, (const uint8_t *)row, moments->integer_sum, moments->integer_square, moments->integer_most);
        else add_i8_row(moments, (const int8_t *)row);
        if (++moments->pending == NARROW_ROWS) mg_moments_flush(moments);
    }
}
