// convert_labels.h - labels of a conversion. The first pass decides whether they are integers or texts; the
// second pass encodes them.
#ifndef MG_DATA_CONVERT_LABELS_H
#define MG_DATA_CONVERT_LABELS_H

#include "base/option.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MG_LABEL_LONGEST = 1000 }; // bytes

typedef enum mg_label_kind { MG_LABEL_ANY, MG_LABEL_INTEGER, MG_LABEL_TEXT } mg_label_kind;

typedef struct mg_census {
    mg_label_kind kind; // before mg_census_settle the required kind (MG_LABEL_ANY if any will do), afterwards
                        // the actual one
    const char *like;   // file of --like, if it requires the kind; for messages
    bool missing;       // rows may lack a label
    bool numbers;       // texts that are whole numbers are stored in one form: 7, not 7.0
    int64_t count;
    bool words; // at least one label is not an integer
    // The first whole number with leading zeros, as in 01; else the first in another form than 7, as 7.0.
    // After mg_census_settle: only if that decided the kind, or changed the label.
    char odd[MG_SHORT_TEXT];
    bool padded;    // `odd` has leading zeros
    size_t longest; // length of the longest label as text, in bytes
    uint64_t *seen; // [seen_size] hash table (open addressing) of digests of the distinct labels; 0: free
                    // place
    size_t seen_size;
    int64_t classes; // number of digests in `seen`
} mg_census;         // must be zero before its first use

void mg_census_clear(mg_census *labels);

// Before the first pass: requires labels of a kind; `like` has such labels, for messages.
void mg_census_require(mg_census *labels, mg_label_kind kind, const char *like);

// Before the first pass: labels for the classes of a model. missing: rows may lack a label. mixed: labels may
// be of another kind than the classes.
void mg_census_follow(mg_census *labels, bool texts, bool missing, bool mixed, const char *model);

// First pass: takes a label. Errors: MG_DATA if it is empty, too long, not UTF-8, or a number that is not an
// integer.
mg_status mg_census_survey(mg_census *labels, const char *text, size_t bytes, mg_error *error);
// Takes a row without a label. Errors: MG_DATA if --like requires integers.
mg_status mg_census_survey_missing(mg_census *labels, mg_error *error);
void mg_census_survey_code(mg_census *labels, int64_t code);

// Between the passes: decides the kind.
void mg_census_settle(mg_census *labels);

// Second pass: encodes a label, and counts it as a class if it is new. An integer is written to *code. A text
// is written to out[MG_LABEL_LONGEST], padded with zeros to `longest` bytes.
mg_status mg_census_encode(mg_census *labels, const char *text, size_t bytes, int64_t *code, char *out,
                           mg_error *error);
mg_status mg_census_encode_code(mg_census *labels, int64_t code, char *out, mg_error *error);

#endif
