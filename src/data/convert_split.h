// convert_split.h - selects the test rows of `convert --split`: the same fraction of every class.
#ifndef MG_DATA_CONVERT_SPLIT_H
#define MG_DATA_CONVERT_SPLIT_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The label of each row as the number of a distinct text, collected in the first pass.
typedef struct mg_strata {
    uint32_t *row; // [count]
    int64_t count;
    size_t room;
    uint64_t *text, *value; // [distinct] digests of the label as a text, and as a whole number if it is one
    uint32_t distinct;
    size_t text_room, value_room;
    uint32_t *slot; // [slots] hash table (open addressing): number of a text plus 1; 0: free
    size_t slots;
} mg_strata; // must be zero before its first use

// Adds the label of the next row. Errors: MG_MEMORY.
mg_status mg_strata_add(mg_strata *strata, const char *label, size_t bytes, mg_error *error);
mg_status mg_strata_add_code(mg_strata *strata, int64_t label, mg_error *error);
void mg_strata_clear(mg_strata *strata);

typedef struct mg_strata_split {
    int64_t rows; // if no labels were added, they are one class
    bool numbers; // labels are whole numbers: 7 and 7.0 are the same
    double fraction;
    uint64_t seed;
} mg_strata_split;

// Selects round(fraction * rows) rows: of each class its share, rounded down, and one more of the classes
// where rounding has taken most. Which rows of a class depends on random numbers of (seed, row). Every class
// keeps at least one row. (*held)[i] is 1 for these rows, *count is their number; the caller frees *held.
// Errors: MG_MEMORY.
mg_status mg_strata_select(const mg_strata *strata, const mg_strata_split *split, uint8_t **held,
                           int64_t *count, mg_error *error);

#endif
