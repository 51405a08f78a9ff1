// csr_layout.h - the layout of a group with data, indices and indptr.
#ifndef MG_DATA_CSR_LAYOUT_H
#define MG_DATA_CSR_LAYOUT_H

#include "base/status.h"
#include "io/h5.h"

// Refuses groups that are not a sparse matrix stored by rows. Errors: MG_DATA with advice.
mg_status mg_csr_layout_check(mg_h5 *file, const char *name, mg_error *error);

// Reads the rows and features of the group `name`, which must have passed the check and whose indptr has
// `ends` elements. It is CSR as AnnData and h5sparse write it, or a matrix of Cell Ranger (10x Genomics).
// Cell Ranger stores features by barcodes in compressed columns, which is barcodes by features in compressed
// rows. Errors: MG_DATA, as above.
mg_status mg_csr_layout(mg_h5 *file, const char *name, int64_t ends, int64_t shape[2], mg_error *error);

#endif
