// certificate.h - a bound of the distance to the optimum (M27), proved by the dual variables.
#ifndef MG_SOLVER_CERTIFICATE_H
#define MG_SOLVER_CERTIFICATE_H

#include "solver/incumbent.h"
#include "solver/iterate.h"

typedef struct mg_certifier mg_certifier; // the memory that certificates work with

// Errors: MG_MEMORY.
mg_status mg_certifier_create(const mg_resident *resident, mg_iterate *iterate, mg_incumbent *incumbent,
                              mg_certifier **out, mg_error *error);
void mg_certifier_destroy(mg_certifier *certifier);

typedef struct mg_certified_sums {
    double contribution; // sum of the contributions to the gap
    double gap;          // relative gap that they come to
    double value;        // mean of -l* of the dual variables
    double square;       // ||W||^2 of their weights: the dual value is value - lambda/2 square
} mg_certified_sums;

// Rebuilds W from the dual variables in double, computes both objectives, and updates the incumbent. Sets
// contribution[N] to what each row adds to the gap. `average` (NULL: none): weights that may have a lower
// objective (M30). Errors: MG_STOPPED if the options' stop says so; called again, it does the same from its
// beginning, provided that nothing has changed in between.
mg_status mg_certifier_certify(mg_certifier *certifier, mg_weights *average, float *contribution,
                               mg_certified_sums *out, mg_error *error);

#endif
