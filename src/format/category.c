// category.c - a hash table of texts, which keeps their order.
#include "format/category.h"

#include "base/hash.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 4096 }; // a power of two, at least twice MG_CATEGORIES_MOST

// The place of the text in the table: that of an equal text, or a free one.
static uint16_t *slot_of(const mg_categories *c, const char *text, size_t bytes) {
    size_t at = (size_t)mg_hash_bytes(1, text, bytes) & (SLOTS - 1);
    for (; c->slot[at]; at = (at + 1) & (SLOTS - 1)) {
        const char *known = c->text[c->slot[at] - 1];
        if (strlen(known) == bytes && !memcmp(known, text, bytes)) break;
    }
    return &c->slot[at];
}

mg_status mg_categories_add(mg_categories *c, const char *text, size_t bytes, bool *full, mg_error *error) {
    *full = false;
    mg_status status = c->slot ? MG_OK : mg_memory_zeroed(&c->slot, SLOTS, sizeof *c->slot, error);
    if (status) return status;
    uint16_t *slot = slot_of(c, text, bytes);
    if (*slot) return MG_OK;
    *full = c->count == MG_CATEGORIES_MOST;
    if (*full) return MG_OK;
    status = mg_memory_grow(&c->text, &c->room, (size_t)c->count + 1, sizeof *c->text, error);
    if (!status) status = mg_memory_get(&c->text[c->count], bytes + 1, 1, error);
    if (status) return status;
    memcpy(c->text[c->count], text, bytes);
    c->text[c->count][bytes] = '\0';
    *slot = (uint16_t)++c->count;
    return MG_OK;
}

int64_t mg_categories_find(const mg_categories *c, const char *text, size_t bytes) {
    return c->slot ? (int64_t)*slot_of(c, text, bytes) - 1 : -1;
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

void mg_categories_sort(mg_categories *c) {
    if (!c->count) return;
    qsort(c->text, (size_t)c->count, sizeof *c->text, by_bytes);
    memset(c->slot, 0, SLOTS * sizeof *c->slot);
    for (int64_t i = 0; i < c->count; i++) *slot_of(c, c->text[i], strlen(c->text[i])) = (uint16_t)(i + 1);
}

void mg_categories_clear(mg_categories *c) {
    for (int64_t i = 0; i < c->count; i++) mg_memory_free(c->text[i]);
    mg_memory_free(c->text);
    mg_memory_free(c->slot);
    *c = (mg_categories){0};
}
