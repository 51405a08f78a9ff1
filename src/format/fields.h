// fields.h - the records of delimited text: RFC 4180 quoting, fields that may span lines, and what is wrong
// with a number.
#ifndef MG_FORMAT_FIELDS_H
#define MG_FORMAT_FIELDS_H

#include "io/text.h"

// A space as delimiter stands for any run of spaces and tabs, and none at the ends of the line.
typedef struct mg_record {
    mg_text *text;
    char *line;
    size_t bytes;
    char delimiter;
    size_t at; // offset of the next field; past `bytes` when there is none
} mg_record;

typedef struct mg_span {
    char *text; // without quotes and without blanks around; may be changed
    size_t bytes;
    size_t offset; // in the record, for messages
} mg_span;

// Reads the next record that is not blank; record->line is NULL at the end. `text` and `delimiter` are set by
// the caller.
mg_status mg_record_next(mg_record *record, mg_error *error);

// The next field; *more is false when the record has none.
mg_status mg_record_field(mg_record *record, mg_span *field, bool *more, mg_error *error);

// Fields of the record, none of them taken.
mg_status mg_record_count(const mg_record *record, int64_t *count, mg_error *error);

// What keeps [at, end) from being a feature: empty, NaN, infinite, too large, or no number at all. The text
// has no place.
mg_status mg_number_complain(const char *at, const char *end, mg_error *error);

#endif
