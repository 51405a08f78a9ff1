// json.c - writes texts and numbers as JSON.
#include "base/json.h"

#include "base/number.h"
#include "base/printable.h"
#include "base/utf8.h"

#include <math.h>
#include <string.h>

void mg_json_text(mg_writer *writer, const char *text) {
    mg_writer_add(writer, "\"");
    char piece[MG_PRINTABLE_PIECE];
    for (const char *at = text; *at;) {
        const char *start = at;
        int32_t c = mg_utf8_next(&at);
        if (c == '"' || c == '\\') mg_writer_format(writer, "\\%c", (int)c);
        else if (c >= 0 && mg_printable_acts(c)) mg_writer_format(writer, "\\u%04x", (unsigned)c);
        else if (c >= 0) mg_writer_add_bytes(writer, start, (size_t)(at - start));
        // JSON must be UTF-8, so an invalid byte is written as the text \xNN, as on a terminal.
        else {
            at = start;
            mg_printable_next(&at, piece);
            mg_writer_format(writer, "\\%s", piece);
        }
    }
    mg_writer_add(writer, "\"");
}

static void put_real(mg_writer *writer, double value) {
    char text[MG_REAL_TEXT];
    if (!isfinite(value)) {
        mg_writer_add(writer, "null");
        return;
    }
    mg_print_real(value, text);
    mg_writer_add(writer, text);
}

void mg_json_key(mg_writer *writer, const char *name) {
    char last = writer->length ? writer->text[writer->length - 1] : '{';
    if (last != '{' && last != '[') mg_writer_add(writer, ", ");
    mg_json_text(writer, name);
    mg_writer_add(writer, ": ");
}

void mg_json_put_text(mg_writer *writer, const char *name, const char *value) {
    mg_json_key(writer, name);
    mg_json_text(writer, value);
}

void mg_json_put_real(mg_writer *writer, const char *name, double value) {
    mg_json_key(writer, name);
    put_real(writer, value);
}

void mg_json_put_known(mg_writer *writer, const char *name, double value) {
    if (!isnan(value)) mg_json_put_real(writer, name, value);
}

void mg_json_put_bool(mg_writer *writer, const char *name, bool value) {
    mg_json_key(writer, name);
    mg_writer_add(writer, value ? "true" : "false");
}

void mg_json_put_int(mg_writer *writer, const char *name, int64_t value) {
    mg_json_key(writer, name);
    mg_writer_format(writer, "%lld", (long long)value);
}
