// html.c - escapes texts, and prints numbers for people.
#include "report/html.h"

#include "base/json.h"
#include "base/number.h"
#include "base/printable.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <string.h>

static const char dash[] = "<span class=\"none\">–</span>";

static void escape(mg_writer *to, const char *piece) {
    switch (piece[0]) {
    case '&': mg_writer_add(to, "&amp;"); return;
    case '<': mg_writer_add(to, "&lt;"); return;
    case '>': mg_writer_add(to, "&gt;"); return;
    case '"': mg_writer_add(to, "&quot;"); return;
    case '\'': mg_writer_add(to, "&#39;"); return;
    default: mg_writer_add(to, piece);
    }
}

void mg_html_cut(mg_writer *to, const char *text, int most) {
    char piece[MG_PRINTABLE_PIECE];
    while (mg_printable_next(&text, piece) > 0) {
        bool last = most-- == 1 && *text;
        if (last) mg_writer_add(to, "…");
        else escape(to, piece);
        if (last) return;
    }
}

void mg_html_text(mg_writer *to, const char *text) { mg_html_cut(to, text, INT_MAX); }

// Writes 3.4e-05 as 3.4 × 10⁻⁵.
static void add_power(mg_writer *to, const char *text) {
    const char *e = strchr(text, 'e');
    mg_writer_add_bytes(to, text, (size_t)(e - text));
    mg_writer_add(to, "\u202f×\u202f10<sup>");
    mg_writer_add(to, e[1] == '-' ? "−" : "");
    mg_writer_add(to, e + 1 + (e[1] == '-'));
    mg_writer_add(to, "</sup>");
}

static void add_signed(mg_writer *to, const char *text) {
    if (text[0] == '-') mg_writer_add(to, "−");
    text += text[0] == '-';
    if (strchr(text, 'e')) add_power(to, text);
    else mg_writer_add(to, text);
}

void mg_html_short(mg_writer *to, double value, int digits) {
    char text[MG_REAL_TEXT];
    if (isnan(value)) {
        mg_writer_add(to, dash);
        return;
    }
    if (isinf(value)) {
        mg_writer_add(to, value > 0 ? "∞" : "−∞");
        return;
    }
    mg_print_short(value, digits, text);
    add_signed(to, text);
}

void mg_html_fixed(mg_writer *to, double value, int decimals) {
    char text[MG_REAL_TEXT];
    if (!isfinite(value)) {
        mg_html_short(to, value, decimals);
        return;
    }
    mg_print_fixed(value, decimals, text);
    add_signed(to, text);
}

void mg_html_percent(mg_writer *to, double fraction) {
    mg_html_fixed(to, 100 * fraction, 2);
    if (!isnan(fraction)) mg_writer_add(to, "\u202f%");
}

void mg_html_count(mg_writer *to, int64_t value) {
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRId64, value < 0 ? -value : value);
    if (value < 0) mg_writer_add(to, "−");
    size_t length = strlen(digits);
    for (size_t i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0) mg_writer_add(to, "\u202f");
        mg_writer_add_bytes(to, digits + i, 1);
    }
}

void mg_html_seconds(mg_writer *to, double seconds) {
    if (isnan(seconds)) mg_writer_add(to, dash);
    else if (seconds >= 100 && seconds < 1e9) {
        int64_t whole = (int64_t)(seconds + 0.5);
        if (whole >= 3600) mg_writer_format(to, "%" PRId64 "\u202fh ", whole / 3600);
        mg_writer_format(to, "%" PRId64 "\u202fmin %" PRId64 "\u202fs", whole / 60 % 60, whole % 60);
    } else {
        mg_html_short(to, seconds, 3);
        mg_writer_add(to, "\u202fs");
    }
}

void mg_html_data(mg_writer *to, double value) {
    char text[MG_REAL_TEXT];
    if (isfinite(value)) mg_print_short(value, 6, text);
    mg_writer_add(to, isfinite(value) ? text : "null");
}

void mg_html_number_cell(mg_writer *to, double value) {
    char text[MG_REAL_TEXT];
    mg_writer_add(to, "<td class=\"n\"");
    if (isfinite(value)) {
        mg_print_short(value, 9, text);
        mg_writer_format(to, " data-v=\"%s\"", text);
    }
    mg_writer_add(to, ">");
}

void mg_html_head(mg_writer *to, const char *text, bool numeric) {
    mg_writer_add(to, numeric ? "<th scope=\"col\" class=\"n\">" : "<th scope=\"col\">");
    mg_html_text(to, text);
    mg_writer_add(to, "</th>");
}

void mg_html_script_text(mg_writer *to, const char *text) {
    mg_writer json = {0};
    mg_json_text(&json, text);
    for (size_t i = 0; i < json.length; i++) {
        if (json.text[i] == '<') mg_writer_add(to, "\\u003c");
        else mg_writer_add_bytes(to, json.text + i, 1);
    }
    mg_writer_fail(to, &json.error);
    mg_writer_clear(&json);
}

void mg_html_base64(mg_writer *to, const unsigned char *bytes, size_t count) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < count; i += 3) {
        size_t left = count - i;
        uint32_t word = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                        (left > 2 ? bytes[i + 2] : 0);
        const char four[4] = {digits[word >> 18], digits[word >> 12 & 63],
                              left > 1 ? digits[word >> 6 & 63] : '=', left > 2 ? digits[word & 63] : '='};
        mg_writer_add_bytes(to, four, 4);
    }
}

void mg_html_section(mg_writer *to, const char *id, const char *title) {
    mg_writer_format(to, "\n<section id=\"%s\" aria-labelledby=\"%s-title\">\n<h2 id=\"%s-title\">", id, id,
                     id);
    mg_html_text(to, title);
    mg_writer_add(to, "</h2>\n");
}
