// grid.h - a series of regularisations: from:to:factor, or values with commas.
#ifndef MG_TRAIN_GRID_H
#define MG_TRAIN_GRID_H

#include "base/status.h"

#include <margin/path.h>

typedef struct mg_grid {
    const char *name; // C or lambda
    const char *text; // as given
    int count;
    int patience; // the path ends after so many points without a better accuracy; 0: it never does
    double value[MG_PATH_POINTS];
} mg_grid;

// Exactly one of the two is not NULL; the grid keeps that text. Errors: MG_USAGE.
mg_status mg_grid_parse(const char *C, const char *lambda, mg_grid *grid, mg_error *error);

// A grid that suits any data: mg_grid_fit sets its values of C, in ascending order, once the rows are known.
// They depend on the mean squared norm of the prepared rows without the bias, so they follow a change of
// scale.
void mg_grid_auto(mg_grid *grid);
void mg_grid_fit(mg_grid *grid, double mean_square_norm, double delta, double total_weight);

// (M20) lambda of point i, for rows of this total weight.
double mg_grid_lambda(const mg_grid *grid, int i, double total_weight);

#endif
