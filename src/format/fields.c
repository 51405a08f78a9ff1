// fields.c - splits records into fields. Removing quotes moves the bytes of a field within the line.
#include "format/fields.h"

#include "base/option.h"

#include <math.h>
#include <string.h>
#include <strings.h>

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

static bool is_delimiter(char c, char delimiter) { return c == delimiter || (delimiter == ' ' && c == '\t'); }

// Updates the state of quoting for [at, end), and for the next call: *open, within a quoted field; *start, at
// the start of a field.
static void follow_quotes(const char *at, const char *end, char delimiter, bool *open, bool *start) {
    for (; at < end; at++) {
        if (*open) {
            at = memchr(at, '"', (size_t)(end - at));
            if (!at) return;
            *start = false;
            if (at + 1 < end && at[1] == '"') at++;
            else *open = false;
        } else if (*at == '"' && *start) {
            *open = true;
        } else {
            *start = is_delimiter(*at, delimiter) || *at == '\n' || (*start && is_blank(*at));
        }
    }
}

// Adds lines to the record until no quoted field is open at its end.
static mg_status complete(mg_record *record, mg_error *error) {
    bool open = false, start = true;
    size_t seen = 0;
    if (!memchr(record->line, '"', record->bytes)) return MG_OK;
    for (;;) {
        follow_quotes(record->line + seen, record->line + record->bytes, record->delimiter, &open, &start);
        if (!open) return MG_OK;
        seen = record->bytes;
        mg_status status = mg_text_more(record->text, &record->line, &record->bytes, error);
        if (status) return status;
        if (record->bytes == seen)
            return mg_text_fail(record->text, 0, MG_DATA, error,
                                "a quoted field that begins in this record never ends");
    }
}

mg_status mg_record_next(mg_record *record, mg_error *error) {
    size_t blank;
    record->skipped = -1;
    do {
        record->skipped++;
        mg_status status = mg_text_line(record->text, &record->line, &record->bytes, error);
        if (status || !record->line) return status;
        for (blank = 0; blank < record->bytes && is_blank(record->line[blank]); blank++) {
        }
    } while (blank == record->bytes);
    mg_status status = complete(record, error);
    if (status) return status;
    record->at = record->delimiter == ' ' ? blank : 0;
    while (record->delimiter == ' ' && is_blank(record->line[record->bytes - 1])) record->bytes--;
    return MG_OK;
}

// Finds the closing quote of a field whose content begins at `c`; *after becomes the position after it.
static mg_status cut_quoted(const mg_record *record, const char *c, mg_span *field, const char **after,
                            mg_error *error) {
    const char *begin = c, *end = record->line + record->bytes;
    for (;;) {
        c = c < end ? memchr(c, '"', (size_t)(end - c)) : NULL;
        if (!c)
            return mg_text_fail(record->text, field->offset, MG_DATA, error, "the quoted field does not end");
        if (c + 1 == end || c[1] != '"') break;
        c += 2;
    }
    field->text = record->line + (begin - record->line);
    field->bytes = (size_t)(c - begin);
    for (c++; c < end && is_blank(*c) && !is_delimiter(*c, record->delimiter); c++) {
    }
    *after = c;
    if (c == end || is_delimiter(*c, record->delimiter)) return MG_OK;
    return mg_text_fail(record->text, (size_t)(c - record->line), MG_DATA, error,
                        "text follows a closing quote; a quote inside a quoted field is written twice");
}

// Finds the next field, without removing its quotes; moves *at after its delimiter.
static mg_status cut(const mg_record *record, size_t *at, mg_span *field, bool *quoted, mg_error *error) {
    const char *end = record->line + record->bytes, *c = record->line + *at, *after = end;
    while (c < end && is_blank(*c) && !is_delimiter(*c, record->delimiter)) c++;
    field->offset = (size_t)(c - record->line);
    *quoted = c < end && *c == '"';
    if (*quoted) {
        mg_status status = cut_quoted(record, c + 1, field, &after, error);
        if (status) return status;
    } else {
        if (record->delimiter == ' ') {
            for (after = c; after < end && !is_blank(*after); after++) {
            }
        } else {
            after = memchr(c, record->delimiter, (size_t)(end - c));
        }
        if (!after) after = end;
        const char *last = after;
        while (last > c && is_blank(last[-1])) last--;
        field->text = record->line + field->offset;
        field->bytes = (size_t)(last - c);
    }
    c = after + 1;
    while (record->delimiter == ' ' && c < end && is_blank(*c)) c++;
    *at = (size_t)(c - record->line);
    return MG_OK;
}

static void unquote(mg_span *field) {
    char *from = field->text, *end = from + field->bytes, *to;
    to = from = memchr(from, '"', field->bytes);
    if (!from) return;
    // All remaining quotes are doubled; one of each pair is removed.
    for (; from < end; from++) {
        *to++ = *from;
        if (*from == '"') from++;
    }
    field->bytes = (size_t)(to - field->text);
}

mg_status mg_record_field(mg_record *record, mg_span *field, bool *more, mg_error *error) {
    bool quoted;
    *more = record->at <= record->bytes;
    if (!*more) return MG_OK;
    mg_status status = cut(record, &record->at, field, &quoted, error);
    if (!status && quoted) unquote(field);
    return status;
}

mg_status mg_record_count(const mg_record *record, int64_t *count, mg_error *error) {
    mg_span field;
    bool quoted;
    mg_status status = MG_OK;
    size_t at = record->at;
    for (*count = 0; !status && at <= record->bytes; ++*count)
        status = cut(record, &at, &field, &quoted, error);
    return status;
}

mg_status mg_number_complain(const char *at, const char *end, mg_error *error) {
    char word[MG_SHORT_TEXT], brief[MG_SHORT_TEXT];
    double value;
    size_t bytes = (size_t)(end - at) < sizeof word - 1 ? (size_t)(end - at) : sizeof word - 1;
    memcpy(word, at, bytes);
    word[bytes] = '\0';
    const char *bare = *word == '-' || *word == '+' ? word + 1 : word;
    bool infinite = !strcasecmp(bare, "inf") || !strcasecmp(bare, "infinity");
    mg_shorten(word, brief);
    if (infinite)
        return mg_fail(error, MG_DATA, "'%s' is not finite: replace it by a number, or drop it", brief);
    if (mg_text_missing(word, strlen(word)))
        return mg_fail(error, MG_DATA, "'%s': missing values are not supported: fill or drop them", brief);
    if (mg_text_number(at, end, &value) == end)
        return mg_fail(error, MG_DATA, "%s does not fit a 32-bit float (at most 3.4e38)", brief);
    return mg_fail(error, MG_DATA, "'%s' is not a number", brief);
}
