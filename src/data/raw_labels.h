// raw_labels.h - a column of labels in the form in which a file stores it: numbers, texts, codes of
// categories, or values with a mask.
#ifndef MG_DATA_RAW_LABELS_H
#define MG_DATA_RAW_LABELS_H

#include "base/status.h"
#include "io/h5.h"

#include <stdbool.h>
#include <stdint.h>

// Rows first .. first + count of a file with `rows` rows.
typedef struct mg_label_span {
    int64_t rows, first, count;
} mg_label_span;

typedef struct mg_raw_labels {
    bool texts;
    int64_t *number; // [rows of the span] the label, or its index in `text`
    char **text;     // [text_count] distinct texts
    int64_t text_count;
    uint8_t *missing; // [rows of the span] an mg_missing for each row: whether and why it has no label; 0: it
                      // has one
} mg_raw_labels;

// Reads the labels of the rows of a span; docs/formats.md lists the possible forms. Errors: MG_DATA with the
// data set and, if there is one, the row: an unknown form, a number that is not whole, a text that is too
// long, or a wrong number of rows; unless `allow_unlabelled`, also rows without a label.
mg_status mg_raw_labels_read_some(mg_h5 *file, const char *name, const mg_label_span *span,
                                  bool allow_unlabelled, mg_raw_labels *out, mg_error *error);
mg_status mg_raw_labels_read(mg_h5 *file, const char *name, int64_t rows, bool allow_unlabelled,
                             mg_raw_labels *out, mg_error *error); // of all rows

// The same for files that may be joined, file after file. first: [parts + 1] the first row of each; NULL if
// they are not joined. Errors: also MG_DATA if some files have numbers and others texts.
mg_status mg_raw_labels_join(mg_h5 *file, const char *name, const int64_t *first, const mg_label_span *span,
                             bool allow_unlabelled, mg_raw_labels *out, mg_error *error);
void mg_raw_labels_clear(mg_raw_labels *raw);

// Comparison for qsort_r over indices of `text`: by bytes, then by index.
int mg_raw_labels_by_text(const void *a, const void *b, void *text);

#endif
