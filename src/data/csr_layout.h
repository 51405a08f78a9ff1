// csr_layout.h - what a group of data, indices and indptr stands for.
#ifndef MG_DATA_CSR_LAYOUT_H
#define MG_DATA_CSR_LAYOUT_H

#include "base/status.h"
#include "io/h5.h"

// Refuses groups that are no sparse matrix of rows. Errors: MG_DATA, which says what to do.
mg_status mg_csr_layout_check(mg_h5 *file, const char *name, mg_error *error);

// After that check: rows and features of the group `name`, whose indptr has `ends` entries: CSR as AnnData
// and h5sparse write it, or a matrix of Cell Ranger (10x Genomics), which is features by barcodes in columns
// and so barcodes by features in rows. Errors: MG_DATA, as above.
mg_status mg_csr_layout(mg_h5 *file, const char *name, int64_t ends, int64_t shape[2], mg_error *error);

#endif
