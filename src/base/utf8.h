// utf8.h - reads UTF-8 one character at a time.
#ifndef MG_BASE_UTF8_H
#define MG_BASE_UTF8_H

#include <stdbool.h>
#include <stdint.h>

// Returns the character at *text and moves *text after it. At the end of the text returns 0, for bytes that
// are not UTF-8 -1; then *text does not move.
int32_t mg_utf8_next(const char **text);

bool mg_utf8_valid(const char *text);

#endif
