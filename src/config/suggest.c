// suggest.c - finds the section or key that a misspelt name probably means.
#include "config/suggest.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { NAME_TEXT = 160, LIST_TEXT = 512 };

static const char *key_of_section(int i, const void *context) {
    const mg_section *section = context;
    return i < section->count ? section->options[i].name : NULL;
}

static const char *key_of_any(int i, const void *context) {
    const mg_settings *settings = context;
    for (int s = 0; s < settings->count; s++) {
        const mg_section *section = settings->bindings[s].section;
        if (i < section->count) return section->options[i].name;
        i -= section->count;
    }
    return NULL;
}

static const char *section_name(int i, const void *context) {
    const mg_settings *settings = context;
    return i < settings->count ? settings->bindings[i].section->name : NULL;
}

// The first section that has a key of this name, ignoring case; *option becomes its row.
static const mg_section *section_with(const mg_settings *settings, const char *key,
                                      const mg_option **option) {
    for (int s = 0; s < settings->count; s++) {
        const mg_section *section = settings->bindings[s].section;
        for (int i = 0; i < section->count; i++) {
            *option = &section->options[i];
            if (strcasecmp(section->options[i].name, key) == 0) return section;
        }
    }
    return NULL;
}

// Writes "; did you mean train.epochs?", or "". A key of exactly this name in another section is preferred to
// a similar one in this section.
static void suggest_key(const mg_settings *settings, const mg_section *here, const char *key,
                        char out[NAME_TEXT]) {
    const mg_option *option = NULL;
    const char *nearest = here ? mg_nearest_name(key, key_of_section, here) : NULL;
    const mg_section *in = section_with(settings, key, &option);
    out[0] = '\0';
    if (nearest && (!in || in == here || strcasecmp(nearest, key) == 0)) {
        snprintf(out, NAME_TEXT, "; did you mean %s.%s?", here->name, nearest);
        return;
    }
    if (!in) {
        nearest = mg_nearest_name(key, key_of_any, settings);
        in = nearest ? section_with(settings, nearest, &option) : NULL;
    }
    if (in) snprintf(out, NAME_TEXT, "; did you mean %s.%s?", in->name, option->name);
}

static void list_names(const char *(*name)(int i, const void *context), const void *context,
                       char out[LIST_TEXT]) {
    size_t used = 0;
    const char *next;
    out[0] = '\0';
    for (int i = 0; (next = name(i, context)) && used < LIST_TEXT; i++) {
        int added = snprintf(out + used, LIST_TEXT - used, "%s%s", i > 0 ? ", " : "", next);
        used += added > 0 ? (size_t)added : 0;
    }
}

mg_status mg_unknown_key(const mg_settings *settings, int section, const char *key, const char *where,
                         mg_error *error) {
    const mg_section *here = settings->bindings[section].section;
    char suggestion[NAME_TEXT], names[LIST_TEXT], brief[MG_SHORT_TEXT];
    suggest_key(settings, here, key, suggestion);
    mg_shorten(key, brief);
    if (suggestion[0] != '\0')
        return mg_fail(error, MG_CONFIG, "%s: unknown key %s.%s%s", where, here->name, brief, suggestion);
    list_names(key_of_section, here, names);
    return mg_fail(error, MG_CONFIG, "%s: unknown key %s.%s (keys of %s: %s)", where, here->name, brief,
                   here->name, names);
}

mg_status mg_unknown_section(const mg_settings *settings, const char *name, const char *where,
                             mg_error *error) {
    char suggestion[NAME_TEXT], names[LIST_TEXT], brief[MG_SHORT_TEXT];
    const char *nearest = mg_nearest_name(name, section_name, settings), *dot = strchr(name, '.');
    mg_shorten(name, brief);
    if (dot && mg_settings_find(settings, name, &(const mg_section *){NULL}, &(void *){NULL}))
        return mg_fail(error, MG_CONFIG,
                       "%s: unknown section %s; write %.*s: and in the next line, indented, %s:", where,
                       brief, (int)(dot - name), name, dot + 1);
    if (nearest)
        return mg_fail(error, MG_CONFIG, "%s: unknown section %s; did you mean %s?", where, brief, nearest);
    suggest_key(settings, NULL, name, suggestion);
    list_names(section_name, settings, names);
    return mg_fail(error, MG_CONFIG, "%s: unknown section %s%s (sections: %s)", where, brief, suggestion,
                   names);
}

mg_status mg_unsectioned_key(const mg_settings *settings, const char *assignment, const char *where,
                             mg_error *error) {
    char key[MG_SHORT_TEXT], brief[MG_SHORT_TEXT], suggestion[NAME_TEXT];
    snprintf(key, sizeof key, "%.*s", (int)strcspn(assignment, "="), assignment);
    suggest_key(settings, NULL, key, suggestion);
    return mg_fail(error, MG_CONFIG, "%s: '%s' does not name a section; write section.key=value%s", where,
                   mg_shorten(assignment, brief), suggestion);
}
