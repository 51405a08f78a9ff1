// grid.h - a series of values of C or lambda: from:to:factor, or values separated by commas.
#ifndef MG_TRAIN_GRID_H
#define MG_TRAIN_GRID_H

#include "base/status.h"

#include <margin/path.h>

#include <stdbool.h>

typedef struct mg_grid {
    bool holds_C;     // the values are of C, otherwise of lambda
    const char *name; // the same for messages: "C" or "lambda"
    const char *text; // the text as the user gave it
    int count;
    int patience; // a path ends after this many points without a better accuracy; 0: it goes to the end
    double value[MG_PATH_POINTS];
} mg_grid;

// Parses the one of the two texts that is not NULL. The grid keeps a pointer to the text. Errors: MG_USAGE.
mg_status mg_grid_parse(const char *C, const char *lambda, mg_grid *grid, mg_error *error);

// A grid for any data. mg_grid_fit computes its values of C, in ascending order, when the rows are known. The
// values are derived from the mean squared norm of the prepared rows (without the constant feature), so they
// adapt if the scale of the data changes.
void mg_grid_auto(mg_grid *grid);
void mg_grid_fit(mg_grid *grid, double mean_square_norm, double delta, double total_weight);

// If the best value is the largest or the smallest of several, a better one may be beyond it. This tells the
// observer so, and which values to try. observer: may be NULL. Does nothing if `best` is -1.
void mg_grid_report_end(const mg_grid *grid, int best, const mg_observer *observer);

// (M20) lambda and C of point i, for rows with this total weight.
double mg_grid_lambda(const mg_grid *grid, int i, double total_weight);
double mg_grid_C(const mg_grid *grid, int i, double total_weight);

#endif
