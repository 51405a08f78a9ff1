// pairs.c - parses index:value pairs, and sorts those of a line.
#include "format/pairs.h"

#include "base/memory.h"
#include "format/fields.h"
#include "format/keys.h"

#include <float.h>
#include <math.h>
#include <string.h>

static mg_status refuse_index(const mg_pairs *pairs, const char *at, const char *end, int64_t index,
                              mg_error *error) {
    size_t bytes = (size_t)(mg_skip_word(at, end) - at);
    if (bytes >= 4 && !memcmp(at, "qid:", 4))
        return mg_fail(error, MG_DATA, "qid belongs to ranking data; margin learns classes: remove it");
    if (index < 0)
        return mg_fail(error, MG_DATA, "'%.*s' is not of the form index:value",
                       (int)(bytes < 40 ? bytes : 40), at);
    if (index < pairs->low) return mg_fail(error, MG_DATA, "index 0, but indices begin at 1 (--base 1)");
    return mg_fail(error, MG_DATA, "index %lld is above %lld, the largest allowed%s%s", (long long)index,
                   (long long)pairs->high, pairs->beyond ? "; " : "", pairs->beyond ? pairs->beyond : "");
}

// Reads one "index:value" at *at, and moves *at after it; if it fails, *at becomes the position of the error.
static inline mg_status read_pair(const mg_pairs *pairs, const char **at, const char *end, int64_t *index,
                                  double *value, mg_error *error) {
    const char *c = *at;
    int64_t n = 0;
    while (c < end && (unsigned char)(*c - '0') < 10 && n <= UINT32_MAX) n = n * 10 + (*c++ - '0');
    if (c == *at || c == end || *c != ':' || n < pairs->low || n > pairs->high) {
        bool number = c > *at && c < end && (*c == ':' || n > UINT32_MAX);
        return refuse_index(pairs, *at, end, number ? n : -1, error);
    }
    // LIBLINEAR accepts "63: .5" with a blank, and some of its files have it.
    const char *begin = mg_skip_blanks(c + 1, end), *after = mg_text_number(begin, end, value);
    if (!after || (after < end && !mg_is_blank(*after) && *after != '#') || !(fabs(*value) <= FLT_MAX)) {
        *at = begin;
        return mg_number_complain(begin, mg_skip_word(begin, end), error);
    }
    *index = n;
    *at = after;
    return MG_OK;
}

// Returns the error that `index` is repeated; *bad becomes the position of its second occurrence.
static mg_status refuse_repeat(const char *at, const char *end, uint32_t index, const char **bad,
                               mg_error *error) {
    int met = 0;
    for (at = mg_skip_blanks(at, end); at < end; at = mg_skip_blanks(mg_skip_word(at, end), end)) {
        uint64_t n = 0;
        const char *c = at;
        for (; c < end && *c >= '0' && *c <= '9' && n <= UINT32_MAX; c++) n = n * 10 + (uint64_t)(*c - '0');
        if (c > at && c < end && *c == ':' && n == index && ++met == 2) break;
    }
    *bad = at;
    return mg_fail(error, MG_DATA, "feature %u is given twice: keep one of its values", index);
}

static mg_status sort_line(mg_pairs *pairs, const char *at, const char *end, const char **bad,
                           mg_error *error) {
    size_t count = (size_t)pairs->count;
    mg_status status =
        mg_memory_grow(&pairs->keys, &pairs->key_capacity, count * 2, sizeof *pairs->keys, error);
    if (status) return status;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &pairs->values[i], 4);
        pairs->keys[i] = (uint64_t)pairs->indices[i] << 32 | bits;
    }
    mg_keys_sort(pairs->keys, pairs->keys + count, count, 32, 64);
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = (uint32_t)pairs->keys[i];
        memcpy(&pairs->values[i], &bits, 4);
        pairs->indices[i] = (uint32_t)(pairs->keys[i] >> 32);
        if (i > 0 && pairs->indices[i] == pairs->indices[i - 1])
            return refuse_repeat(at, end, pairs->indices[i], bad, error);
    }
    return MG_OK;
}

static mg_status make_room(mg_pairs *pairs, size_t count, mg_error *error) {
    mg_status status =
        mg_memory_grow(&pairs->indices, &pairs->index_capacity, count, sizeof *pairs->indices, error);
    return status
               ? status
               : mg_memory_grow(&pairs->values, &pairs->value_capacity, count, sizeof *pairs->values, error);
}

mg_status mg_pairs_read(mg_pairs *pairs, const char *at, const char *end, const char **bad, mg_error *error) {
    const char *begin = at;
    int64_t index = -1, before = -1;
    double value = 0;
    bool sorted = true;
    pairs->count = pairs->lost = 0;
    for (at = mg_skip_blanks(at, end); at < end && *at != '#'; at = mg_skip_blanks(at, end)) {
        size_t n = (size_t)pairs->count;
        mg_status status =
            n == pairs->index_capacity || n == pairs->value_capacity ? make_room(pairs, n + 1, error) : MG_OK;
        if (!status) status = read_pair(pairs, &at, end, &index, &value, error);
        *bad = at;
        if (status) return status;
        sorted = sorted && index > before;
        before = index;
        if (index < pairs->lowest) pairs->lowest = index;
        if (index > pairs->highest) pairs->highest = index;
        pairs->indices[n] = (uint32_t)index;
        pairs->values[n] = (float)value;
        pairs->lost += mg_text_vanishes(value);
        pairs->count++;
    }
    return sorted ? MG_OK : sort_line(pairs, begin, end, bad, error);
}

void mg_pairs_clear(mg_pairs *pairs) {
    mg_memory_free(pairs->indices);
    mg_memory_free(pairs->values);
    mg_memory_free(pairs->keys);
    *pairs = (mg_pairs){0};
}
