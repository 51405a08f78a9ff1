// split.h - selects the held-out rows of a file: a fraction of them, or one fold of a cross-validation.
#ifndef MG_DATA_SPLIT_H
#define MG_DATA_SPLIT_H

#include "base/names.h"
#include "data/labels.h"

typedef struct mg_split_request {
    const char *name; // name of the file, for messages
    // [rows] below 0: the row has no label and is not held out. NULL: there are no classes to protect, and
    // folds are not possible
    const int32_t *label;
    int64_t rows;
    const mg_classes *classes;
    double fraction; // used if folds is 0
    int64_t folds, fold;
    uint64_t seed;
} mg_split_request;

typedef struct mg_split {
    uint8_t *held;                    // [rows] 1: held out
    int64_t unseen;                   // number of classes without a held-out row (with folds: without a row
                                      // in any fold)
    char unseen_label[MG_NAME_SHOWN]; // the first such class
} mg_split;

// Selects the held-out rows. Every class keeps at least one row that is not held out. Fraction: whether a row
// is held out depends only on a random number of (seed, row); if a class would lose all its rows, the one
// with its largest number is kept. Folds: see folds.h. Errors: those of mg_folds_deal; MG_MEMORY.
mg_status mg_split_rows(const mg_split_request *request, mg_split *split, mg_error *error);
void mg_split_clear(mg_split *split);

#endif
