// writer.h - a text that grows. After a failure, further calls do nothing, and mg_writer_take returns the
// failure.
#ifndef MG_BASE_WRITER_H
#define MG_BASE_WRITER_H

#include "base/status.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

typedef struct mg_writer {
    char *text;      // `length` bytes, then a zero; NULL if nothing was added
    size_t length;   // bytes
    size_t capacity; // bytes
    mg_status status;
    mg_error error;
} mg_writer; // must be zero before its first use

void mg_writer_add(mg_writer *writer, const char *text);
void mg_writer_add_bytes(mg_writer *writer, const char *bytes, size_t count);

// For texts and whole numbers only: real numbers would depend on the locale, so use mg_print_real for them.
void mg_writer_format(mg_writer *writer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void mg_writer_format_list(mg_writer *writer, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

// Takes over the failure of what was to be added; does nothing if error->status is MG_OK or the writer has
// failed before.
void mg_writer_fail(mg_writer *writer, const mg_error *error);

// Passes the text ("" if nothing was added) to the caller, who frees it, or returns the failure. The writer
// is empty afterwards.
mg_status mg_writer_take(mg_writer *writer, char **out, mg_error *error);

// Writes the text to `file`, or returns the failure. `what` names the output in the message. The writer is
// empty afterwards. Errors: MG_FAILED.
mg_status mg_writer_print(mg_writer *writer, FILE *file, const char *what, mg_error *error);

void mg_writer_clear(mg_writer *writer);

#endif
