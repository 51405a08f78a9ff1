// text.c - the buffer from which lines are taken, and the line numbers for messages.
#include "io/text.h"

#include "base/memory.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK = 1 << 20 };

struct mg_text {
    const char *const *paths; // [parts]
    int parts, part;          // number of files; the current one
    int known;                // number of parts that were opened
    mg_input_version *opened; // [parts] their versions; NULL for one file
    const mg_watch *watch;
    char *header; // first line of the first file, if there are others; NULL: not read yet
    size_t header_bytes;
    bool repeats;     // it is also the first line of the other files
    mg_input *input;  // NULL: the buffer holds all lines
    const char *name; // of lines in memory
    char *copy;       // a second copy of them, because readers change the bytes of a line; [filled]
    int64_t before;   // number of the line before the first one
    char *buffer;
    size_t capacity;    // bytes of the buffer, including one for a terminating zero
    size_t start, next; // start of the line just read; start of what follows it
    size_t filled;
    int64_t line;            // number of the line just read; if it was extended, of its first line
    int64_t lines;           // lines read so far
    const char *lost_path;   // file with lost_line
    int64_t lost, lost_line; // number of values that are too small for float32; line of the first of them
    bool ended;              // the input is at its end
    bool begun;              // the byte order mark was handled
};

static mg_status open_text(mg_text **out, const char *path, const mg_watch *watch, mg_error *error) {
    mg_text *text;
    *out = NULL;
    mg_status status = mg_memory_zeroed(&text, 1, sizeof *text, error);
    if (status) return status;
    text->watch = watch;
    text->parts = 1;
    status = mg_input_open(&text->input, path, watch, error);
    if (!status) status = mg_memory_grow(&text->buffer, &text->capacity, BLOCK + BLOCK / 4, 1, error);
    if (status) mg_text_close(text);
    else *out = text;
    return status;
}

mg_status mg_text_open(mg_text **out, const char *path, const mg_watch *watch, mg_error *error) {
    return open_text(out, path, watch, error);
}

// Remembers the version of a part; later, refuses another one.
static mg_status know_part(mg_text *text, const mg_input *input, int part, mg_error *error) {
    if (part < text->known) return mg_input_check_version(input, &text->opened[part], error);
    text->opened[part] = mg_input_opened(input);
    text->known = part + 1;
    return MG_OK;
}

mg_status mg_text_open_parts(mg_text **out, const char *const *paths, int count, const mg_watch *watch,
                             mg_error *error) {
    mg_status status = open_text(out, paths[0], watch, error);
    if (status) return status;
    (*out)->paths = paths;
    (*out)->parts = count;
    status = mg_memory_zeroed(&(*out)->opened, (size_t)count, sizeof *(*out)->opened, error);
    if (!status) status = know_part(*out, (*out)->input, 0, error);
    if (status) {
        mg_text_close(*out);
        *out = NULL;
    }
    return status;
}

void mg_text_repeat_header(mg_text *text, bool repeat) { text->repeats = repeat; }

mg_status mg_text_open_lines(mg_text **out, const char *name, int64_t number, const char *lines, size_t bytes,
                             mg_error *error) {
    mg_text *text;
    *out = NULL;
    mg_status status = mg_memory_zeroed(&text, 1, sizeof *text, error);
    if (status) return status;
    status = mg_memory_grow(&text->buffer, &text->capacity, bytes + 1, 1, error);
    if (!status) status = mg_memory_get(&text->copy, bytes + 1, 1, error);
    if (status) {
        mg_text_close(text);
        return status;
    }
    memcpy(text->copy, lines, bytes);
    memcpy(text->buffer, lines, bytes);
    text->buffer[bytes] = '\0';
    text->parts = 1;
    text->name = name;
    text->before = text->lines = number - 1;
    text->filled = bytes;
    text->ended = true;
    *out = text;
    return MG_OK;
}

void mg_text_close(mg_text *text) {
    if (!text) return;
    mg_memory_free(text->header);
    mg_memory_free(text->copy);
    mg_memory_free(text->opened);
    mg_input_close(text->input);
    mg_memory_free(text->buffer);
    mg_memory_free(text);
}

