// writer.h - a text that grows. A failure sticks and is told once, by mg_writer_take.
#ifndef MG_BASE_WRITER_H
#define MG_BASE_WRITER_H

#include "base/status.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

typedef struct mg_writer {
    char *text;      // [length] and a zero; NULL while nothing was added
    size_t length;   // bytes
    size_t capacity; // bytes
    mg_status status;
    mg_error error;
} mg_writer; // starts zeroed

void mg_writer_add(mg_writer *writer, const char *text);
void mg_writer_add_bytes(mg_writer *writer, const char *bytes, size_t count);

// Texts and whole numbers; a real goes through mg_print_real, which no locale can change.
void mg_writer_format(mg_writer *writer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void mg_writer_format_list(mg_writer *writer, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

// Hands the text ("" when nothing was added) to the caller, or the failure; either way the writer is empty
// again.
mg_status mg_writer_take(mg_writer *writer, char **out, mg_error *error);

// Writes the text to `file`, or tells the failure; `what` is named when it cannot be written. The writer is
// empty again. MG_FAILED.
mg_status mg_writer_print(mg_writer *writer, FILE *file, const char *what, mg_error *error);

void mg_writer_clear(mg_writer *writer);

#endif
