// convert_label_file.c - reads a file of labels, with or without names of rows.
#include "data/convert_label_file.h"

#include "base/hash.h"
#include "base/memory.h"
#include "format/foreign.h"
#include "io/text.h"

#include <string.h>

typedef struct line {
    char *name, *label; // one block: the name, a zero, the label
    int64_t number;     // in the file
    bool used;
} line;

struct mg_label_file {
    const char *path;
    mg_text *text;
    char mark;     // between name and label; 0: there are no names
    int64_t count; // of labels; without names, blank lines at the end do not count
    int64_t all;   // of lines without names, with those at the end
    char *first;   // the first label, without names
    bool repeats;  // a later line is the same as the first
    line *lines;   // [count]; NULL without names
    size_t room;
    int64_t *table; // [size] hash table: 1 + number of the line; 0: free
    size_t size;
};

typedef struct field {
    char *text;
    size_t bytes;
    bool quoted; // `text` is inside quotes, and may contain ""
} field;

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

static char *skip_blanks(char *at, const char *end, char mark) {
    while (at < end && is_blank(*at) && *at != mark) at++;
    return at;
}

// Returns the quote that closes the field behind the quote before `at`; NULL if it does not end at a mark or
// at the end of the line.
static char *closing_quote(char *at, char *end, char mark) {
    while (at < end && (*at != '"' || (at + 1 < end && at[1] == '"'))) at += *at == '"' ? 2 : 1;
    if (at >= end) return NULL;
    char *after = skip_blanks(at + 1, end, mark);
    return after == end || *after == mark ? at : NULL;
}

// Finds the field that begins at `at`, without the blanks and quotes around it. Returns the mark after it, or
// `end`. Mark 0: the field is the line.
static char *find_field(char *at, char *end, char mark, field *out) {
    at = skip_blanks(at, end, mark);
    char *close = at < end && *at == '"' ? closing_quote(at + 1, end, mark) : NULL;
    char *stop = memchr(close ? close : at, mark, (size_t)(end - (close ? close : at)));
    if (!mark || !stop) stop = end;
    char *last = close ? close : stop;
    at += close != NULL;
    while (!close && last > at && is_blank(last[-1])) last--;
    *out = (field){at, (size_t)(last - at), close != NULL};
    return stop;
}

// Replaces "" by " in a field that was in quotes.
static void unquote(field *f) {
    size_t to = 0;
    for (size_t from = 0; f->quoted && from < f->bytes; from++) {
        f->text[to++] = f->text[from];
        if (f->text[from] == '"') from++;
    }
    if (f->quoted) f->bytes = to;
}

static int count_fields(char *at, size_t bytes, char mark) {
    char *end = at + bytes;
    field f;
    for (int count = 1;; count++) {
        at = find_field(at, end, mark, &f);
        if (at++ == end) return count;
    }
}

static mg_status refuse_columns(const mg_label_file *f, int columns, char mark, mg_error *error) {
    return mg_text_fail(
        f->text, 0, MG_DATA, error,
        "has %d columns; a name and a label are needed: cut -%sf1,2 %s > labels.txt, with the "
        "numbers of these columns",
        columns, mark == ',' ? "d, -" : "", f->path);
}

static mg_status refuse_binary(const mg_label_file *f, const char *head, size_t bytes, mg_error *error) {
    if (bytes >= 6 && !memcmp(head, "\x93NUMPY", 6))
        return mg_fail(
            error, MG_DATA,
            "%s: is an NPY file, not a text: if the features are NPY too, give both without --labels: margin "
            "convert X.npy y.npy OUTPUT.h5; otherwise write the labels as a text, one a line",
            f->path);
    return mg_foreign_refuse(f->path, false, head, bytes, error);
}

// Finds the separator in the first line.
static mg_status find_mark(mg_label_file *f, mg_error *error) {
    char *at;
    size_t bytes;
    mg_status status = mg_text_line(f->text, &at, &bytes, error);
    if (status) return status;
    if (!at) return mg_fail(error, MG_DATA, "%s: is empty; it must have labels", f->path);
    status = refuse_binary(f, at, bytes, error);
    if (status) return status;
    char mark = count_fields(at, bytes, '\t') > 1 ? '\t' : ',';
    int columns = count_fields(at, bytes, mark);
    if (columns > 2) return refuse_columns(f, columns, mark, error);
    f->mark = columns > 1 ? mark : 0;
    return mg_text_rewind(f->text, error);
}

// The place of a name in the hash table: that of its line, or a free one.
static int64_t *place_of(mg_label_file *f, const char *name, size_t bytes) {
    size_t at = mg_hash_bytes(0, name, bytes) & (f->size - 1);
    for (;; at = (at + 1) & (f->size - 1)) {
        if (!f->table[at]) return &f->table[at];
        const char *other = f->lines[f->table[at] - 1].name;
        if (!strncmp(other, name, bytes) && !other[bytes]) return &f->table[at];
    }
}

static mg_status make_room(mg_label_file *f, mg_error *error) {
    mg_status status = mg_memory_grow(&f->lines, &f->room, (size_t)f->count + 1, sizeof *f->lines, error);
    if (status || (size_t)f->count * 2 < f->size) return status;
    mg_memory_free(f->table);
    f->size = f->size ? f->size * 2 : 1024;
    status = mg_memory_zeroed(&f->table, f->size, sizeof *f->table, error);
    for (int64_t i = 0; !status && i < f->count; i++)
        *place_of(f, f->lines[i].name, strlen(f->lines[i].name)) = i + 1;
    return status;
}

