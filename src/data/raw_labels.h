// raw_labels.h - one column of labels as a file stores it: numbers, texts, categories by code, values with a
// mask.
#ifndef MG_DATA_RAW_LABELS_H
#define MG_DATA_RAW_LABELS_H

#include "base/status.h"
#include "io/h5.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct mg_raw_labels {
    bool texts;
    int64_t *number; // [rows] the label, or its place in `text`
    char **text;     // [text_count] all different
    int64_t text_count;
    // [rows] why there is no value; only while labels are read: rows without one are refused
    uint8_t *missing;
} mg_raw_labels;

// Reads the labels of `rows` rows. docs/formats.md lists the forms. Errors: MG_DATA naming the data set, and
// the row where there is one: a form that is not read, a number that is not whole, text that is not UTF-8,
// rows without a label, a wrong number of rows.
mg_status mg_raw_labels_read(mg_h5 *file, const char *name, int64_t rows, mg_raw_labels *out,
                             mg_error *error);
void mg_raw_labels_clear(mg_raw_labels *raw);

// qsort_r over indices of `text`, by bytes and then by index.
int mg_raw_labels_by_text(const void *a, const void *b, void *text);

#endif
