// convert_labels.h - labels of a conversion: the first pass decides whether they are integers or texts, the
// second pass encodes them.
#ifndef MG_DATA_CONVERT_LABELS_H
#define MG_DATA_CONVERT_LABELS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MG_LABEL_LONGEST = 1000 }; // bytes

typedef enum mg_label_kind { MG_LABEL_ANY, MG_LABEL_INTEGER, MG_LABEL_TEXT } mg_label_kind;

typedef struct mg_census {
    mg_label_kind kind; // first the required kind (MG_LABEL_ANY: not decided), after _settle the actual one
    const char *like;   // the file of --like that requires the kind, for messages
    int64_t count;
    bool words;     // some label is not an integer
    size_t longest; // bytes of the longest label as text
    uint64_t *seen; // [seen_size] digests of the distinct labels in an open hash table; 0: free
    size_t seen_size;
    int64_t classes; // number of digests in `seen`
} mg_census;         // starts zeroed

void mg_census_clear(mg_census *labels);

// First pass. Errors: MG_DATA for a label that is empty, too long, not UTF-8, or a number that is not an
// integer.
mg_status mg_census_survey(mg_census *labels, const char *text, size_t bytes, mg_error *error);
void mg_census_survey_code(mg_census *labels, int64_t code);

// Between the passes: decides the kind.
void mg_census_settle(mg_census *labels);

// Second pass: encodes the label, and counts it among the classes. An integer goes to *code; a text goes to
// out[MG_LABEL_LONGEST], padded with zeros to `longest`.
mg_status mg_census_encode(mg_census *labels, const char *text, size_t bytes, int64_t *code, char *out,
                           mg_error *error);
mg_status mg_census_encode_code(mg_census *labels, int64_t code, char *out, mg_error *error);

#endif
