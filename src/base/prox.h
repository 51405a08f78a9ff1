// prox.h - the dual of a loss for the coefficients of one row: the allowed values and the cost. It is plain
// data that losses provide; kernels and solvers compute with it.
#ifndef MG_BASE_PROX_H
#define MG_BASE_PROX_H

#include <stdbool.h>

// (M25) The conjugate l* of a loss of K scores, as a function of the row's coefficients c: -l*(c) = sum_k
// delta_k c_k - 1/2 sum_k h_k c_k^2. (The gradient is the sum over the rows of c times the row.) The
// coefficients are in a box: c_k of a rival in [0, rival_most], c_k of the own class in [own_least, 0]; if
// `joint`, they also sum to 0. delta_k of a rival is the margin parameter. delta_k of the own class is 0 if
// `joint`, otherwise minus the margin parameter.
typedef struct mg_prox {
    bool joint;
    float rival_most;  // may be INFINITY
    float own_least;   // may be -INFINITY
    float rival_curve; // h of rivals
    float own_curve;   // h of the own class
} mg_prox;

#endif
