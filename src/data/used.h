// used.h - the columns that occur in the training rows, if most columns of the file never occur (hashed
// n-grams, for example). Rows, weights and models then hold the used columns only, numbered from 0 in the
// order of the file: the weights of all other columns are 0.
#ifndef MG_DATA_USED_H
#define MG_DATA_USED_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

// 64 columns of the file.
typedef struct mg_used_word {
    uint64_t bits;  // of the used ones
    int64_t before; // used columns before these 64
} mg_used_word;

typedef struct mg_used {
    int64_t width; // columns of the file; 0: every column is used, and nothing is renumbered
    int64_t count; // used columns
    mg_used_word *word;
} mg_used; // starts zeroed

// No column is used yet. Errors: MG_MEMORY.
mg_status mg_used_create(mg_used *used, int64_t width, mg_error *error);
void mg_used_clear(mg_used *used);
mg_status mg_used_copy(const mg_used *from, mg_used *to, mg_error *error);

// Adds columns, all below `width`; then mg_used_finish must be called once.
void mg_used_mark(mg_used *used, int64_t n, const uint32_t *columns);
void mg_used_finish(mg_used *used);

// Returns true if leaving the other columns out saves enough: the file is wide, and at most half of its
// columns are used. Readers of small and dense models are spared the renumbering.
bool mg_used_pays(const mg_used *used);

bool mg_used_same(const mg_used *a, const mg_used *b);

// The number of a column of the file among the used ones; -1: it is not used.
static inline int64_t mg_used_place(const mg_used *used, int64_t column) {
    if (!used->width) return column;
    const mg_used_word *word = &used->word[column >> 6];
    uint64_t bit = (uint64_t)1 << (column & 63);
    return word->bits & bit ? word->before + __builtin_popcountll(word->bits & (bit - 1)) : -1;
}

// The column of the file that has this number among the used ones.
int64_t mg_used_column(const mg_used *used, int64_t place);

// Writes the used columns in ascending order; out: [count].
void mg_used_list(const mg_used *used, uint32_t *out);

// Renumbers the columns of a sparse row, and removes those that are not used. Returns how many are left.
int64_t mg_used_renumber(const mg_used *used, int64_t n, uint32_t *columns, float *values);

#endif
