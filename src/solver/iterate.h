// iterate.h - the point that a certified run has reached: W, the dual variables it belongs to, and the
// counters beside them.
#ifndef MG_SOLVER_ITERATE_H
#define MG_SOLVER_ITERATE_H

#include "solver/dual_rows.h"
#include "solver/weights.h"

typedef struct mg_iterate {
    mg_weights weights;  // W of scaled features: x' = scale (x - center); offset = bias value * bias
    mg_dual_rows *duals; // NULL: the loss has no dual
} mg_iterate;

// What the next step depends on beside the arrays; a checkpoint holds each struct as one field.
typedef struct mg_counters {
    int64_t epoch;
    int64_t snapshots;     // in the average
    int64_t round;         // sparse: rows of a round now
    int64_t rounds;        // of them since their number was last looked at
    int64_t visits;        // rows visited since the last certificate
    int64_t visits_before; // and until then
    int64_t newton;        // outer iterations of the Newton phase so far; -1: not in it
} mg_counters;

typedef struct mg_numbers {
    double contribution_gap;  // what the shares of the gap added up to at the last certificate, relative: of
                              // the weights as they were, not of the best
    double mean_contribution; // at the end of the last epoch; shares far below it let a row sleep
    double parts; // sum of the line search's results over the rounds since their number was last looked at
    double sigma; // penalty of the Newton phase
} mg_numbers;

// Every weight times `factor`.
void mg_iterate_scale(mg_iterate *iterate, float factor);

// W becomes the vector: as weights.v, then the bias.
void mg_iterate_take(mg_iterate *iterate, const float *vector);

// Lines [from, end) of W become those of a vector in double; returns their square.
double mg_iterate_round(mg_iterate *iterate, const double *vector, int64_t from, int64_t end);

// The bias, and with it the offsets of a constant feature of `value`. *square grows by that of the vector,
// *rounded by that of the floats.
void mg_iterate_round_bias(mg_iterate *iterate, const double *bias, double value, double *square,
                           double *rounded);

#endif
