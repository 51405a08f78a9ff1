// align.h - puts the columns of a file into the order of known columns, by their names. A known column that
// the file lacks is 0 in every row; a column of the file that is not known is left out.
#ifndef MG_DATA_ALIGN_H
#define MG_DATA_ALIGN_H

#include "base/names.h"

typedef struct mg_align {
    int64_t width;   // columns of aligned rows; 0: rows stay as they are in the file
    int64_t columns; // columns of the file
    int64_t matched; // columns that both have
    int64_t *place;  // [columns] the known column of each column of the file; -1: it is left out
    int64_t *from;   // [width] the column of the file for each known column; -1: the file lacks it
    bool ascending;  // the matched columns are in the same order in both
} mg_align;          // must be zero before its first use

// Matches the names of a file with known ones. Errors: MG_DATA if a name occurs twice in one of the lists;
// MG_MEMORY.
mg_status mg_align_create(const mg_names *known, const mg_names *own, const mg_names_parties *parties,
                          mg_align *align, mg_error *error);
void mg_align_clear(mg_align *align);

// Refuses an alignment that lacks known columns. Errors: MG_DATA with the first of them.
mg_status mg_align_complete(const mg_align *align, const mg_names *known, const mg_names_parties *parties,
                            mg_error *error);

// Copies the cells (of `cell` bytes) of a dense row of the file into an aligned row.
void mg_align_dense(const mg_align *align, size_t cell, const void *row, void *to);

// Renumbers the columns of a sparse row, and removes those that are left out. Returns the number that is
// left. Unless align->ascending, the row must be sorted afterwards.
int64_t mg_align_sparse(const mg_align *align, int64_t n, uint32_t *columns, float *values);

// Returns the column of the file for a column of the aligned rows that is not missing.
static inline int64_t mg_align_column(const mg_align *align, int64_t column) {
    return align->width ? align->from[column] : column;
}

enum { MG_ALIGN_TEXT = 160 };

// Describes the result: "features: 1,700 of 2,000 matched, 300 missing (taken as 0), 50 not used". `others`:
// further columns of the file that are not used. `out` becomes "" if rows stay as they are and others is 0.
void mg_align_text(const mg_align *align, int64_t width, int64_t others, char out[MG_ALIGN_TEXT]);

#endif
