// used.h - the used features: the columns for which a training row stores a value. In some wide files most
// columns are not used, for example in files of hashed n-grams. Then rows, weights and models hold only the
// used columns, numbered from 0 in the order of the file. The weights of all other columns are 0.
#ifndef MG_DATA_USED_H
#define MG_DATA_USED_H

#include "base/status.h"
#include "comm/comm.h"

#include <stdbool.h>
#include <stdint.h>

// Describes 64 columns of the file.
typedef struct mg_used_word {
    uint64_t bits;  // one bit for each used column
    int64_t before; // number of used columns before these 64
} mg_used_word;

typedef struct mg_used {
    int64_t width; // number of columns of the file; 0: all columns are used, and nothing is renumbered
    int64_t count; // number of used columns
    mg_used_word *word;
} mg_used; // must be zero before its first use

// Creates a set without used columns. Errors: MG_MEMORY.
mg_status mg_used_create(mg_used *used, int64_t width, mg_error *error);
void mg_used_clear(mg_used *used);
mg_status mg_used_copy(const mg_used *from, mg_used *to, mg_error *error);

// mg_used_mark adds columns, all below `width`, and counts them. When all are added, mg_used_finish must be
// called once.
void mg_used_mark(mg_used *used, int64_t n, const uint32_t *columns);
void mg_used_finish(mg_used *used);

// Adds the columns that other ranks have marked, before mg_used_finish. comm NULL: does nothing. Errors:
// MG_MEMORY; those of mg_comm_copies. The ranks agree on them.
mg_status mg_used_unite(mg_used *used, mg_comm *comm, mg_error *error);

// True if leaving out the other columns saves enough: the file is wide, and at most half of its columns are
// used. Otherwise rows, and models that other programs read, need not be renumbered.
bool mg_used_pays(const mg_used *used);
// The same while columns are marked: false if no other column can change that they do not pay.
bool mg_used_may_pay(const mg_used *used);

bool mg_used_same(const mg_used *a, const mg_used *b);

// Converts a column of the file to its number among the used ones; -1 if it is not used.
static inline int64_t mg_used_place(const mg_used *used, int64_t column) {
    if (!used->width) return column;
    const mg_used_word *word = &used->word[column >> 6];
    uint64_t bit = (uint64_t)1 << (column & 63);
    return word->bits & bit ? word->before + __builtin_popcountll(word->bits & (bit - 1)) : -1;
}

// Converts a number among the used columns to the column of the file.
int64_t mg_used_column(const mg_used *used, int64_t place);

// Writes the used columns in ascending order; out: [count].
void mg_used_list(const mg_used *used, uint32_t *out);

// Renumbers the columns of a sparse row, and removes those that are not used. Returns the number that is
// left.
int64_t mg_used_renumber(const mg_used *used, int64_t n, uint32_t *columns, float *values);

#endif
