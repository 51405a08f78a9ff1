// utf8.h - reads UTF-8 one character at a time.
#ifndef MG_BASE_UTF8_H
#define MG_BASE_UTF8_H

#include <stdbool.h>
#include <stdint.h>

// Returns the character at *text and moves *text behind it. At the end: 0, and *text stays. If the bytes are
// not UTF-8: -1, and *text stays.
int32_t mg_utf8_next(const char **text);

bool mg_utf8_valid(const char *text);

#endif
