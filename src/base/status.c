// status.c - the names of the status codes, and the only place where error texts are formatted.
#include "base/status.h"

#include <margin/printable.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int mg_status_exit(mg_status status) {
    static const int exits[] = {
#define MG_STATUS_EXIT(code, exit_status, meaning) exit_status,
        MG_STATUS_LIST(MG_STATUS_EXIT)
#undef MG_STATUS_EXIT
    };
    return (size_t)status < sizeof exits / sizeof *exits ? exits[status] : exits[MG_FAILED];
}

const char *mg_status_text(mg_status status) {
    static const char *const texts[] = {
#define MG_STATUS_TEXT(code, exit_status, meaning) meaning,
        MG_STATUS_LIST(MG_STATUS_TEXT)
#undef MG_STATUS_TEXT
    };
    return (size_t)status < sizeof texts / sizeof *texts ? texts[status] : "not a status of this library";
}

// Shortens a text that does not fit by cutting its middle out: its start says what is wrong, its end what to
// do.
static void shorten(const char *text, char *out, size_t size) {
    static const char cut[] = " ... ";
    size_t length = strlen(text), front = size / 2, back = size - 1 - front - (sizeof cut - 1);
    if (length < size) {
        memcpy(out, text, length + 1);
        return;
    }
    const char *end = text + length - back;
    // Do not split a character.
    while (front && ((unsigned char)text[front] & 0xc0) == 0x80) front--;
    while (((unsigned char)*end & 0xc0) == 0x80) end++;
    memcpy(out, text, front);
    memcpy(out + front, cut, sizeof cut - 1);
    memcpy(out + front + sizeof cut - 1, end, strlen(end) + 1);
}

void mg_line_format(char *out, size_t size, const char *format, va_list arguments) {
    if (vsnprintf(out, size, format, arguments) >= (int)size) memcpy(out + size - 4, "...", 4);
}

mg_status mg_fail(mg_error *error, mg_status status, const char *format, ...) {
    if (!error) return status;
    error->status = status;
    va_list arguments;
    va_start(arguments, format);
    char raw[8 * sizeof error->text], line[8 * sizeof error->text];
    mg_line_format(raw, sizeof raw, format, arguments);
    va_end(arguments);
    // Values quoted from a file may contain any bytes, but the message must be one printable line.
    mg_printable(raw, line, sizeof line);
    shorten(line, error->text, sizeof error->text);
    return status;
}
