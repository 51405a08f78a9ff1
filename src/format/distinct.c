// distinct.c - the hash table of digests.
#include "format/distinct.h"

#include "base/memory.h"

mg_status mg_distinct_begin(mg_distinct *values, mg_error *error) {
    values->count = 0;
    return mg_memory_zeroed(&values->seen, MG_DISTINCT_SIZE, sizeof *values->seen, error);
}

void mg_distinct_end(mg_distinct *values) {
    mg_memory_free(values->seen);
    values->seen = NULL;
}

void mg_distinct_meet(mg_distinct *values, uint64_t digest) {
    values->again = values->again || (values->met && digest == values->first);
    if (!values->met) values->first = digest;
    values->met = true;
    if (!values->seen || values->count > MG_DISTINCT_MOST) return;
    if (digest == 0) digest = 1;
    size_t at = digest & (MG_DISTINCT_SIZE - 1);
    while (values->seen[at] != 0 && values->seen[at] != digest) at = (at + 1) & (MG_DISTINCT_SIZE - 1);
    values->count += values->seen[at] == 0;
    values->seen[at] = digest;
}

bool mg_distinct_many(const mg_distinct *values, int64_t rows) {
    return values->count > MG_DISTINCT_MOST || values->count * 2 > rows;
}