// Forgets what was read of the current file.
static void start_file(mg_text *text) {
    text->start = text->next = 0;
    text->line = 0;
    text->lines = text->before;
    text->begun = false;
    if (!text->input) {
        memcpy(text->buffer, text->copy, text->filled);
        return;
    }
    text->filled = 0;
    text->ended = false;
}

static mg_status open_part(mg_text *text, int part, mg_error *error) {
    mg_input *input;
    mg_status status = mg_input_open(&input, text->paths[part], text->watch, error);
    if (status) return status;
    status = know_part(text, input, part, error);
    if (status) {
        mg_input_close(input);
        return status;
    }
    mg_input_close(text->input);
    text->input = input;
    text->part = part;
    start_file(text);
    return MG_OK;
}

mg_status mg_text_rewind(mg_text *text, mg_error *error) {
    text->lost = 0;
    if (text->part) return open_part(text, 0, error);
    start_file(text);
    if (!text->input) return MG_OK;
    return mg_input_rewind(text->input, error);
}

const char *mg_text_path(const mg_text *text) {
    return text->input ? mg_input_path(text->input) : text->name;
}

mg_input_version mg_text_opened(const mg_text *text) { return mg_input_opened(text->input); }

mg_status mg_text_check_version(const mg_text *text, const mg_input_version *version, mg_error *error) {
    return mg_input_check_version(text->input, version, error);
}

bool mg_text_packed(const mg_text *text) { return text->input && mg_input_packed(text->input); }

int64_t mg_text_line_number(const mg_text *text) { return text->line; }

// Makes space for a block after the unread bytes, and reads one.
static mg_status fill(mg_text *text, mg_error *error) {
    if (text->start > 0) {
        memmove(text->buffer, text->buffer + text->start, text->filled - text->start);
        text->filled -= text->start;
        text->next -= text->start;
        text->start = 0;
    }
    if (text->filled > MG_TEXT_LONGEST)
        return mg_fail(error, MG_DATA, "%s:%lld: the line is longer than %zu MiB", mg_text_path(text),
                       (long long)text->line, MG_TEXT_LONGEST >> 20);
    size_t got, need = text->filled + BLOCK / 4 + 1;
    mg_status status = mg_memory_grow(&text->buffer, &text->capacity, need, 1, error);
    if (status) return status;
    status = mg_input_read(text->input, text->buffer + text->filled, text->capacity - 1 - text->filled, &got,
                           error);
    if (status) return status;
    text->filled += got;
    text->ended = got == 0;
    return MG_OK;
}

static mg_status skip_mark(mg_text *text, mg_error *error) {
    mg_status status = MG_OK;
    while (!status && text->filled < 3 && !text->ended) status = fill(text, error);
    if (status) return status;
    const unsigned char *c = (const unsigned char *)text->buffer;
    if (text->filled >= 2 && ((c[0] == 0xff && c[1] == 0xfe) || (c[0] == 0xfe && c[1] == 0xff)))
        return mg_fail(error, MG_DATA, "%s:1:1: the text is UTF-16; convert it with iconv -f UTF-16 -t UTF-8",
                       mg_text_path(text));
    if (text->filled >= 3 && c[0] == 0xef && c[1] == 0xbb && c[2] == 0xbf) text->start = text->next = 3;
    text->begun = true;
    return MG_OK;
}

// Moves `next` after the next line break; *end becomes the end of the line, before the line break.
static mg_status find_end(mg_text *text, size_t *end, mg_error *error) {
    size_t searched = text->next - text->start;
    for (;;) {
        char *from = text->buffer + text->start + searched;
        searched = text->filled - text->start;
        char *found = memchr(from, '\n', (size_t)(text->buffer + text->filled - from));
        if (found) {
            *end = (size_t)(found - text->buffer);
            text->next = *end + 1;
            break;
        }
        if (text->ended) {
            *end = text->next = text->filled;
            text->buffer[*end] = '\0';
            break;
        }
        mg_status status = fill(text, error);
        if (status) return status;
    }
    text->lines++;
    if (*end > text->start && text->buffer[*end - 1] == '\r') --*end;
    return MG_OK;
}

static mg_status read_line(mg_text *text, char **line, size_t *bytes, mg_error *error) {
    *line = NULL;
    *bytes = 0;
    mg_status status = text->begun ? MG_OK : skip_mark(text, error);
    if (status) return status;
    text->start = text->next;
    while (text->start == text->filled && !text->ended) {
        status = fill(text, error);
        if (status) return status;
    }
    if (text->start == text->filled) return MG_OK;
    text->line = text->lines + 1;
    size_t end;
    status = find_end(text, &end, error);
    if (status) return status;
    *line = text->buffer + text->start;
    *bytes = end - text->start;
    return MG_OK;
}

