// category.h - the distinct texts of one column that --one-hot encodes. Each becomes a feature.
#ifndef MG_FORMAT_CATEGORY_H
#define MG_FORMAT_CATEGORY_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MG_CATEGORIES_MOST = 1000 };

typedef struct mg_categories {
    char **text; // [count]
    int64_t count;
    size_t room;
    uint16_t *slot; // hash table (open addressing): position in `text` plus 1; 0: free. NULL before the first
} mg_categories;    // must be zero before its first use

// Adds a text unless it is there; *full becomes true, and nothing is added, if it would be one too many.
// Errors: MG_MEMORY.
mg_status mg_categories_add(mg_categories *categories, const char *text, size_t bytes, bool *full,
                            mg_error *error);

// The position of the text; -1 if it is not there.
int64_t mg_categories_find(const mg_categories *categories, const char *text, size_t bytes);

// Puts the texts into the order of their bytes. Positions change.
void mg_categories_sort(mg_categories *categories);

void mg_categories_clear(mg_categories *categories);

#endif
