// wabbit.c - parses lines "label importance tag|namespace feature feature:value ...".
#include "format/wabbit.h"

#include "format/head.h"
#include "io/text.h"

#include <string.h>

typedef struct signs {
    mg_wabbit found;
    bool table; // at least one line can only be that of a table
} signs;

// True for a number, or for numbers separated by colons (contextual bandits).
static bool is_label(const char *at, const char *end) {
    double value;
    while (at < end) {
        const char *colon = memchr(at, ':', (size_t)(end - at)), *stop = colon ? colon : end;
        if (mg_text_number(at, stop, &value) != stop) return false;
        at = stop + 1;
    }
    return true;
}

// Parses labels and a tag, which begins with ' or touches the bar. Returns false for anything else. *glued
// becomes true if a label touches the bar, as in a table.
static bool read_front(const char *line, const char *bar, bool *glued) {
    bool tag = false, labels = false;
    *glued = false;
    for (const char *c = mg_skip_blanks(line, bar); c < bar; c = mg_skip_blanks(c, bar)) {
        const char *after = mg_skip_word(c, bar);
        bool label = is_label(c, after);
        if (tag || (!label && *c != '\'' && !(labels && after == bar))) return false;
        *glued = label && !labels && after == bar;
        tag = !label;
        labels = true;
        c = after;
    }
    return true;
}

// Counts the features after the bars of a line, and the words in the field that has most of them.
static void read_features(const char *bar, const char *stop, bool glued, mg_wabbit *found, int *features,
                          int *most_words) {
    *features = *most_words = 0;
    while (bar < stop) {
        const char *next = memchr(bar + 1, '|', (size_t)(stop - bar - 1)), *end = next ? next : stop;
        bool named = bar + 1 < end && !mg_is_blank(bar[1]);
        int words = 0;
        for (const char *c = mg_skip_blanks(bar + 1, end); c < end; c = mg_skip_blanks(c, end)) {
            const char *after = mg_skip_word(c, end), *colon = memchr(c, ':', (size_t)(after - c));
            bool pair = colon && colon > c;
            if (words++ >= named) {
                ++*features;
                found->numbered = found->numbered && pair && strspn(c, "0123456789") == (size_t)(colon - c);
                found->sure = found->sure || (!glued && (pair || named || words > 1));
            }
            c = after;
        }
        if (words > *most_words) *most_words = words;
        bar = end;
    }
}

static bool read_line(const char *line, const char *stop, signs *all) {
    bool glued;
    int features, words, bars = 0;
    const char *bar = memchr(line, '|', (size_t)(stop - line));
    if (!bar || !read_front(line, bar, &glued)) return false;
    for (const char *c = bar; c < stop; c++) bars += *c == '|';
    read_features(bar, stop, glued, &all->found, &features, &words);
    all->table = all->table || (words < 2 && bars > 1);
    return features > 0;
}

mg_wabbit mg_wabbit_look(const char *head, size_t bytes) {
    signs all = {.found = {.numbered = true}};
    mg_head_lines lines = mg_head_begin(head, bytes);
    while (mg_head_next(&lines))
        if (!read_line(lines.line, lines.stop, &all)) return (mg_wabbit){0};
    all.found.is = all.found.sure || !all.table;
    return all.found;
}
