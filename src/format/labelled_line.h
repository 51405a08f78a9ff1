// labelled_line.h - one line that holds a label and a text: "label TAB text", or fastText's "__label__x
// text".
#ifndef MG_FORMAT_LABELLED_LINE_H
#define MG_FORMAT_LABELLED_LINE_H

#include "format/fields.h"

// Does the line begin with fastText's prefix of a label?
bool mg_line_is_fasttext(const char *line, size_t bytes);

// Cuts the line just read from `text` into label and body.
mg_status mg_line_cut(const mg_text *text, bool fasttext, char *line, size_t bytes, mg_span *label,
                      mg_span *body, mg_error *error);

// Is the first line one of names? MG_DATA when it may be: names of a label and a text in the other order, or
// a label's name before any text.
mg_status mg_line_header(const mg_text *text, const mg_span *label, const mg_span *body, bool *header,
                         mg_error *error);

// How sure it is that the head of a file holds such lines: 0, 1, 2.
int mg_line_probe(const char *head, size_t bytes);

#endif
