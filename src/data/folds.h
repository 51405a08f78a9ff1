// folds.h - the folds of a cross-validation: the rows of every class are spread evenly over the folds, in an
// order drawn from the seed.
#ifndef MG_DATA_FOLDS_H
#define MG_DATA_FOLDS_H

#include "data/split.h"

enum { MG_NO_FOLD = -1 };

// Assigns the rows of the request to its `folds` folds: fold[i], from 0, is the fold of row i. The sizes of
// two folds differ by at most one row, in total and in each class. Every class keeps a row outside of every
// fold: if a class has only one row, that row gets MG_NO_FOLD. Errors: MG_USAGE if fewer rows than folds can
// be assigned; MG_MEMORY.
mg_status mg_folds_deal(const mg_split_request *request, int32_t *fold, mg_error *error);

#endif
