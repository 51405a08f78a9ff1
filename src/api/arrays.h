// arrays.h - presents the arrays of a program as a file that margin can read.
#ifndef MG_API_ARRAYS_H
#define MG_API_ARRAYS_H

#include "io/h5.h"

#include <margin/data.h>

enum { MG_API_ARRAYS = 8 }; // most arrays: features (three for CSR), labels, weights, names

// The names of the arrays in that file. The struct must outlive the file.
typedef struct mg_api_arrays {
    const char *features, *labels; // set by the caller
    char indptr[MG_H5_NAME], indices[MG_H5_NAME], values[MG_H5_NAME], names[MG_H5_NAME];
} mg_api_arrays;

#define MG_API_WEIGHTS "weights"

// Opens the arrays of *data under the names in *arrays. The caller has set the names of features and labels;
// it sets labels to NULL if labels and weights are not needed. Errors: MG_USAGE with what is wrong;
// MG_MEMORY.
mg_status mg_api_arrays_open(const mg_data *data, mg_api_arrays *arrays, mg_h5 **out, mg_error *error);

#endif
