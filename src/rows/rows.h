// rows.h - rows as the kernels read them. mg_rows is a view: it does not own the memory of the rows.
#ifndef MG_ROWS_ROWS_H
#define MG_ROWS_ROWS_H

#include "base/arithmetic.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef enum mg_layout { MG_DENSE, MG_CSR } mg_layout;

// Type of a dense cell in memory. 8-bit integers and float16 keep their type; all other types become float32.
typedef enum mg_cell { MG_CELL_U8, MG_CELL_I8, MG_CELL_F16, MG_CELL_F32 } mg_cell;

// Feature numbers and row numbers are stored in 32 bits. Tests define MG_NARROW, a lower limit that they can
// reach.
#ifdef MG_NARROW
#define MG_MOST_INDEX 5000u
#else
#define MG_MOST_INDEX UINT32_MAX
#endif

enum { MG_LANES = 16 }; // every dense row is padded with zeros to a multiple of this many cells

// A view of `count` rows. Row r of the view is the stored row index[r], or r if `index` is NULL.
typedef struct mg_rows {
    int64_t count;    // number of rows in the view
    int64_t features; // D
    mg_layout layout;
    // If the layout is MG_DENSE:
    mg_cell cell;
    const void *dense; // [stored rows][stride]
    // Cells from one stored row to the next. Readers read `features` rounded up to MG_LANES cells of a row,
    // so the stride is at least that; cells after the first `features` are zero.
    int64_t stride;
    bool bare; // the rows have no padding: nothing may be read after the first `features` cells of a row
    // If the layout is MG_CSR: row i has the stored values indptr[i] .. indptr[i+1]-1, in strictly ascending
    // order of their indices.
    const int64_t *indptr;
    const uint32_t *indices;
    const float *values;
    const uint32_t *index; // [count + behind] or NULL
    int64_t behind;        // entries of `index` after the last row of the view: rows that are used next, to
                           // be prefetched
} mg_rows;

// Returns the first position in indices[from..end) whose index is at least `feature`; `end` if there is none.
// The indices must ascend.
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

// Converts IEEE half precision. The bits are moved into a float, whose exponent is then too small by 112, so
// it is multiplied by 2^112. This is exact for normal and subnormal numbers; infinities and NaN are handled
// separately.
static inline float mg_half_to_float(uint16_t half) {
    uint32_t bits = (uint32_t)(half & 0x7fff) << 13;
    float value, special = half & 0x3ff ? __builtin_nanf("") : __builtin_inff();
    memcpy(&value, &bits, sizeof value);
    value = (half & 0x7c00) == 0x7c00 ? special : value * 0x1p112f;
    return half & 0x8000 ? -value : value;
}

// Returns cell d of a dense row as a float.
static inline float mg_cell_at(mg_cell cell, const void *row, int64_t d) {
    switch (cell) {
    case MG_CELL_U8: return (float)((const uint8_t *)row)[d];
    case MG_CELL_I8: return (float)((const int8_t *)row)[d];
    case MG_CELL_F16: return mg_half_to_float(((const uint16_t *)row)[d]);
    default: return ((const float *)row)[d];
    }
}

// Returns the cells of the stored row number `stored`; the rows must be dense.
static inline const void *mg_rows_dense(const mg_rows *rows, int64_t stored) {
    return (const char *)rows->dense + (size_t)(stored * rows->stride) * mg_cell_size(rows->cell);
}

typedef struct mg_csr_row {
    int64_t count;           // number of stored values
    const uint32_t *indices; // [count] strictly ascending
    const float *values;     // [count]
} mg_csr_row;

// Returns the stored row number `stored`; the rows must be CSR.
static inline mg_csr_row mg_rows_csr(const mg_rows *rows, int64_t stored) {
    int64_t from = rows->indptr[stored];
    return (mg_csr_row){rows->indptr[stored + 1] - from, rows->indices + from, rows->values + from};
}

static inline int64_t mg_rows_stored(const mg_rows *rows, int64_t r) {
    return rows->index ? (int64_t)rows->index[r] : r;
}

#endif
