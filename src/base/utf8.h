// utf8.h - reading UTF-8 one character at a time.
#ifndef MG_BASE_UTF8_H
#define MG_BASE_UTF8_H

#include <stdbool.h>
#include <stdint.h>

// The character at *text, which moves past it; 0 at the end (and stays there), -1 when the bytes are not
// UTF-8.
int32_t mg_utf8_next(const char **text);

bool mg_utf8_valid(const char *text);

#endif
