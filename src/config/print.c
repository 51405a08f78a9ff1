// print.c - prints all options: as a configuration file, as documentation, or as the canonical configuration.
#include "config/settings.h"

#include "base/memory.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { ALLOWED_TEXT = 1024, COMMENT_TEXT = 2048, COMMENT_WIDTH = 100 };

// The value of an option as YAML; "" if it is unset or if the writer has already failed.
static char *value_text(mg_writer *writer, const mg_option *option, const void *values) {
    char *text = NULL;
    mg_error error = {0};
    if (!writer->status) mg_option_print(option, values, &text, &error);
    mg_writer_fail(writer, &error);
    return text;
}

// Writes `text` as comment lines of at most COMMENT_WIDTH columns, broken at spaces.
static void write_comment(mg_writer *writer, const char *indent, const char *text) {
    size_t room = COMMENT_WIDTH - strlen(indent);
    while (*text) {
        size_t length = strlen(text), cut = length;
        if (length > room) {
            for (cut = room; cut > 0 && text[cut] != ' ';) cut--;
            if (cut == 0) cut = strcspn(text, " ");
        }
        mg_writer_add(writer, indent);
        mg_writer_add_bytes(writer, text, cut);
        mg_writer_add(writer, "\n");
        text += cut;
        while (*text == ' ') text++;
    }
}

static void write_option(mg_writer *writer, const mg_option *option, const void *values) {
    char allowed[ALLOWED_TEXT], comment[COMMENT_TEXT];
    char *value = value_text(writer, option, values);
    mg_option_allowed(option, allowed, sizeof allowed);
    bool set = value && value[0] != '\0', preset = option->preset[0] != '\0';
    bool range = option->type != MG_OPTION_TEXT;
    snprintf(comment, sizeof comment, "%s%s%s%s%s%s%s", option->help, range || preset ? " (" : "",
             range ? allowed : "", range && preset ? "; " : "", preset ? "default " : "", option->preset,
             range || preset ? ")" : "");
    write_comment(writer, "  # ", comment);
    mg_writer_format(writer, "  %s%s:%s%s\n", set ? "" : "# ", option->name, set ? " " : "",
                     set ? value : "");
    mg_memory_free(value);
}

void mg_settings_write(const mg_settings *settings, mg_writer *writer) {
    for (int s = 0; s < settings->count; s++) {
        const mg_section *section = settings->bindings[s].section;
        const char *values = (const char *)settings->base + settings->bindings[s].offset;
        if (s > 0) mg_writer_add(writer, "\n");
        write_comment(writer, "# ", section->help);
        mg_writer_format(writer, "%s:\n", section->name);
        for (int i = 0; i < section->count; i++) write_option(writer, &section->options[i], values);
    }
}

// Writes a cell of a table; escapes '|', which would end the cell.
static void write_cell(mg_writer *writer, const char *text) {
    for (size_t run; *text; text += run) {
        run = strcspn(text, "|");
        mg_writer_add_bytes(writer, text, run);
        if (text[run] != '|') continue;
        mg_writer_add(writer, "\\|");
        run++;
    }
}

static void write_reference_row(mg_writer *writer, const mg_section *section, const mg_option *option) {
    char allowed[ALLOWED_TEXT];
    mg_option_allowed(option, allowed, sizeof allowed);
    mg_writer_format(writer, "| `%s.%s` | %s | ", section->name, option->name,
                     mg_option_type_name(option->type));
    if (option->preset[0] != '\0') mg_writer_format(writer, "`%s` | ", option->preset);
    else mg_writer_add(writer, "unset | ");
    write_cell(writer, allowed);
    mg_writer_add(writer, " | ");
    write_cell(writer, option->help);
    mg_writer_add(writer, option->changes_result ? " |\n" : " May differ when a run is resumed. |\n");
}

void mg_settings_write_reference(const mg_binding *bindings, int count, mg_writer *writer) {
    mg_writer_add(
        writer,
        "# Options\n\nEvery option of a configuration file. A file is YAML: sections, and in them lines of "
        "the form `key: value`. The value of\n`--set section.key=value` overrides the file, and the file "
        "overrides the default. `null`, `~` or an empty value leaves an option at its default.\n\nNumbers "
        "may be written `1e-3`, `.5` or `1/255`; sizes `4096`, `512MB` or `1.5GiB`; durations `90`, `90s`, "
        "`1.5m` or `2h`.\nThis page is generated from the tables that the program reads.\n");
    for (int s = 0; s < count; s++) {
        const mg_section *section = bindings[s].section;
        mg_writer_format(writer, "\n## %s\n\n", section->name);
        mg_writer_format(writer, "%c%s.\n\n", toupper((unsigned char)section->help[0]), section->help + 1);
        mg_writer_add(writer, "| key | type | default | allowed | meaning |\n|---|---|---|---|---|\n");
        for (int i = 0; i < section->count; i++) write_reference_row(writer, section, &section->options[i]);
    }
}

void mg_settings_write_canonical(const mg_settings *settings, mg_writer *writer) {
    for (int s = 0; s < settings->count; s++) {
        const mg_section *section = settings->bindings[s].section;
        const char *values = (const char *)settings->base + settings->bindings[s].offset;
        for (int i = 0; i < section->count; i++) {
            const mg_option *option = &section->options[i];
            if (!option->changes_result) continue;
            char *value = value_text(writer, option, values);
            mg_writer_format(writer, "%s.%s: %s\n", section->name, option->name,
                             value && value[0] ? value : "~");
            mg_memory_free(value);
        }
    }
}
