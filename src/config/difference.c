// difference.c - compares canonical configurations.
#include "config/config.h"

#include <stdio.h>
#include <string.h>

// One "key: value" line of a canonical text.
typedef struct line {
    const char *key, *value;
    size_t key_length, value_length;
} line;

// Takes the next line from *text. Returns false at the end.
static bool next_line(const char **text, line *out) {
    while (**text == '\n') ++*text;
    if (**text == '\0') return false;
    size_t length = strcspn(*text, "\n");
    const char *colon = memchr(*text, ':', length);
    out->key = *text;
    out->key_length = colon ? (size_t)(colon - *text) : length;
    out->value = colon ? colon + 1 : *text + length;
    while (*out->value == ' ') out->value++;
    out->value_length = (size_t)(*text + length - out->value);
    *text += length;
    return true;
}

static bool find_line(const char *text, const line *wanted, line *out) {
    while (next_line(&text, out))
        if (out->key_length == wanted->key_length && memcmp(out->key, wanted->key, out->key_length) == 0)
            return true;
    return false;
}

static void brief_value(const line *from, char out[MG_SHORT_TEXT]) {
    char longer[MG_SHORT_TEXT + 1];
    snprintf(longer, sizeof longer, "%.*s",
             (int)(from->value_length < MG_SHORT_TEXT ? from->value_length : MG_SHORT_TEXT), from->value);
    mg_shorten(strcmp(longer, "~") == 0 ? "unset" : longer, out);
}

typedef struct report {
    char *out;
    size_t size, used;
    int count; // number of differences; only the first few are named
} report;

enum { NAMED = 4 };

static void add_difference(report *to, const line *before, const line *now) {
    char first[MG_SHORT_TEXT], second[MG_SHORT_TEXT];
    const line *named = before->key ? before : now;
    if (++to->count > NAMED || to->used >= to->size) return;
    brief_value(before, first);
    brief_value(now, second);
    int added = snprintf(to->out + to->used, to->size - to->used, "%s%.*s: %s, now %s",
                         to->count > 1 ? "; " : "", (int)named->key_length, named->key, first, second);
    to->used += added > 0 ? (size_t)added : 0;
}

int mg_config_difference(const char *before, const char *now, char *out, size_t size) {
    static const line absent = {.value = "absent", .value_length = 6};
    report to = {.out = out, .size = size};
    line a, b;
    if (size > 0) out[0] = '\0';
    for (const char *rest = before; next_line(&rest, &a);) {
        if (!find_line(now, &a, &b)) add_difference(&to, &a, &absent);
        else if (a.value_length != b.value_length || memcmp(a.value, b.value, a.value_length) != 0)
            add_difference(&to, &a, &b);
    }
    for (const char *rest = now; next_line(&rest, &b);)
        if (!find_line(before, &b, &a)) add_difference(&to, &absent, &b);
    if (to.count > NAMED && to.used < size)
        snprintf(out + to.used, size - to.used, "; and %d more", to.count - NAMED);
    return to.count;
}
