// prox.h - the dual of a loss in one row's coefficients: allowed values and cost. It is plain data: losses
// fill it in, kernels and solvers compute with it.
#ifndef MG_BASE_PROX_H
#define MG_BASE_PROX_H

#include <stdbool.h>

// (M25) The conjugate of a loss of K scores as a function of the row's coefficients c, whose products with
// the rows add up to the gradient: -l*(c) = sum_k delta_k c_k - 1/2 sum_k h_k c_k^2 over the box rival in [0,
// rival_most], own in [own_least, 0], with sum_k c_k = 0 if `joint`. delta_k is the margin parameter for
// rivals. For the own class delta_k is 0 if `joint`, and minus the margin parameter otherwise.
typedef struct mg_prox {
    bool joint;
    float rival_most;  // may be INFINITY
    float own_least;   // may be -INFINITY
    float rival_curve; // h of rivals
    float own_curve;   // h of the own class
} mg_prox;

#endif
