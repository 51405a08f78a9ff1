// split.h - which rows of a file are held out: a fraction of them, or one fold of a cross-validation.
#ifndef MG_DATA_SPLIT_H
#define MG_DATA_SPLIT_H

#include "base/names.h"
#include "data/labels.h"

typedef struct mg_split_request {
    const char *name;     // of the file, for messages
    const int32_t *label; // [rows]; NULL: there are no classes to keep, and no folds
    int64_t rows;
    const mg_classes *classes;
    double fraction; // when folds is 0
    int64_t folds, fold;
    uint64_t seed;
} mg_split_request;

typedef struct mg_split {
    uint8_t *held;                    // [rows] 1: held out
    int64_t unseen;                   // classes of which no row is held out (folds: in none of them)
    char unseen_label[MG_NAME_SHOWN]; // the first of them
} mg_split;

// Every class keeps at least one row that is not held out. Fraction: a row is held out by a draw from (seed,
// row) alone; of a class that would lose all its rows, the row of the largest draw stays. Folds: see folds.h.
// Errors: those of mg_folds_deal; MG_MEMORY.
mg_status mg_split_rows(const mg_split_request *request, mg_split *split, mg_error *error);
void mg_split_clear(mg_split *split);

#endif
