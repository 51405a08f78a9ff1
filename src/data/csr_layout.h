// csr_layout.h - the layout of a group with data, indices and indptr.
#ifndef MG_DATA_CSR_LAYOUT_H
#define MG_DATA_CSR_LAYOUT_H

#include "base/status.h"
#include "io/h5.h"

// Refuses a group that is not a sparse matrix in compressed rows or columns. *by_columns becomes true for
// columns (csc_matrix). Errors: MG_DATA, with advice.
mg_status mg_csr_layout_check(mg_h5 *file, const char *name, bool *by_columns, mg_error *error);

// Reads the number of rows and of features of the group `name`, which must have passed mg_csr_layout_check
// and whose indptr has `ends` elements. It may be CSR as AnnData and h5sparse write it, or a matrix of Cell
// Ranger (10x Genomics). Cell Ranger stores features x barcodes in compressed columns, which are the same
// bytes as barcodes x features in compressed rows. Errors: MG_DATA, with advice.
mg_status mg_csr_layout(mg_h5 *file, const char *name, int64_t ends, int64_t shape[2], mg_error *error);

#endif
