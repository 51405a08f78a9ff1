// printable.c - makes texts from files harmless on a terminal: escapes control characters, and characters
// that change the order of display.
#include "base/printable.h"

#include "base/memory.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool mg_printable_acts(int32_t c) {
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 ||
           (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

int mg_printable_next(const char **text, char out[MG_PRINTABLE_PIECE]) {
    const char *start = *text;
    out[0] = 0;
    if (!*start) return 0;
    int32_t c = mg_utf8_next(text);
    if (c < 0) {
        *text = start + 1;
        return snprintf(out, MG_PRINTABLE_PIECE, "\\x%02x", (unsigned)(unsigned char)*start);
    }
    if (!mg_printable_acts(c)) {
        int bytes = (int)(*text - start);
        memcpy(out, start, (size_t)bytes);
        out[bytes] = 0;
        return bytes;
    }
    static const char named[] = "\n\r\t", letters[] = "nrt";
    const char *found = c < 0x20 ? memchr(named, c, sizeof named - 1) : NULL;
    if (found) return snprintf(out, MG_PRINTABLE_PIECE, "\\%c", letters[found - named]);
    return snprintf(out, MG_PRINTABLE_PIECE, c < 0x80 ? "\\x%02x" : "\\u%04x", (unsigned)c);
}

size_t mg_printable(const char *text, char *out, size_t size) {
    char piece[MG_PRINTABLE_PIECE];
    size_t length = 0, kept = 0;
    for (int bytes; (bytes = mg_printable_next(&text, piece)) > 0; length += (size_t)bytes) {
        if (kept != length || length + (size_t)bytes >= size) continue;
        memcpy(out + kept, piece, (size_t)bytes);
        kept += (size_t)bytes;
    }
    if (size) out[kept] = 0;
    return length;
}

void mg_printable_add(mg_writer *writer, const char *text) {
    char piece[MG_PRINTABLE_PIECE];
    for (int bytes; (bytes = mg_printable_next(&text, piece)) > 0;)
        mg_writer_add_bytes(writer, piece, (size_t)bytes);
}

void mg_printable_line(mg_writer *writer, const char *format, ...) {
    char *raw = NULL;
    va_list arguments;
    va_start(arguments, format);
    mg_error error = {0};
    mg_writer text = {0};
    mg_writer_format_list(&text, format, arguments);
    va_end(arguments);
    mg_status status = mg_writer_take(&text, &raw, &error);
    mg_writer_fail(writer, &error);
    if (!status) mg_printable_add(writer, raw);
    mg_writer_add(writer, "\n");
    mg_memory_free(raw);
}
