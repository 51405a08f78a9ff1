// npy.h - one array of NumPy: a file .npy, or a member of a file .npz.
#ifndef MG_FORMAT_NPY_H
#define MG_FORMAT_NPY_H

#include "format/binary.h"

typedef struct mg_npy {
    mg_input *input;
    mg_binary cells;
    int dimensions;
    char kind;    // 'U' or 'S' for text labels, otherwise 0
    size_t width; // length of one text: in characters of 4 bytes ('U') or in bytes ('S')
} mg_npy;

// Reads the header. Errors: MG_DATA: big-endian, Fortran order, a type that is not read.
mg_status mg_npy_header(mg_npy *array, mg_error *error);

// Reads the headers of features and, if labels->input is set, of labels, and checks their shapes.
mg_status mg_npy_headers(mg_npy *rows, mg_npy *labels, mg_error *error);
mg_status mg_npy_check_labels(const mg_npy *labels, int64_t rows, mg_error *error);

// Passes all labels to the sink, after the header.
mg_status mg_npy_labels(const mg_npy *array, mg_sink *sink, mg_error *error);

#endif
