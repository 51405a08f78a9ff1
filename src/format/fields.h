// fields.h - records of delimited text: quoting according to RFC 4180, and fields with line breaks. Also the
// error for a field that is not a number.
#ifndef MG_FORMAT_FIELDS_H
#define MG_FORMAT_FIELDS_H

#include "io/text.h"

// One record. If the delimiter is a space, every run of spaces and tabs separates fields, and blanks at both
// ends of the line are ignored.
typedef struct mg_record {
    mg_text *text;
    char *line;
    size_t bytes;
    char delimiter;
    size_t at;       // offset of the next field; greater than `bytes` if there is none
    int64_t skipped; // number of blank lines before it
} mg_record;

typedef struct mg_span {
    char *text; // without quotes and surrounding blanks; may be changed
    size_t bytes;
    size_t offset; // in the record, for messages
} mg_span;

// Reads the next record that is not blank; record->line becomes NULL at the end. The caller sets `text` and
// `delimiter` before.
mg_status mg_record_next(mg_record *record, mg_error *error);

// Reads the next field of the record; *more becomes false if there is none.
mg_status mg_record_field(mg_record *record, mg_span *field, bool *more, mg_error *error);

// Counts the fields of the record without consuming them.
mg_status mg_record_count(const mg_record *record, int64_t *count, mg_error *error);

// Returns the error that [at, end) is not a feature, with the reason: empty, NaN, infinite, too large, or not
// a number. The message lacks file:line.
mg_status mg_number_complain(const char *at, const char *end, mg_error *error);

#endif
