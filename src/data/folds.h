// folds.h - the folds of a cross-validation. The rows of every class are distributed evenly over the folds,
// in a random order that depends on the seed.
#ifndef MG_DATA_FOLDS_H
#define MG_DATA_FOLDS_H

#include "data/split.h"

enum { MG_NO_FOLD = -1 };

// Assigns rows to folds: fold[i], from 0, becomes the fold of row i. The sizes of two folds differ by at most
// one row, in total and for each class. Every class has rows outside of every fold: the only row of a class
// gets MG_NO_FOLD and is never held out. Errors: MG_USAGE if fewer rows than folds can be assigned;
// MG_MEMORY.
mg_status mg_folds_deal(const mg_split_request *request, int32_t *fold, mg_error *error);

#endif
