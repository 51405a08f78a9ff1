// distinct.h - how many different values a column has, up to a limit; doubts about a guess look at it.
#ifndef MG_FORMAT_DISTINCT_H
#define MG_FORMAT_DISTINCT_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MG_DISTINCT_SIZE = 1 << 14, MG_DISTINCT_MOST = MG_DISTINCT_SIZE / 2 };

typedef struct mg_distinct {
    uint64_t *seen; // open table of digests; 0 is free. NULL: nothing is counted
    int64_t count;  // past MG_DISTINCT_MOST no more are counted
} mg_distinct;      // starts zeroed

mg_status mg_distinct_begin(mg_distinct *values, mg_error *error);
void mg_distinct_end(mg_distinct *values); // the count stays

void mg_distinct_meet(mg_distinct *values, uint64_t digest);

// Does nearly every one of `rows` rows have a value of its own? Past the limit: yes.
bool mg_distinct_many(const mg_distinct *values, int64_t rows);

#endif
