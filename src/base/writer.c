// writer.c - grows a text as pieces are added.
#include "base/writer.h"

#include "base/memory.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

// Makes space for `count` more bytes and the terminating zero. Returns false after any failure.
static bool reserve(mg_writer *writer, size_t count) {
    if (writer->status) return false;
    size_t need;
    if (__builtin_add_overflow(writer->length + 1, count, &need)) need = SIZE_MAX;
    writer->status = mg_memory_grow(&writer->text, &writer->capacity, need, 1, &writer->error);
    return writer->status == MG_OK;
}

void mg_writer_add_bytes(mg_writer *writer, const char *bytes, size_t count) {
    if (!reserve(writer, count)) return;
    if (count) memcpy(writer->text + writer->length, bytes, count); // without bytes, `bytes` may be NULL
    writer->length += count;
    writer->text[writer->length] = '\0';
}

void mg_writer_add(mg_writer *writer, const char *text) { mg_writer_add_bytes(writer, text, strlen(text)); }

void mg_writer_format_list(mg_writer *writer, const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int count = vsnprintf(NULL, 0, format, arguments);
    if (count >= 0 && reserve(writer, (size_t)count)) {
        vsnprintf(writer->text + writer->length, (size_t)count + 1, format, again);
        writer->length += (size_t)count;
    }
    va_end(again);
}

void mg_writer_format(mg_writer *writer, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    mg_writer_format_list(writer, format, arguments);
    va_end(arguments);
}

void mg_writer_fail(mg_writer *writer, const mg_error *error) {
    if (!error->status || writer->status) return;
    writer->status = error->status;
    writer->error = *error;
}

mg_status mg_writer_take(mg_writer *writer, char **out, mg_error *error) {
    *out = NULL;
    mg_writer_add_bytes(writer, "", 0);
    mg_status status = writer->status;
    if (status) {
        mg_fail(error, status, "%s", writer->error.text);
        mg_memory_free(writer->text);
    } else {
        *out = writer->text;
    }
    *writer = (mg_writer){0};
    return status;
}

mg_status mg_writer_print(mg_writer *writer, FILE *file, const char *what, mg_error *error) {
    char *text;
    mg_status status = mg_writer_take(writer, &text, error);
    if (!status && (fputs(text, file) < 0 || fflush(file) != 0))
        status = mg_fail(error, MG_FAILED, "%s cannot be written: %s", what, strerror(errno));
    mg_memory_free(text);
    return status;
}

void mg_writer_clear(mg_writer *writer) {
    mg_memory_free(writer->text);
    *writer = (mg_writer){0};
}
