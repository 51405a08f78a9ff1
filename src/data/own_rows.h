// own_rows.h - the rows that a rank owns: each reads the labels, weights and offsets of its own rows only.
#ifndef MG_DATA_OWN_ROWS_H
#define MG_DATA_OWN_ROWS_H

#include "data/dataset_request.h"
#include "data/selection.h"

typedef struct mg_own_file {
    const char *path; // for messages
    mg_h5 *file;
    mg_source *source; // with the columns that its rows get
} mg_own_file;

typedef struct mg_own_rows {
    int64_t *select; // [count] their numbers in the file
    int32_t *label;  // [count]
    float *weight;   // [count]; NULL: all 1
    int64_t count;
    int64_t all, first; // number of rows of all ranks; number of the first own one among them
    mg_classes classes;
    mg_left_out left_out; // of all ranks
} mg_own_rows;

// Finds the rows of this rank among those that the request selects, with their classes and weights. Classes,
// their order and the held-out rows are those that a single process would find. Collective; the ranks agree
// on errors. The caller frees the arrays, also after an error. Errors: those of mg_labels_read and
// mg_row_weights_read; MG_CONFIG if no row is selected.
mg_status mg_own_rows_read(const mg_own_file *file, const mg_dataset_request *request, mg_own_rows *out,
                           mg_error *error);

#endif
