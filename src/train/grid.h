// grid.h - a geometric series of regularisations: from:to:factor.
#ifndef MG_TRAIN_GRID_H
#define MG_TRAIN_GRID_H

#include "base/status.h"

#include <margin/path.h>

typedef struct mg_grid {
    const char *name; // C or lambda
    const char *text; // as given
    int count;
    double value[MG_PATH_POINTS];
} mg_grid;

// Exactly one of the two is not NULL; the grid keeps that text. Errors: MG_USAGE.
mg_status mg_grid_parse(const char *C, const char *lambda, mg_grid *grid, mg_error *error);

// (M20) lambda of point i, for rows of this total weight.
double mg_grid_lambda(const mg_grid *grid, int i, double total_weight);

#endif
