// header.c - reads and compares the names of a table's columns.
#include "format/header.h"

#include "base/memory.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { COPIED_NAME = 300 }; // bytes of a name that advice shows in full

static mg_status read_name(const mg_record *record, const mg_span *field, char **out, mg_error *error) {
    size_t bad = mg_text_utf8(field->text, field->bytes);
    *out = NULL;
    if (bad < field->bytes)
        return mg_text_fail(
            record->text, field->offset + bad, MG_DATA, error,
            "the name of the column has the byte %02x, which is not UTF-8; convert the file: iconv -f "
            "WINDOWS-1252 -t UTF-8 < FILE > NEW",
            (unsigned char)field->text[bad]);
    if (field->bytes > MG_NAME_LONGEST)
        return mg_text_fail(record->text, field->offset, MG_DATA, error,
                            "the name of the column has %zu bytes; at most %d are allowed: shorten it, or "
                            "use --header no when the line is data",
                            field->bytes, MG_NAME_LONGEST);
    mg_status status = mg_memory_zeroed(out, field->bytes + 1, 1, error);
    if (!status) memcpy(*out, field->text, field->bytes);
    return status;
}

mg_status mg_header_check(const mg_record *record, const mg_header *header, mg_error *error) {
    const mg_names *names = &header->names;
    bool found;
    int64_t first, second;
    char name[MG_NAME_SHOWN];
    mg_status status = mg_names_repeat(names, &found, &first, &second, error);
    for (int64_t i = 0; !status && !found && header->label_name && i < names->count; i++)
        if (*header->label_name && !strcmp(names->text[i], header->label_name))
            return mg_text_fail(record->text, 0, MG_DATA, error,
                                "'%s' is the name of the column of the labels and of feature %lld; names "
                                "must differ: rename one of them, or use --header no when the line is data",
                                mg_name_shown(header->label_name, name), (long long)i + 1);
    if (status || !found) return status;
    return mg_text_fail(record->text, 0, MG_DATA, error,
                        "'%s' is the name of features %lld and %lld; names must differ: rename one of them, "
                        "or use --header no when the line is data",
                        mg_name_shown(names->text[first], name), (long long)first + 1, (long long)second + 1);
}

mg_status mg_header_read(mg_record *record, int64_t columns, int64_t label, const bool *dropped,
                         mg_header *header, mg_error *error) {
    char **text;
    bool more = true;
    int64_t count = columns - (label >= 0), at = 0;
    *header = (mg_header){0};
    for (int64_t i = 0; i < columns; i++) count -= dropped[i];
    mg_status status = mg_memory_zeroed(&text, (size_t)count, sizeof *text, error);
    if (status) return status;
    header->names = (mg_names){count, text};
    for (int64_t i = 0; !status && i < columns && more; i++) {
        mg_span field;
        status = mg_record_field(record, &field, &more, error);
        if (!status && more && !dropped[i])
            status = read_name(record, &field, i == label ? &header->label_name : &text[at++], error);
    }
    for (; !status && at < count; at++) status = mg_memory_text(&text[at], "", error);
    if (!status) status = mg_header_check(record, header, error);
    if (status) mg_header_clear(header);
    return status;
}

void mg_header_clear(mg_header *header) {
    mg_names_clear(&header->names);
    mg_memory_free(header->label_name);
    *header = (mg_header){0};
}

mg_status mg_header_compare(const mg_header *header, const char *path, const mg_names *names,
                            const char *label_name, const char *like, mg_error *error) {
    char whose[PATH_MAX + 32];
    snprintf(whose, sizeof whose, "in %s", like);
    const mg_names_parties parties = {path, whose,
                                      "rename and reorder its columns; use --label none for a file without "
                                      "labels, --header no for one without names"};
    if (!names->count || !header->names.count) return MG_OK;
    mg_status status = mg_names_compare(names, &header->names, &parties, error);
    if (status || !label_name || !header->label_name || !strcmp(label_name, header->label_name))
        return status;
    char now[MG_NAME_SHOWN], before[MG_NAME_SHOWN], advice[COPIED_NAME + 64];
    if (strlen(label_name) <= COPIED_NAME) snprintf(advice, sizeof advice, "rename it to '%s'", label_name);
    else snprintf(advice, sizeof advice, "give it the name in the first line of the table of that file");
    return mg_fail(error, MG_DATA, "%s: the column of the labels is named '%s', but '%s' in %s: %s", path,
                   mg_name_shown(header->label_name, now), mg_name_shown(label_name, before), like, advice);
}
