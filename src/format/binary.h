// binary.h - arrays of numbers in binary files: copies them in blocks, corrects the byte order, and refuses
// values that are not finite.
#ifndef MG_FORMAT_BINARY_H
#define MG_FORMAT_BINARY_H

#include "format/format.h"

typedef struct mg_binary {
    mg_h5_type type;
    bool swapped; // stored in the other byte order than this machine's
    int64_t rows, columns;
} mg_binary;

// Copies the next rows * columns cells of `input` to sink->dense. NaN and infinity are refused; the message
// names row and column.
mg_status mg_binary_copy(const mg_binary *cells, mg_input *input, mg_sink *sink, mg_error *error);

// Passes the next `rows` cells as labels to sink->code; they must be whole numbers.
mg_status mg_binary_labels(const mg_binary *cells, mg_input *input, mg_sink *sink, mg_error *error);

// Checks that there are rows and columns, and that `input` can hold their bytes. Errors: MG_DATA with the
// path.
mg_status mg_binary_check(const mg_binary *cells, const mg_input *input, mg_error *error);

#endif
