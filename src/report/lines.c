// lines.c - parses flat JSON objects in place: texts are unescaped where they stand.
#include "report/lines.h"

#include "base/memory.h"
#include "base/number.h"
#include "io/file.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

enum { MOST_BYTES = 1 << 30 };

typedef struct parser {
    char *at;
    mg_lines *to;
    mg_error *error;
    mg_status status; // MG_MEMORY
} parser;

static void skip_blanks(parser *p) {
    while (*p->at == ' ' || *p->at == '\t' || *p->at == '\r') p->at++;
}

static bool take(parser *p, char c) {
    skip_blanks(p);
    if (*p->at != c) return false;
    p->at++;
    return true;
}

static int hex_of(char c) {
    const char *digits = "0123456789abcdef", *found = c ? strchr(digits, c | (c > '9' ? 0x20 : 0)) : NULL;
    return found ? (int)(found - digits) : -1;
}

static bool take_hex(parser *p, uint32_t *out) {
    *out = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_of(*p->at);
        if (digit < 0) return false;
        *out = *out * 16 + (uint32_t)digit;
        p->at++;
    }
    return true;
}

// Writes a character as UTF-8. Half of a surrogate pair, which is no character, becomes U+FFFD.
static char *put_character(char *to, uint32_t c) {
    if (c >= 0xd800 && c < 0xe000) c = 0xfffd;
    if (c < 0x80) *to++ = (char)c;
    else if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(0x80 | (c & 63));
    } else {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 63));
        *to++ = (char)(0x80 | (c & 63));
    }
    return to;
}

static bool take_escape(parser *p, char **to) {
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char name = *p->at++;
    uint32_t c;
    if (name == 'u') {
        if (!take_hex(p, &c) || !c) return false;
        *to = put_character(*to, c);
        return true;
    }
    const char *found = name ? strchr(names, name) : NULL;
    if (!found) return false;
    *(*to)++ = values[found - names];
    return true;
}

static bool take_text(parser *p, const char **out) {
    if (!take(p, '"')) return false;
    char *to = p->at;
    *out = to;
    while (*p->at && *p->at != '"') {
        if (*p->at != '\\') *to++ = *p->at++;
        else if (p->at++, !take_escape(p, &to)) return false;
    }
    if (*p->at != '"') return false;
    p->at++;
    *to = 0;
    return true;
}

static bool take_word(parser *p, const char *word) {
    size_t length = strlen(word);
    if (strncmp(p->at, word, length)) return false;
    p->at += length;
    return true;
}

static bool take_value(parser *p, mg_line_value *value) {
    skip_blanks(p);
    value->number = NAN;
    if (*p->at == '"') return take_text(p, &value->text);
    if (take_word(p, "null")) return true;
    if (take_word(p, "true")) value->number = 1;
    else if (take_word(p, "false")) value->number = 0;
    else {
        const char *rest;
        if (!mg_parse_real_prefix(p->at, &value->number, &rest)) return false;
        p->at += rest - p->at;
    }
    return true;
}

static bool take_pair(parser *p) {
    mg_lines *to = p->to;
    mg_line_value value = {0};
    if (!take_text(p, &value.key) || !take(p, ':') || !take_value(p, &value)) return false;
    p->status = mg_memory_grow(&to->values, &to->value_room, to->value_count + 1, sizeof value, p->error);
    if (p->status) return false;
    to->values[to->value_count++] = value;
    return true;
}

static bool take_line(parser *p) {
    mg_lines *to = p->to;
    mg_line line = {.first = (int64_t)to->value_count};
    if (!take(p, '{')) return false;
    if (!take(p, '}')) {
        do
            if (!take_pair(p)) return false;
        while (take(p, ','));
        if (!take(p, '}')) return false;
    }
    skip_blanks(p);
    if (*p->at) return false;
    line.count = (int64_t)to->value_count - line.first;
    p->status = mg_memory_grow(&to->line, &to->line_room, (size_t)to->count + 1, sizeof line, p->error);
    if (p->status) return false;
    to->line[to->count++] = line;
    return true;
}

static mg_status parse(const char *path, size_t size, mg_lines *out, mg_error *error) {
    parser p = {.to = out, .error = error};
    char *from = out->bytes, *end = from + size;
    for (int64_t number = 1; from < end; number++) {
        char *stop = memchr(from, '\n', (size_t)(end - from));
        if (!stop) break;
        *stop = 0;
        p.at = from;
        if (!take_line(&p))
            return p.status ? p.status
                            : mg_fail(error, MG_DATA,
                                      "%s:%lld: is not a line that margin writes: restore the file, or train "
                                      "again",
                                      path, (long long)number);
        from = stop + 1;
    }
    return MG_OK;
}

mg_status mg_lines_read(const char *path, mg_lines *out, mg_error *error) {
    unsigned char *bytes;
    size_t size;
    *out = (mg_lines){0};
    if (access(path, F_OK) && errno == ENOENT) return MG_OK;
    mg_status status = mg_file_read(path, MOST_BYTES, &bytes, &size, error);
    if (status) return status;
    out->bytes = (char *)bytes;
    status = parse(path, size, out, error);
    if (status) mg_lines_clear(out);
    return status;
}

void mg_lines_clear(mg_lines *lines) {
    mg_memory_free(lines->bytes);
    mg_memory_free(lines->values);
    mg_memory_free(lines->line);
    *lines = (mg_lines){0};
}

static const mg_line_value *find(const mg_lines *lines, int64_t i, const char *key) {
    if (i < 0 || i >= lines->count) return NULL;
    const mg_line *line = &lines->line[i];
    for (int64_t v = line->first; v < line->first + line->count; v++)
        if (!strcmp(lines->values[v].key, key)) return &lines->values[v];
    return NULL;
}

double mg_lines_number(const mg_lines *lines, int64_t i, const char *key) {
    const mg_line_value *found = find(lines, i, key);
    return found ? found->number : NAN;
}

const char *mg_lines_text(const mg_lines *lines, int64_t i, const char *key) {
    const mg_line_value *found = find(lines, i, key);
    return found ? found->text : NULL;
}

bool mg_lines_is(const mg_lines *lines, int64_t i, const char *event) {
    const char *text = mg_lines_text(lines, i, "event");
    return text && !strcmp(text, event);
}

int64_t mg_lines_last(const mg_lines *lines, const char *event) {
    for (int64_t i = lines->count - 1; i >= 0; i--)
        if (mg_lines_is(lines, i, event)) return i;
    return -1;
}
