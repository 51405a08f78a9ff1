// split.h - selects the held-out rows of a file: a fraction of them, or one fold of a cross-validation.
#ifndef MG_DATA_SPLIT_H
#define MG_DATA_SPLIT_H

#include "base/names.h"
#include "data/labels.h"

#include <stdbool.h>

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

// What decides about the rows of a class. All rows are counted in their order; then mg_split_keep_one.
typedef struct mg_split_tally {
    int64_t kept, held; // rows of the class that are kept; that are held out
    int64_t last;       // row of the class with the largest random number
    uint64_t draw;      // that number
    bool keeps;         // that row is kept, because the class would lose all its rows
} mg_split_tally;

// Counts a row in the tally of its class, tally[class]; class below 0: the row has no label.
void mg_split_count(double fraction, uint64_t seed, int64_t row, int32_t class, mg_split_tally *tally);
void mg_split_keep_one(mg_split_tally *tally);

// True if a row of the class is held out.
bool mg_split_holds(double fraction, uint64_t seed, int64_t row, const mg_split_tally *tally);

// Selects the held-out rows. Every class keeps at least one row that is not held out. Fraction: whether a row
// is held out depends only on a random number of (seed, row); if a class would lose all its rows, the one
// with its largest number is kept. Folds: see folds.h. Errors: those of mg_folds_deal; MG_MEMORY.
mg_status mg_split_rows(const mg_split_request *request, mg_split *split, mg_error *error);
void mg_split_clear(mg_split *split);

#endif
