// iterate.h - the current point of a certified run: W, its dual variables, and the counters of the run.
#ifndef MG_SOLVER_ITERATE_H
#define MG_SOLVER_ITERATE_H

#include "solver/dual_rows.h"
#include "solver/weights.h"

typedef struct mg_iterate {
    mg_weights weights;  // W for scaled features x' = scale (x - center); offset = bias value * bias
    mg_dual_rows *duals; // NULL if the loss has no dual
} mg_iterate;

// Is a certificate due? At the end of an epoch, or at the start of a point of a path. It remains due if it is
// interrupted.
typedef enum mg_due { MG_NOT_DUE, MG_DUE_AT_END, MG_DUE_AT_START, MG_DUES } mg_due;

// Counters and numbers that the next step depends on. A checkpoint stores each struct as one field.
typedef struct mg_counters {
    int64_t epoch;
    int64_t snapshots;     // number of snapshots in the average
    int64_t round;         // present number of rows of a round
    int64_t rounds;        // rounds since the size of rounds was last reviewed
    int64_t visits;        // rows visited since the last certificate
    int64_t visits_before; // rows visited until the last certificate
    int64_t newton;        // outer iterations of the present Newton phase; -1 during dual ascent
    int64_t newton_before; // outer iterations of earlier Newton phases
    int64_t changed;       // 1 if the last step ended with a change of the solver
    int64_t due;           // an mg_due: the certificate that is made before the next step
    int64_t block;         // dense rows: present number of rows of a block
} mg_counters;

typedef struct mg_numbers {
    double contribution_gap;  // relative gap at the last certificate, as the sum of the rows' contributions.
                              // It is the gap of the weights of that time, not of the incumbent
    double mean_contribution; // mean contribution of a row at the end of the last epoch; rows far below it
                              // are shrunk
    double parts;             // sum of the fractions that line searches have kept, since the size of rounds
                              // was last reviewed
    double sigma;             // penalty of the Newton phase
} mg_numbers;

// Multiplies every weight by `factor`.
void mg_iterate_scale(mg_iterate *iterate, float factor);

// Multiplies the dual variables of all rows, and W with them, by `factor`. Errors: MG_MEMORY.
mg_status mg_iterate_shrink(mg_iterate *iterate, int64_t rows, float factor, mg_error *error);

// Copies a vector into W: first the values of weights.v, then the bias.
void mg_iterate_take(mg_iterate *iterate, const float *vector);

// Copies lines [from, end) of a vector of doubles into W, rounded to float; returns the sum of their squares.
double mg_iterate_round(mg_iterate *iterate, const double *vector, int64_t from, int64_t end);

// The same for the bias, and for the offset that follows from it and from `value`, the value of the constant
// feature. Adds the sum of squares of `bias` to *square, and that of the rounded bias to *rounded.
void mg_iterate_round_bias(mg_iterate *iterate, const double *bias, double value, double *square,
                           double *rounded);

#endif