static mg_status store_line(mg_label_file *f, const field *name, const field *label, mg_error *error) {
    char *block;
    mg_status status = make_room(f, error);
    if (status) return status;
    int64_t *place = place_of(f, name->text, name->bytes);
    if (*place) {
        const char *other = f->lines[*place - 1].label;
        if (!strncmp(other, label->text, label->bytes) && !other[label->bytes]) return MG_OK;
        return mg_text_fail(f->text, 0, MG_DATA, error, "the row '%.*s' has two different labels",
                            (int)(name->bytes < 60 ? name->bytes : 60), name->text);
    }
    status = mg_memory_get(&block, name->bytes + label->bytes + 2, 1, error);
    if (status) return status;
    memcpy(block, name->text, name->bytes);
    block[name->bytes] = 0;
    memcpy(block + name->bytes + 1, label->text, label->bytes);
    block[name->bytes + 1 + label->bytes] = 0;
    f->lines[f->count++] =
        (line){.name = block, .label = block + name->bytes + 1, .number = mg_text_line_number(f->text)};
    *place = f->count;
    return MG_OK;
}

// Adds a line with a name and a label.
static mg_status add_line(mg_label_file *f, char *at, size_t bytes, mg_error *error) {
    char *end = at + bytes;
    field name, label;
    if (skip_blanks(at, end, 0) == end) return MG_OK;
    int columns = count_fields(at, bytes, f->mark);
    if (columns > 2) return refuse_columns(f, columns, f->mark, error);
    if (columns < 2)
        return mg_text_fail(f->text, 0, MG_DATA, error, "the line has no %s between a name and a label",
                            f->mark == '\t' ? "tab" : "comma");
    at = find_field(at, end, f->mark, &name);
    find_field(at + 1, end, f->mark, &label);
    unquote(&name);
    unquote(&label);
    return store_line(f, &name, &label, error);
}

// Counts a line that is a label, and compares it with the first one.
static mg_status count_line(mg_label_file *f, char *at, size_t bytes, mg_error *error) {
    mg_status status = MG_OK;
    field label;
    find_field(at, at + bytes, 0, &label);
    unquote(&label);
    if (!f->all++) {
        status = mg_memory_get(&f->first, label.bytes + 1, 1, error);
        if (status) return status;
        memcpy(f->first, label.text, label.bytes);
        f->first[label.bytes] = 0;
    } else if (!strncmp(f->first, label.text, label.bytes) && !f->first[label.bytes]) {
        f->repeats = true;
    }
    if (label.bytes) f->count = f->all;
    return status;
}

mg_status mg_label_file_open(const char *path, mg_label_file **out, mg_error *error) {
    mg_label_file *f;
    *out = NULL;
    mg_status status = mg_memory_zeroed(&f, 1, sizeof *f, error);
    if (status) return status;
    f->path = path;
    status = mg_text_open(&f->text, path, NULL, error);
    if (!status) status = find_mark(f, error);
    while (!status) {
        char *at;
        size_t bytes;
        status = mg_text_line(f->text, &at, &bytes, error);
        if (status || !at) break;
        if (memchr(at, 0, bytes))
            status = mg_text_fail(f->text, 0, MG_DATA, error, "the line contains a zero byte: remove it");
        else status = f->mark ? add_line(f, at, bytes, error) : count_line(f, at, bytes, error);
    }
    if (status) mg_label_file_close(f);
    else *out = f;
    return status;
}

void mg_label_file_close(mg_label_file *f) {
    if (!f) return;
    for (int64_t i = 0; f->lines && i < f->count; i++) mg_memory_free(f->lines[i].name);
    mg_memory_free(f->lines);
    mg_memory_free(f->table);
    mg_memory_free(f->first);
    mg_text_close(f->text);
    mg_memory_free(f);
}

bool mg_label_file_has_names(const mg_label_file *f) { return f->mark != 0; }

int64_t mg_label_file_lines(const mg_label_file *f, bool blank) { return blank ? f->all : f->count; }

const char *mg_label_file_first(const mg_label_file *f, bool *repeats) {
    *repeats = f->repeats;
    return f->first;
}

const char *mg_label_file_find(mg_label_file *f, const char *name, size_t bytes, int64_t *place) {
    int64_t number = f->size ? *place_of(f, name, bytes) : 0;
    if (!number) return NULL;
    f->lines[number - 1].used = true;
    *place = f->lines[number - 1].number;
    return f->lines[number - 1].label;
}

int64_t mg_label_file_unused(const mg_label_file *f) {
    int64_t unused = 0;
    for (int64_t i = 1; f->lines && i < f->count; i++) unused += !f->lines[i].used; // line 0 may be a header
    return unused;
}

mg_status mg_label_file_each(mg_label_file *f, int64_t skip, int64_t count, mg_label_file_take *take,
                             void *context, mg_error *error) {
    field label;
    char *at;
    size_t bytes;
    mg_status status = mg_text_rewind(f->text, error);
    for (int64_t i = 0; !status; i++) {
        status = mg_text_line(f->text, &at, &bytes, error);
        if (status || !at) return status;
        if (i < skip || i >= skip + count) continue; // the last line is followed by a check of the file
        find_field(at, at + bytes, 0, &label);
        unquote(&label);
        status = take(context, label.text, label.bytes, error);
        if (status) return mg_text_place(f->text, 0, status, error);
    }
    return status;
}
