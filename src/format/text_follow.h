// text_follow.h - reads texts by the recipe of a model: what the first line is, and which lines have labels.
// What can be read in two ways is refused, with the option that settles it.
#ifndef MG_FORMAT_TEXT_FOLLOW_H
#define MG_FORMAT_TEXT_FOLLOW_H

#include "format/format.h"
#include "format/labelled_line.h"

// Decides whether a line is the header of the table that had the texts of the model in `column`, and the
// labels in `label` (NULL: it had none). Otherwise the line is a text. Errors: MG_DATA if it may be both.
mg_status mg_text_follow_table(const mg_format_request *request, const char *column, const char *label,
                               bool *header, mg_error *error);

// Refuses a first line that looks like the header of a table, if the texts of the model were lines.
mg_status mg_text_follow_first(const mg_text *text, const mg_format_like *like, const char *line,
                               size_t bytes, mg_error *error);

// Refuses a label that the model does not know, because it may be a part of the text.
mg_status mg_text_follow_label(const mg_text *text, const mg_format_like *like, const mg_span *label,
                               mg_error *error);

// Refuses a line that has a label, or a tab, although the first line has none; or that has none although the
// first one is `labelled`.
mg_status mg_text_follow_others(const mg_text *text, const mg_format_like *like, bool labelled,
                                const char *line, size_t bytes, mg_error *error);

// Refuses a text without n-grams, which would be a row of zeros.
mg_status mg_text_follow_none(const mg_text *text, const mg_format_like *like, const mg_span *body,
                              mg_error *error);

#endif
