// printable.h - adds texts to a writer in printable form, as include/margin/printable.h defines it.
#ifndef MG_BASE_PRINTABLE_H
#define MG_BASE_PRINTABLE_H

#include "base/writer.h"

#include <margin/printable.h>

#include <stdbool.h>
#include <stdint.h>

// Returns true if the character ends a line, moves the cursor, or makes a terminal display the following text
// in another order.
bool mg_printable_acts(int32_t c);

// Adds `text` in printable form.
void mg_printable_add(mg_writer *writer, const char *text);

// Adds one formatted line in printable form, and a line feed.
void mg_printable_line(mg_writer *writer, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
