// binary.h - arrays of numbers in binary files: reads them in blocks, corrects the byte order, and refuses
// values that are not finite.
#ifndef MG_FORMAT_BINARY_H
#define MG_FORMAT_BINARY_H

#include "format/format.h"

typedef struct mg_binary {
    mg_h5_type type;
    bool swapped; // the byte order is not that of this machine
    bool bfloat;  // stored as bfloat16, and converted to `type`, which is float32
    int64_t rows, columns;
} mg_binary;

// Passes the next rows * columns cells of `input` to sink->dense. Errors: MG_DATA, with row and column, for
// NaN and infinity.
mg_status mg_binary_copy(const mg_binary *cells, mg_input *input, mg_sink *sink, mg_error *error);

// Passes the next `rows` cells to sink->code as labels. Errors: MG_DATA if one is not a whole number.
mg_status mg_binary_labels(const mg_binary *cells, mg_input *input, mg_sink *sink, mg_error *error);

// Bytes of a stored cell.
size_t mg_binary_size(const mg_binary *cells);

// Checks that there are rows and columns, and that `input` is large enough for them. Errors: MG_DATA with the
// path.
mg_status mg_binary_check(const mg_binary *cells, const mg_input *input, mg_error *error);

#endif
