// arrays.h - the arrays of a program as a file that margin reads.
#ifndef MG_API_ARRAYS_H
#define MG_API_ARRAYS_H

#include "io/h5.h"

#include <margin/data.h>

enum { MG_API_ARRAYS = 8 }; // features or three arrays of CSR, labels, weights, names

// The names under which the arrays are found. They must outlive the file.
typedef struct mg_api_arrays {
    const char *features, *labels; // from the caller
    char indptr[MG_H5_NAME], indices[MG_H5_NAME], values[MG_H5_NAME], names[MG_H5_NAME];
} mg_api_arrays;

#define MG_API_WEIGHTS "weights"

// Opens the arrays of *data under the names of *arrays, whose features and labels are set. labels NULL: no
// labels and weights are needed. Errors: MG_USAGE with what is wrong; MG_MEMORY.
mg_status mg_api_arrays_open(const mg_data *data, mg_api_arrays *arrays, mg_h5 **out, mg_error *error);

#endif
