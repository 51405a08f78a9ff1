// names.c - lists of names: their limits, and the message about the difference of two lists.
#include "base/names.h"

#include "base/arithmetic.h"
#include "base/memory.h"
#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

mg_status mg_names_take(mg_names *names, char **text, int64_t count, const char *where, mg_error *error) {
    for (int64_t i = 0; i < count; i++) {
        size_t bytes = strlen(text[i]);
        if (bytes > MG_NAME_LONGEST)
            return mg_fail(error, MG_DATA,
                           "%s[%lld] is a name of %zu bytes; at most %d are allowed: shorten it", where,
                           (long long)i, bytes, MG_NAME_LONGEST);
        if (!mg_utf8_valid(text[i]))
            return mg_fail(error, MG_DATA, "%s[%lld] is a name that is not UTF-8: write the names as UTF-8",
                           where, (long long)i);
    }
    *names = (mg_names){count, text};
    return MG_OK;
}

mg_status mg_names_copy(const mg_names *from, mg_names *to, mg_error *error) {
    *to = (mg_names){.count = from->count};
    if (!from->count) return MG_OK;
    mg_status status = mg_memory_zeroed(&to->text, (size_t)from->count, sizeof *to->text, error);
    for (int64_t i = 0; !status && i < from->count; i++)
        status = mg_memory_text(&to->text[i], from->text[i], error);
    if (status) mg_names_clear(to);
    return status;
}

void mg_names_clear(mg_names *names) {
    for (int64_t i = 0; names->text && i < names->count; i++) mg_memory_free(names->text[i]);
    mg_memory_free(names->text);
    *names = (mg_names){0};
}

double mg_names_bytes(const mg_names *names) {
    double bytes = (double)names->count * sizeof *names->text;
    for (int64_t i = 0; i < names->count; i++) bytes += (double)mg_memory_block(strlen(names->text[i]) + 1);
    return bytes;
}

size_t mg_names_width(const mg_names *names) {
    size_t width = 1;
    for (int64_t i = 0; i < names->count; i++) {
        size_t bytes = strlen(names->text[i]);
        width = bytes > width ? bytes : width;
    }
    return width;
}

// Compares names; equal names keep their order in the list.
static int by_text(const void *a, const void *b) {
    const char *const *x = *(const char *const *const *)a, *const *y = *(const char *const *const *)b;
    int order = strcmp(*x, *y);
    return order ? order : (x > y) - (x < y);
}

// Creates a list of pointers to the names, sorted by name.
static mg_status sort_names(const mg_names *names, char ***(*out), mg_error *error) {
    mg_status status = mg_memory_get(out, (size_t)names->count, sizeof **out, error);
    for (int64_t i = 0; !status && i < names->count; i++) (*out)[i] = &names->text[i];
    if (!status) qsort(*out, (size_t)names->count, sizeof **out, by_text);
    return status;
}

mg_status mg_names_repeat(const mg_names *names, bool *found, int64_t *first, int64_t *second,
                          mg_error *error) {
    char ***sorted;
    *found = false;
    mg_status status = sort_names(names, &sorted, error);
    for (int64_t i = 1; !status && i < names->count; i++) {
        int64_t at = sorted[i] - names->text;
        if (strcmp(*sorted[i - 1], *sorted[i]) || (*found && at > *second)) continue;
        *found = true;
        *second = at;
        *first = sorted[i - 1] - names->text;
    }
    mg_memory_free(sorted);
    return status;
}

// Counts how many names of `a` are in `b`; each name of `b` is matched at most once.
static mg_status count_common(const mg_names *a, const mg_names *b, int64_t *common, mg_error *error) {
    char ***x = NULL, ***y = NULL;
    *common = 0;
    mg_status status = sort_names(a, &x, error);
    if (!status) status = sort_names(b, &y, error);
    for (int64_t i = 0, j = 0; !status && i < a->count && j < b->count;) {
        int order = strcmp(*x[i], *y[j]);
        *common += order == 0;
        i += order <= 0;
        j += order >= 0;
    }
    mg_memory_free(x);
    mg_memory_free(y);
    return status;
}

const char *mg_name_shown(const char *name, char out[MG_NAME_SHOWN]) {
    const size_t most = MG_NAME_SHOWN - 4;
    size_t bytes = strlen(name);
    if (bytes <= most) {
        memcpy(out, name, bytes + 1);
        return out;
    }
    bytes = most;
    while (bytes && ((unsigned char)name[bytes] & 0xc0) == 0x80) bytes--;
    memcpy(out, name, bytes);
    memcpy(out + bytes, "...", 4);
    return out;
}

static void describe_rest(const mg_names *known, const mg_names *other, int64_t common, char *out,
                          size_t size) {
    int64_t missing = known->count - common, more = other->count - common;
    if (!missing && !more) snprintf(out, size, "the same names in another order");
    else
        snprintf(out, size, "%lld of %lld names are missing, and %lld are new", (long long)missing,
                 (long long)known->count, (long long)more);
}

mg_status mg_names_compare(const mg_names *known, const mg_names *other, const mg_names_parties *parties,
                           mg_error *error) {
    int64_t least = mg_min(known->count, other->count), at = 0, common;
    char rest[160], a[MG_NAME_SHOWN], b[MG_NAME_SHOWN];
    while (at < least && !strcmp(known->text[at], other->text[at])) at++;
    if (at == known->count && at == other->count) return MG_OK;
    mg_status status = count_common(known, other, &common, error);
    if (status) return status;
    describe_rest(known, other, common, rest, sizeof rest);
    if (at == other->count)
        return mg_fail(error, MG_DATA, "%s: has %lld features; feature %lld, '%s' %s, is missing (%s): %s",
                       parties->path, (long long)other->count, (long long)at + 1,
                       mg_name_shown(known->text[at], a), parties->whose, rest, parties->advice);
    if (at == known->count)
        return mg_fail(error, MG_DATA,
                       "%s: feature %lld is '%s', but there are only %lld features %s (%s): %s",
                       parties->path, (long long)at + 1, mg_name_shown(other->text[at], a),
                       (long long)known->count, parties->whose, rest, parties->advice);
    return mg_fail(error, MG_DATA, "%s: feature %lld is '%s' but '%s' %s (%s): %s", parties->path,
                   (long long)at + 1, mg_name_shown(other->text[at], a), mg_name_shown(known->text[at], b),
                   parties->whose, rest, parties->advice);
}
