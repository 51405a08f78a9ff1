// convert_names.c - reads the names of the features from a text: one name on each line.
#include "data/convert.h"

#include "base/memory.h"

#include <string.h>

static mg_status take_lines(mg_text *text, char ***names, int64_t *count, mg_error *error) {
    size_t capacity = 0, bytes;
    char *line;
    for (;;) {
        mg_status status = mg_text_line(text, &line, &bytes, error);
        if (status || !line) return status;
        if (!bytes) return mg_text_fail(text, 0, MG_DATA, error, "the line is empty: a name is needed");
        size_t bad = mg_text_utf8(line, bytes);
        if (bad < bytes)
            return mg_text_fail(
                text, bad, MG_DATA, error,
                "byte %02x is not UTF-8; convert the file: iconv -f WINDOWS-1252 -t UTF-8 < FILE > NEW",
                (unsigned char)line[bad]);
        status = mg_memory_grow(names, &capacity, (size_t)*count + 1, sizeof **names, error);
        if (!status) status = mg_memory_zeroed(&(*names)[*count], bytes + 1, 1, error);
        if (status) return status;
        memcpy((*names)[(*count)++], line, bytes);
    }
}

static mg_status check(const mg_conversion *c, const mg_names *names, mg_error *error) {
    const char *path = c->options->names;
    char shown[MG_NAME_SHOWN];
    bool found;
    int64_t first, second;
    if (names->count != c->shape.features)
        return mg_fail(error, MG_DATA, "%s: has %lld names, but %s has %lld features%s", path,
                       (long long)names->count, c->options->inputs[0], (long long)c->shape.features,
                       mg_section_find(c->format->section, "features") ? " (--features sets their number)"
                                                                       : "");
    mg_status status = mg_names_repeat(names, &found, &first, &second, error);
    if (status || !found) return status;
    return mg_fail(error, MG_DATA,
                   "%s:%lld: '%s' is also the name on line %lld; names must differ: rename one of them", path,
                   (long long)second + 1, mg_name_shown(names->text[first], shown), (long long)first + 1);
}

mg_status mg_convert_read_names(mg_conversion *c, mg_error *error) {
    mg_text *text;
    char **names = NULL;
    int64_t count = 0;
    if (!c->options->names) return MG_OK;
    for (int i = 0; i < c->options->setting_count; i++)
        if (!strcmp(c->options->settings[i].name, "one-hot"))
            return mg_fail(
                error, MG_USAGE,
                "--names would replace the names of one-hot features, which are the table of their "
                "values: leave --names out, and name the columns in the header");
    mg_status status = mg_text_open(&text, c->options->names, NULL, error);
    if (status) return status;
    status = take_lines(text, &names, &count, error);
    const mg_names all = {count, names};
    if (!status) status = check(c, &all, error);
    if (!status) status = mg_names_take(&c->names, names, count, c->options->names, error);
    if (status) mg_h5_free_texts(names, count);
    else c->shape.names = &c->names;
    mg_text_close(text);
    return status;
}
