// source_state.h - the state of a source, which source.c (reading) and lend.c (rows used without a copy)
// share.
#ifndef MG_DATA_SOURCE_STATE_H
#define MG_DATA_SOURCE_STATE_H

#include "data/source.h"
#include "data/transpose.h"

struct mg_source {
    mg_h5 *file;
    char *name;
    mg_preparation preparation;
    mg_layout layout;
    mg_cell cell;
    int64_t rows, features;
    mg_h5_array *data;       // dense cells or CSR values
    mg_h5_array *indices;    // CSR
    const int64_t *indptr;   // CSR: [rows + 1], checked; the array of a program, or `own_indptr`
    int64_t *own_indptr;     // read from the file or converted; NULL if the array of a program is used
    mg_transpose *transpose; // CSC: the rows; NULL otherwise
    const mg_used *used;     // columns of CSR rows that are kept; NULL: all
    mg_vanished vanished;
    mg_rounding rounding; // dense cells of types that float32 does not hold
    double *wide;         // [features] a row of them in double precision
    const char *unlent;   // why the rows of a program could not be lent; NULL if they were
    void *slab;           // cells as stored in the file
    size_t slab_bytes;
    void *index_slab;
    size_t index_slab_bytes;
    void *pairs; // scratch space for sorting a row
    size_t pairs_bytes;
    mg_align align; // puts the columns into the order of known columns
    void *line;     // cells of a dense row before it is aligned
};

// For each type of cell, the type in the file that needs no conversion.
extern const mg_h5_type mg_source_stored_types[];

// The number of columns of rows in memory.
static inline int64_t mg_source_width(const mg_source *source) {
    return source->align.width ? source->align.width : source->features;
}

// True if rows are not prepared, so that values in memory are those in the file.
static inline bool mg_source_is_as_is(const mg_source *source) {
    return source->preparation.length == MG_ROW_AS_IS && !source->preparation.log1p &&
           !source->preparation.clip;
}

// Return MG_DATA with a message. mg_source_not_finite: the value, as stored, is not finite or does not fit
// into float32. mg_source_unfit: the row cannot be prepared; column -1: because of the row as a whole.
mg_status mg_source_not_finite(const mg_source *source, int64_t row, int64_t column, double value,
                               mg_error *error);
mg_status mg_source_unfit(const mg_source *source, int64_t row, int64_t column, float value, const char *why,
                          mg_error *error);

#endif
