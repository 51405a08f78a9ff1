// convert_labels.h - labels on their way into a data file: the first pass decides whether they are integers
// or texts, the second encodes them.
#ifndef MG_DATA_CONVERT_LABELS_H
#define MG_DATA_CONVERT_LABELS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MG_LABEL_LONGEST = 1000 }; // bytes

typedef enum mg_label_kind { MG_LABEL_ANY, MG_LABEL_INTEGER, MG_LABEL_TEXT } mg_label_kind;

typedef struct mg_census {
    mg_label_kind kind; // what they must be, then what they are; MG_LABEL_ANY: not known yet
    const char *like;   // the file that says what they must be, for messages
    int64_t count;
    bool words;     // a label that is no integer was met
    size_t longest; // bytes, as text
    uint64_t *seen; // [seen_size] digests of distinct labels in an open table; 0 is free
    size_t seen_size;
    int64_t classes; // in `seen`
} mg_census;         // starts zeroed

void mg_census_clear(mg_census *labels);

// First pass. Refuses (MG_DATA) a label that is empty, too long, not UTF-8, or a number that is no integer.
mg_status mg_census_survey(mg_census *labels, const char *text, size_t bytes, mg_error *error);
void mg_census_survey_code(mg_census *labels, int64_t code);

// Between the passes: fixes the kind.
void mg_census_settle(mg_census *labels);

// Second pass: the label as it is stored, counted among the classes. An integer goes to *code; a text to
// out[MG_LABEL_LONGEST], padded with zeros to `longest`.
mg_status mg_census_encode(mg_census *labels, const char *text, size_t bytes, int64_t *code, char *out,
                           mg_error *error);
mg_status mg_census_encode_code(mg_census *labels, int64_t code, char *out, mg_error *error);

#endif
