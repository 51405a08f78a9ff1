// settings.h - the options of all sections together: read from a file and from --set, asked for by
// "section.key", printed. Which sections there are is the caller's: list.h for the program, others for tests.
#ifndef MG_CONFIG_SETTINGS_H
#define MG_CONFIG_SETTINGS_H

#include "base/option.h"
#include "base/writer.h"

typedef struct mg_binding {
    const mg_section *section;
    size_t offset; // of the section's struct in the struct of the whole
} mg_binding;

typedef struct mg_settings {
    const mg_binding *bindings; // [count], borrowed
    int count;
    void *base;     // struct of the whole, borrowed, zeroed before mg_settings_create
    char **origins; // one per option, sections in order: "configs/x.yaml:7", "--set", NULL = preset
} mg_settings;

enum { MG_SETTINGS_FILE_BYTES = 16 << 20 }; // a longer file is no configuration

// Everything at its preset. A settings that failed here is to be destroyed too.
mg_status mg_settings_create(mg_settings *settings, const mg_binding *bindings, int count, void *base,
                             mg_error *error);

// Frees what the values own, not `base` itself.
void mg_settings_destroy(mg_settings *settings);

// Reads the YAML of `bytes`; `name` is what messages call it. Errors: MG_CONFIG with "name:line: ...".
mg_status mg_settings_read(mg_settings *settings, const char *name, const char *bytes, size_t length,
                           mg_error *error);
mg_status mg_settings_read_file(mg_settings *settings, const char *path, mg_error *error);

// One "section.key=value" of the command line.
mg_status mg_settings_set(mg_settings *settings, const char *assignment, mg_error *error);

// Runs the checks the sections bring along.
mg_status mg_settings_check(const mg_settings *settings, mg_error *error);

// Where "section.key" was set; NULL when it holds its preset or does not exist.
const char *mg_settings_origin(const mg_settings *settings, const char *key);

// The row and the struct of "section.key" into *section and *values; NULL when there is none. For defaults
// only the whole can know.
const mg_option *mg_settings_find(const mg_settings *settings, const char *key, const mg_section **section,
                                  void **values);

// Every option with its help as YAML that reads back to the same values.
void mg_settings_write(const mg_settings *settings, mg_writer *writer);

// docs/options.md.
void mg_settings_write_reference(const mg_binding *bindings, int count, mg_writer *writer);

// The options that change the result, one "section.key: value" a line.
void mg_settings_write_canonical(const mg_settings *settings, mg_writer *writer);

#endif
