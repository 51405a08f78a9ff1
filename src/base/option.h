// option.h - a table row describes an option completely: where its value is stored, its default, its range,
// its help. Parsing, printing and checking all use this row, so they cannot contradict each other.
#ifndef MG_BASE_OPTION_H
#define MG_BASE_OPTION_H

#include "base/number.h"
#include "base/status.h"

#include <margin/nearest.h>

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum mg_option_type {
    MG_OPTION_INT,   // int64_t; MG_UNSET_INT if unset
    MG_OPTION_REAL,  // double; NaN if unset; MG_OPTION_WORD if the value is the word in `choice` (if the row
                     // has one)
    MG_OPTION_BOOL,  // bool; it cannot be unset, so the row must have a preset
    MG_OPTION_TEXT,  // char *, owned by the section; NULL if unset
    MG_OPTION_PATHS, // char *, as MG_OPTION_TEXT: one path, or the paths of a list, separated by line feeds
    // const char *, one of the names that `choice` returns (not a copy); NULL if unset
    MG_OPTION_CHOICE,
    MG_OPTION_WEIGHTS, // mg_option_weights: a word, or a mapping label -> weight
    MG_OPTION_BYTES,   // int64_t, bytes, such as 512MB, 1.5GiB, 4096; MG_UNSET_INT if unset
    MG_OPTION_SECONDS, // double, seconds, such as 90, 90s, 1.5m, 2h; NaN if unset
} mg_option_type;

#define MG_UNSET_INT INT64_MIN
#define MG_OPTION_WORD INFINITY

// Limits of open ranges; messages show them as "more than 0" and "less than 1".
#define MG_ABOVE_ZERO DBL_MIN
#define MG_BELOW_ONE (1 - DBL_EPSILON / 2)

// Value of an MG_OPTION_WEIGHTS option: a word ("none", "balanced") or, if `word` is NULL, `count` pairs of
// label and weight in the order in which the user wrote them.
typedef struct mg_option_weights {
    char *word;
    int64_t count;
    char **labels;
    double *weights;
} mg_option_weights;

typedef struct mg_option {
    const char *name;
    mg_option_type type;
    size_t offset;      // offset of the value in the section's struct
    const char *preset; // the default, as a file would have it; "": unset
    // Allowed range of a number (or of a weight), both ends included; an infinite end means no limit.
    double low, high;
    // Returns the i-th allowed name of a choice, or the i-th word that weights, a number or a text may have
    // instead; NULL after the last. A text that `check` refuses is compared with these words.
    const char *(*choice)(int i);
    // Checks a text value; may be NULL. If it refuses the value, error->text lists the allowed forms.
    mg_status (*check)(const char *value, mg_error *error);
    // True if a different value changes the result of a run. Options for which it is false (threads, paths,
    // output) may change when a run is resumed.
    bool changes_result;
    const char *help; // one sentence, with the unit
} mg_option;

// The options of one section. In the functions below, `values` points to the section's struct, to which the
// offsets of the rows refer.
typedef struct mg_section {
    const char *name;
    const char *help;
    const mg_option *options;
    int count;
    // Checks options against each other, when all have been read; may be NULL. origins[i] says where
    // options[i] was set, such as "configs/x.yaml:7" or "--set"; NULL if it has its default. See
    // mg_section_origin.
    mg_status (*check)(const void *values, const char *const *origins, mg_error *error);
} mg_section;

// Sets every option of the zeroed struct at `values` to its preset.
mg_status mg_section_preset(const mg_section *section, void *values, mg_error *error);

// Frees what the values own, and sets them to unset. The struct may also be zeroed.
void mg_section_clear(const mg_section *section, void *values);

// Returns the row named `name`; NULL if there is none.
const mg_option *mg_section_find(const mg_section *section, const char *name);

// Returns the element of origins[] for the row named `name`; NULL also if there is no such row.
const char *mg_section_origin(const mg_section *section, const char *const *origins, const char *name);

// Parses `value` and stores it as the value of the option. If `value` is NULL, restores the default. On
// failure the old value is kept. Errors: MG_CONFIG with a text such as "train.batch: 0 is not allowed (1 to
// 16777216)"; the caller adds file:line.
mg_status mg_option_parse(const mg_section *section, const mg_option *option, void *values, const char *value,
                          mg_error *error);

// Adds one pair of label and weight to an MG_OPTION_WEIGHTS option; the first pair replaces the word. The
// caller checks for repeated labels.
mg_status mg_option_add_weight(const mg_section *section, const mg_option *option, void *values,
                               const char *label, const char *weight, mg_error *error);

// Adds a path to the list of an MG_OPTION_PATHS option; the first one replaces the value. Errors: MG_CONFIG
// if it is empty or has a line feed; those of mg_option_parse.
mg_status mg_option_add_path(const mg_section *section, const mg_option *option, void *values, bool first,
                             const char *path, mg_error *error);

// Writes the value as YAML text on one line, quoted if necessary; "" if unset. The caller frees the text.
mg_status mg_option_print(const mg_option *option, const void *values, char **out, mg_error *error);

// Describes the allowed values, such as "1 to 16777216" or "sgd, dual"; truncated to `size`.
void mg_option_allowed(const mg_option *option, char *out, size_t size);

// The type as text: "whole number", "text" and so on.
const char *mg_option_type_name(mg_option_type type);

// Shortens a text for a message: at most MG_SHORT_TEXT - 1 bytes, cut between characters.
enum { MG_SHORT_TEXT = 64 };
const char *mg_shorten(const char *text, char out[MG_SHORT_TEXT]);

#endif
