// folds.h - the folds of a cross-validation: every class is spread evenly over them, by the seed.
#ifndef MG_DATA_FOLDS_H
#define MG_DATA_FOLDS_H

#include "data/labels.h"

enum { MG_NO_FOLD = -1 };

// fold[i], from 0, of each of `rows` rows of class label[i]. No two folds differ by more than one row, in
// total or of a class, and every class keeps a row outside of every fold: the row of a class of one is in
// MG_NO_FOLD. `name` is the file's, for messages. Errors: MG_USAGE when fewer rows than folds are dealt;
// MG_MEMORY.
mg_status mg_folds_deal(const char *name, const int32_t *label, int64_t rows, const mg_classes *classes,
                        int64_t folds, uint64_t seed, int32_t *fold, mg_error *error);

#endif
