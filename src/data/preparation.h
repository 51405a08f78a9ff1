// preparation.h - prepares a single row before it is used: first the row as a whole, then its cells
// (docs/formats.md).
#ifndef MG_DATA_PREPARATION_H
#define MG_DATA_PREPARATION_H

#include <stdbool.h>
#include <stdint.h>

typedef enum mg_row_length { MG_ROW_AS_IS, MG_ROW_UNIT, MG_ROW_TOTAL } mg_row_length;

typedef struct mg_preparation {
    mg_row_length length; // MG_ROW_TOTAL: scaled to a sum of 10,000
    bool log1p;
    const struct mg_clip *clip; // limits of the prepared cells, by column, which are applied last; NULL: none
} mg_preparation;

mg_preparation mg_preparation_of(const char *rows, const char *transform);

// Prepares one row in place, except for its limits. Returns NULL, or the reason why the row cannot be
// prepared: its sum is not above 0 (then *bad is -1), or the value at *bad leaves the range of float32 or has
// no log1p. A row of zeros does not change.
const char *mg_prepare_row(mg_preparation preparation, int64_t n, float *values, int64_t *bad);

#endif
