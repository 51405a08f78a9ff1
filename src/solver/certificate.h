// certificate.h - how far the optimum is at most (M27), proved from the dual variables.
#ifndef MG_SOLVER_CERTIFICATE_H
#define MG_SOLVER_CERTIFICATE_H

#include "solver/incumbent.h"
#include "solver/iterate.h"

typedef struct mg_certifier mg_certifier; // what certificates work with; it stays from one to the next

// Errors: MG_MEMORY.
mg_status mg_certifier_create(const mg_resident *resident, mg_iterate *iterate, mg_incumbent *incumbent,
                              mg_certifier **out, mg_error *error);
void mg_certifier_destroy(mg_certifier *certifier);

// Rebuilds W from the dual variables in double, evaluates both objectives, keeps the best, and tells share[N]
// what every row adds to the gap, with their sum and the gap they come to. `average` (NULL: none): weights
// that may have a lower objective (M30).
void mg_certifier_certify(mg_certifier *certifier, mg_weights *average, float *contribution,
                          double *contribution_sum, double *contribution_gap);

#endif
