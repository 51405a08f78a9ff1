// vanished.h - counts values that are not 0 but too small for the normal numbers of float32, and keeps the
// first of them for a message.
#ifndef MG_DATA_VANISHED_H
#define MG_DATA_VANISHED_H

#include "io/h5.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mg_vanished {
    int64_t count, row, column; // row and column of the first such value
    double value;
} mg_vanished;

// Examines n cells of a row; cell i belongs to column indices[i] (NULL: column i). Only cells of type float64
// can be too small.
void mg_vanished_look(mg_vanished *vanished, mg_h5_type type, int64_t n, const void *cells, int64_t row,
                      const uint32_t *indices);

// Writes one line about these values; "" if there are none.
enum { MG_VANISHED_TEXT = MG_PATH_TEXT + MG_H5_NAME + 256 };
void mg_vanished_text(const mg_vanished *vanished, const char *path, const char *name,
                      char out[MG_VANISHED_TEXT]);

#endif
