// labelled_line.h - lines with a label and a text: "label TAB text", or fastText's "__label__x text".
#ifndef MG_FORMAT_LABELLED_LINE_H
#define MG_FORMAT_LABELLED_LINE_H

#include "format/distinct.h"
#include "format/fields.h"
#include "format/format.h"

// Returns true if the line begins with fastText's label prefix.
bool mg_line_is_fasttext(const char *line, size_t bytes);

typedef enum mg_line_kind {
    MG_LINE_FIRST, // label TAB text
    MG_LINE_LAST,  // text TAB label
    MG_LINE_FASTTEXT
} mg_line_kind;

// Splits the line just read from `text` into label and body.
mg_status mg_line_cut(const mg_text *text, mg_line_kind kind, char *line, size_t bytes, mg_span *label,
                      mg_span *body, mg_error *error);

// Returns true for a usual name of a column of labels, such as label, class or target.
bool mg_line_names_label(const char *text, size_t bytes);

// Returns true for a usual name of a column of texts, such as text or review.
bool mg_line_names_text(const char *text, size_t bytes);

// Decides whether the first line is a header. Errors: MG_DATA if that is unclear: it has names of a label and
// a text, but in the other order; or only the name of a label is recognised.
mg_status mg_line_header(const mg_text *text, const mg_span *label, const mg_span *body, bool *header,
                         mg_error *error);

// Refuses a header in the line just read, the first one of a later file. Errors: also those of
// mg_line_header.
mg_status mg_line_no_header(const mg_text *text, const mg_span *label, const mg_span *body, mg_error *error);

// What was found in all lines.
typedef struct mg_line_doubts {
    const mg_text *text;
    const mg_distinct *labels, *bodies;
    int64_t rows;
    bool headless; // the first line is a row because it is like no header that is known
} mg_line_doubts;

// Refuses lines whose labels are nearly all different while their texts repeat: label and text are probably
// in the other order. Warns if the first line may be a header.
mg_status mg_line_doubt(const mg_line_doubts *doubts, const mg_tell *tell, mg_error *error);

// Skips the next line that is not empty.
mg_status mg_line_skip(mg_text *text, mg_error *error);

// How likely the head of a file has such lines: 0, 1 or 2, as mg_format.probe.
int mg_line_probe(const char *head, size_t bytes);

#endif
