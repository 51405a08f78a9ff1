// format.c - the registry, and the guess which format a file has.
#include "format/format.h"

#include "base/memory.h"
#include "format/list.h"

#include <string.h>

#define MG_FORMAT_DECLARE(symbol) extern const mg_format mg_format_##symbol;
MG_FORMAT_LIST(MG_FORMAT_DECLARE)

static const mg_format *const formats[] = {
#define MG_FORMAT_ROW(symbol) &mg_format_##symbol,
    MG_FORMAT_LIST(MG_FORMAT_ROW)};

const mg_format *mg_format_at(int i) {
    return i >= 0 && i < (int)(sizeof formats / sizeof *formats) ? formats[i] : NULL;
}

const char *mg_format_name(int i) {
    const mg_format *format = mg_format_at(i);
    return format ? format->name : NULL;
}

const mg_format *mg_format_find(const char *name) {
    for (int i = 0; mg_format_at(i); i++)
        if (!strcmp(mg_format_at(i)->name, name)) return mg_format_at(i);
    return NULL;
}

const mg_format *mg_format_with_option(const char *name) {
    const mg_format *found = NULL;
    for (int i = 0; mg_format_at(i); i++) {
        if (!mg_section_find(mg_format_at(i)->section, name)) continue;
        if (found) return NULL;
        found = mg_format_at(i);
    }
    return found;
}

const char *mg_format_auto_yes_no(int i) {
    static const char *const names[] = {"auto", "yes", "no"};
    return i >= 0 && i < 3 ? names[i] : NULL;
}

static mg_status read_head(const char *path, char *head, size_t *bytes, mg_error *error) {
    mg_input *input;
    size_t got = 1;
    *bytes = 0;
    mg_status status = mg_input_open(&input, path, NULL, error);
    while (!status && got > 0 && *bytes < MG_PROBE_BYTES) {
        status = mg_input_read(input, head + *bytes, MG_PROBE_BYTES - *bytes, &got, error);
        *bytes += got;
    }
    mg_input_close(input);
    return status;
}

mg_status mg_format_guess(const char *path, const mg_format **out, bool *sure, mg_error *error) {
    char *head;
    size_t bytes;
    int best = 0;
    *out = NULL;
    mg_status status = mg_memory_get(&head, MG_PROBE_BYTES + 1, 1, error);
    if (status) return status;
    status = read_head(path, head, &bytes, error);
    if (status) goto done;
    head[bytes] = '\0';
    for (int i = 0; mg_format_at(i); i++) {
        int score = mg_format_at(i)->probe(head, bytes);
        if (score <= best) continue;
        best = score;
        *out = mg_format_at(i);
    }
    if (bytes == 0)
        status = mg_fail(error, MG_DATA, "%s: is empty", path);
    else if (bytes >= 4 && !memcmp(head, "\x89HDF", 4))
        status = mg_fail(error, MG_DATA, "%s: is an HDF5 file already", path);
    *sure = best > 1;
done:
    mg_memory_free(head);
    return status;
}
