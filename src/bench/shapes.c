// shapes.c - the shapes that are measured, and random rows for them. Times depend on the number of rows,
// features, classes and stored values and, for CSR, on how often each feature occurs.
#include "bench/bench.h"

#include "base/memory.h"
#include "base/rng.h"
#include "parallel/cut.h"

#include <math.h>
#include <string.h>

#define DENSE(name, cell, rows, quick, features, classes, batch)                                             \
    { name, MG_DENSE, cell, rows, quick, features, classes, 0, 0, false, batch }
#define CSR(name, rows, quick, features, classes, median, spread, scattered)                                 \
    { name, MG_CSR, MG_CELL_F32, rows, quick, features, classes, median, spread, scattered, 256 }

static const mg_bench_shape shapes[] = {
    DENSE("images-uint8", MG_CELL_U8, 60000, 12000, 784, 10, 256),
    DENSE("images-float32", MG_CELL_F32, 60000, 12000, 784, 10, 256),
    DENSE("photos-uint8", MG_CELL_U8, 50000, 4000, 3072, 10, 0),
    DENSE("vectors-100", MG_CELL_F32, 60000, 6000, 512, 100, 0),
    DENSE("vectors-1000", MG_CELL_F32, 20000, 1024, 1024, 1000, 0),
    DENSE("probe", MG_CELL_F16, 32000, 1024, 1024, 1000,
          1024), // ImageNet, linear probe: a fortieth of its 1.28 million images
    DENSE("letters", MG_CELL_F32, 20000, 20000, 16, 26, 0),
    CSR("news", 15935, 4000, 62061, 20, 57, 0.78, false),       // word counts of news20
    CSR("languages", 200000, 20000, 262144, 21, 40, 0.3, true), // hashed character n-grams of words
};

const mg_bench_shape *mg_bench_shape_row(int i) {
    return i >= 0 && i < (int)(sizeof shapes / sizeof *shapes) ? &shapes[i] : NULL;
}

enum { LABEL_STREAM = 301, CELL_STREAM, LENGTH_STREAM, FEATURE_STREAM, ITEM_ROWS = 256, WORD_BYTES = 8 };

typedef struct maker {
    const mg_bench_shape *shape;
    mg_bench_data *data;
    mg_team *team;
} maker;

// ---- Dense --------------------------------------------------------------------------------------

// Each random word gives eight 8-bit cells, or four halves or two floats in [0, 1).
static void fill_dense_row(const mg_store *store, int64_t row) {
    uint64_t key = mg_rng_key(1, CELL_STREAM, (uint64_t)row);
    size_t size = mg_cell_size(store->cell);
    char *cells = (char *)store->dense + (size_t)(row * store->stride) * size;
    int64_t words = store->stride * (int64_t)size / WORD_BYTES;
    for (int64_t w = 0; w < words; w++) {
        uint64_t word = mg_rng_at(key, (uint64_t)w);
        const float pair[2] = {(float)(word >> 40) * 0x1p-24f, (float)(word & 0xffffff) * 0x1p-24f};
        if (store->cell == MG_CELL_F16) word &= UINT64_C(0x3bff3bff3bff3bff);
        if (store->cell == MG_CELL_F32) memcpy(cells + w * WORD_BYTES, pair, WORD_BYTES);
        else memcpy(cells + w * WORD_BYTES, &word, WORD_BYTES);
    }
    memset(cells + (size_t)store->features * size, 0, (size_t)(store->stride - store->features) * size);
}

// ---- CSR ----------------------------------------------------------------------------------------

// The number of stored values of a row: lognormal, from a sum of uniform numbers.
static int64_t draw_length(const mg_bench_shape *shape, int64_t row) {
    uint64_t key = mg_rng_key(1, LENGTH_STREAM, (uint64_t)row);
    double normal = -6;
    for (uint64_t i = 0; i < 12; i++) normal += mg_rng_uniform(key, i);
    int64_t length = (int64_t)(shape->median_values * exp(shape->spread * normal));
    return length < 1 ? 1 : length > shape->features / 4 ? shape->features / 4 : length;
}

