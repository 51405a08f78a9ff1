// pairs.h - the "index:value" pairs of one line as SVMlight and LIBSVM write them: read strictly, sorted,
// refused when an index comes twice.
#ifndef MG_FORMAT_PAIRS_H
#define MG_FORMAT_PAIRS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A line is words between blanks.
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
    int64_t low, high;       // indices allowed, as written; set by the caller
    const char *beyond;      // what to say of an index past `high`; may be NULL
    int64_t lowest, highest; // indices met so far, as written; the caller starts them beyond what may come
    int64_t count;           // of the line read last
    int64_t lost;            // of its values, not 0 but too small for float32
    uint32_t *indices;       // [count] as written, ascending
    float *values;           // [count]
    uint64_t *keys;          // [2 * count] scratch of an unsorted line
    size_t index_capacity, value_capacity, key_capacity;
} mg_pairs; // starts zeroed

// Reads the pairs in [at, end), up to a '#'; *end may be read and is no part of a number. On failure
// (MG_DATA, MG_MEMORY) *bad is the byte to blame, and the text in *error has no place.
mg_status mg_pairs_read(mg_pairs *pairs, const char *at, const char *end, const char **bad, mg_error *error);

void mg_pairs_clear(mg_pairs *pairs);

#endif
