// distinct.h - counts the distinct values of a column, up to a limit, to check a guess.
#ifndef MG_FORMAT_DISTINCT_H
#define MG_FORMAT_DISTINCT_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MG_DISTINCT_SIZE = 1 << 14, MG_DISTINCT_MOST = MG_DISTINCT_SIZE / 2 };

typedef struct mg_distinct {
    uint64_t *seen; // open hash table of digests; 0: free. NULL: nothing is counted
    int64_t count;  // counting stops above MG_DISTINCT_MOST
} mg_distinct;      // starts zeroed

mg_status mg_distinct_begin(mg_distinct *values, mg_error *error);
void mg_distinct_end(mg_distinct *values); // keeps the count

void mg_distinct_meet(mg_distinct *values, uint64_t digest);

// Returns true if most of `rows` rows have a value of their own, or if the limit was exceeded.
bool mg_distinct_many(const mg_distinct *values, int64_t rows);

#endif
