// text_follow.c - checks of texts that are rows for a model.
#include "format/text_follow.h"

#include "base/shell.h"

#include <string.h>

static const char delimiters[] = {',', '\t', ';', '|'};
enum { DELIMITERS = sizeof delimiters, LONGEST_LABEL = 1000, SHOWN = 40, LONGEST_NAME = 40 };

static int shown(size_t bytes) { return (int)(bytes < SHOWN ? bytes : SHOWN); }

typedef struct piece {
    const char *text;
    size_t bytes;
} piece;

// Finds the next field of a line, without the quotes around it. *at becomes NULL after the last one.
static piece next_piece(const char **at, const char *end, char delimiter) {
    const char *from = *at, *stop = memchr(from, delimiter, (size_t)(end - from)), *to = stop ? stop : end;
    *at = stop ? stop + 1 : NULL;
    while (from < to && *from == ' ') from++;
    while (to > from && to[-1] == ' ') to--;
    size_t quote = to - from > 1 && *from == '"' && to[-1] == '"';
    return (piece){from + quote, (size_t)(to - from) - 2 * quote};
}

static bool is(piece field, const char *name) {
    return name && field.bytes == strlen(name) && !memcmp(field.text, name, field.bytes);
}

// True if a line looks like the header of a table of texts: words, one of which is a usual name of such a
// column.
static bool looks_like_header(const char *line, size_t bytes) {
    for (int i = 0; i < DELIMITERS; i++) {
        bool named = false, words = true;
        for (const char *at = line; at;) {
            piece field = next_piece(&at, line + bytes, delimiters[i]);
            named = named || mg_line_names_text(field.text, field.bytes);
            words = words && field.bytes <= LONGEST_NAME && !memchr(field.text, ' ', field.bytes);
        }
        if (named && words) return true;
    }
    return false;
}

mg_status mg_text_follow_table(const mg_format_request *request, const char *column, const char *label,
                               bool *header, mg_error *error) {
    const char *end = request->line + request->line_bytes;
    bool named = looks_like_header(request->line, request->line_bytes);
    *header = false;
    for (int i = 0; i < DELIMITERS && !*header; i++) {
        bool text = false, labels = !label || !strcmp(label, "none");
        int fields = 0;
        for (const char *at = request->line; at; fields++) {
            piece field = next_piece(&at, end, delimiters[i]);
            text = text || is(field, column);
            labels = labels || is(field, label);
        }
        named = named || text;
        *header = text && labels && fields > 1;
    }
    if (*header || !named) return MG_OK;
    return mg_fail(
        error, MG_DATA,
        "%s:%lld: the line may be a text or a header: the texts of the model were in a column '%s': "
        "%s",
        request->inputs[0], (long long)request->line_number, column, request->like->settle_header);
}

mg_status mg_text_follow_first(const mg_text *text, const mg_format_like *like, const char *line,
                               size_t bytes, mg_error *error) {
    char model[MG_SHELL_WORD];
    if (!looks_like_header(line, bytes)) return MG_OK;
    return mg_text_fail(text, 0, MG_DATA, error,
                        "the line may be a text or the header of a table, but the texts of the model were "
                        "lines: %s (a table is converted with margin convert --like %s --text COLUMN)",
                        like->settle_header, mg_shell_word(like->path, "MODEL", model, sizeof model));
}

mg_status mg_text_follow_label(const mg_text *text, const mg_format_like *like, const mg_span *label,
                               mg_error *error) {
    char name[LONGEST_LABEL + 1];
    size_t bytes = label->bytes <= LONGEST_LABEL ? label->bytes : 0;
    if (!like->is_label) return MG_OK;
    memcpy(name, label->text, bytes);
    name[bytes] = '\0';
    if (bytes == label->bytes && like->is_label(like->context, name, bytes)) return MG_OK;
    return mg_text_fail(text, label->offset, MG_DATA, error,
                        "the line has a TAB, but '%.*s' is not a label of the model: %s", shown(label->bytes),
                        label->text, like->settle_label);
}

mg_status mg_text_follow_others(const mg_text *text, const mg_format_like *like, bool labelled,
                                const char *line, size_t bytes, mg_error *error) {
    const char *tab = memchr(line, '\t', bytes);
    bool fasttext = mg_line_is_fasttext(line, bytes);
    if (labelled == (tab || fasttext)) return MG_OK;
    if (labelled)
        return mg_text_fail(text, 0, MG_DATA, error,
                            "the line has no TAB, but the first line has a label: %s", like->settle_label);
    return mg_text_fail(text, tab ? (size_t)(tab - line) : 0, MG_DATA, error,
                        "the line has a %s, but the lines have no labels: %s", tab ? "TAB" : "label",
                        like->settle_label);
}

mg_status mg_text_follow_none(const mg_text *text, const mg_format_like *like, const mg_span *body,
                              mg_error *error) {
    char model[MG_SHELL_WORD];
    return mg_text_fail(text, body->offset, MG_DATA, error,
                        "the text '%.*s' has no n-gram of the kind that the model counts: remove it (margin "
                        "convert --like %s makes it a row of zeros)",
                        shown(body->bytes), body->text,
                        mg_shell_word(like->path, "MODEL", model, sizeof model));
}
