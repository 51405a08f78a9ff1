// source_state.h - the state of a source, which source.c (reading) and lend.c (rows used without a copy)
// share.
#ifndef MG_DATA_SOURCE_STATE_H
#define MG_DATA_SOURCE_STATE_H

#include "data/source.h"
#include "data/transpose.h"

// The sources of several files, whose rows follow one another.
typedef struct mg_source_parts {
    int count;
    mg_source **source; // [count]
    int64_t *first;     // [count + 1] number of the first row of each, and of all rows
    int64_t *select;    // row numbers within a part
    size_t room;
} mg_source_parts;

// Bytes that grow when they are needed.
typedef struct mg_source_slab {
    void *at;
    size_t bytes;
} mg_source_slab;

// Rows of which it is known where their stored values end.
typedef struct mg_source_ends {
    int64_t first, count;
    mg_h5_array *array; // indptr in the file, until mg_source_read_ends; otherwise NULL
} mg_source_ends;

struct mg_source {
    mg_h5 *file;
    char *name;
    mg_preparation preparation;
    mg_layout layout;
    mg_cell cell;
    int64_t rows, features;
    mg_h5_array *data;    // dense cells or CSR values
    mg_h5_array *indices; // CSR
    // CSR: [rows + 1], checked; the array of a program, or `own_indptr`. Of ranks: only from row `from` on,
    // [own rows + 1] (mg_source_read_ends)
    const int64_t *indptr;
    int64_t *own_indptr;     // read from the file or converted; NULL if the array of a program is used
    mg_source_ends ends;     // which rows `indptr` is about
    mg_transpose *transpose; // CSC: the rows; NULL otherwise
    const mg_used *used;     // columns of CSR rows that are kept; NULL: all
    mg_vanished vanished;
    mg_rounding rounding; // dense cells of types that float32 does not hold
    double *wide;         // [features] a row of them in double precision
    const char *unlent;   // why the rows of a program could not be lent; NULL if they were
    mg_source_slab slab;  // cells as stored in the file
    mg_source_slab index_slab;
    mg_source_slab pairs; // scratch space for sorting a row
    mg_align align;       // puts the columns into the order of known columns
    void *line;           // cells of a dense row before it is aligned
    // If the rows are in several files: the sources of these files. NULL if there is a single file.
    mg_source_parts *parts;
};

// For each type of cell, the type in the file that needs no conversion.
extern const mg_h5_type mg_source_stored_types[];

// The number of columns of rows in memory.
static inline int64_t mg_source_width(const mg_source *source) {
    return source->align.width ? source->align.width : source->features;
}

// CSR: where the stored values of a row begin. It ends where the next row begins.
static inline int64_t mg_source_begin(const mg_source *source, int64_t row) {
    return source->indptr[row - source->ends.first];
}

// True if rows are not prepared, so that values in memory are those in the file.
static inline bool mg_source_is_as_is(const mg_source *source) {
    return source->preparation.length == MG_ROW_AS_IS && !source->preparation.log1p &&
           !source->preparation.clip;
}

// The functions of source.h for several files (source_parts.c). mg_source_parts_check refuses a file with
// another layout or other columns than the first one: MG_DATA with the file and what differs.
mg_status mg_source_parts_check(const mg_source *known, const mg_source *other, mg_error *error);
mg_status mg_source_parts_align(const mg_source *source, const mg_align *align, mg_error *error);
mg_status mg_source_parts_read_ends(mg_source *source, int64_t first, int64_t end, mg_error *error);
mg_status mg_source_parts_read(mg_source *source, const int64_t *select, int64_t first, int64_t count,
                               mg_store *store, mg_error *error);
int64_t mg_source_parts_stored(const mg_source *source, const int64_t *select, int64_t first, int64_t count);
void mg_source_parts_rounding(const mg_source *source, char out[MG_SOURCE_ROUNDING]);

// `of` returns a number for each file. These functions return the sum of these numbers, and the largest of
// them.
int64_t mg_source_parts_sum(const mg_source *source, int64_t (*of)(const mg_source *));
int64_t mg_source_parts_most(const mg_source *source, int64_t (*of)(const mg_source *));

// Return MG_DATA with a message. mg_source_not_finite: the value, as stored, is not finite or does not fit
// into float32. mg_source_unfit: the row cannot be prepared; column -1: because of the row as a whole.
mg_status mg_source_not_finite(const mg_source *source, int64_t row, int64_t column, double value,
                               mg_error *error);
mg_status mg_source_unfit(const mg_source *source, int64_t row, int64_t column, float value, const char *why,
                          mg_error *error);

#endif
