// option_print.c - prints a value such that parsing it gives the same value, and describes the range of an
// option.
#include "base/option.h"

#include "base/utf8.h"
#include "base/writer.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

// libyaml refuses a key of more than 1024 characters, unless '?' introduces it.
enum { LONGEST_PLAIN_KEY = 1000, NUMBER_TEXT = 48 };

static const void *value_of(const mg_option *option, const void *values) {
    return (const char *)values + option->offset;
}

// Prints a size in the largest unit of which it is a whole multiple.
static void print_bytes(int64_t bytes, char out[NUMBER_TEXT]) {
    static const struct {
        const char *name;
        int64_t factor;
    } units[] = {
        {"TiB", INT64_C(1) << 40}, {"TB", 1000000000000}, {"GiB", 1 << 30}, {"GB", 1000000000},
        {"MiB", 1 << 20},          {"MB", 1000000},       {"KiB", 1 << 10}, {"kB", 1000},
    };
    for (size_t i = 0; bytes != 0 && i < sizeof units / sizeof *units; i++) {
        if (bytes % units[i].factor != 0) continue;
        snprintf(out, NUMBER_TEXT, "%" PRId64 "%s", bytes / units[i].factor, units[i].name);
        return;
    }
    snprintf(out, NUMBER_TEXT, "%" PRId64, bytes);
}

// Prints 1000000000 as 1e9, which is easier to read than nine zeros.
static void print_round(int64_t value, char out[NUMBER_TEXT]) {
    int zeros = 0;
    int64_t front = value;
    for (; front != 0 && front % 10 == 0; front /= 10) zeros++;
    if (zeros >= 7) snprintf(out, NUMBER_TEXT, "%" PRId64 "e%d", front, zeros);
    else snprintf(out, NUMBER_TEXT, "%" PRId64, value);
}

static void print_bound(const mg_option *option, double bound, char out[NUMBER_TEXT]) {
    if (option->type == MG_OPTION_BYTES && fabs(bound) < 0x1p62) print_bytes((int64_t)bound, out);
    else if (fabs(bound) < 0x1p53 && bound == trunc(bound)) print_round((int64_t)bound, out);
    else mg_print_real(bound, out);
}

static void range_text(const mg_option *option, char *out, size_t size) {
    char low[NUMBER_TEXT], high[NUMBER_TEXT];
    bool whole = option->type == MG_OPTION_INT || option->type == MG_OPTION_BYTES;
    // A limit outside the range of the type has no effect.
    bool has_low = option->low > (whole ? -0x1p63 : -INFINITY);
    bool has_high = option->high < (whole ? 0x1p63 : INFINITY);
    bool above_zero = !whole && option->low == MG_ABOVE_ZERO;
    bool below_one = !whole && option->high == MG_BELOW_ONE;
    print_bound(option, above_zero ? 0 : option->low, low);
    print_bound(option, below_one ? 1 : option->high, high);
    if (!has_low && !has_high) snprintf(out, size, "any finite number");
    else if (!has_high) snprintf(out, size, "%s %s", above_zero ? "more than" : "at least", low);
    else if (!has_low) snprintf(out, size, "%s %s", below_one ? "less than" : "at most", high);
    else if (above_zero || below_one)
        snprintf(out, size, "%s %s, %s %s", above_zero ? "more than" : "at least", low,
                 below_one ? "less than" : "at most", high);
    else snprintf(out, size, "%s to %s", low, high);
}

static void add_text(char *out, size_t size, const char *text) {
    size_t used = strlen(out);
    if (used < size) snprintf(out + used, size - used, "%s", text);
}

static void choices_text(const mg_option *option, char *out, size_t size) {
    const char *name;
    out[0] = '\0';
    for (int i = 0; option->choice && (name = option->choice(i)); i++) {
        add_text(out, size, i > 0 ? ", " : "");
        add_text(out, size, name);
    }
}

void mg_option_allowed(const mg_option *option, char *out, size_t size) {
    char range[2 * NUMBER_TEXT + 32];
    range_text(option, range, sizeof range);
    switch (option->type) {
    case MG_OPTION_BOOL: snprintf(out, size, "true or false"); break;
    case MG_OPTION_TEXT: snprintf(out, size, "any text"); break;
    case MG_OPTION_PATHS: snprintf(out, size, "a path, or a list of paths"); break;
    case MG_OPTION_CHOICE: choices_text(option, out, size); break;
    case MG_OPTION_WEIGHTS:
        choices_text(option, out, size);
        if (out[0] != '\0') add_text(out, size, ", or ");
        add_text(out, size, "label: weight pairs, each weight ");
        add_text(out, size, range);
        break;
    case MG_OPTION_REAL:
        snprintf(out, size, "%s%s%s", range, option->choice ? ", or " : "",
                 option->choice ? option->choice(0) : "");
        break;
    case MG_OPTION_INT:
    case MG_OPTION_BYTES:
    case MG_OPTION_SECONDS: snprintf(out, size, "%s", range); break;
    }
}

