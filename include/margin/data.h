/* data.h - describes rows, labels and weights that are in arrays of the program. Describing them copies
 * nothing. */
#ifndef MARGIN_DATA_H
#define MARGIN_DATA_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Type of the numbers in an array. They are in the byte order of the machine; float16 is IEEE half precision.
 */
typedef enum mg_data_type {
    MG_DATA_UINT8,
    MG_DATA_INT8,
    MG_DATA_INT32,
    MG_DATA_INT64,
    MG_DATA_FLOAT16,
    MG_DATA_FLOAT32,
    MG_DATA_FLOAT64
} mg_data_type;

/* Dense rows: cell d of row i is the d-th number (from 0) at the address cells + i * row_bytes bytes. */
typedef struct mg_data_dense {
    mg_data_type type; /* uint8, int8, float16, float32 or float64 */
    const void *cells;
    int64_t row_bytes; /* bytes from one row to the next; 0: rows follow each other without a gap */
} mg_data_dense;

/* Sparse rows (CSR): row i has the stored values indptr[i] .. indptr[i+1]-1. Indices count from 0. */
typedef struct mg_data_csr {
    mg_data_type value_type;  /* float32 or float64 */
    const void *values;       /* [stored] */
    mg_data_type index_type;  /* int32 or int64 */
    const void *indices;      /* [stored] */
    mg_data_type indptr_type; /* int32 or int64 */
    const void *indptr;       /* [rows + 1]; the first element is 0, the last is `stored` */
    int64_t stored;           /* number of stored values of all rows */
} mg_data_csr;

/*
 * A data set. Fields that do not apply must be zero or NULL. The arrays belong to the caller: a function
 * reads them only until it returns, and never writes to them. They must not change during that time.
 *
 * Rows are used without a copy if kernels can read them:
 * - dense rows of uint8, int8, float16 or float32, with or without gaps between rows;
 * - CSR rows with float32 values, and int32 indices that ascend in every row. indptr should be int64; one of
 *   int32 is converted, which takes 8 bytes for each row.
 * Otherwise rows are copied. They are also copied if the configuration changes their values (data.rows,
 * data.transform), if data.validation holds out a fraction of them, and if CSR rows have at least 4,096
 * features of which at most half occur: training then leaves out the others.
 */
typedef struct mg_data {
    const char *name; /* for messages, such as "data: X[3, 5] is nan"; NULL: "data" or "validation data" */
    int64_t rows, features;
    const mg_data_dense *dense; /* exactly one of `dense` and `csr` is not NULL */
    const mg_data_csr *csr;
    const int64_t *labels;            /* [rows] or NULL */
    const char *const *text_labels;   /* [rows] zero-terminated UTF-8; NULL if `labels` is given, or none */
    const double *weights;            /* [rows], from 0 to 1e30; NULL: every row has weight 1 */
    const char *const *feature_names; /* [features] zero-terminated UTF-8; NULL: no names */
} mg_data;

#ifdef __cplusplus
}
#endif
#endif
