// label_values.h - a vector of values that are labels or categories: numbers or texts, some of which may be
// missing.
#ifndef MG_DATA_LABEL_VALUES_H
#define MG_DATA_LABEL_VALUES_H

#include "data/raw_labels.h"

enum { MG_ANY_ROWS = -1 };

typedef enum mg_missing {
    MG_MISSING_NOT,
    MG_MISSING_NAN,
    MG_MISSING_MASK,
    MG_MISSING_WORD,
    MG_MISSING_CODE
} mg_missing;

// Texts that mean that there is no label, as a list of Python: those of pandas that occur, and "?".
#define MG_MISSING_LIST                                                                                      \
    "['', '?', '#N/A', '<NA>', 'N/A', 'NA', 'NULL', 'NaN', 'NaT', 'None', 'n/a', 'nan', 'null']"

// Values of a data set, or of a group of values and a mask (AnnData's nullable arrays), one text for each
// row. rows: how many there must be, or MG_ANY_ROWS; *count (NULL: not wanted) is how many there are. Errors:
// MG_DATA naming the value.
mg_status mg_label_values_read(mg_h5 *file, const char *name, int64_t rows, mg_raw_labels *out,
                               int64_t *count, mg_error *error);

// Integer codes of `rows` rows, none missing yet.
mg_status mg_label_codes_read(mg_h5 *file, const char *name, int64_t rows, mg_raw_labels *out,
                              mg_error *error);

#endif
