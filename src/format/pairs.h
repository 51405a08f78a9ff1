// pairs.h - the index:value pairs of one line of SVMlight or LIBSVM. They are parsed strictly and sorted;
// repeated indices are refused.
#ifndef MG_FORMAT_PAIRS_H
#define MG_FORMAT_PAIRS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A line consists of words between blanks.
static inline bool mg_is_blank(char c) { return c == ' ' || c == '\t'; }

static inline const char *mg_skip_blanks(const char *at, const char *end) {
    while (at < end && mg_is_blank(*at)) at++;
    return at;
}

static inline const char *mg_skip_word(const char *at, const char *end) {
    while (at < end && !mg_is_blank(*at)) at++;
    return at;
}

typedef struct mg_pairs {
    int64_t low, high;       // allowed range of indices as written in the file; set by the caller
    const char *beyond;      // advice for the message about an index above `high`; may be NULL
    int64_t lowest, highest; // smallest and largest index so far, as written in the file; the caller sets
                             // their start values
    int64_t count;           // number of pairs in the last line
    int64_t lost;            // number of values in it that are not 0 but too small for float32
    uint32_t *indices;       // [count] as written in the file, ascending
    float *values;           // [count]
    uint64_t *keys;          // [2 * count] scratch memory for sorting
    size_t index_capacity, value_capacity, key_capacity;
} mg_pairs; // must be zero before the first call

// Reads the pairs in [at, end), up to a '#'. *end must be readable and must not continue a number. If it
// fails (MG_DATA, MG_MEMORY), *bad is the position of the error, and the message lacks file:line.
mg_status mg_pairs_read(mg_pairs *pairs, const char *at, const char *end, const char **bad, mg_error *error);

void mg_pairs_clear(mg_pairs *pairs);

#endif
