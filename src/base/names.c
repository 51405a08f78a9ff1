// names.c - lists of names: their limits, how a name is found, and the message about the difference of two
// lists.
#include "base/names.h"

#include "base/arithmetic.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/utf8.h"

#include <stdio.h>
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

// The slot that has the name, or the free slot where it belongs.
static size_t slot_of(const mg_names_index *index, const char *name) {
    size_t at = (size_t)mg_hash_bytes(0, name, strlen(name)) & (index->size - 1);
    while (index->slot[at] && strcmp(index->names->text[index->slot[at] - 1], name))
        at = (at + 1) & (index->size - 1);
    return at;
}

mg_status mg_names_index_create(const mg_names *names, mg_names_index *index, mg_error *error) {
    *index = (mg_names_index){.names = names, .size = 16, .repeated = -1};
    while (index->size < 2 * (size_t)names->count) index->size *= 2;
    mg_status status = mg_memory_zeroed(&index->slot, index->size, sizeof *index->slot, error);
    for (int64_t i = 0; !status && i < names->count; i++) {
        size_t at = slot_of(index, names->text[i]);
        if (index->slot[at] && index->repeated < 0) index->repeated = i;
        if (!index->slot[at]) index->slot[at] = i + 1;
    }
    return status;
}

void mg_names_index_clear(mg_names_index *index) {
    mg_memory_free(index->slot);
    *index = (mg_names_index){0};
}

int64_t mg_names_find(const mg_names_index *index, const char *name) {
    return index->slot[slot_of(index, name)] - 1;
}

mg_status mg_names_repeat(const mg_names *names, bool *found, int64_t *first, int64_t *second,
                          mg_error *error) {
    mg_names_index index;
    mg_status status = mg_names_index_create(names, &index, error);
    *found = !status && index.repeated >= 0;
    if (*found) {
        *second = index.repeated;
        *first = mg_names_find(&index, names->text[*second]);
    }
    mg_names_index_clear(&index);
    return status;
}

// Counts how many names of `a` are in `b`; a name that occurs twice counts once.
static mg_status count_common(const mg_names *a, const mg_names *b, int64_t *common, mg_error *error) {
    mg_names_index index;
    bool *met = NULL;
    *common = 0;
    mg_status status = mg_names_index_create(b, &index, error);
    if (!status) status = mg_memory_zeroed(&met, (size_t)b->count, sizeof *met, error);
    for (int64_t i = 0; !status && i < a->count; i++) {
        int64_t at = mg_names_find(&index, a->text[i]);
        if (at < 0 || met[at]) continue;
        met[at] = true;
        ++*common;
    }
    mg_memory_free(met);
    mg_names_index_clear(&index);
    return status;
}

bool mg_names_same(const mg_names *a, const mg_names *b) {
    int64_t i = 0;
    if (a->count != b->count) return false;
    while (i < a->count && !strcmp(a->text[i], b->text[i])) i++;
    return i == a->count;
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
