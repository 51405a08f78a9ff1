// vanished.c - counts values that float32 cannot hold while cells are converted.
#include "data/vanished.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

void mg_vanished_look(mg_vanished *vanished, mg_h5_type type, int64_t n, const void *cells, int64_t row,
                      const uint32_t *indices) {
    if (type != MG_H5_F64) return;
    const double *x = cells;
    int64_t count = 0, first = 0;
    for (int64_t i = 0; i < n; i++) count += fabs(x[i]) < (double)FLT_MIN && x[i] != 0;
    if (count && !vanished->count) {
        while (!(fabs(x[first]) < (double)FLT_MIN && x[first] != 0)) first++;
        vanished->row = row;
        vanished->column = indices ? (int64_t)indices[first] : first;
        vanished->value = x[first];
    }
    vanished->count += count;
}

void mg_vanished_text(const mg_vanished *vanished, const char *path, const char *name,
                      char out[MG_VANISHED_TEXT]) {
    *out = 0;
    if (!vanished->count) return;
    snprintf(out, MG_VANISHED_TEXT,
             "%s: %s[%lld, %lld] is %g; it and %lld other values are too small for a 32-bit float (below "
             "1.2e-38) and become 0 or lose "
             "digits: multiply the columns by a constant, or store 0",
             path, name, (long long)vanished->row, (long long)vanished->column, vanished->value,
             (long long)vanished->count - 1);
}
