// printable.h - printable texts in a writer; the rule is that of the public header.
#ifndef MG_BASE_PRINTABLE_H
#define MG_BASE_PRINTABLE_H

#include "base/writer.h"

#include <margin/printable.h>

#include <stdbool.h>
#include <stdint.h>

// Does the character end a line, move the cursor, or make a terminal show what follows in another order than
// it is written in?
bool mg_printable_acts(int32_t c);

// Adds `text` as a terminal may show it.
void mg_printable_add(mg_writer *writer, const char *text);

// One line, line feed added: what `format` makes, printable as a whole.
void mg_printable_line(mg_writer *writer, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
