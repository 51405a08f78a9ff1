// row_weights.h - the weights of rows in a file.
#ifndef MG_DATA_ROW_WEIGHTS_H
#define MG_DATA_ROW_WEIGHTS_H

#include "data/source.h"

// Rows of a file, with ascending numbers.
typedef struct mg_row_selection {
    mg_h5 *file;
    const mg_source *source;
    const int64_t *select; // [count]; NULL: rows 0 .. count
    int64_t count;
} mg_row_selection;

// Reads the weights `name` of the rows into *out ([count]), which the caller frees, also after an error.
// Reads only what is between the first and the last row. Errors: MG_DATA with the value.
mg_status mg_row_weights_read(const mg_row_selection *rows, const char *name, float **out, mg_error *error);

#endif
