// html.h - adds pieces of HTML to a writer. Texts are escaped here and nowhere else.
#ifndef MG_REPORT_HTML_H
#define MG_REPORT_HTML_H

#include "base/writer.h"

#include <stdbool.h>
#include <stdint.h>

// Adds a text that may come from a file: printable (base/printable.h), and escaped for elements and
// attributes.
void mg_html_text(mg_writer *to, const char *text);

// The same, with at most `most` characters; a longer text ends with an ellipsis.
void mg_html_cut(mg_writer *to, const char *text, int most);

// Adds numbers for people; a dash if the value is NaN. `short`: significant digits, 1e-3 becomes 0.001, and
// small numbers are written with a power of ten. `fixed`: digits after the point. `percent`: a fraction as a
// percentage with two decimals. `count`: with thin spaces between thousands.
void mg_html_short(mg_writer *to, double value, int digits);
void mg_html_fixed(mg_writer *to, double value, int decimals);
void mg_html_percent(mg_writer *to, double fraction);
void mg_html_count(mg_writer *to, int64_t value);
void mg_html_seconds(mg_writer *to, double seconds);

// Adds a number for scripts and drawings: a JSON number, or null.
void mg_html_data(mg_writer *to, double value);

// Table cells. mg_html_number_cell begins a cell of a number, with its value for sorting (nothing for NaN).
void mg_html_number_cell(mg_writer *to, double value);
void mg_html_head(mg_writer *to, const char *text, bool numeric); // <th scope="col">

// Adds a text to a JSON text inside a script element, where '<' must not appear.
void mg_html_script_text(mg_writer *to, const char *text);

// Adds bytes in base64.
void mg_html_base64(mg_writer *to, const unsigned char *bytes, size_t count);

// A section of the page, with its heading. The caller adds the content and "</section>".
void mg_html_section(mg_writer *to, const char *id, const char *title);

#endif
