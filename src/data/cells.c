// cells.c - converts and checks stored cells, in plain loops that the compiler vectorises.
#include "data/cells.h"

#include "base/order.h"

#include "rows/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CONVERT(type)                                                                                        \
    for (int64_t i = 0; i < n; i++) to[i] = (float)((const type *)cells)[i];                                 \
    break

void mg_cells_to_float(mg_h5_type type, int64_t n, const void *cells, float *to) {
    switch (type) {
    case MG_H5_I8: CONVERT(int8_t);
    case MG_H5_U8: CONVERT(uint8_t);
    case MG_H5_I16: CONVERT(int16_t);
    case MG_H5_U16: CONVERT(uint16_t);
    case MG_H5_I32: CONVERT(int32_t);
    case MG_H5_U32: CONVERT(uint32_t);
    case MG_H5_I64: CONVERT(int64_t);
    case MG_H5_U64: CONVERT(uint64_t);
    case MG_H5_F64: CONVERT(double);
    case MG_H5_F32: memcpy(to, cells, (size_t)n * sizeof *to); break;
    case MG_H5_F16:
        for (int64_t i = 0; i < n; i++) to[i] = mg_half_to_float(((const uint16_t *)cells)[i]);
        break;
    case MG_H5_TEXT: break;
    }
}

bool mg_cells_finite(int64_t n, const float *values, int64_t *bad) {
    // x - x is 0 for a finite x and NaN otherwise, so one sum checks all cells without a branch per cell.
    float lane[16] = {0};
    int64_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (int l = 0; l < 16; l++) lane[l] += values[i + l] - values[i + l];
    for (; i < n; i++) lane[0] += values[i] - values[i];
    float sum = 0;
    for (int l = 0; l < 16; l++) sum += lane[l];
    if (sum == 0) return true;
    for (i = 0; i < n - 1 && isfinite(values[i]); i++) continue;
    *bad = i;
    return false;
}

bool mg_cells_halves_finite(int64_t n, const uint16_t *halves, int64_t *bad) {
    uint32_t most = 0;
    for (int64_t i = 0; i < n; i++) most = (halves[i] & 0x7c00u) > most ? halves[i] & 0x7c00u : most;
    if (most < 0x7c00) return true;
    for (*bad = 0; (halves[*bad] & 0x7c00) != 0x7c00; ++*bad) continue;
    return false;
}

double mg_cells_real(mg_h5_type type, const void *cells, int64_t i) {
    switch (type) {
    case MG_H5_F64: return ((const double *)cells)[i];
    case MG_H5_F32: return (double)((const float *)cells)[i];
    case MG_H5_F16: return (double)mg_half_to_float(((const uint16_t *)cells)[i]);
    case MG_H5_U64: return (double)((const uint64_t *)cells)[i];
    default: return (double)mg_h5_integer(type, cells, i);
    }
}

int64_t mg_cells_to_indices(mg_h5_type type, int64_t n, const void *cells, int64_t features, uint32_t *to) {
    int64_t before = -1;
    for (int64_t i = 0; i < n; i++) {
        int64_t index = type == MG_H5_I32 ? ((const int32_t *)cells)[i] : mg_h5_integer(type, cells, i);
        if (index <= before || index >= features) return i;
        to[i] = (uint32_t)index;
        before = index;
    }
    return -1;
}

int64_t mg_cells_sort(int64_t n, uint64_t *pairs, uint32_t *index, float *value) {
    int64_t twice = -1;
    uint32_t bits;
    for (int64_t e = 0; e < n; e++) {
        memcpy(&bits, &value[e], sizeof bits);
        pairs[e] = (uint64_t)index[e] << 32 | bits;
    }
    qsort(pairs, (size_t)n, sizeof *pairs, mg_order_uint64);
    for (int64_t e = 0; e < n; e++) {
        bits = (uint32_t)pairs[e];
        memcpy(&value[e], &bits, sizeof bits);
        index[e] = (uint32_t)(pairs[e] >> 32);
        if (twice < 0 && e && index[e] == index[e - 1]) twice = e;
    }
    return twice;
}
