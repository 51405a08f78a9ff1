// labelled_line.c - the grammar of lines with a label and a text, and how a header line is recognised.
#include "format/labelled_line.h"

#include "format/pairs.h"

#include <string.h>
#include <strings.h>

static const char prefix[] = "__label__";

enum { PREFIX = sizeof prefix - 1 };

bool mg_line_is_fasttext(const char *line, size_t bytes) {
    return bytes > PREFIX && !memcmp(line, prefix, PREFIX);
}

static mg_status cut_fasttext(const mg_text *text, char *line, size_t bytes, mg_span *label, mg_span *body,
                              mg_error *error) {
    const char *end = line + bytes;
    if (!mg_line_is_fasttext(line, bytes))
        return mg_text_fail(text, 0, MG_DATA, error,
                            "the line does not begin with __label__, as the first one does");
    const char *after = mg_skip_word(line, end), *rest = mg_skip_blanks(after, end);
    const char *second = memmem(after, (size_t)(end - after), prefix, PREFIX);
    if (second && mg_is_blank(second[-1]))
        return mg_text_fail(text, (size_t)(second - line), MG_DATA, error,
                            "a second __label__: several labels in one line are not supported; keep one");
    *label = (mg_span){line + PREFIX, (size_t)(after - line) - PREFIX, PREFIX};
    *body = (mg_span){line + (rest - line), (size_t)(end - rest), (size_t)(rest - line)};
    return MG_OK;
}

mg_status mg_line_cut(const mg_text *text, mg_line_kind kind, char *line, size_t bytes, mg_span *label,
                      mg_span *body, mg_error *error) {
    if (kind == MG_LINE_FASTTEXT) return cut_fasttext(text, line, bytes, label, body, error);
    char *tab = kind == MG_LINE_LAST ? memrchr(line, '\t', bytes) : memchr(line, '\t', bytes);
    if (!tab)
        return mg_text_fail(text, 0, MG_DATA, error,
                            "the line has no tab between label and text: use --label none when there are no "
                            "labels, --text when the texts are a column of a table");
    size_t before = (size_t)(tab - line);
    const mg_span front = {line, before, 0}, back = {tab + 1, bytes - before - 1, before + 1};
    *label = kind == MG_LINE_LAST ? back : front;
    *body = kind == MG_LINE_LAST ? front : back;
    return MG_OK;
}

static bool is_one_of(const char *text, size_t bytes, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (bytes == strlen(names[i]) && !strncasecmp(text, names[i], bytes)) return true;
    return false;
}

bool mg_line_names_label(const char *text, size_t bytes) {
    static const char *const labels[] = {"label",  "labels", "class",     "category", "target",  "y",
                                         "intent", "topic",  "sentiment", "tag",      "language"};
    return is_one_of(text, bytes, labels, sizeof labels / sizeof *labels);
}

bool mg_line_names_text(const char *text, size_t bytes) {
    static const char *const bodies[] = {"text",    "texts",   "sentence", "content",  "review",
                                         "message", "body",    "tweet",    "document", "utterance",
                                         "title",   "comment", "query",    "question"};
    return is_one_of(text, bytes, bodies, sizeof bodies / sizeof *bodies);
}

mg_status mg_line_header(const mg_text *text, const mg_span *label, const mg_span *body, bool *header,
                         mg_error *error) {
    bool named = mg_line_names_label(label->text, label->bytes);
    *header = named && mg_line_names_text(body->text, body->bytes);
    if (!*header && named)
        return mg_text_fail(text, 0, MG_DATA, error,
                            "line 1 may be a header or a text: its label is '%.*s'; use --header yes or "
                            "--header no",
                            (int)label->bytes, label->text);
    if (mg_line_names_text(label->text, label->bytes) && mg_line_names_label(body->text, body->bytes))
        return mg_text_fail(text, 0, MG_DATA, error,
                            "line 1 names the text before the label; for a table with a header use --text "
                            "%.*s --label %.*s",
                            (int)label->bytes, label->text, (int)body->bytes, body->text);
    return MG_OK;
}

