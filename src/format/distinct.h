// distinct.h - counts the distinct values of a column, up to a limit.
#ifndef MG_FORMAT_DISTINCT_H
#define MG_FORMAT_DISTINCT_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MG_DISTINCT_SIZE = 1 << 14, MG_DISTINCT_MOST = MG_DISTINCT_SIZE / 2 };

typedef struct mg_distinct {
    uint64_t *seen;  // hash table (open addressing) of digests; 0: free place. NULL: values are not counted
    int64_t count;   // counting stops above MG_DISTINCT_MOST
    uint64_t first;  // the first digest
    bool met, again; // there was a first one; it was met again
} mg_distinct;       // must be zero before its first use

mg_status mg_distinct_begin(mg_distinct *values, mg_error *error);
void mg_distinct_end(mg_distinct *values); // frees the table; `count` remains

void mg_distinct_meet(mg_distinct *values, uint64_t digest);

// Returns true if most of the `rows` values are distinct, or if there were more than MG_DISTINCT_MOST.
bool mg_distinct_many(const mg_distinct *values, int64_t rows);

#endif
