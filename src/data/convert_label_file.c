// convert_label_file.c - reads a file of labels, with or without names of rows.
#include "data/convert_label_file.h"

#include "base/hash.h"
#include "base/memory.h"
#include "io/text.h"

#include <string.h>

typedef struct line {
    char *name, *label; // one block: the name, a zero, the label
    bool used;
} line;

struct mg_label_file {
    const char *path;
    mg_text *text;
    char mark; // between name and label; 0: there are no names
    int64_t count;
    line *lines; // [count]; NULL without names
    size_t room;
    int64_t *table; // [size] hash table: 1 + number of the line; 0: free
    size_t size;
};

// Finds the separator in the first line.
static mg_status find_mark(mg_label_file *f, mg_error *error) {
    char *at;
    size_t bytes;
    mg_status status = mg_text_line(f->text, &at, &bytes, error);
    if (status) return status;
    if (!at) return mg_fail(error, MG_DATA, "%s: is empty; it must have labels", f->path);
    char mark = memchr(at, '\t', bytes) ? '\t' : ',';
    int marks = 0;
    for (size_t i = 0; i < bytes; i++) marks += at[i] == mark;
    if (marks > 1)
        return mg_text_fail(
            f->text, 0, MG_DATA, error,
            "has %d columns; a name and a label are needed: cut -%sf1,2 %s > labels.txt, with the "
            "numbers of these columns",
            marks + 1, mark == ',' ? "d, -" : "", f->path);
    f->mark = marks ? mark : 0;
    return mg_text_rewind(f->text, error);
}

// Removes blanks and quotes around a field.
static void trim(char **at, size_t *bytes) {
    while (*bytes && (**at == ' ' || **at == '\t')) ++*at, --*bytes;
    while (*bytes && ((*at)[*bytes - 1] == ' ' || (*at)[*bytes - 1] == '\t')) --*bytes;
    if (*bytes < 2 || **at != '"' || (*at)[*bytes - 1] != '"') return;
    ++*at;
    *bytes -= 2;
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

static mg_status add_line(mg_label_file *f, char *at, size_t bytes, mg_error *error) {
    char *mark = memchr(at, f->mark, bytes), *label = mark ? mark + 1 : NULL, *block;
    if (!mark)
        return mg_text_fail(f->text, 0, MG_DATA, error, "the line has no %s between a name and a label",
                            f->mark == '\t' ? "tab" : "comma");
    size_t name_bytes = (size_t)(mark - at), label_bytes = bytes - name_bytes - 1;
    trim(&at, &name_bytes);
    trim(&label, &label_bytes);
    mg_status status = make_room(f, error);
    if (status) return status;
    int64_t *place = place_of(f, at, name_bytes);
    if (*place) {
        const char *other = f->lines[*place - 1].label;
        if (!strncmp(other, label, label_bytes) && !other[label_bytes]) return MG_OK;
        return mg_text_fail(f->text, 0, MG_DATA, error, "the row '%.*s' has two different labels",
                            (int)(name_bytes < 60 ? name_bytes : 60), at);
    }
    status = mg_memory_get(&block, name_bytes + label_bytes + 2, 1, error);
    if (status) return status;
    memcpy(block, at, name_bytes);
    block[name_bytes] = 0;
    memcpy(block + name_bytes + 1, label, label_bytes);
    block[name_bytes + 1 + label_bytes] = 0;
    f->lines[f->count++] = (line){.name = block, .label = block + name_bytes + 1};
    *place = f->count;
    return MG_OK;
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
        if (f->mark) status = add_line(f, at, bytes, error);
        else f->count++;
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
    mg_text_close(f->text);
    mg_memory_free(f);
}

bool mg_label_file_has_names(const mg_label_file *f) { return f->mark != 0; }

int64_t mg_label_file_lines(const mg_label_file *f) { return f->count; }

const char *mg_label_file_find(mg_label_file *f, const char *name, size_t bytes) {
    int64_t number = f->size ? *place_of(f, name, bytes) : 0;
    if (!number) return NULL;
    f->lines[number - 1].used = true;
    return f->lines[number - 1].label;
}

int64_t mg_label_file_unused(const mg_label_file *f) {
    int64_t unused = 0;
    for (int64_t i = 1; f->lines && i < f->count; i++) unused += !f->lines[i].used; // line 0 may be a header
    return unused;
}

mg_status mg_label_file_each(mg_label_file *f, int64_t skip, mg_label_file_take *take, void *context,
                             mg_error *error) {
    char *at;
    size_t bytes;
    mg_status status = mg_text_rewind(f->text, error);
    for (int64_t i = 0; !status; i++) {
        status = mg_text_line(f->text, &at, &bytes, error);
        if (status || !at) return status;
        if (i < skip) continue;
        trim(&at, &bytes);
        status = take(context, at, bytes, error);
        if (status) return mg_text_place(f->text, 0, status, error);
    }
    return status;
}