mg_status mg_line_no_header(const mg_text *text, const mg_span *label, const mg_span *body, mg_error *error) {
    bool header = false;
    mg_status status = mg_line_header(text, label, body, &header, error);
    if (status || !header) return status;
    return mg_text_fail(
        text, 0, MG_DATA, error,
        "the first line is a header, but the first file has none: remove it, or use --header no "
        "if it is a row");
}

mg_status mg_line_skip(mg_text *text, mg_error *error) {
    char *line;
    size_t bytes;
    mg_status status;
    do {
        status = mg_text_line(text, &line, &bytes, error);
    } while (!status && line && bytes == 0);
    return status;
}

typedef struct tabs {
    int64_t fields, numbers;
} tabs;

// Counts the fields between tabs in one line, and the numbers among them.
static tabs count_tabs(const char *at, const char *stop) {
    tabs found = {0};
    double value;
    if (stop > at && stop[-1] == '\r') stop--;
    for (;; at++) {
        const char *tab = memchr(at, '\t', (size_t)(stop - at)), *end = tab ? tab : stop;
        found.fields++;
        const char *after = mg_text_number(at, end, &value);
        if (after && after < end && *after == ',') // a decimal comma
            for (after++; after < end && *after >= '0' && *after <= '9';) after++;
        found.numbers += end > at && after == end;
        if (!tab) return found;
        at = tab;
    }
}

// Returns true if the first two lines look like a table: they have the same number of fields, and the second
// line has a number in all of them, except one at most. If there are only two fields, both must be numbers.
static bool looks_like_table(const char *first, const char *stop, const char *end) {
    if (stop >= end) return false;
    const char *second = stop + 1, *second_stop = memchr(second, '\n', (size_t)(end - second));
    tabs a = count_tabs(first, stop), b = count_tabs(second, second_stop ? second_stop : end);
    return a.fields == b.fields && a.fields >= 2 && b.numbers >= b.fields - 1 &&
           (b.fields > 2 || b.numbers == 2);
}

int mg_line_probe(const char *head, size_t bytes) {
    const char *end = head + bytes;
    if (bytes > 3 && !memcmp(head, "\xef\xbb\xbf", 3)) head += 3;
    const char *stop = memchr(head, '\n', (size_t)(end - head));
    const char *tab = memchr(head, '\t', (size_t)(end - head));
    double value;
    if (!stop) stop = end;
    if (memchr(head, '\0', (size_t)(end - head))) return 0;
    if (mg_line_is_fasttext(head, (size_t)(stop - head))) return 2;
    if (!tab || tab >= stop || tab == head) return 0;
    if (looks_like_table(head, stop, end)) return 1;
    // Certain, unless the text after the tab is just a number.
    const char *after = mg_text_number(tab + 1, stop, &value);
    return !after || (after < stop && *after != '\t' && *after != '\r') ? 2 : 1;
}

mg_status mg_line_doubt(const mg_line_doubts *d, const mg_tell *tell, mg_error *error) {
    const char *path = mg_text_path(d->text);
    bool many = d->rows >= 4 && mg_distinct_many(d->labels, d->rows);
    if (many && d->bodies->count * 2 <= d->labels->count) {
        const char *more = d->labels->count > MG_DISTINCT_MOST ? "more than " : "";
        int64_t shown = *more ? MG_DISTINCT_MOST : d->labels->count;
        return mg_fail(
            error, MG_DATA,
            "%s: there are %s%lld values before the first tab and %lld after it, in %lld rows: use "
            "--label last if the labels come last, --label first if they come first",
            path, more, (long long)shown, (long long)d->bodies->count, (long long)d->rows);
    }
    // if most labels occur only once, another warning says so
    if (d->headless && !many && d->rows >= 10 && !d->labels->again)
        mg_tell_line(tell,
                     "warning: %s: line 1 is read as a row, but no other row has its label: if line 1 names "
                     "the columns, use --header yes",
                     path);
    return MG_OK;
}
