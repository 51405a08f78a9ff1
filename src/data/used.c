// used.c - a set of columns as bits, with counts that allow to renumber a column in constant time.
#include "data/used.h"

#include "base/memory.h"
#include "comm/blocks.h"

#include <string.h>

enum { FEWEST_COLUMNS = 4096 }; // files with fewer columns keep all of them

static int64_t words_of(const mg_used *used) { return (used->width + 63) / 64; }

mg_status mg_used_create(mg_used *used, int64_t width, mg_error *error) {
    *used = (mg_used){.width = width};
    mg_status status = mg_memory_zeroed(&used->word, (size_t)words_of(used), sizeof *used->word, error);
    if (status) *used = (mg_used){0};
    return status;
}

void mg_used_clear(mg_used *used) {
    mg_memory_free(used->word);
    *used = (mg_used){0};
}

mg_status mg_used_copy(const mg_used *from, mg_used *to, mg_error *error) {
    *to = (mg_used){0};
    if (!from->width) return MG_OK;
    mg_status status = mg_used_create(to, from->width, error);
    if (status) return status;
    to->count = from->count;
    memcpy(to->word, from->word, (size_t)words_of(from) * sizeof *to->word);
    return MG_OK;
}

void mg_used_mark(mg_used *used, int64_t n, const uint32_t *columns) {
    for (int64_t e = 0; e < n; e++) {
        uint64_t *bits = &used->word[columns[e] >> 6].bits, bit = (uint64_t)1 << (columns[e] & 63);
        if (*bits & bit) continue;
        *bits |= bit;
        used->count++;
    }
}

mg_status mg_used_unite(mg_used *used, mg_comm *comm, mg_error *error) {
    mg_used_word *all = NULL;
    int64_t words = words_of(used);
    if (!comm || comm->ranks == 1) return MG_OK;
    mg_status status =
        mg_comm_copies(comm, used->word, (size_t)words * sizeof *used->word, (void **)&all, error);
    for (int r = 0; !status && r < comm->ranks; r++)
        for (int64_t w = 0; w < words; w++) used->word[w].bits |= all[r * words + w].bits;
    mg_memory_free(all);
    return status;
}

void mg_used_finish(mg_used *used) {
    used->count = 0;
    for (int64_t w = 0; w < words_of(used); w++) {
        used->word[w].before = used->count;
        used->count += __builtin_popcountll(used->word[w].bits);
    }
}

bool mg_used_may_pay(const mg_used *used) {
    return used->width >= FEWEST_COLUMNS && used->count <= used->width / 2;
}

bool mg_used_pays(const mg_used *used) { return used->count > 0 && mg_used_may_pay(used); }

bool mg_used_same(const mg_used *a, const mg_used *b) {
    return a->width == b->width && a->count == b->count &&
           (!a->width || !memcmp(a->word, b->word, (size_t)words_of(a) * sizeof *a->word));
}

int64_t mg_used_column(const mg_used *used, int64_t place) {
    if (!used->width) return place;
    int64_t low = 0, high = words_of(used) - 1;
    while (low < high) { // finds the last word with at most `place` used columns before it
        int64_t middle = high - (high - low) / 2;
        if (used->word[middle].before <= place) low = middle;
        else high = middle - 1;
    }
    uint64_t bits = used->word[low].bits;
    for (int64_t skip = place - used->word[low].before; skip > 0; skip--) bits &= bits - 1;
    return low * 64 + __builtin_ctzll(bits);
}

void mg_used_list(const mg_used *used, uint32_t *out) {
    for (int64_t w = 0; w < words_of(used); w++)
        for (uint64_t bits = used->word[w].bits; bits; bits &= bits - 1)
            *out++ = (uint32_t)(w * 64 + __builtin_ctzll(bits));
}

int64_t mg_used_renumber(const mg_used *used, int64_t n, uint32_t *columns, float *values) {
    if (!used->width) return n;
    int64_t kept = 0;
    for (int64_t e = 0; e < n; e++) {
        int64_t place = mg_used_place(used, columns[e]);
        if (place < 0) continue;
        columns[kept] = (uint32_t)place;
        values[kept++] = values[e];
    }
    return kept;
}
