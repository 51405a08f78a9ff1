// certificate.h - computes certificates: bounds of the optimum that the dual variables prove (M27).
#ifndef MG_SOLVER_CERTIFICATE_H
#define MG_SOLVER_CERTIFICATE_H

#include "solver/incumbent.h"
#include "solver/iterate.h"

typedef struct mg_certifier mg_certifier; // working memory

// Creates a certifier. The structs that are passed must outlive it. Errors: MG_MEMORY.
mg_status mg_certifier_create(const mg_resident *resident, mg_iterate *iterate, mg_incumbent *incumbent,
                              mg_certifier **out, mg_error *error);
void mg_certifier_destroy(mg_certifier *certifier);

// Sets *out to a lower bound without rebuilding W, so it costs no pass over the rows. It is the dual value
// (M25) of the dual variables times the best factor in [0, 1], computed with the W of training. To be safe,
// it is lowered by more than rounding can have changed ||W||^2. Errors: MG_MEMORY.
mg_status mg_certificate_bound(const mg_resident *resident, const mg_iterate *iterate, double *out,
                               mg_error *error);

typedef struct mg_certified_sums {
    double contribution; // sum over the rows
    double gap;          // (sum of contributions / N) / primal value of the rebuilt weights
    double value;        // mean of -l* of the dual variables
    double square;       // ||W||^2 of the weights that belong to them: the dual value is value - lambda/2
                         // square
} mg_certified_sums;

// Makes a certificate: rebuilds W from the dual variables in double, computes both objectives, and updates
// the incumbent. Sets contribution[N] to the rows' contributions to the gap. `average`: other weights, which
// may have a lower objective (M30); NULL: none. Errors: MG_STOPPED if the options' stop asks for it. Call it
// again then; the result is the same if nothing has changed in between.
mg_status mg_certifier_certify(mg_certifier *certifier, mg_weights *average, float *contribution,
                               mg_certified_sums *out, mg_error *error);

// Sets *lower to the lower bound that the dual variables prove, and changes nothing else. Errors: MG_MEMORY;
// MG_STOPPED.
mg_status mg_certificate_lower(const mg_resident *resident, mg_iterate *iterate, double *lower,
                               mg_error *error);

#endif
