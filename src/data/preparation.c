// preparation.c - prepares a single row: first the row as a whole, then its cells.
#include "data/preparation.h"

#include "data/cells.h"

#include <math.h>
#include <string.h>

mg_preparation mg_preparation_of(const char *rows, const char *transform) {
    mg_row_length length = !strcmp(rows, "unit")    ? MG_ROW_UNIT
                           : !strcmp(rows, "total") ? MG_ROW_TOTAL
                                                    : MG_ROW_AS_IS;
    return (mg_preparation){.length = length, .log1p = !strcmp(transform, "log1p")};
}

// Scales the row to the wanted length or sum. Returns false if its sum is not positive. A row of zeros does
// not change.
static bool scale_row(mg_row_length length, int64_t n, float *values) {
    double sum = 0;
    bool zeros = true;
    for (int64_t e = 0; e < n; e++) {
        double x = (double)values[e];
        sum += length == MG_ROW_UNIT ? x * x : x;
        zeros = zeros && x == 0;
    }
    if (zeros || !(sum > 0)) return zeros;
    double factor = length == MG_ROW_UNIT ? 1 / sqrt(sum) : 1e4 / sum;
    for (int64_t e = 0; e < n; e++) values[e] = (float)((double)values[e] * factor);
    return true;
}

const char *mg_prepare_row(mg_preparation preparation, int64_t n, float *values, int64_t *bad) {
    *bad = -1;
    if (preparation.length != MG_ROW_AS_IS && !scale_row(preparation.length, n, values))
        return "has values, but their sum is not above 0: they cannot be scaled to a total";
    // Possible only if negative cells nearly cancel the sum.
    if (preparation.length != MG_ROW_AS_IS && !mg_cells_finite(n, values, bad))
        return "scaling the row to a total leaves the range of float32";
    for (int64_t e = 0; preparation.log1p && e < n; e++) {
        if (!(values[e] > -1)) {
            *bad = e;
            return "log1p needs values above -1";
        }
        values[e] = (float)log1p((double)values[e]);
    }
    return NULL;
}
