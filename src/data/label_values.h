// label_values.h - reads a vector of labels or categories: numbers or texts, of which some may be missing.
#ifndef MG_DATA_LABEL_VALUES_H
#define MG_DATA_LABEL_VALUES_H

#include "data/raw_labels.h"

typedef enum mg_missing {
    MG_MISSING_NOT,
    MG_MISSING_NAN,
    MG_MISSING_MASK,
    MG_MISSING_WORD,
    MG_MISSING_CODE
} mg_missing;

// Reads the values of a data set, or of a group of values and a mask (AnnData's nullable arrays). Every row
// gets a text of its own, even if texts repeat. span NULL: all values, whose number becomes *count (which may
// be NULL). Errors: MG_DATA; the message contains the faulty value.
mg_status mg_label_values_read(mg_h5 *file, const char *name, const mg_label_span *span, mg_raw_labels *out,
                               int64_t *count, mg_error *error);

// Reads the integer codes of the rows, and marks none as missing.
mg_status mg_label_codes_read(mg_h5 *file, const char *name, const mg_label_span *span, mg_raw_labels *out,
                              mg_error *error);

#endif