// A feature by Zipf's law with a flat head: the r-th most frequent feature has a probability of about 1 / (r
// + HEAD).
static uint32_t draw_feature(const mg_bench_shape *shape, uint64_t key, uint64_t i) {
    enum { HEAD = 20 };
    double features = (double)shape->features;
    uint64_t rank = (uint64_t)(HEAD * (pow(1 + features / HEAD, mg_rng_uniform(key, i)) - 1)),
             count = (uint64_t)shape->features;
    if (rank >= count) rank = count - 1;
    // Multiplication by an odd number is a permutation modulo a power of two.
    return (uint32_t)(shape->scattered ? rank * UINT64_C(0x9e3779b1) % count : rank);
}

// The position of `feature` in the ascending list, or where it has to be inserted.
static int64_t find(const uint32_t *list, int64_t n, uint32_t feature) {
    int64_t low = 0;
    while (low < n) {
        int64_t middle = low + (n - low) / 2;
        if (list[middle] < feature) low = middle + 1;
        else n = middle;
    }
    return low;
}

static void fill_csr_row(const mg_bench_shape *shape, const mg_store *store, int64_t row) {
    uint64_t key = mg_rng_key(1, FEATURE_STREAM, (uint64_t)row);
    int64_t from = store->indptr[row], length = store->indptr[row + 1] - from;
    uint32_t *list = store->indices + from;
    for (int64_t n = 0; n < length; n++) {
        uint32_t feature = draw_feature(shape, key, (uint64_t)n);
        int64_t at = find(list, n, feature);
        while (at < n && list[at] == feature) { // already in the row: takes the next free one
            feature = (uint32_t)((feature + 1) % (uint64_t)shape->features);
            at = feature ? at + 1 : 0;
        }
        memmove(list + at + 1, list + at, (size_t)(n - at) * sizeof *list);
        list[at] = feature;
    }
    for (int64_t n = 0; n < length; n++) store->values[from + n] = 1 / sqrtf((float)length);
}

// -------------------------------------------------------------------------------------------------

static void fill_item(void *context, int64_t item) {
    const maker *m = context;
    mg_store *store = &m->data->store;
    int64_t end = mg_cut_end(store->count, ITEM_ROWS, item);
    for (int64_t row = item * ITEM_ROWS; row < end; row++) {
        if (store->layout == MG_DENSE) fill_dense_row(store, row);
        else fill_csr_row(m->shape, store, row);
        m->data->label[row] =
            (int32_t)(mg_rng_at(mg_rng_key(1, LABEL_STREAM, 0), (uint64_t)row) % (uint64_t)m->shape->classes);
    }
}

static void fill(void *context) {
    const maker *m = context;
    mg_team_for(m->team, (m->data->store.count + ITEM_ROWS - 1) / ITEM_ROWS, fill_item, context);
}

mg_status mg_bench_data_create(const mg_bench_shape *shape, int64_t rows, mg_team *team, mg_bench_data *data,
                               mg_error *error) {
    *data = (mg_bench_data){0};
    int64_t stored = 0;
    for (int64_t i = 0; shape->layout == MG_CSR && i < rows; i++) stored += draw_length(shape, i);
    mg_status status =
        mg_store_create(&data->store, shape->layout, shape->cell, shape->features, rows, stored, error);
    if (!status) status = mg_memory_get(&data->label, (size_t)rows, sizeof *data->label, error);
    if (status) {
        mg_bench_data_destroy(data);
        return status;
    }
    data->store.count = rows;
    for (int64_t i = 0; shape->layout == MG_CSR && i < rows; i++)
        data->store.indptr[i + 1] = data->store.indptr[i] + draw_length(shape, i);
    maker m = {shape, data, team};
    mg_team_run(team, fill, &m);
    return MG_OK;
}

void mg_bench_data_destroy(mg_bench_data *data) {
    mg_store_destroy(&data->store);
    mg_memory_free(data->label);
    *data = (mg_bench_data){0};
}
