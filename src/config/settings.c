// settings.c - the values of all options, from defaults, the file and --set in this order, and where each was
// set.
#include "config/settings.h"

#include "base/memory.h"
#include "io/file.h"
#include "config/suggest.h"
#include "config/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// An option, its section, and where its origin is stored.
typedef struct place {
    const mg_section *section;
    const mg_option *option;
    void *values;
    char **origin;
} place;

static void *values_at(const mg_settings *settings, int i) {
    return (char *)settings->base + settings->bindings[i].offset;
}

// Index of the section's first option in `origins`.
static int first_origin(const mg_settings *settings, int section) {
    int first = 0;
    for (int i = 0; i < section; i++) first += settings->bindings[i].section->count;
    return first;
}

static int find_section(const mg_settings *settings, const char *name, size_t length) {
    for (int i = 0; i < settings->count; i++) {
        const char *candidate = settings->bindings[i].section->name;
        if (strlen(candidate) == length && memcmp(candidate, name, length) == 0) return i;
    }
    return -1;
}

static bool find_option(const mg_settings *settings, int section, const char *key, place *out) {
    out->section = settings->bindings[section].section;
    out->option = mg_section_find(out->section, key);
    if (!out->option) return false;
    out->values = values_at(settings, section);
    out->origin =
        &settings->origins[first_origin(settings, section) + (int)(out->option - out->section->options)];
    return true;
}

mg_status mg_settings_create(mg_settings *settings, const mg_binding *bindings, int count, void *base,
                             mg_error *error) {
    *settings = (mg_settings){.bindings = bindings, .count = count, .base = base};
    size_t options = (size_t)first_origin(settings, count);
    mg_status status = mg_memory_zeroed(&settings->origins, options, sizeof *settings->origins, error);
    for (int i = 0; i < count && !status; i++)
        status = mg_section_preset(bindings[i].section, values_at(settings, i), error);
    return status;
}

void mg_settings_destroy(mg_settings *settings) {
    for (int i = 0; i < settings->count; i++)
        mg_section_clear(settings->bindings[i].section, values_at(settings, i));
    for (int i = 0; settings->origins && i < first_origin(settings, settings->count); i++)
        mg_memory_free(settings->origins[i]);
    mg_memory_free(settings->origins);
    mg_memory_free(settings->file);
    *settings = (mg_settings){0};
}

// Puts the place before a message of mg_option_parse or mg_option_add_weight.
static mg_status say_where(mg_status status, const char *where, const mg_error *inner, mg_error *error) {
    if (status == MG_MEMORY) return mg_fail(error, status, "%s", inner->text);
    return mg_fail(error, status, "%s: %s", where, inner->text);
}

// Sets an option. If `value` is NULL, restores the default, and the option counts as not set.
static mg_status assign(const place *at, const char *value, const char *where, mg_error *error) {
    mg_error inner;
    char *origin = NULL;
    mg_status status = mg_option_parse(at->section, at->option, at->values, value, &inner);
    if (status) return say_where(status, where, &inner, error);
    if (value) status = mg_memory_text(&origin, where, error);
    mg_memory_free(*at->origin);
    *at->origin = origin;
    return status;
}

// "name:line", for origins and messages.
static mg_status make_where(const char *name, int line, char **out, mg_error *error) {
    mg_writer writer = {0};
    mg_writer_format(&writer, "%s:%d", name, line);
    return mg_writer_take(&writer, out, error);
}

// Sets the option to a mapping label -> weight.
static mg_status assign_weights(const place *at, const mg_yaml *yaml, const mg_yaml_node *mapping,
                                const char *where, mg_error *error) {
    const mg_yaml_node *key = mapping + 1, *end = &yaml->nodes[mapping->next];
    if (key == end)
        return mg_fail(error, MG_CONFIG,
                       "%s: %s.%s: an empty mapping: remove the key, or add lines label: weight", where,
                       at->section->name, at->option->name);
    mg_status status = assign(at, NULL, where, error);
    while (key < end && !status) {
        const mg_yaml_node *value = key + 1;
        const char *weight = value->kind == MG_YAML_SCALAR ? mg_yaml_text(yaml, value) : "";
        mg_error inner;
        status = mg_option_add_weight(at->section, at->option, at->values, mg_yaml_text(yaml, key), weight,
                                      &inner);
        if (status) return say_where(status, where, &inner, error);
        key = &yaml->nodes[value->next];
    }
    return status ? status : mg_memory_text(at->origin, where, error);
}

