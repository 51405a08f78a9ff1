/* data.h - rows, labels and weights in the arrays of a program. To describe them copies nothing. */
#ifndef MARGIN_DATA_H
#define MARGIN_DATA_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Types of the numbers in an array, in the byte order of the machine. float16 is IEEE half precision. */
typedef enum mg_data_type {
    MG_DATA_UINT8,
    MG_DATA_INT8,
    MG_DATA_INT32,
    MG_DATA_INT64,
    MG_DATA_FLOAT16,
    MG_DATA_FLOAT32,
    MG_DATA_FLOAT64
} mg_data_type;

/* Dense rows: cell d of row i is number d after the byte cells + i * row_bytes. */
typedef struct mg_data_dense {
    mg_data_type type; /* uint8, int8, float16, float32 or float64 */
    const void *cells;
    int64_t row_bytes; /* from one row to the next; 0: the rows follow each other without a gap */
} mg_data_dense;

/* Sparse rows (CSR): row i has the stored values indptr[i] .. indptr[i+1]-1. Indices count from 0. */
typedef struct mg_data_csr {
    mg_data_type value_type;  /* float32 or float64 */
    const void *values;       /* [stored] */
    mg_data_type index_type;  /* int32 or int64 */
    const void *indices;      /* [stored] */
    mg_data_type indptr_type; /* int32 or int64 */
    const void *indptr;       /* [rows + 1]; the first is 0, the last is `stored` */
    int64_t stored;
} mg_data_csr;

/*
 * A data set. Set what is there and leave the rest zero. The arrays stay yours: a call reads them until it
 * returns, and never writes to them. They must not change during the call.
 *
 * Rows are used where they are, without a copy, if kernels can read them so: dense rows of uint8, int8,
 * float16 or float32, also such that lie apart; CSR rows with float32 values and int32 indices that ascend in
 * every row, with an indptr of int64 (one of int32 is converted: 8 bytes for each row). data.rows and
 * data.transform change the values, and a validation fraction takes the rows apart, so then they are copied.
 * CSR rows of at least 4,096 features are copied if at most half of the features occur: training leaves the
 * others out.
 */
typedef struct mg_data {
    const char *name; /* in messages, such as "data: X[3, 5] is nan"; NULL: "data", or "validation data" */
    int64_t rows, features;
    const mg_data_dense *dense; /* exactly one of the two is given */
    const mg_data_csr *csr;
    const int64_t *labels;            /* [rows], or NULL */
    const char *const *text_labels;   /* [rows] zero-terminated UTF-8, or NULL; at most one of the two */
    const double *weights;            /* [rows], from 0 to 1e30; NULL: every row has weight 1 */
    const char *const *feature_names; /* [features] zero-terminated UTF-8; NULL: they have no names */
} mg_data;

#ifdef __cplusplus
}
#endif
#endif
