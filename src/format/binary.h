// binary.h - arrays of numbers as binary files hold them: copied in blocks, byte order and finiteness seen
// to.
#ifndef MG_FORMAT_BINARY_H
#define MG_FORMAT_BINARY_H

#include "format/format.h"

typedef struct mg_binary {
    mg_h5_type type;
    bool swapped; // the other byte order than this machine's
    int64_t rows, columns;
} mg_binary;

// The next rows * columns cells of `input` to sink->dense. NaN and infinity are refused, naming row and
// column.
mg_status mg_binary_copy(const mg_binary *cells, mg_input *input, mg_sink *sink, mg_error *error);

// The next `rows` cells as labels to sink->code; they must be whole numbers.
mg_status mg_binary_labels(const mg_binary *cells, mg_input *input, mg_sink *sink, mg_error *error);

// Are rows and columns more than 0, and can their bytes be in `input`? MG_DATA naming the path otherwise.
mg_status mg_binary_check(const mg_binary *cells, const mg_input *input, mg_error *error);

#endif
