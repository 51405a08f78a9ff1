// folds.h - the folds of a cross-validation: every class is spread evenly over them, by the seed.
#ifndef MG_DATA_FOLDS_H
#define MG_DATA_FOLDS_H

#include "data/labels.h"

// fold[i], from 0, of each of `rows` rows of class label[i]. No two folds differ by more than one row, in total or of a class, and
// every class keeps a row outside of every fold. `name` is the file's, for messages.
// Errors: MG_USAGE when there are fewer rows than folds; MG_DATA naming a class of a single row; MG_MEMORY.
mg_status mg_folds_deal(const char *name, const int32_t *label, int64_t rows, const mg_classes *classes, int64_t folds, uint64_t seed,
                        int32_t *fold, mg_error *error);

#endif