const char *mg_option_type_name(mg_option_type type) {
    switch (type) {
    case MG_OPTION_INT: return "whole number";
    case MG_OPTION_REAL: return "number";
    case MG_OPTION_BOOL: return "true or false";
    case MG_OPTION_TEXT: return "text";
    case MG_OPTION_PATHS: return "path or list";
    case MG_OPTION_CHOICE: return "name";
    case MG_OPTION_WEIGHTS: return "name or mapping";
    case MG_OPTION_BYTES: return "size";
    case MG_OPTION_SECONDS: return "duration";
    }
    return "";
}

// Returns true if every YAML reader takes `text` without quotes for a text, even in a flow mapping. If in
// doubt, returns false.
static bool plain_is_safe(const char *text) {
    static const char *const words[] = {"true", "false", "yes",  "no",  "on", "off",
                                        "y",    "n",     "null", "nan", "inf"};
    if (!isalpha((unsigned char)*text) && *text != '/' && *text != '_') return false;
    for (const char *c = text; *c; c++) {
        bool letter = (unsigned char)*c < 0x80 && isalnum((unsigned char)*c);
        if (!letter && !strchr("/_.-+=", *c)) return false;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(text, words[i]) == 0) return false;
    return true;
}

// True for characters that libyaml accepts unescaped between double quotes. Line breaks and byte order marks
// are escaped too.
static bool is_printable(int32_t c) {
    if (c == 0x2028 || c == 0x2029 || c == 0xfeff) return false;
    return (c >= 0x20 && c < 0x7f) || (c >= 0xa0 && c <= 0xfffd) || c >= 0x10000;
}

static void write_quoted(mg_writer *writer, const char *text) {
    mg_writer_add(writer, "\"");
    for (const char *from = text;; from = text) {
        int32_t c = mg_utf8_next(&text);
        if (c <= 0) break;
        if (c == '"' || c == '\\') mg_writer_add(writer, "\\");
        if (is_printable(c)) mg_writer_add_bytes(writer, from, (size_t)(text - from));
        else if (c == '\n' || c == '\t') mg_writer_add(writer, c == '\n' ? "\\n" : "\\t");
        else mg_writer_format(writer, c < 0x100 ? "\\x%02" PRIx32 : "\\u%04" PRIx32, (uint32_t)c);
    }
    mg_writer_add(writer, "\"");
}

static void write_text(mg_writer *writer, const char *text) {
    if (plain_is_safe(text)) mg_writer_add(writer, text);
    else write_quoted(writer, text);
}

// One path, or a list of those that line feeds separate.
static void write_paths(mg_writer *writer, const char *text) {
    if (!strchr(text, '\n')) {
        write_text(writer, text);
        return;
    }
    const char *before = "[";
    for (size_t length; *text; text += length + (text[length] != 0), before = ", ") {
        mg_writer path = {0};
        length = strcspn(text, "\n");
        mg_writer_add_bytes(&path, text, length);
        mg_writer_add(writer, before);
        write_text(writer, path.text ? path.text : "");
        mg_writer_clear(&path);
    }
    mg_writer_add(writer, "]");
}

static void write_real(mg_writer *writer, double value) {
    char text[MG_REAL_TEXT];
    if (isnan(value)) return;
    mg_print_real(value, text);
    mg_writer_add(writer, text);
}

static void write_weights(mg_writer *writer, const mg_option_weights *weights) {
    if (weights->word) {
        write_text(writer, weights->word);
        return;
    }
    for (int64_t i = 0; i < weights->count; i++) {
        mg_writer_add(writer, i == 0 ? "{" : ", ");
        if (strlen(weights->labels[i]) * 6 > LONGEST_PLAIN_KEY) mg_writer_add(writer, "? ");
        write_text(writer, weights->labels[i]);
        mg_writer_add(writer, ": ");
        write_real(writer, weights->weights[i]);
    }
    if (weights->count > 0) mg_writer_add(writer, "}");
}

static void write_whole(mg_writer *writer, mg_option_type type, int64_t value) {
    char text[NUMBER_TEXT];
    if (value == MG_UNSET_INT) return;
    if (type == MG_OPTION_BYTES) print_bytes(value, text);
    else snprintf(text, sizeof text, "%" PRId64, value);
    mg_writer_add(writer, text);
}

mg_status mg_option_print(const mg_option *option, const void *values, char **out, mg_error *error) {
    mg_writer writer = {0};
    const void *at = value_of(option, values);
    switch (option->type) {
    case MG_OPTION_INT:
    case MG_OPTION_BYTES: write_whole(&writer, option->type, *(const int64_t *)at); break;
    case MG_OPTION_REAL:
    case MG_OPTION_SECONDS:
        if (*(const double *)at == MG_OPTION_WORD) write_text(&writer, option->choice(0));
        else write_real(&writer, *(const double *)at);
        break;
    case MG_OPTION_BOOL: mg_writer_add(&writer, *(const bool *)at ? "true" : "false"); break;
    case MG_OPTION_TEXT:
    case MG_OPTION_CHOICE:
        if (*(const char *const *)at) write_text(&writer, *(const char *const *)at);
        break;
    case MG_OPTION_PATHS:
        if (*(const char *const *)at) write_paths(&writer, *(const char *const *)at);
        break;
    case MG_OPTION_WEIGHTS: write_weights(&writer, at); break;
    }
    return mg_writer_take(&writer, out, error);
}