// Sets the option to a list of paths. `where` begins with the name of the text, and ends with a line.
static mg_status assign_list(const place *at, const mg_yaml *yaml, const mg_yaml_node *list,
                             const char *where, mg_error *error) {
    const mg_yaml_node *end = &yaml->nodes[list->next];
    const char *line = strrchr(where, ':');
    mg_error inner;
    if (at->option->type != MG_OPTION_PATHS)
        return mg_fail(error, MG_CONFIG, "%.*s:%d:%d: a list is not allowed here; a single value is expected",
                       (int)(line ? line - where : (ptrdiff_t)strlen(where)), where, list->line,
                       list->column);
    if (list + 1 == end)
        return mg_fail(error, MG_CONFIG, "%s: %s.%s: an empty list: add paths, or remove the key", where,
                       at->section->name, at->option->name);
    mg_status status = assign(at, NULL, where, error);
    for (const mg_yaml_node *one = list + 1; one < end && !status; one++) {
        status = mg_option_add_path(at->section, at->option, at->values, one == list + 1,
                                    mg_yaml_text(yaml, one), &inner);
        if (status) return say_where(status, where, &inner, error);
    }
    return status ? status : mg_memory_text(at->origin, where, error);
}

static mg_status read_option(const place *at, const mg_yaml *yaml, const mg_yaml_node *value,
                             const char *where, mg_error *error) {
    if (value->kind == MG_YAML_NULL) return assign(at, NULL, where, error);
    if (value->kind == MG_YAML_SCALAR) return assign(at, mg_yaml_text(yaml, value), where, error);
    if (value->kind == MG_YAML_LIST) return assign_list(at, yaml, value, where, error);
    if (at->option->type == MG_OPTION_WEIGHTS) return assign_weights(at, yaml, value, where, error);
    return mg_fail(error, MG_CONFIG, "%s: %s.%s: a single value is expected, not a mapping", where,
                   at->section->name, at->option->name);
}

static mg_status read_section(mg_settings *settings, int section, const char *name, const mg_yaml *yaml,
                              const mg_yaml_node *mapping, mg_error *error) {
    const mg_yaml_node *key = mapping + 1, *end = &yaml->nodes[mapping->next];
    mg_status status = MG_OK;
    for (const mg_yaml_node *value; key < end && !status; key = &yaml->nodes[value->next]) {
        const char *text = mg_yaml_text(yaml, key);
        char *where;
        place at;
        value = key + 1;
        status = make_where(name, key->line, &where, error);
        if (status) return status;
        if (find_option(settings, section, text, &at)) status = read_option(&at, yaml, value, where, error);
        else status = mg_unknown_key(settings, section, text, where, error);
        mg_memory_free(where);
    }
    return status;
}

static mg_status read_root(mg_settings *settings, const char *name, const mg_yaml *yaml, mg_error *error) {
    const mg_yaml_node *key = yaml->nodes + 1, *end = yaml->nodes + yaml->count;
    mg_status status = MG_OK;
    for (const mg_yaml_node *value; key < end && !status; key = &yaml->nodes[value->next]) {
        const char *text = mg_yaml_text(yaml, key);
        int section = find_section(settings, text, strlen(text));
        char *where;
        value = key + 1;
        status = make_where(name, key->line, &where, error);
        if (status) return status;
        if (section < 0) status = mg_unknown_section(settings, text, where, error);
        else if (value->kind == MG_YAML_MAPPING)
            status = read_section(settings, section, name, yaml, value, error);
        else if (value->kind == MG_YAML_SCALAR)
            status = mg_fail(error, MG_CONFIG,
                             "%s: section %s must contain lines of the form key: value, not a single value",
                             where, text);
        mg_memory_free(where);
    }
    return status;
}

mg_status mg_settings_read(mg_settings *settings, const char *name, const char *bytes, size_t length,
                           mg_error *error) {
    mg_yaml yaml;
    mg_status status = mg_yaml_read(name, bytes, length, &yaml, error);
    if (!status && yaml.count > 0) status = read_root(settings, name, &yaml, error);
    mg_yaml_clear(&yaml);
    return status;
}

// Reads the whole file, but no more bytes than the limit, whatever kind of file `path` is.
static mg_status read_bytes(const char *path, char **out, size_t *length, mg_error *error) {
    size_t capacity = 0;
    mg_status status = MG_OK;
    int file;
    *out = NULL;
    *length = 0;
    if (mg_file_open(path, MG_FILE_STREAM, &file, error)) {
        if (error) error->status = MG_CONFIG;
        return MG_CONFIG;
    }
    for (ssize_t got = 1; got > 0 && !status;) {
        status = mg_memory_grow(out, &capacity, *length + 65536, 1, error);
        if (status) break;
        got = read(file, *out + *length, capacity - *length);
        if (got < 0 && errno == EINTR) got = 1;
        else if (got < 0) status = mg_fail(error, MG_CONFIG, "%s: cannot be read: %s", path, strerror(errno));
        else *length += (size_t)got;
        if (!status && *length > MG_SETTINGS_FILE_BYTES)
            status =
                mg_fail(error, MG_CONFIG, "%s: longer than %d MiB; a configuration file is never that long",
                        path, MG_SETTINGS_FILE_BYTES >> 20);
    }
    close(file);
    return status;
}

