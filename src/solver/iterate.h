// iterate.h - the point that a certified run has reached: W, its dual variables, and the run's counters.
#ifndef MG_SOLVER_ITERATE_H
#define MG_SOLVER_ITERATE_H

#include "solver/dual_rows.h"
#include "solver/weights.h"

typedef struct mg_iterate {
    mg_weights weights;  // W of scaled features: x' = scale (x - center); offset = bias value * bias
    mg_dual_rows *duals; // NULL: the loss has no dual
} mg_iterate;

// A certificate that is interrupted stays due.
typedef enum mg_due { MG_NOT_DUE, MG_DUE_AT_END, MG_DUE_AT_START, MG_DUES } mg_due; // of an epoch; of a point

// The numbers that the next step depends on. A checkpoint holds each struct as one field.
typedef struct mg_counters {
    int64_t epoch;
    int64_t snapshots;     // in the average
    int64_t round;         // rows of a round at present
    int64_t rounds;        // since the size of a round was last reviewed
    int64_t visits;        // rows visited since the last certificate
    int64_t visits_before; // rows visited until the last certificate
    int64_t newton;        // outer iterations of the present Newton phase; -1: dual ascent
    int64_t newton_before; // of earlier ones
    int64_t changed;       // 1: the last step ended with the change to the present phase
    int64_t due;           // an mg_due: the certificate that comes before the next step
    int64_t block;         // dense: rows of a block of a round at present
} mg_counters;

typedef struct mg_numbers {
    double contribution_gap;  // relative gap that the rows' contributions came to at the last certificate; it
                              // is the gap of the weights at that time, not of the incumbent
    double mean_contribution; // at the end of the last epoch; rows far below it are shrunk
    double parts;             // sum of the line search's results since the size of a round was last reviewed
    double sigma;             // penalty of the Newton phase
} mg_numbers;

// Multiplies every weight by `factor`.
void mg_iterate_scale(mg_iterate *iterate, float factor);

// Multiplies W and the dual variables of all rows by `factor`. Errors: MG_MEMORY.
mg_status mg_iterate_shrink(mg_iterate *iterate, int64_t rows, float factor, mg_error *error);

// Sets W to a vector: the values of weights.v, then the bias.
void mg_iterate_take(mg_iterate *iterate, const float *vector);

// Sets lines [from, end) of W to those of a vector in double; returns the sum of their squares.
double mg_iterate_round(mg_iterate *iterate, const double *vector, int64_t from, int64_t end);

// The same for the bias, and for the offset of a constant feature of `value`. Adds the sum of squares of
// `bias` to *square, and that of the rounded floats to *rounded.
void mg_iterate_round_bias(mg_iterate *iterate, const double *bias, double value, double *square,
                           double *rounded);

#endif