// Keeps the first line of the first file; compares that of another file with it. *skip becomes true if the
// line is a header that repeats.
static mg_status look_at_first(mg_text *text, const char *line, size_t bytes, bool *skip, mg_error *error) {
    *skip = false;
    if (text->lines != 1 || text->parts == 1) return MG_OK;
    if (!text->part && text->header) return MG_OK;
    if (!text->part) {
        mg_status status = mg_memory_get(&text->header, bytes + 1, 1, error);
        if (!status) memcpy(text->header, line, bytes);
        text->header_bytes = bytes;
        return status;
    }
    *skip = text->repeats;
    if (!*skip || (bytes == text->header_bytes && !memcmp(line, text->header, bytes))) return MG_OK;
    return mg_text_fail(text, 0, MG_DATA, error,
                        "the first line is not the header of %s: give every file the same header",
                        text->paths[0]);
}

mg_status mg_text_line(mg_text *text, char **line, size_t *bytes, mg_error *error) {
    for (;;) {
        bool skip = false;
        mg_status status = read_line(text, line, bytes, error);
        if (!status && *line) status = look_at_first(text, *line, *bytes, &skip, error);
        if (status || (*line && !skip)) return status;
        if (!*line && text->part + 1 >= text->parts) return MG_OK;
        if (!*line) status = open_part(text, text->part + 1, error);
        if (status) return status;
    }
}

mg_status mg_text_more(mg_text *text, char **line, size_t *bytes, mg_error *error) {
    mg_status status = MG_OK;
    while (text->next == text->filled && !text->ended && !status) status = fill(text, error);
    if (status) return status;
    size_t end = text->start + *bytes;
    if (text->next < text->filled) status = find_end(text, &end, error);
    *line = text->buffer + text->start;
    *bytes = end - text->start;
    return status;
}

mg_status mg_text_place(const mg_text *text, size_t offset, mg_status status, mg_error *error) {
    int64_t line = text->line, column = 1;
    const char *c = text->buffer + text->start;
    if (!error) return status;
    // Columns count characters, as editors do. A record may span several lines.
    for (size_t i = 0; i < offset && text->start + i < text->filled; i++) {
        if (c[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)c[i] & 0xc0) != 0x80) {
            column++;
        }
    }
    char message[sizeof error->text];
    memcpy(message, error->text, sizeof message);
    return mg_fail(error, status, "%s:%lld:%lld: %s", mg_text_path(text), (long long)line, (long long)column,
                   message);
}

void mg_text_lose(mg_text *text, int64_t values) {
    if (!text->lost && values) {
        text->lost_line = text->line;
        text->lost_path = mg_text_path(text);
    }
    text->lost += values;
}

int64_t mg_text_lost(const mg_text *text, int64_t *line) {
    *line = text->lost_line;
    return text->lost;
}

const char *mg_text_lost_path(const mg_text *text) { return text->lost_path; }

mg_status mg_text_fail(const mg_text *text, size_t offset, mg_status status, mg_error *error,
                       const char *format, ...) {
    if (!error) return status;
    va_list arguments;
    va_start(arguments, format);
    char message[8 * sizeof error->text];
    mg_line_format(message, sizeof message, format, arguments);
    va_end(arguments);
    mg_fail(error, status, "%s", message);
    return mg_text_place(text, offset, status, error);
}

size_t mg_text_utf8(const char *text, size_t bytes) {
    const char *at = text, *end = text + bytes;
    while (at < end) {
        uint64_t word;
        if (end - at >= 8) {
            memcpy(&word, at, 8);
            // Eight bytes that are all ASCII and not zero.
            if (!((word | (word - UINT64_C(0x0101010101010101))) & UINT64_C(0x8080808080808080))) {
                at += 8;
                continue;
            }
        }
        if ((unsigned char)(*at - 1) < 0x7f) {
            at++;
            continue;
        }
        const char *before = at;
        if (mg_utf8_next(&at) <= 0 || at > end) return (size_t)(before - text);
    }
    return bytes;
}
