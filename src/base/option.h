// option.h - one row describes one option: where it lives, its default, its range, its help. Parsing,
// printing and checking read the same row, so they cannot drift apart.
#ifndef MG_BASE_OPTION_H
#define MG_BASE_OPTION_H

#include "base/nearest.h"
#include "base/number.h"
#include "base/status.h"

#include <float.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum mg_option_type {
    MG_OPTION_INT,     // int64_t; unset is MG_UNSET_INT
    MG_OPTION_REAL,    // double; unset is NaN
    MG_OPTION_BOOL,    // bool; cannot be unset, a preset is needed
    MG_OPTION_TEXT,    // char *, owned by the section; unset is NULL
    MG_OPTION_CHOICE,  // const char *, one of the names `choice` gives, in its storage; unset is NULL
    MG_OPTION_WEIGHTS, // mg_option_weights: a word, or a mapping label -> weight
    MG_OPTION_BYTES,   // int64_t, bytes; unset is MG_UNSET_INT. 512MB, 1.5GiB, 4096
    MG_OPTION_SECONDS, // double, seconds; unset is NaN. 90, 90s, 1.5m, 2h
} mg_option_type;

#define MG_UNSET_INT INT64_MIN

// Ends of a range that is open there; printed as "more than 0" and "less than 1".
#define MG_ABOVE_ZERO DBL_MIN
#define MG_BELOW_ONE (1 - DBL_EPSILON / 2)

// Value of an MG_OPTION_WEIGHTS option: `word` ("none", "balanced") or, when NULL, `count` pairs as written.
typedef struct mg_option_weights {
    char *word;
    int64_t count;
    char **labels;
    double *weights;
} mg_option_weights;

typedef struct mg_option {
    const char *name;
    mg_option_type type;
    size_t offset;      // of the value in the section's struct
    const char *preset; // default, as written in a file; "" = unset
    // Allowed range of a number (or of a weight), both ends included; an infinite end is open.
    double low, high;
    const char *(*choice)(int i); // i-th allowed name of a choice or word of weights, NULL past the last
    // Extra check of a text value; on refusal fills error->text with the allowed forms. May be NULL.
    mg_status (*check)(const char *value, mg_error *error);
    bool changes_result; // false: threads, paths, verbosity - may differ between a run and its resumption
    const char *help;    // one sentence, with the unit
} mg_option;

// Below, `values` is the section's own struct, the one its rows' offsets are in.
typedef struct mg_section {
    const char *name;
    const char *help;
    const mg_option *options;
    int count;
    // Check across the options, run once all are read; may be NULL. origins[i]: where options[i] was set,
    // such as "configs/x.yaml:7" or "--set"; NULL when it holds its preset. See mg_section_origin.
    mg_status (*check)(const void *values, const char *const *origins, mg_error *error);
} mg_section;

// Sets every option of the zeroed struct at `values` to its preset.
mg_status mg_section_preset(const mg_section *section, void *values, mg_error *error);

// Frees what the values own and leaves them unset; safe on a zeroed struct.
void mg_section_clear(const mg_section *section, void *values);

// Row called `name`, or NULL.
const mg_option *mg_section_find(const mg_section *section, const char *name);

// origins[] entry of the row called `name`; NULL also when there is no such row.
const char *mg_section_origin(const mg_section *section, const char *const *origins, const char *name);

// Parses `value` into the option; NULL puts the preset back. On failure the old value stands. Errors
// (MG_CONFIG): one text without the place, e.g. "train.batch: 0 is not allowed (1 to 16777216)"; the caller
// adds file:line.
mg_status mg_option_parse(const mg_section *section, const mg_option *option, void *values, const char *value,
                          mg_error *error);

// Adds one label -> weight pair to an MG_OPTION_WEIGHTS option; the first pair replaces the word. Whether the
// label was there before is the caller's to know.
mg_status mg_option_add_weight(const mg_section *section, const mg_option *option, void *values,
                               const char *label, const char *weight, mg_error *error);

// The value as YAML text on one line (quoted where needed); "" when unset. Returned text is the caller's.
mg_status mg_option_print(const mg_option *option, const void *values, char **out, mg_error *error);

// What may be written, e.g. "1 to 16777216" or "one of sgd, dual"; cut to `size`.
void mg_option_allowed(const mg_option *option, char *out, size_t size);

// "whole number", "text" and so on.
const char *mg_option_type_name(mg_option_type type);

// Quotes foreign text for a message: short enough for one line, cut between characters.
enum { MG_SHORT_TEXT = 64 };
const char *mg_shorten(const char *text, char out[MG_SHORT_TEXT]);

#endif
