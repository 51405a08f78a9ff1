// selection.h - which rows of a file belong to a data set.
#ifndef MG_DATA_SELECTION_H
#define MG_DATA_SELECTION_H

#include "base/names.h"
#include "data/dataset_request.h"
#include "data/source.h"

// Rows that were left out, for messages.
typedef struct mg_left_out {
    int64_t unlabelled;               // number of rows without a label
    int64_t unseen;                   // number of classes without a held-out row, if rows were held out
    char unseen_label[MG_NAME_SHOWN]; // label of the first of them
} mg_left_out;

typedef struct mg_selected {
    int64_t *row;  // [count] row numbers, ascending; NULL: all rows
    int64_t count; // number of rows
    mg_left_out left_out;
} mg_selected;

// Selects the rows of request->selection among all rows of the source. The split depends on the labels of all
// rows, not only of those selected, so all labels are read. Errors: MG_CONFIG if no row is selected; those of
// mg_labels_read and mg_split_rows.
mg_status mg_selected_split(mg_h5 *file, const mg_dataset_request *request, const mg_source *source,
                            mg_selected *out, mg_error *error);

// Removes the rows of class MG_UNLABELLED from the selection and from `label` ([count]). Errors: MG_DATA if
// no row is left.
mg_status mg_selected_drop_unlabelled(const char *path, mg_selected *selected, int32_t *label,
                                      mg_error *error);

#endif
