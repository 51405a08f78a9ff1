// status.h - writes an mg_error where an error is detected.
#ifndef MG_BASE_STATUS_H
#define MG_BASE_STATUS_H

#include <margin/status.h>

#include <stdarg.h>
#include <stddef.h>

// Writes the one-line message into *error (may be NULL) and returns `status`, so that callers can write
// `return mg_fail(...)`.
mg_status mg_fail(mg_error *error, mg_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Formats a text into out[size]; a text that does not fit ends with "...".
void mg_line_format(char *out, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

#endif
