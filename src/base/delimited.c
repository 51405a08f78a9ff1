// delimited.c - quotes the fields of delimited text.
#include "base/delimited.h"

#include <stdbool.h>
#include <string.h>

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

static bool needs_quotes(const char *text, char delimiter) {
    size_t bytes = strlen(text);
    if (bytes == 0) return true; // in a table of one column, an empty line would be no row for many readers
    if (is_blank(text[0]) || is_blank(text[bytes - 1])) return true;
    return strpbrk(text, "\"\r\n") || strchr(text, delimiter);
}

void mg_delimited_add(mg_writer *writer, const char *text, char delimiter) {
    if (!needs_quotes(text, delimiter)) {
        mg_writer_add(writer, text);
        return;
    }
    mg_writer_add(writer, "\"");
    for (const char *quote; (quote = strchr(text, '"')); text = quote + 1) {
        mg_writer_add_bytes(writer, text, (size_t)(quote - text));
        mg_writer_add(writer, "\"\"");
    }
    mg_writer_add(writer, text);
    mg_writer_add(writer, "\"");
}
