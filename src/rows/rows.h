// rows.h - rows of features as the kernels read them. A view borrows; a store owns.
#ifndef MG_ROWS_ROWS_H
#define MG_ROWS_ROWS_H

#include "base/arithmetic.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef enum mg_layout { MG_DENSE, MG_CSR } mg_layout;

// What one dense cell is in memory. 8-bit data stay 8-bit and float16 16-bit; everything else becomes
// float32.
typedef enum mg_cell { MG_CELL_U8, MG_CELL_I8, MG_CELL_F16, MG_CELL_F32 } mg_cell;

// Features, and rows that are addressed together, are counted in 32 bits; with MG_NARROW in fewer, so that a
// test reaches the end.
#ifdef MG_NARROW
#define MG_MOST_INDEX 5000u
#else
#define MG_MOST_INDEX UINT32_MAX
#endif

enum { MG_LANES = 16 }; // every dense row is padded with zeros to a multiple of this many cells

// Borrowed view of `count` rows. Stored row of view row r: index ? index[r] : r.
typedef struct mg_rows {
    int64_t count;    // rows in the view
    int64_t features; // D
    mg_layout layout;
    // MG_DENSE
    mg_cell cell;
    const void *dense; // [stored rows][stride]
    int64_t stride;    // cells per stored row: features rounded up to MG_LANES, the tail is zero
    // MG_CSR: row i holds entries indptr[i] .. indptr[i+1]-1, indices strictly ascending
    const int64_t *indptr;
    const uint32_t *indices;
    const float *values;
    const uint32_t *index; // [count + behind] or NULL
    int64_t behind;        // rows of the index that come after the view's: worth asking for early
} mg_rows;

// First entry of indices[from..end), which ascend, that is not below `feature`; `end` when all are.
static inline int64_t mg_rows_lower_bound(const uint32_t *indices, int64_t from, int64_t end,
                                          int64_t feature) {
    while (from < end) {
        int64_t middle = from + (end - from) / 2;
        if ((int64_t)indices[middle] < feature) from = middle + 1;
        else end = middle;
    }
    return from;
}

static inline size_t mg_cell_size(mg_cell cell) {
    return cell == MG_CELL_F32 ? sizeof(float) : cell == MG_CELL_F16 ? sizeof(uint16_t) : sizeof(uint8_t);
}

const char *mg_cell_name(mg_cell cell); // "uint8", "int8", "float16", "float32"

// IEEE half: moving the bits into a float with too small an exponent and scaling by 2^112 gets normal and
// subnormal numbers right; infinities and NaN are put back by hand.
static inline float mg_half_to_float(uint16_t half) {
    uint32_t bits = (uint32_t)(half & 0x7fff) << 13;
    float value, special = half & 0x3ff ? __builtin_nanf("") : __builtin_inff();
    memcpy(&value, &bits, sizeof value);
    value = (half & 0x7c00) == 0x7c00 ? special : value * 0x1p112f;
    return half & 0x8000 ? -value : value;
}

// One cell of a dense row.
static inline float mg_cell_at(mg_cell cell, const void *row, int64_t d) {
    switch (cell) {
    case MG_CELL_U8: return (float)((const uint8_t *)row)[d];
    case MG_CELL_I8: return (float)((const int8_t *)row)[d];
    case MG_CELL_F16: return mg_half_to_float(((const uint16_t *)row)[d]);
    default: return ((const float *)row)[d];
    }
}

// Stored row r, dense.
static inline const void *mg_rows_dense(const mg_rows *rows, int64_t stored) {
    return (const char *)rows->dense + (size_t)(stored * rows->stride) * mg_cell_size(rows->cell);
}

static inline int64_t mg_rows_stored(const mg_rows *rows, int64_t r) {
    return rows->index ? (int64_t)rows->index[r] : r;
}

#endif
