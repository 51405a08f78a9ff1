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

// Rebuilds W from the dual variables in double, computes both objectives, and updates the incumbent. Sets
// contribution[N] to what each row adds to the gap, *contribution_sum to their sum, and *contribution_gap to
// the relative gap that this sum gives. `average` (NULL: none): weights that may have a lower objective
// (M30).
void mg_certifier_certify(mg_certifier *certifier, mg_weights *average, float *contribution,
                          double *contribution_sum, double *contribution_gap);

#endif
