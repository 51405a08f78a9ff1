// columns.c - describes columns: their names and the recipe of the file.
#include "inspect/inspect.h"

#include "base/printable.h"

#include <string.h>

enum { SHOWN_NAMES = 8, SHOWN_BYTES = 64 };

void mg_inspect_columns(const mg_columns *columns, int width, mg_writer *out) {
    const mg_names *names = &columns->names;
    if (names->count) mg_writer_format(out, "  %-*s %lld:", width, "names", (long long)names->count);
    for (int64_t i = 0; i < names->count && i < SHOWN_NAMES; i++) {
        char name[MG_NAME_SHOWN];
        mg_writer_add(out, i ? ", " : " ");
        mg_printable_add(out, mg_name_shown(names->text[i], name));
    }
    if (names->count) mg_writer_add(out, names->count > SHOWN_NAMES ? ", ...\n" : "\n");
    if (!columns->recipe) return;
    mg_writer_format(out, "  %-*s ", width, "recipe");
    for (const char *line = columns->recipe; *line;) {
        size_t size = strcspn(line, "\n");
        // a recipe is ASCII, so this splits no character
        for (size_t done = 0; done < size; done += SHOWN_BYTES) {
            char part[SHOWN_BYTES + 1] = "";
            memcpy(part, line + done, size - done < SHOWN_BYTES ? size - done : SHOWN_BYTES);
            mg_printable_add(out, part);
        }
        line += size + (line[size] == '\n');
        if (*line) mg_writer_add(out, ", ");
    }
    mg_writer_add(out, "\n");
}
