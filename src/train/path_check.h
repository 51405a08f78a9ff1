// path_check.h - checks that the finished points in a restored checkpoint are those of a path. Their weights
// are not stored, except the best ones, so their values can only be compared with each other.
#ifndef MG_TRAIN_PATH_CHECK_H
#define MG_TRAIN_PATH_CHECK_H

#include "train/grid.h"
#include "train/run.h"

#include <margin/path.h>

typedef struct mg_path_restored {
    const mg_grid *grid;
    const mg_path_point *point; // [count]
    int64_t count;
    int best; // -1: none
    double tolerance;
} mg_path_restored;

// Errors: MG_DATA, those of evaluating the best weights.
mg_status mg_path_check(const mg_run *run, const mg_path_restored *path, mg_error *error);

#endif