mg_status mg_settings_read_file(mg_settings *settings, const char *path, mg_error *error) {
    char *bytes;
    size_t length;
    mg_status status = read_bytes(path, &bytes, &length, error);
    if (!status) status = mg_settings_read(settings, path, bytes, length, error);
    mg_memory_free(bytes);
    mg_memory_free(settings->file);
    settings->file = NULL;
    if (!status) status = mg_memory_text(&settings->file, path, error);
    return status;
}

// Sets weights from a --set of the form {cat: 2, dog: 0.5}, which is parsed like the same text in a file.
static mg_status set_weights(const place *at, const char *value, mg_error *error) {
    mg_yaml yaml;
    mg_status status = mg_yaml_read("--set", value, strlen(value), &yaml, error);
    if (!status && yaml.count == 0) status = assign(at, NULL, "--set", error);
    if (!status && yaml.count > 0) status = assign_weights(at, &yaml, yaml.nodes, "--set", error);
    mg_yaml_clear(&yaml);
    return status;
}

// Sets a --set of the form [a.h5, b.h5], which is parsed like the same text in a section of a file.
static mg_status set_list(const place *at, const char *value, mg_error *error) {
    enum { VALUE = 4 }; // its node, after two mappings and their keys
    mg_yaml yaml = {0};
    mg_writer text = {0};
    char *section = NULL;
    mg_writer_format(&text, "{section: {key: %s}}", value);
    mg_status status = mg_writer_take(&text, &section, error);
    if (!status) status = mg_yaml_read("--set", section, strlen(section), &yaml, error);
    if (!status && yaml.nodes[VALUE].next != yaml.count)
        status = mg_fail(error, MG_CONFIG, "--set: %s.%s: more than one list", at->section->name,
                         at->option->name);
    if (!status) status = read_option(at, &yaml, &yaml.nodes[VALUE], "--set", error);
    mg_yaml_clear(&yaml);
    mg_memory_free(section);
    return status;
}

// Sets an option by its name. `names` is "section.key"; it is changed.
static mg_status set_named(mg_settings *settings, char *names, const char *value, mg_error *error) {
    static const char where[] = "--set";
    char *dot = strchr(names, '.'), *key = dot + 1;
    place at;
    *dot = '\0';
    int section = find_section(settings, names, strlen(names));
    if (section < 0) return mg_unknown_section(settings, names, where, error);
    if (!find_option(settings, section, key, &at))
        return mg_unknown_key(settings, section, key, where, error);
    bool unset = value[0] == '\0' || strcmp(value, "~") == 0 || strcmp(value, "null") == 0;
    if (at.option->type == MG_OPTION_WEIGHTS && value[0] == '{') return set_weights(&at, value, error);
    bool list = value[0] == '[' && value[strlen(value) - 1] == ']';
    if (at.option->type == MG_OPTION_PATHS && list) return set_list(&at, value, error);
    return assign(&at, unset ? NULL : value, where, error);
}

mg_status mg_settings_set(mg_settings *settings, const char *assignment, mg_error *error) {
    const char *equals = strchr(assignment, '='), *dot = strchr(assignment, '.');
    char brief[MG_SHORT_TEXT], *names;
    mg_shorten(assignment, brief);
    if (!equals) return mg_fail(error, MG_CONFIG, "--set: '%s' is not of the form section.key=value", brief);
    if (!dot || dot > equals) return mg_unsectioned_key(settings, assignment, "--set", error);
    mg_status status = mg_memory_text(&names, assignment, error);
    if (status) return status;
    names[equals - assignment] = '\0';
    status = set_named(settings, names, equals + 1, error);
    mg_memory_free(names);
    return status;
}

mg_status mg_settings_check(const mg_settings *settings, mg_error *error) {
    for (int i = 0; i < settings->count; i++) {
        const mg_section *section = settings->bindings[i].section;
        const char *const *origins = (const char *const *)(settings->origins + first_origin(settings, i));
        mg_status status = section->check ? section->check(values_at(settings, i), origins, error) : MG_OK;
        if (status) return status;
    }
    return MG_OK;
}

const mg_option *mg_settings_find(const mg_settings *settings, const char *key, const mg_section **section,
                                  void **values) {
    const char *dot = strchr(key, '.');
    place at;
    int i = dot ? find_section(settings, key, (size_t)(dot - key)) : -1;
    if (i < 0 || !find_option(settings, i, dot + 1, &at)) return NULL;
    *section = at.section;
    *values = at.values;
    return at.option;
}

const char *mg_settings_origin(const mg_settings *settings, const char *key) {
    const char *dot = strchr(key, '.');
    place at;
    int i = dot ? find_section(settings, key, (size_t)(dot - key)) : -1;
    return i >= 0 && find_option(settings, i, dot + 1, &at) ? *at.origin : NULL;
}
