// settings.h - the options of all sections together: read from a file and from --set, found by "section.key",
// and printed. The caller provides the sections: config.c those of the program, tests their own.
#ifndef MG_CONFIG_SETTINGS_H
#define MG_CONFIG_SETTINGS_H

#include "base/option.h"
#include "base/writer.h"

typedef struct mg_binding {
    const mg_section *section;
    size_t offset; // offset of the section's struct in `base`
} mg_binding;

typedef struct mg_settings {
    const mg_binding *bindings; // [count] owned by the caller
    int count;
    void *base; // one struct for the values of all sections; owned by the caller, zero before
                // mg_settings_create
    // [options, in the order of the sections] where each was set, such as "configs/x.yaml:7" or "--set";
    // NULL: default
    char **origins;
    char *file; // path of the file that was read last; NULL if none was
} mg_settings;

enum { MG_SETTINGS_FILE_BYTES = 16 << 20 }; // a longer file is refused

// Sets all options to their defaults. mg_settings_destroy must be called later, also after a failure. Errors:
// MG_MEMORY.
mg_status mg_settings_create(mg_settings *settings, const mg_binding *bindings, int count, void *base,
                             mg_error *error);

// Frees what the values own, but not `base`.
void mg_settings_destroy(mg_settings *settings);

// Reads YAML text; `name` is used in messages. Errors: MG_CONFIG with "name:line: ..."; MG_MEMORY.
mg_status mg_settings_read(mg_settings *settings, const char *name, const char *bytes, size_t length,
                           mg_error *error);
mg_status mg_settings_read_file(mg_settings *settings, const char *path, mg_error *error);

// Applies one "section.key=value" of the command line. Errors: MG_CONFIG, MG_MEMORY.
mg_status mg_settings_set(mg_settings *settings, const char *assignment, mg_error *error);

// Runs the checks of the sections. Errors: MG_CONFIG.
mg_status mg_settings_check(const mg_settings *settings, mg_error *error);

// Where "section.key" was set; NULL if it has its default or does not exist.
const char *mg_settings_origin(const mg_settings *settings, const char *key);

// Finds the row of "section.key", with its section and its values; NULL if there is none. For defaults that
// depend on more than the option itself.
const mg_option *mg_settings_find(const mg_settings *settings, const char *key, const mg_section **section,
                                  void **values);

// Writes every option with its help, as a YAML file that gives the same values when it is read.
void mg_settings_write(const mg_settings *settings, mg_writer *writer);

// Writes docs/options.md.
void mg_settings_write_reference(const mg_binding *bindings, int count, mg_writer *writer);

// Writes the options that change the result, one "section.key: value" a line.
void mg_settings_write_canonical(const mg_settings *settings, mg_writer *writer);

#endif
